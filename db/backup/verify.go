package backup

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"tminus/phases"
)

// mostProblems is how many problems are told.
const mostProblems = 20

// leastShare is the least share of their size that a database's tables have as
// rows of text: below it, something is missing. Bloat and indexes take much.
const leastShare = 1.0 / 200

// smallDatabase is a size, in bytes, below which shares say nothing.
const smallDatabase = 64 << 20

// Verification is one look through a backup.
type Verification struct {
	Program  Program // pg_restore
	Location string
	Manifest Manifest
	Tables   []string // that it must hold, as the runbook calls them
	Full     func(table string) string
}

// Verified is what it found.
type Verified struct {
	Tables   int
	Rows     int64
	Bytes    int64    // of files that were read
	Problems []string // nil for a backup that can be relied on
}

// Run reads all of a backup, and says how far it is. An error means that
// nobody knows; a problem, that the backup is not what it should be.
func (v Verification) Run(ctx context.Context, progress func(phases.ActionProgress)) (Verified, error) {
	var out Verified
	contents, err := List(ctx, v.Program, v.Location)
	if err != nil {
		if ctx.Err() == nil { // a dump whose contents cannot be listed is none
			out.Problems, err = []string{err.Error()}, nil
		}
		return out, err
	}
	out.Problems = v.compare(contents)
	var read, done atomic.Int64
	count := func(n int) { read.Add(int64(n)) }
	var data []Entry
	for _, e := range contents.Entries {
		if strings.HasPrefix(e.Rest, rows) {
			data = append(data, e)
		}
	}
	over := watch(func() {
		progress(phases.ActionProgress{What: "read", Tables: int(done.Load()), Of: len(data), Bytes: read.Load()})
	})
	defer over()
	found, raw := map[int]found{}, int64(0)
	for _, e := range data {
		one, err := readRows(ctx, v.Location, e, count)
		if err != nil {
			return out, fmt.Errorf("read the backup: %w", err)
		}
		if one.fault != "" {
			out.Problems = append(out.Problems, nameOf(e)+": "+one.fault)
		}
		found[e.Number], raw = one, raw+one.raw
		out.Rows += max(0, one.rows)
		done.Add(1)
	}
	more, err := blobs(ctx, v.Location, count)
	if err != nil {
		return out, fmt.Errorf("read the backup: %w", err)
	}
	out.Problems = append(out.Problems, more...)
	out.Problems = append(out.Problems, v.held(contents, found)...)
	if m := v.Manifest; m.Bytes > smallDatabase && float64(raw) < float64(m.Bytes)*leastShare {
		out.Problems = append(out.Problems, fmt.Sprintf("its rows are %s, and the database's tables %s: see what is missing", phases.Bytes(raw), phases.Bytes(m.Bytes)))
	}
	out.Tables, out.Bytes = len(data), read.Load()
	out.Problems = out.Problems[:min(len(out.Problems), mostProblems)]
	return out, nil
}

// compare holds what the dump says of itself against what it should be.
func (v Verification) compare(c Contents) []string {
	m := v.Manifest
	var out []string
	if c.Database != m.Database {
		out = append(out, fmt.Sprintf("it is a dump of the database %q, and not of %q", phases.Clean(c.Database), m.Database))
	}
	if want := m.VersionNum / 10000; Major(c.Server) != want {
		out = append(out, fmt.Sprintf("it is a dump of a server of version %s, and not of %d", phases.Clean(c.Server), want))
	}
	return out
}

// held holds the rows that were read against those that there were.
func (v Verification) held(c Contents, read map[int]found) []string {
	var out []string
	known := map[string]Held{}
	for _, h := range v.Manifest.Held {
		known[v.Full(h.Table)] = h
	}
	for _, table := range v.Tables {
		h, ok := known[v.Full(table)]
		if !ok {
			out = append(out, table+": it was not counted when the backup was taken; take another one with this runbook")
			continue
		}
		sum, whole := int64(0), true
		for _, p := range h.Parts {
			e, ok := c.part(p)
			if !ok {
				out, whole = append(out, fmt.Sprintf("%s: the dump has no rows of %s.%s", table, p.Schema, p.Name)), false
				continue
			}
			sum, whole = sum+read[e.Number].rows, whole && read[e.Number].fault == ""
		}
		if whole && sum != h.Rows {
			out = append(out, fmt.Sprintf("%s: the dump has %s, and its snapshot had %s", table, phases.Rows(sum), phases.Digits(h.Rows)))
		}
	}
	return out
}

// nameOf is what a sentence calls an entry's table.
func nameOf(e Entry) string {
	return phases.Clean(strings.TrimPrefix(e.Rest[:strings.LastIndexByte(e.Rest, ' ')], rows))
}
