package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tminus/phases/engine"
	"tminus/phases/journal"
)

const (
	kindIndex     = "an index made before the gate: connection cut at a statement of its own"
	kindIndexKill = "an index made before the gate: program killed (-9) at a statement or a record of its own"
)

// indexBook makes the index before the gate that a key of the second phase lacks.
func indexBook(way string) variant {
	all := variants()
	v := all[slices.IndexFunc(all, func(v variant) bool { return v.name == "an index for the phase" })]
	v.name, v.source = "indexes: "+way, strings.Replace(book, "title: fault", "title: fault\nindexes: "+way, 1)
	return v
}

// indexStatements are those of making, dropping and keeping, and of looking at how
// it stands, each with the way in which it is sent.
var indexStatements = []struct{ way, sql string }{
	{"before", "SELECT format('ON %I"},
	{"before", "SELECT pid FROM pg_stat_activity WHERE datname"},
	{"before", "SELECT coalesce(pg_get_indexdef"},
	{"before", "CREATE INDEX CONCURRENTLY"},
	{"before", "DROP INDEX CONCURRENTLY"},
	{"keep", "ALTER INDEX"},
}

// indexFaults break a run at each statement and each record of an index that is made
// before the gate: whatever comes of the run, none is left that is not to be.
func (h *harness) indexFaults() []fault {
	var out []fault
	for _, s := range indexStatements {
		v := indexBook(s.way)
		for _, at := range []message{{side: client, kind: 'P'}, {side: client, kind: 'S'}, {side: server, kind: 'C'}} {
			at.sql = s.sql
			for _, o := range []order{{act: forwardCut}, {act: swallowCut}} {
				name := fmt.Sprintf("%s: %s (%s, %s), which arrives: %v", v.name, at.side, letter(at), s.sql, o.act == forwardCut)
				out = append(out, fault{kind: kindIndex, name: name, run: func(c *trial) {
					c.attended = false
					if !c.as(v) {
						return
					}
					c.atIndex(at, o)
					p, err := c.open(c.proxied())
					if err == nil {
						err = c.wait(p)
					}
					if !c.proxy.fired.Load() {
						c.fail("the fault did not occur (%v)", err)
					}
					c.restore()
					c.indexesAsBefore(s.way)
				}})
				if at.side == client {
					out = append(out, fault{kind: kindIndexKill, name: name, run: func(c *trial) {
						if c.as(v) {
							h.killAtIndex(c, v, at, o.act)
							c.indexesAsBefore(s.way)
						}
					}})
				}
			}
		}
	}
	for _, kind := range []string{"fence_recorded", "fence_taken", "fence_lift_started", "fence_lifted"} {
		for _, at := range []string{"before", "torn", "written", "synced"} {
			out = append(out, fault{kind: kindIndexKill, name: kind + ": " + at, run: func(c *trial) {
				c.attended = false
				if c.as(indexBook("before")) {
					c.die(death{Kind: kind, At: at})
					c.recover(c.rerun)
					c.indexesAsBefore("before")
				}
			}})
		}
	}
	return out
}

// atIndex has the order carried out at the first message of the kind outside of the
// phases' transactions.
func (c *trial) atIndex(at message, o order) {
	c.proxy.arm(func(m message) *order {
		if m.phase != 0 || m.side != at.side || m.kind != at.kind || !strings.HasPrefix(m.sql, at.sql) {
			return nil
		}
		return &o
	})
}

// killAtIndex kills the real program with the message on its way, and takes the run
// up again.
func (h *harness) killAtIndex(c *trial, v variant, at message, a act) {
	file := filepath.Join(h.folder, c.name+".yaml")
	if err := os.WriteFile(file, []byte(v.source), 0o600); err != nil {
		c.fail("%w", err)
		return
	}
	p, err := h.command(c, "rehearse", file, "--unattended", "--no-undo", "--plain", "--journal", c.path, "--dsn", c.proxied())
	if err != nil {
		c.fail("%w", err)
		return
	}
	c.atIndex(at, order{act: a, first: func() {
		<-p.begun
		_ = p.cmd.Process.Kill()
		<-p.done
	}})
	h.breakProgram(c, p)
}

// restore ends a run that did not end by itself, as `tminus restore` does.
func (c *trial) restore() {
	c.agree(false)
	if s := c.said(); s == nil || !s.ClosedAt.IsZero() && len(s.FencesOff()) == 0 {
		return
	}
	w, recs, torn, err := journal.OpenWriter(c.path)
	if err != nil {
		c.fail("%w", err)
		return
	}
	defer w.Close()
	t, _, err := connect(c.ctx, c.dsn(), c.source, exchange)
	if err != nil {
		c.fail("%w", err)
		return
	}
	defer t.Close()
	if _, err := engine.Restore(c.ctx, t, w, recs, engine.Restoring{Operator: operator, Torn: torn}); err != nil {
		c.fail("restore: %w", err)
	}
	c.agree(true)
}

// indexesAsBefore holds that the catalog is what it was, or has the index more that
// is to be kept, and that the run knows of nothing that is left.
func (c *trial) indexesAsBefore(way string) {
	c.asBefore(indexBook(way))
	var kept, bad int
	if err := c.ask(c.ctx, `SELECT count(*) FILTER (WHERE c.relname = 'child_parent_id_idx'), count(*) FILTER (WHERE NOT i.indisvalid)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'public.child'::regclass`, &kept, &bad); err != nil {
		c.fail("%w", err)
	} else if bad > 0 || kept > 0 && way != "keep" {
		c.fail("%d indexes are kept, %d are not valid", kept, bad)
	}
	if s := c.said(); s == nil || s.ClosedAt.IsZero() || len(s.FencesOff()) > 0 {
		c.fail("the run is not closed, or has left something")
	}
}
