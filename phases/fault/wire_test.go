package fault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// cleanRun is what a run without a fault looks like.
type cleanRun struct {
	messages []message        // of the phases' transactions
	records  []journal.Record // of an unattended run
	synced   map[int]bool     // which of them were synced, by number
}

func (h *harness) cleanRun() cleanRun { return h.cleanRunOf(variant{source: book}) }

// cleanRunOf is one of a variant.
func (h *harness) cleanRunOf(v variant) cleanRun {
	h.t.Helper()
	p := h.place(h.shared)
	if err := p.clear(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	c := &trial{place: p, ctx: h.t.Context(), path: p.folder + "/clean" + strings.ReplaceAll(v.name, " ", "") + ".journal", source: v.source, found: childRows}
	if !c.as(v) {
		h.t.Fatal(c.wrong)
	}
	p.proxy.listen()
	synced, written := map[int]bool{}, 0
	run, err := c.open(p.proxied(), staged(func(n int, line []byte) (int, error) { written = n; return len(line), nil }, func() error { synced[written] = true; return nil }))
	if err == nil {
		err = c.wait(run)
	}
	if err != nil {
		h.t.Fatalf("a run without a fault: %v", err)
	}
	if c.recover(c.rerun); len(c.wrong) > 0 {
		h.t.Fatalf("a run without a fault: %v\n%s", c.wrong, c.story())
	}
	recs, err := journal.Read(c.path)
	if err != nil {
		h.t.Fatal(err)
	}
	recs = slices.DeleteFunc(recs, func(r journal.Record) bool { return slices.Contains(beside, r.Kind) })
	return cleanRun{messages: p.proxy.heard(), records: recs, synced: synced}
}

const (
	kindForward = "connection cut behind a message"
	kindRequest = "request swallowed, connection cut"
	kindAnswer  = "answer swallowed, connection cut"
	kindReset   = "connection reset at a message"
	kindDelay   = "message delayed"
	kindOutage  = "network down for a while at a message"
	kindLate    = "COMMIT arrives after its sender is gone"
	kindOther   = "another session of the program's cut"
)

// The transactions that a run writes in, in order, as the proxy counts them.
const (
	inLedger = 1 // the ledger's making
	inFirst  = 2
	inSecond = 3
)

var transactions = map[int]string{inLedger: "the ledger's making", inFirst: "phase 1", inSecond: "phase 2"}

// spot is a message that a fault is worth at.
type spot struct {
	message
	first, last bool // of its side, in its statement's exchange
}

// whole tells the statements that are broken at each of their messages: what
// proves a COMMIT, and COMMIT.
func whole(sql string) bool {
	return sql == "commit" || strings.Contains(sql, "INSERT INTO tminus.ledger")
}

// writes tells the statements that change something, or let it be changed.
func writes(sql string) bool {
	if slices.ContainsFunc([]string{"TRUNCATE", "ALTER TABLE", "CREATE INDEX", "DROP INDEX"}, func(begins string) bool { return strings.HasPrefix(sql, begins) }) {
		return true
	}
	return whole(sql) || strings.Contains(sql, "DELETE") || strings.Contains(sql, "UPDATE public") || strings.Contains(sql, "SET CONSTRAINTS") || strings.HasPrefix(sql, "LOCK")
}

// spots are the messages at which two faults may end differently: each
// statement once in its transaction, where it begins and where it ends. The
// second phase asks what the first did: of it they are those that write.
func spots(messages []message) []spot {
	var out []spot
	seen := map[string]bool{}
	for i := 0; i < len(messages); {
		end := i + 1
		for end < len(messages) && messages[end].phase == messages[i].phase && messages[end].sql == messages[i].sql {
			end++
		}
		exchange := messages[i:end]
		i = end
		key := fmt.Sprint(exchange[0].phase, exchange[0].sql)
		if seen[key] || exchange[0].phase == inSecond && !writes(exchange[0].sql) {
			continue
		}
		seen[key] = true
		ends := map[side][2]int{}
		for n, m := range exchange {
			at, ok := ends[m.side]
			if !ok {
				at[0] = n
			}
			at[1] = n
			ends[m.side] = at
		}
		for n, m := range exchange {
			s := spot{message: m, first: n == ends[m.side][0], last: n == ends[m.side][1]}
			if s.first || s.last || whole(m.sql) {
				out = append(out, s)
			}
		}
	}
	return out
}

// wireFaults break the phase's connection at every spot of all that is written.
func wireFaults(clean cleanRun) []fault {
	var out []fault
	for i, m := range spots(clean.messages) {
		commit, all := m.sql == "commit", whole(m.sql)
		add := func(kind string, o order) {
			name := fmt.Sprintf("%s, %s %d (%s, %s)", transactions[m.phase], m.side, m.n, letter(m.message), brief(m.sql))
			out = append(out, fault{kind: kind, name: name, smoke: commit && m.phase == inSecond && (kind == kindForward || kind == kindRequest || kind == kindAnswer), run: func(c *trial) { c.onWire(m.message, o) }})
		}
		if all || m.last {
			add(kindForward, order{act: forwardCut})
		}
		if all || m.last && m.side == client {
			add(kindReset, order{act: reset})
		}
		if all || m.first {
			if m.side == client {
				add(kindRequest, order{act: swallowCut})
			} else {
				add(kindAnswer, order{act: swallowCut})
			}
		}
		if commit || i%6 == 0 {
			add(kindDelay, order{act: delay, after: 30 * time.Millisecond})
			add(kindOutage, order{act: swallowCut, down: 300 * time.Millisecond})
		}
		if commit {
			add(kindOutage, order{act: forwardCut, down: 300 * time.Millisecond})
		}
	}
	return out
}

func letter(m message) string {
	if m.kind == 0 {
		return "startup"
	}
	return string(m.kind)
}

func brief(sql string) string {
	words := strings.Join(strings.Fields(sql), " ")
	if len(words) > 40 {
		words = words[:40]
	}
	return words
}

// onWire runs with the order at the message at.
func (c *trial) onWire(at message, o order) {
	c.proxy.arm(func(m message) *order {
		if m.same(at) {
			return &o
		}
		return nil
	})
	c.throughProxy(o.act == delay)
}

// throughProxy runs through the armed proxy, and then recovers without it.
func (c *trial) throughProxy(harmless bool) {
	p, err := c.open(c.proxied())
	if err == nil {
		err = c.wait(p)
	}
	if !c.proxy.fired.Load() {
		c.fail("the fault did not occur (%v)", err)
	}
	if s := c.said(); harmless && (err != nil || s == nil || s.Outcome != phases.Completed) {
		c.fail("a delay alone did harm: %v", err)
	}
	c.recover(c.rerun)
}

// lateFaults let COMMIT arrive after its sender was cut off, while the run
// already looks into what became of it.
func lateFaults() []fault {
	var out []fault
	for _, phase := range []int{inFirst, inSecond} {
		for ms := 0; ms <= 700; ms += 50 {
			o := order{act: late, after: time.Duration(ms) * time.Millisecond}
			out = append(out, fault{
				kind: kindLate, name: fmt.Sprintf("%s, %d ms late", transactions[phase], ms),
				run: func(c *trial) {
					c.proxy.arm(func(m message) *order {
						if m.phase == phase && m.side == client && m.kind == 'P' && m.sql == "commit" {
							return &o
						}
						return nil
					})
					c.throughProxy(false)
				},
			})
		}
	}
	return out
}

// otherSessionFaults break the sessions beside the phase's: at their start, at
// the lock, at what the run asks before and between phases.
func otherSessionFaults() []fault {
	var out []fault
	add := func(name, sql string, nth int, o order) {
		out = append(out, fault{
			kind: kindOther, name: name, run: func(c *trial) {
				seen := 0
				c.proxy.arm(func(m message) *order {
					if m.side != client || m.phase > inLedger || !matches(m, sql) {
						return nil
					}
					if seen++; seen == nth {
						return &o
					}
					return nil
				})
				c.throughProxy(false)
			},
		})
	}
	for _, at := range []struct {
		what, sql string
		nth       []int
	}{
		{"the start of session", "", []int{1, 2, 3, 4, 5}},
		{"the operator lock", "pg_try_advisory_lock(", []int{1}},
		{"who the server is", "pg_control_system", []int{1, 2, 3}},
		{"the ledger's making", "CREATE TABLE IF NOT EXISTS tminus.ledger", []int{1}},
		{"the baseline", "REPEATABLE READ", []int{1, 2}},
		{"a count", "count(*)", []int{1, 2}},
	} {
		for _, n := range at.nth {
			add(fmt.Sprintf("%s (%d): behind it", at.what, n), at.sql, n, order{act: forwardCut})
			add(fmt.Sprintf("%s (%d): before it", at.what, n), at.sql, n, order{act: swallowCut})
			add(fmt.Sprintf("%s (%d): reset", at.what, n), at.sql, n, order{act: reset})
			add(fmt.Sprintf("%s (%d): all down", at.what, n), at.sql, n, order{act: swallowCut, down: 200 * time.Millisecond})
		}
	}
	return out
}

func matches(m message, sql string) bool {
	if sql == "" {
		return m.kind == 0
	}
	return (m.kind == 'P' || m.kind == 'Q') && strings.Contains(m.sql, sql)
}
