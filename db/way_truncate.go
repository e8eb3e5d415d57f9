package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/catalog"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/phases/step"
)

// swept is what one TRUNCATE took in the place of delete steps.
type swept struct {
	to   int              // the first step that it does not stand for
	rows map[uint32]int64 // by the steps' tables, those that no step has told of yet
	why  string           // what stood against it, and it took nothing; empty: it did
}

// noSweep is the way out where a runbook insists.
const noSweep = "put that right, or write `way: auto` or `way: delete` into the step"

// onlySwept is for what a sweep should have taken: sweep has refused it before.
func onlySwept(context.Context, *deletion, *schema.Relation) error {
	return errors.New("it is not proven that a TRUNCATE ends as a DELETE would")
}

// sweep runs one TRUNCATE for delete steps in a row, or finds what stands against
// it: then it says so, and nothing has been done but what the deletes would do as
// well. gone is whether the step's rows are.
func (x *tx) sweep(ctx context.Context, at int, do runbook.Step, r *schema.Relation, progress func(engine.Progress)) (did phases.Statement, gone bool, err error) {
	told := func() phases.Statement {
		n := x.swept.rows[r.OID]
		delete(x.swept.rows, r.OID)
		return phases.Statement{Command: step.Truncated, Rows: n}
	}
	fresh := at >= x.swept.to
	if fresh {
		x.swept = swept{to: at + 1, why: "the survey has not looked at it"}
		if plan := x.spec.Ways.Sweep(at); plan != nil {
			x.swept = swept{to: plan.Step + plan.Steps, rows: map[uint32]int64{}}
			if x.swept.why, err = x.trySweep(ctx, plan, progress); err != nil {
				return did, false, err
			}
		}
	}
	switch way, _ := step.FindWay(do.Way); {
	case x.swept.why == "":
		return told(), true, nil
	case way.Proves:
		return did, false, failf("truncate", do.Delete, noSweep, errors.New("it is not proven to end as deletes would: "+x.swept.why))
	case fresh:
		progress(engine.Progress{Chosen: &phases.WayChosen{Way: "DELETE", Why: clean(x.swept.why)}})
	}
	return did, false, nil
}

// trySweep proves, under the locks, and truncates. why is what stands against it.
func (x *tx) trySweep(ctx context.Context, plan *phases.Sweep, progress func(engine.Progress)) (why string, err error) {
	if plan.Why != "" {
		return plan.Why, nil
	}
	if plan.Apart {
		if why, err := x.alone(ctx); why != "" || err != nil {
			return why, err
		}
	}
	if err := x.takeSurroundings(ctx); err != nil { // all of it is the program's own
		return "", err
	}
	s := &sweeping{x: x, plan: plan, rows: x.swept.rows, doing: func(what string) { progress(engine.Progress{Doing: clean(what)}) }}
	for _, prove := range []func(context.Context) (string, error){s.read, s.count, s.unused, s.keysAsTheyWere, s.keep, s.truncate} {
		if why, err := prove(ctx); why != "" || err != nil {
			return why, err
		}
	}
	var names []string
	for _, t := range s.sweep.Tables {
		names = append(names, x.cat.Name(t.OID))
	}
	progress(engine.Progress{Chosen: &phases.WayChosen{Way: "TRUNCATE", With: names}})
	x.blocks = nil
	return "", nil
}

// alone looks whether anybody else is connected. What cannot be seen may be there.
func (x *tx) alone(ctx context.Context) (why string, err error) {
	err = x.t.control.with(ctx, func(s *session) error {
		sessions, err := x.t.sessions(ctx, s, `true`)
		n, who := byName(sessions)
		switch {
		case errors.Is(err, ErrMasked):
			why = describe(err)
			return nil
		case n > 0:
			why = among(n, "other session", who) + " may read these tables"
		}
		return err
	})
	return why, err
}

// sweeping is a TRUNCATE in the place of deletes, under way.
type sweeping struct {
	x     *tx
	plan  *phases.Sweep
	sweep *lint.Sweep
	rows  map[uint32]int64 // by table
	taken []takenKey
	doing func(what string) // tells what is asked for
}

