package backup

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Contents is what a dump says it holds, as pg_restore lists it.
type Contents struct {
	Database string // that it is of
	Server   string // version of the server that it is of: "15.14 (Debian …)"
	Entries  []Entry
}

// Entry is one thing in a dump.
type Entry struct {
	Number int    // names its file
	OID    uint32 // of a table's rows: the table's
	Rest   string // kind, schema, name and owner, a space between each
}

// rows is the kind of an entry that has a table's rows.
const rows = "TABLE DATA "

var (
	entryLine  = regexp.MustCompile(`^([0-9]+); [0-9]+ ([0-9]+) (.*)$`)
	headerLine = regexp.MustCompile(`^; +(dbname|Dumped from database version): (.*)$`)
)

// List reads what the dump of a backup says it holds. A dump whose table of
// contents is cut off is an error.
func List(ctx context.Context, p Program, location string) (Contents, error) {
	var out Contents
	var odd error
	each := func(line string) {
		if m := headerLine.FindStringSubmatch(line); m != nil {
			if m[1] == "dbname" {
				out.Database = m[2]
			} else {
				out.Server = m[2]
			}
			return
		}
		m := entryLine.FindStringSubmatch(line)
		if m == nil {
			return
		}
		number, err := strconv.Atoi(m[1])
		oid, err2 := strconv.ParseUint(m[2], 10, 32)
		odd = errors.Join(odd, err, err2)
		out.Entries = append(out.Entries, Entry{Number: number, OID: uint32(oid), Rest: m[3]})
	}
	if err := run(ctx, "pg_restore", []string{p.Path, "--list", dumpOf(location)}, []string{"LC_ALL=C"}, each); err != nil {
		return out, fmt.Errorf("list the backup's contents: %w", err)
	}
	if odd != nil || len(out.Entries) == 0 {
		return out, errors.New("list the backup's contents: pg_restore says nothing that can be read; take another backup")
	}
	return out, nil
}

// part finds the entry with the rows of a table.
func (c Contents) part(p Part) (Entry, bool) {
	for _, e := range c.Entries {
		if e.OID == p.OID && strings.HasPrefix(e.Rest, rows+p.Schema+" "+p.Name+" ") {
			return e, true
		}
	}
	return Entry{}, false
}
