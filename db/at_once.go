package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"tminus/phases/schema"
)

const (
	// worthPages is from which size on a table is worth a session of its own: a
	// smaller one is read before the session is open.
	worthPages = 1_000
	// elbowRoom is how many sessions are left to others of what each limit has.
	elbowRoom = 5
	// oneMoment opens a transaction that sees one.
	oneMoment = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
)

// reading is a part of what is read as of one moment. It may run on any of the
// sessions that see that moment, beside others.
type reading struct {
	pages int64 // the table's, or tables'; 0 where nobody knows
	read  func(ctx context.Context, s *session) error
}

// readAll runs all readings as of the moment that lead's transaction sees, the
// largest first, on as many sessions as they are worth and the server has room
// for. The first that fails ends all others.
func (t *Target) readAll(ctx context.Context, lead *session, all []reading) error {
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(b.pages, a.pages) })
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var once sync.Once
	var failed error
	take := func(s *session) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(all) || work.Err() != nil {
				return
			}
			if err := all[i].read(work, s); err != nil {
				once.Do(func() {
					failed = err
					stop(err)
				})
				return
			}
		}
	}
	var others sync.WaitGroup
	if n := t.helpers(ctx, all); n > 0 {
		var snapshot string
		if err := lead.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&snapshot); err != nil {
			return err
		}
		for range n {
			others.Go(func() { t.help(work, snapshot, take) }) // ends with the readings, or with work
		}
	}
	take(lead)
	others.Wait()
	if failed == nil && ctx.Err() != nil { // a reading was left out
		return context.Cause(ctx)
	}
	return failed
}

// help reads on a session of its own. One that is refused, or cannot take the
// snapshot, is no failure: the others read all there is, and take longer.
func (t *Target) help(ctx context.Context, snapshot string, take func(*session)) {
	s, err := t.open(ctx)
	if err != nil {
		return
	}
	defer t.part(s)
	defer rollback(ctx, s)
	if _, err := s.Exec(ctx, oneMoment); err != nil {
		return
	}
	if _, err := s.Exec(ctx, `SET TRANSACTION SNAPSHOT '`+strings.ReplaceAll(snapshot, "'", "''")+`'`); err != nil {
		return
	}
	take(s)
}

// helpers are how many sessions read beside the lead: never one that the run
// needs later, or that takes the last of a role's, a database's or the server's.
func (t *Target) helpers(ctx context.Context, all []reading) int {
	large := 0
	for _, r := range all {
		if r.pages >= worthPages {
			large++
		}
	}
	n := min(t.book.CountingSessions(), large) - 1
	if n <= 0 {
		return 0
	}
	limits, err := t.limits(ctx)
	if err != nil {
		return 0
	}
	for _, l := range limits {
		if l.most >= 0 {
			n = min(n, l.most-l.others-t.widest()-elbowRoom)
		}
	}
	return max(n, 0)
}

// pages are how large tables are, as the planner knows: it is asked without a
// lock, so that a table that somebody else has locked is not waited for here.
func pages(ctx context.Context, s *session, of []*schema.Relation) (map[uint32]int64, error) {
	var oids []uint32
	for _, r := range of {
		oids = append(oids, r.OID)
	}
	rows, err := s.Query(ctx, `SELECT c.oid, greatest(c.relpages + coalesce(toast.relpages, 0), coalesce((SELECT sum(part.relpages)
			FROM pg_partition_tree(c.oid) p JOIN pg_class part ON part.oid = p.relid), 0))::bigint
		FROM pg_class c LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid WHERE c.oid = ANY($1::oid[])`, oids)
	if err != nil {
		return nil, fmt.Errorf("look up the sizes of tables: %w", err)
	}
	out := map[uint32]int64{}
	var oid uint32
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &n}, func() error {
		out[oid] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up the sizes of tables: %w", err)
	}
	return out, nil
}