// read looks at the catalog anew: what the survey saw may have changed since, and
// triggers are on or off by now. No more than the survey foresaw is done.
func (s *sweeping) read(ctx context.Context) (why string, err error) {
	x := s.x
	if act, err := x.keysAct(ctx); err != nil || !act {
		return "session_replication_role keeps foreign keys from acting", err
	}
	snapshot, err := catalog.ReadAgain(ctx, x.s)
	if err != nil {
		return "", err
	}
	v := lint.New(x.t.book, snapshot)
	_, phase := x.t.book.Phase(phaseID(x.spec))
	if phase < 0 {
		return "the runbook has no such phase", nil
	}
	if s.sweep, why = v.Sweep(phase, s.plan.Step, s.plan.Step+s.plan.Steps, nil); why != "" {
		return why, nil
	}
	for _, t := range s.sweep.Tables {
		if name := v.Plain(t.Relation); t.By != nil && !slices.Contains(s.plan.Also, name) {
			return name + " would go with them, which the survey did not see", nil
		}
	}
	for _, k := range s.sweep.Keys {
		key := phases.SweepKey{Table: v.Plain(snapshot.Relation(k.From)), Constraint: k.Name, Sets: k.Sets}
		if !slices.Contains(s.plan.Keys, key) {
			return fmt.Sprintf("foreign key %s of %s refers to them, which the survey did not see", k.Name, key.Table), nil
		}
		s.taken = append(s.taken, takenKey{SweptKey: k, table: sqlName(snapshot.Relation(k.From)), called: key.Table})
	}
	return "", nil
}

// count counts the rows of each table, and those that would stay: a key that
// cascades takes none that refers to nothing.
func (s *sweeping) count(ctx context.Context) (why string, err error) {
	err = s.x.t.long(ctx, s.x.s, func(ctx context.Context, l long) error {
		for _, t := range s.sweep.Tables {
			stays := "false"
			if t.By != nil {
				var by []string
				for _, k := range t.By {
					by = append(by, refers(k))
				}
				stays = "NOT (" + strings.Join(by, " OR ") + ")"
			}
			s.doing("count " + s.x.cat.Name(t.OID))
			var rows, loose int64
			if err := l.scan(ctx, `SELECT count(*), count(*) FILTER (WHERE `+stays+`) FROM `+sqlName(t.Relation), &rows, &loose); err != nil {
				return err
			}
			if loose > 0 {
				why = fmt.Sprintf("%s of %s would stay: nothing that goes is referred to by them", count(int(loose), "row"), s.x.cat.Name(t.OID))
				return nil
			}
			s.rows[t.OID] = rows
		}
		return nil
	})
	return why, err
}

