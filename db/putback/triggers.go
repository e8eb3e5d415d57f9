package putback

import (
	"context"
	"fmt"
	"slices"
)

// trigger is a user's, on what takes rows.
type trigger struct {
	relid             uint32
	kind, table, name string // of the relation; its name for a statement; the trigger's
	state             string // O, D, R or A
	owned             bool
}

// userTrigger picks users' triggers of pg_trigger t. Before PostgreSQL 15 a
// partition's copy of one counts as internal, as a foreign key's triggers do.
const userTrigger = `(NOT t.tgisinternal OR t.tgparentid <> 0 AND (t.tgconstraint = 0
	OR EXISTS (SELECT FROM pg_catalog.pg_constraint con WHERE con.oid = t.tgconstraint AND con.contype = 't')))`

// readTriggers reads the triggers that rows would set off, on what takes them:
// roots before their partitions.
func (w *work) readTriggers(ctx context.Context) error {
	found, err := w.triggersNow(ctx)
	w.triggers = found
	return err
}

func (w *work) triggersNow(ctx context.Context) (out []trigger, err error) {
	var t trigger
	err = each(ctx, w, `SELECT t.tgrelid::pg_catalog.oid, c.relkind::text, pg_catalog.format('%I.%I', n.nspname, c.relname), t.tgname::text, t.tgenabled::text, pg_catalog.pg_has_role(c.relowner, 'USAGE')
		FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE t.tgrelid = ANY(`+oids(w.takes)+`) AND `+userTrigger+` ORDER BY c.relispartition, n.nspname, c.relname, t.tgname`,
		[]any{&t.relid, &t.kind, &t.table, &t.name, &t.state, &t.owned}, func() error {
			out = append(out, t)
			return nil
		})
	if err != nil {
		err = fmt.Errorf("read the triggers: %w", err)
	}
	return out, err
}

// fires reports whether a trigger acts in a mode.
func (t trigger) fires(m Mode) bool {
	if m == AsReplica {
		return t.state == "A" || t.state == "R"
	}
	return t.state == "A" || t.state == "O"
}

// states are the words of ALTER TABLE for them.
var states = map[string]string{"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}

func (t trigger) set(state string) string {
	only := "ONLY "
	if t.kind == "p" { // its partitions' follow in any case
		only = ""
	}
	return "ALTER TABLE " + only + t.table + " " + states[state] + " TRIGGER " + quoted(t.name)
}

// silence switches off the triggers that would act.
func (w *work) silence(ctx context.Context) (off bool, err error) {
	for _, t := range w.triggers {
		if !t.fires(w.mode) {
			continue
		}
		if err := w.exec(ctx, t.set("D")); err != nil {
			return off, fail("switch off", t.name+" of "+t.table, err)
		}
		off = true
	}
	return off, nil
}

// unsilence brings each trigger back to its own state, and looks that all are. A
// root's takes those of its partitions along, so that these come after it, or again.
func (w *work) unsilence(ctx context.Context) error {
	for range 3 {
		now, err := w.triggersNow(ctx)
		if err != nil {
			return err
		}
		if slices.Equal(now, w.triggers) {
			return nil
		}
		for _, t := range w.triggers {
			if slices.Contains(now, t) {
				continue
			}
			if err := w.exec(ctx, t.set(t.state)); err != nil {
				return fail("bring back", t.name+" of "+t.table, err)
			}
		}
	}
	return fmt.Errorf("%w: triggers do not come back to the states that they had", ErrProof)
}

// rule is a rewrite rule on a leaf that a statement of ours would set off.
type rule struct {
	relid   uint32
	name    string
	event   string // 2 UPDATE, 3 INSERT, 4 DELETE, as in pg_rewrite.ev_type
	enabled string
}

// refuseRules refuses leaves whose rules would turn a statement of ours into
// another. COPY knows no rules.
func (w *work) refuseRules(ctx context.Context) error {
	var rules []rule
	var r rule
	err := each(ctx, w, `SELECT ev_class::pg_catalog.oid, rulename::text, ev_type::text, ev_enabled::text FROM pg_catalog.pg_rewrite
		WHERE ev_class = ANY(`+oids(w.takes)+`) AND ev_type IN ('2', '3', '4') AND ev_enabled <> 'D'`,
		[]any{&r.relid, &r.name, &r.event, &r.enabled}, func() error {
			rules = append(rules, r)
			return nil
		})
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	for _, l := range w.leaves {
		e := l.expected
		for _, r := range rules {
			acts := r.relid == l.oid && (w.mode == AsReplica && r.enabled != "O" || w.mode != AsReplica && r.enabled != "R")
			if acts && (r.event == "2" && e.updated > 0 || r.event == "3" && e.inserted > 0 && !l.plan.Straight || r.event == "4" && e.deleted > 0) {
				w.refuse(l, "its rule %s would turn what is written into something else: disable it for the time", clean(r.name))
			}
		}
	}
	return nil
}

// refuseTriggers refuses leaves with triggers that would act and cannot be switched off.
func (w *work) refuseTriggers() {
	for _, t := range w.triggers {
		if t.owned || !t.fires(w.mode) {
			continue
		}
		for _, l := range w.leaves {
			if slices.Contains(l.tree, t.relid) {
				w.refuse(l, "its trigger %s would act, and this role may not switch it off: connect as the table's owner, or as a superuser", clean(t.name))
				break
			}
		}
	}
}
