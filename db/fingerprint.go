package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/schema"
)

// fingerprint gives count and content of a table as s's transaction sees it. Rows
// have no order, so their hashes are added up: two sums of 64-bit hashes under
// different seeds, which no pair of changes cancels the way XOR would. The
// columns' names and types are part of it. Journals and backups of any age hold
// fingerprints: what this gives for a content must never change.
func (t *Target) fingerprint(ctx context.Context, s *session, r *schema.Relation, table string) (phases.Fingerprint, error) {
	out := phases.Fingerprint{Table: table}
	rows, err := s.Query(ctx, `SELECT attname::text || ' ' || format_type(atttypid, atttypmod)
		FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, r.OID)
	if err != nil {
		return out, fail(ctx, "fingerprint", table, err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return out, fail(ctx, "fingerprint", table, err)
	}
	var first, second string
	query := `SELECT count(*), coalesce(sum(hashtextextended(content, 0)), 0)::text,
		coalesce(sum(hashtextextended(content, 6148914691236517205)), 0)::text FROM ` + contents(r)
	err = t.long(ctx, s, func(ctx context.Context, l long) error { return l.scan(ctx, query, &out.Rows, &first, &second) })
	if err != nil {
		return out, fail(ctx, "fingerprint", table, err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %s %s", columns, out.Rows, first, second)
	out.Hash = hex.EncodeToString(h.Sum(nil))
	return out, nil
}

// contents is a FROM item whose column content is each row's text, made once
// however often it is used. It takes an OFFSET to keep the planner from writing
// the expression out at each place, and a quoted one, which is a constant from
// the start: with OFFSET 0 the planner would add up in one process. The alias
// with .* is the whole row whatever the columns are called.
func contents(r *schema.Relation) string {
	return `(SELECT (tminus_row.*)::text COLLATE "C" AS content FROM ` + sqlName(r) + ` AS tminus_row OFFSET '0') AS tminus_rows`
}

// Fingerprints implements engine.Capsules.
func (t *Target) Fingerprints(ctx context.Context, tables []string, progress func(string)) (out []phases.Fingerprint, err error) {
	err = t.checks.with(ctx, func(s *session) error {
		if _, err = s.Exec(ctx, oneMoment); err != nil {
			return err
		}
		defer rollback(ctx, s)
		out, err = t.fingerprints(ctx, s, tables, progress)
		return err
	})
	return out, fail(ctx, "fingerprint the tables of", t.host(), err)
}

// fingerprints reads tables as of the moment that s's transaction sees.
func (t *Target) fingerprints(ctx context.Context, s *session, tables []string, progress func(string)) ([]phases.Fingerprint, error) {
	found, err := resolveAll(ctx, s, t.book, tables)
	if err != nil {
		return nil, err
	}
	out := make([]phases.Fingerprint, len(tables))
	var mu sync.Mutex // one session at a time tells of its progress
	all, err := t.fingerprinting(ctx, s, found, tables, func(i int, f phases.Fingerprint) {
		mu.Lock()
		defer mu.Unlock()
		out[i] = f
		if progress != nil {
			progress(tables[i])
		}
	})
	if err != nil {
		return nil, err
	}
	return out, t.readAll(ctx, s, all)
}

// fingerprinting are the readings of tables' fingerprints. done is handed each
// with its place among them, by several sessions at a time.
func (t *Target) fingerprinting(ctx context.Context, s *session, found []*schema.Relation, tables []string, done func(int, phases.Fingerprint)) ([]reading, error) {
	size, err := pages(ctx, s, found)
	if err != nil {
		return nil, err
	}
	var out []reading
	for i, r := range found {
		out = append(out, reading{size[r.OID], func(ctx context.Context, s *session) error {
			f, err := t.fingerprint(ctx, s, r, tables[i])
			if err != nil {
				return err
			}
			done(i, f)
			return nil
		}})
	}
	return out, nil
}
