package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

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

// Fingerprints implements engine.Capsules.
func (t *Target) Fingerprints(ctx context.Context, tables []string, progress func(string)) ([]phases.Fingerprint, error) {
	var out []phases.Fingerprint
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		found, err := resolveAll(ctx, s, t.book, tables)
		if err != nil {
			return err
		}
		for i, table := range tables {
			if progress != nil {
				progress(table)
			}
			f, err := t.fingerprint(ctx, s, found[i], table)
			if err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	})
	return out, fail(ctx, "fingerprint the tables of", t.host(), err)
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
		var err error
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
		out.Counts, err = t.baselineCounts(ctx, s, counted, out.Protected, progress)
		return err
	})
	return out, fail(ctx, "take the baseline of", t.host(), err)
}

// baselineCounts counts what the phases will take. What is known by a fingerprint
// is not counted again.
func (t *Target) baselineCounts(ctx context.Context, s *session, of []phases.Counted, known []phases.Fingerprint, progress func(phases.TableCount)) ([]phases.TableCount, error) {
	var out []phases.TableCount
	var ask []counting
	var asked []int // which of out they are
	var names []string
	for _, c := range of {
		names = append(names, c.Table)
	}
	found, err := resolveAll(ctx, s, t.book, names)
	if err != nil {
		return nil, err
	}
	for i, c := range of {
		out = append(out, phases.TableCount{Table: c.Table, Where: c.Where})
		if j := slices.IndexFunc(known, func(f phases.Fingerprint) bool { return f.Table == c.Table }); j >= 0 && c.Where == "" {
			out[i].Rows = known[j].Rows
			progress(out[i])
			continue
		}
		ask, asked = append(ask, counting{found[i], c.Where, c.Table}), append(asked, i)
	}
	// A condition means what it means in the phase.
	if err := setSearchPath(ctx, s, s.searchPath(t.book)); err != nil {
		return nil, err
	}
	err = t.countAll(ctx, s, ask, func(rows int64) {
		out[asked[0]].Rows = rows
		progress(out[asked[0]])
		asked = asked[1:]
	})
	if err != nil {
		return nil, err
	}
	return out, setSearchPath(ctx, s, basePath)
}