// refers is the condition that a row refers by a key.
func refers(k *schema.Key) string {
	var parts []string
	for _, c := range k.Referring {
		parts = append(parts, pgx.Identifier{c}.Sanitize()+" IS NOT NULL")
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// unused makes sure that no row refers by the keys that would refuse the deletes,
// or do what is not done here.
func (s *sweeping) unused(ctx context.Context) (why string, err error) {
	keys := slices.Clone(s.sweep.Unused)
	for _, k := range s.sweep.Keys {
		if !k.Sets {
			keys = append(keys, k.Key)
		}
	}
	err = s.x.t.long(ctx, s.x.s, func(ctx context.Context, l long) error {
		for _, k := range keys {
			r := s.x.cat.Schema.Relation(k.From)
			if r == nil {
				return errMissing
			}
			only := "ONLY "
			if r.Kind == schema.Partitioned {
				only = ""
			}
			var used bool
			if err := l.scan(ctx, `SELECT EXISTS (SELECT FROM `+only+sqlName(r)+` WHERE `+refers(k)+`)`, &used); err != nil {
				return err
			}
			if used {
				why = fmt.Sprintf("rows of %s refer by %s, ON DELETE %s", s.x.cat.Name(r.OID), k.Name, k.Action)
				return nil
			}
		}
		return nil
	})
	return why, err
}

// keep writes into the capsule what nobody can read any more afterwards: all rows
// that go, and what was done to the tables whose keys are taken out. Their references
// are taken away here, all of them before any is written.
func (s *sweeping) keep(ctx context.Context) (why string, err error) {
	x := s.x
	var stay []uint32
	for _, k := range s.taken {
		stay = append(stay, k.From)
		if !k.Sets {
			continue
		}
		s.doing("take the references of " + k.called + " away")
		if err := x.setNull(ctx, k); err != nil {
			return "", err
		}
	}
	if x.k == nil {
		return "", nil
	}
	if err := x.k.writeAhead(ctx, stay); err != nil {
		return "", err
	}
	var names []string
	for _, t := range s.sweep.Tables {
		names = append(names, x.t.book.TableName(t.Schema, t.Name))
	}
	s.doing("write out what goes")
	if err := x.k.beforeTruncate(ctx, names); err != nil {
		return "", err
	}
	return s.kept(ctx)
}

// kept holds what was written out against what was counted.
func (s *sweeping) kept(ctx context.Context) (why string, err error) {
	counts, err := s.x.readCounted(ctx)
	if err != nil {
		return "", err
	}
	for _, t := range s.sweep.Tables {
		var wrote, since int64
		for _, part := range s.x.cat.Schema.Tree(s.x.cat.Schema.Relation(t.OID)) {
			if had := s.x.k.early.tables[part.OID]; had != nil {
				wrote += had.gone()
			}
			for _, n := range counts {
				if n.oid == part.OID {
					since += n.Inserted - n.Deleted
				}
			}
		}
		if wrote+since != s.rows[t.OID] {
			return "", failf("keep the rows of", s.x.cat.Name(t.OID), noKeep, fmt.Errorf("%d rows were written out, and it has %d", wrote, s.rows[t.OID]))
		}
	}
	return "", nil
}

// lock locks all of it against everybody. Where that is not to be had, the rows can
// still be deleted.
func (s *sweeping) lock(ctx context.Context) (why string, err error) {
	var tables, called []string
	for _, t := range s.sweep.Tables {
		tables, called = append(tables, sqlName(t.Relation)), append(called, s.x.cat.Name(t.OID))
	}
	for _, k := range s.taken {
		if !slices.Contains(tables, k.table) {
			tables, called = append(tables, k.table), append(called, k.called)
		}
	}
	s.doing("lock what goes against everybody")
	if err := s.x.t.lockTables(ctx, s.x.s, againstAll, tables, called, s.x.spec.LockDeadline, nil); err != nil {
		if ctx.Err() != nil || s.x.s.IsClosed() {
			return "", err
		}
		return describe(err), nil
	}
	// Rows that others hold are waited for as long as before.
	_, err = s.x.s.Exec(ctx, `SELECT set_config('lock_timeout', $1, true)`, milliseconds(s.x.spec.LockDeadline))
	return "", err
}

// truncate locks and does it, or finds what the server has against that: then all of
// it is undone, and the rows can still be deleted. What the server does not count of it
// is written down.
func (s *sweeping) truncate(ctx context.Context) (why string, err error) {
	before, err := s.x.readCounted(ctx)
	if err != nil {
		return "", err
	}
	if _, err := s.x.s.Exec(ctx, `SAVEPOINT tminus_truncate`); err != nil {
		return "", err
	}
	if why, err = s.lock(ctx); why == "" && err == nil {
		err = s.empty(ctx)
	}
	after := `RELEASE SAVEPOINT tminus_truncate`
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == inUse && ctx.Err() == nil {
		why, err, after = describe(err), nil, `ROLLBACK TO SAVEPOINT tminus_truncate; `+after
	}
	if err != nil {
		return "", err
	}
	if _, err := s.x.s.Exec(ctx, after); why != "" || err != nil {
		return why, err
	}
	return "", s.counts(ctx, before)
}

// inUse is what the server says of a table with deferred triggers that have still to
// fire: what a constraint found may be gone by then.
const inUse = "55006"

// empty truncates, with the keys of other tables out of the way.
func (s *sweeping) empty(ctx context.Context) error {
	if err := s.takeKeysOut(ctx); err != nil {
		return err
	}
	var names []string
	for _, t := range s.sweep.Tables {
		names = append(names, sqlName(t.Relation))
	}
	err := s.x.t.long(ctx, s.x.s, func(ctx context.Context, l long) error {
		_, err := l.one(ctx, "TRUNCATE TABLE "+strings.Join(names, ", ")+" CONTINUE IDENTITY RESTRICT")
		return err
	})
	if err != nil {
		return err
	}
	return s.putKeysBack(ctx)
}

// counts writes down what the server does not count of a TRUNCATE: the rows that it
// took, and what was done to its tables before.
func (s *sweeping) counts(ctx context.Context, before []counted) error {
	s.x.again = append(s.x.again, s.taken...)
	after, err := s.x.readCounted(ctx)
	if err != nil {
		return err
	}
	// The server forgets what it had counted of a table that is truncated.
	for _, b := range before {
		i := slices.IndexFunc(after, func(a counted) bool { return a.oid == b.oid })
		if lost := b; i >= 0 {
			lost.Touched = phases.Touched{Inserted: b.Inserted - after[i].Inserted, Updated: b.Updated - after[i].Updated, Deleted: b.Deleted - after[i].Deleted}
			b = lost
		}
		if !b.catalog && b.Touched != (phases.Touched{}) {
			s.x.taken = append(s.x.taken, b)
		}
	}
	for _, t := range s.sweep.Tables {
		if n := s.rows[t.OID]; n > 0 {
			s.x.taken = append(s.x.taken, counted{oid: t.OID, schema: t.Schema, name: t.Name, Touched: phases.Touched{Deleted: n}})
		}
	}
	return nil
}
