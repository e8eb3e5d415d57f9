package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/schema"
)

// fingerprint gives count and content of a table as s's transaction sees it. Rows have no order, so their hashes are added up: two sums of 64-bit
// hashes under different seeds, which no pair of changes cancels the way XOR
// would. The columns' names and types are part of it.
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
	// The alias with .* is the whole row whatever the columns are called.
	query := `SELECT count(*),
			coalesce(sum(hashtextextended((tminus_row.*)::text COLLATE "C", 0)::numeric), 0)::text,
			coalesce(sum(hashtextextended((tminus_row.*)::text COLLATE "C", 6148914691236517205)::numeric), 0)::text
		FROM ` + sqlName(r) + ` AS tminus_row`
	err = t.long(ctx, s, func(ctx context.Context, l long) error { return l.scan(ctx, query, &out.Rows, &first, &second) })
	if err != nil {
		return out, fail(ctx, "fingerprint", table, err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %s %s", columns, out.Rows, first, second)
	out.Hash = hex.EncodeToString(h.Sum(nil))
	return out, nil
}

func (t *Target) countRows(ctx context.Context, s *session, r *schema.Relation, where string) (int64, error) {
	sql := `SELECT count(*) FROM ` + sqlName(r)
	if where != "" {
		sql += "\nWHERE (" + where + "\n)"
	}
	var n int64
	err := t.long(ctx, s, func(ctx context.Context, l long) error {
		result, err := l.one(ctx, sql)
		if err != nil {
			return err
		}
		n, err = strconv.ParseInt(string(result.Rows[0][0]), 10, 64)
		return err
	})
	return n, err
}

// Baseline counts and fingerprints on a session of its own, all as of one moment.
func (t *Target) Baseline(ctx context.Context, counted []phases.Counted, protect []string, progress func(phases.TableCount)) (phases.Baseline, error) {
	var out phases.Baseline
	if progress == nil {
		progress = func(phases.TableCount) {}
	}
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		for _, table := range protect {
			r, err := resolve(ctx, s, t.book, table)
			if err != nil {
				return err
			}
			f, err := t.fingerprint(ctx, s, r, table)
			if err != nil {
				return err
			}
			out.Protected = append(out.Protected, f)
			progress(phases.TableCount{Table: table, Rows: f.Rows})
		}
		for _, c := range counted {
			n, err := t.baselineCount(ctx, s, c, out.Protected)
			if err != nil {
				return err
			}
			found := phases.TableCount{Table: c.Table, Where: c.Where, Rows: n}
			out.Counts = append(out.Counts, found)
			progress(found)
		}
		return nil
	})
	return out, fail(ctx, "take the baseline of", t.host(), err)
}

func (t *Target) baselineCount(ctx context.Context, s *session, c phases.Counted, known []phases.Fingerprint) (int64, error) {
	if i := slices.IndexFunc(known, func(f phases.Fingerprint) bool { return f.Table == c.Table }); i >= 0 && c.Where == "" {
		return known[i].Rows, nil
	}
	r, err := resolve(ctx, s, t.book, c.Table)
	if err != nil {
		return 0, err
	}
	if c.Where == "" {
		n, err := t.countRows(ctx, s, r, "")
		return n, fail(ctx, "count", c.Table, err)
	}
	// A condition means what it means in the phase.
	if err := setSearchPath(ctx, s, s.searchPath(t.book)); err != nil {
		return 0, fail(ctx, "count", c.Table, err)
	}
	n, err := t.countRows(ctx, s, r, c.Where)
	if err == nil {
		err = setSearchPath(ctx, s, basePath)
	}
	return n, fail(ctx, "count", c.Table, err)
}
