package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	kindWay     = "a step's way: connection cut at a statement of its own"
	kindWayKill = "a step's way: program killed (-9) at a statement of its own"
)

// variant is a run whose rows go in another way than book's.
type variant struct {
	name   string
	source string
	before string   // what is done to the database first
	own    []string // how its own statements begin
	along  int64    // rows that go along with parent's
	holds  string   // what has to be true afterwards; empty: nothing more
}

// variants are one in which a TRUNCATE stands for the deletes, with a key taken out
// and put back, one in which a phase makes an index, and one in which rows go before
// those that they refer to. For an index its tables are said to be large, and one has
// blocks to be scanned: so it is worth it also where the machine is busy, and queries
// are reckoned to be slow.
func variants() []variant {
	return []variant{
		{
			name: "truncate", source: strings.Replace(book, "title: fault", "title: fault\nway: truncate", 1),
			own: []string{"TRUNCATE", "ALTER TABLE", "SELECT count(*), count(*) FILTER", "LOCK TABLE", "SELECT EXISTS (SELECT FROM ONLY", "SELECT pg_get_constraintdef", "COPY", "UPDATE ONLY"},
		},
		{
			name: "an index for the phase", source: book,
			before: `INSERT INTO public.child SELECT i, 1 FROM generate_series(1000, 7000) i; DELETE FROM public.child WHERE id >= 1000;
				DROP INDEX public.child_parent_id_idx; UPDATE pg_class SET reltuples = 10000000, relpages = pg_relation_size(oid) / 8192 WHERE oid IN ('public.child'::regclass, 'public.parent'::regclass)`,
			own: []string{"CREATE INDEX", "DROP INDEX", "LOCK TABLE", "DELETE", "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN"},
		},
		{
			name: "children first", source: book,
			before: `CREATE TABLE public.note (id int PRIMARY KEY, parent_id int REFERENCES public.parent ON DELETE CASCADE); CREATE INDEX ON public.note (parent_id);
				INSERT INTO public.note SELECT i, 1 + i % 30 FROM generate_series(1, 300) i; UPDATE pg_class SET reltuples = 1000000, relpages = pg_relation_size(oid) / 8192 WHERE oid = 'public.note'::regclass`,
			own:   []string{`DELETE FROM "public"."note"`, `LOCK TABLE ONLY "public"."note"`, "SELECT current_setting('session_replication_role')"},
			along: 300,
			holds: `(SELECT count(*) FROM public.note) = (SELECT 10 * count(*) FROM public.parent)`,
		},
	}
}

// wayFaults break a run of each variant at each statement of its own.
func (h *harness) wayFaults() []fault {
	var out []fault
	for _, v := range variants() {
		for _, m := range spots(h.cleanRunOf(v).messages) {
			own := slices.ContainsFunc(v.own, func(begins string) bool { return strings.HasPrefix(m.sql, begins) })
			if m.phase == inLedger || !own || !m.first && !m.last {
				continue
			}
			name := fmt.Sprintf("%s: %s, %s %d (%s, %s)", v.name, transactions[m.phase], m.side, m.n, letter(m.message), brief(beginning(m.sql)))
			for _, o := range []order{{act: forwardCut}, {act: swallowCut}} {
				arrives := o.act == forwardCut
				name := fmt.Sprintf("%s, which arrives: %v", name, arrives)
				out = append(out, fault{kind: kindWay, name: name, run: func(c *trial) {
					if c.as(v) {
						c.onWire(m.message, o)
						c.asBefore(v)
					}
				}})
				if m.side == client && m.first {
					smoke := arrives && m.phase == inSecond && (strings.HasPrefix(m.sql, "TRUNCATE") || strings.HasPrefix(m.sql, "DROP INDEX"))
					out = append(out, fault{kind: kindWayKill, name: name, smoke: smoke, run: func(c *trial) {
						if c.as(v) {
							h.killAtMessage(c, v, m.message, o.act)
							c.asBefore(v)
						}
					}})
				}
			}
		}
	}
	return out
}

// as makes the trial one of a variant.
func (c *trial) as(v variant) bool {
	c.source, c.along = v.source, v.along
	if v.before == "" {
		return true
	}
	if err := c.ask(c.ctx, v.before); err != nil {
		c.fail("%w", err)
		return false
	}
	return true
}

// asBefore holds that the catalog is what it was: the key is there, and no index of
// a run's.
func (c *trial) asBefore(v variant) {
	var indexes int
	var key string
	err := c.ask(c.ctx, `SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'tminus\_%'),
		(SELECT string_agg(pg_get_constraintdef(oid), ', ') FROM pg_constraint WHERE conrelid = 'public.child'::regclass AND contype = 'f' AND convalidated)`, &indexes, &key)
	if err != nil {
		c.fail("%w", err)
	} else if indexes != 0 || key != "FOREIGN KEY (parent_id) REFERENCES parent(id)" {
		c.fail("%s: %d indexes are left, and the key is %q", v.name, indexes, key)
	}
	holds := true
	if v.holds != "" {
		if err := c.ask(c.ctx, "SELECT "+v.holds, &holds); err != nil {
			c.fail("%w", err)
		}
	}
	if !holds {
		c.fail("%s: it does not hold that %s", v.name, v.holds)
	}
}

// beginning is a statement's, without what each run has of its own.
func beginning(sql string) string {
	sql, _, _ = strings.Cut(sql, "tminus_")
	return sql
}

// killAtMessage kills the real program with a message on its way.
func (h *harness) killAtMessage(c *trial, v variant, at message, a act) {
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
	c.proxy.arm(func(m message) *order {
		if m.phase != at.phase || m.side != client || m.kind != at.kind || beginning(m.sql) != beginning(at.sql) {
			return nil
		}
		return &order{act: a, first: func() {
			<-p.begun
			_ = p.cmd.Process.Kill()
			<-p.done
		}}
	})
	h.breakProgram(c, p)
}
