package db

import (
	"context"
	"fmt"
	"slices"

	"tminus/phases"
)

// warnings say what an operator should know before the window, most dangerous first.
func (t *Target) warnings(ctx context.Context, s *session, c *catalog, reached reach, triggers []trigger) ([]string, error) {
	out := warnProtected(reached.edges)
	out = append(out, t.warnChecked(c, reached)...)
	out = append(out, t.warnSlow(c, reached)...)
	out = append(out, t.warnTriggers(c, reached, triggers)...)
	server, err := t.warnServer(ctx, s)
	return append(out, server...), err
}

func warnProtected(edges []phases.Reach) []string {
	var out []string
	for _, e := range edges {
		if !e.Protected {
			continue
		}
		what := "changes rows of"
		if e.Action == phases.ReachCascade {
			what = "deletes rows of"
		}
		out = append(out, fmt.Sprintf("deleting from %s %s the protected table %s (%s, ON DELETE %s): unless no row refers to it, the phase will not offer COMMIT",
			e.From, what, e.Table, e.Constraint, e.Action))
	}
	return out
}

// warnChecked names keys that refuse a delete while rows still refer to it.
func (t *Target) warnChecked(c *catalog, reached reach) []string {
	place := map[string]int{} // when a table's rows are gone
	for i, d := range deletedTables(t.book) {
		place[c.name(c.find(d).oid)] = i
	}
	var out []string
	for _, k := range reached.checked {
		parent, child := c.name(k.to), c.name(k.from)
		at, named := place[child]
		by, deleted := place[parent]
		if parent == child || (named && deleted && at < by) || (!named && reached.emptied[k.from]) {
			continue
		}
		w := fmt.Sprintf("deleting from %s fails while rows of %s refer to it (%s)", parent, child, clean(k.name))
		if named && deleted {
			w += fmt.Sprintf(": %s comes later in the runbook", child)
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// warnSlow names keys without a usable index: each deleted row scans the table.
func (t *Target) warnSlow(c *catalog, reached reach) []string {
	var out []string
	for _, k := range reached.slow {
		child := c.byOID[k.from]
		if child.rows == 0 {
			continue
		}
		size := "never analyzed"
		if child.rows > 0 {
			size = fmt.Sprintf("about %.0f rows", child.rows)
		}
		w := fmt.Sprintf("no usable index on %s for the foreign key %s: each row deleted from %s scans it (%s)",
			c.plainName(child), clean(k.name), c.name(k.to), size)
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// warnTriggers names the triggers that will fire and that no action disables.
func (t *Target) warnTriggers(c *catalog, reached reach, triggers []trigger) []string {
	disabled := t.triggerNames()
	var out []string
	for _, tr := range triggers {
		r := c.byOID[tr.relation]
		if r == nil || tr.parent != 0 || tr.Enabled == "D" || tr.Enabled == "R" || slices.Contains(disabled, tr.Name) {
			continue
		}
		switch {
		case reached.emptied[r.oid] && tr.kind&onDelete != 0:
			out = append(out, fmt.Sprintf("trigger %s on %s fires when rows are deleted", clean(tr.Name), c.plainName(r)))
		case reached.modified[r.oid] && tr.kind&onUpdate != 0:
			out = append(out, fmt.Sprintf("trigger %s on %s fires when a foreign key is set to null or default", clean(tr.Name), c.plainName(r)))
		}
	}
	return out
}

// warnServer says what this server or role cannot do.
func (t *Target) warnServer(ctx context.Context, s *session) ([]string, error) {
	var out []string
	if t.version < tidRangeVersion {
		out = append(out, "the server is older than PostgreSQL 14: deletes show rows and time, but no share done")
	}
	var sees, recovering, fsync, readOnly bool
	err := s.QueryRow(ctx, `SELECT pg_has_role('pg_read_all_stats', 'USAGE') OR current_setting('is_superuser')::bool,
		pg_is_in_recovery(), current_setting('fsync')::bool, current_setting('default_transaction_read_only')::bool`).
		Scan(&sees, &recovering, &fsync, &readOnly)
	if err != nil {
		return nil, err
	}
	if !sees {
		out = append(out, "the role may not see what other users do: grant pg_read_all_stats, or checks of their connections and transactions cannot pass")
	}
	if recovering {
		out = append(out, "the server is in recovery: nothing can be written here")
	}
	if readOnly {
		out = append(out, "transactions are read-only by default for this role, database or server: no phase can begin")
	}
	if !fsync {
		out = append(out, "the server runs with fsync off: a crash of its host can lose what was committed")
	}
	return out, nil
}
