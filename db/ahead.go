package db

import (
	"context"
	"slices"
	"strings"

	"tminus/db/catalog"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/lint"
	"tminus/phases/schema"
)

// ahead deletes, before a step's own rows, those that refer to them by the keys that
// the survey found: by ranges, as the step's own, instead of by a query of the key's
// for each row. Where that is not proven any more to end alike, the key takes them.
func (x *tx) ahead(ctx context.Context, at int, d *deletion) error {
	if err := x.provesAhead(ctx); err != nil {
		return err
	}
	for _, k := range x.first[at] {
		child := &deletion{x: x, where: refers(k), stable: true, read: d.read}
		child.progress = func(p engine.Progress) {
			own := d.state
			own.Touched = p.Touched
			d.progress(own)
		}
		if err := deleteByRanges(ctx, child, x.cat.Schema.Relation(k.From)); err != nil {
			return err
		}
		d.read = child.read
	}
	return nil
}

// provesAhead looks, once between two statements of the runbook's, at what the survey
// saw: it may have changed since, and
// triggers are on or off by now. The tables are locked against that first, and
// against nothing that writes rows.
func (x *tx) provesAhead(ctx context.Context) error {
	if x.first != nil || x.spec.Ways == nil || len(x.spec.Ways.Ahead) == 0 {
		return nil
	}
	x.first = map[int][]*schema.Key{}
	_, phase := x.t.book.Phase(phaseID(x.spec))
	if phase < 0 {
		return nil
	}
	if err := x.takeSurroundings(ctx); err != nil {
		return err
	}
	if act, err := x.keysAct(ctx); err != nil || !act {
		return err
	}
	var names []string
	for _, a := range x.spec.Ways.Ahead {
		r := x.cat.Find(a.Table)
		if r == nil {
			return nil
		}
		var may bool
		if err := x.s.QueryRow(ctx, `SELECT has_table_privilege($1::oid, 'DELETE')`, r.OID).Scan(&may); err != nil || !may {
			return err // a right that was lost since is no reason to fail: the keys do it as the owner
		}
		if name := sqlName(r); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if _, err := x.s.Exec(ctx, `LOCK TABLE ONLY `+strings.Join(names, ", ONLY ")+` IN ROW EXCLUSIVE MODE`); err != nil {
		return err
	}
	snapshot, err := catalog.ReadAgain(ctx, x.s)
	if err != nil {
		return err
	}
	v := lint.New(x.t.book, snapshot)
	for i := range x.spec.Phase.Steps {
		planned := x.spec.Ways.AheadOf(i)
		if planned == nil {
			continue
		}
		for _, k := range v.Ahead(phase, i, nil) {
			if !slices.Contains(planned, phases.Ahead{Step: i, Table: v.Plain(snapshot.Relation(k.From)), Constraint: k.Name}) {
				continue
			}
			if x.cat.Schema.Relation(k.From) != nil {
				x.first[i] = append(x.first[i], k)
			}
		}
	}
	return nil
}

// keysAct reports whether foreign keys act in this session: they do not where the
// runbook has switched them off for a while.
func (x *tx) keysAct(ctx context.Context) (act bool, err error) {
	err = x.s.QueryRow(ctx, `SELECT current_setting('session_replication_role') = 'origin'`).Scan(&act)
	return act, err
}
