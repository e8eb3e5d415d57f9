package fault

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	kindSilent    = "connection half open from a message on"
	kindAllSilent = "all connections half open from a message on"
	silenceLimit  = 40 * time.Second // a program that has not come to an end by then hangs
)

// silenceFaults swallow all that one side sends from a message on, without
// closing anything: at the start of sessions, at what the run asks beside its
// phases, and at each statement of them.
func silenceFaults(clean cleanRun) []fault {
	var out []fault
	add := func(name string, at func(message) bool, nth int, smoke bool) {
		for _, from := range []side{client, server} {
			for _, kind := range []string{kindSilent, kindAllSilent} {
				out = append(out, fault{kind: kind, name: fmt.Sprintf("%s, no %s arrives", name, from), smoke: smoke && from == server, run: func(c *trial) {
					c.silenceAt(at, nth, from, kind == kindAllSilent)
				}})
			}
		}
	}
	for _, at := range []struct {
		what, sql string
		nth       []int
	}{
		{"the start of session", "", []int{1, 2, 3, 4}},
		{"a session's settings", "set_config", []int{1, 2, 3}},
		{"who the server is", "pg_control_system", []int{1, 2, 3}},
		{"the operator lock", "pg_try_advisory_lock(", []int{1}},
		{"the survey", "pg_constraint", []int{1}},
		{"the ledger's making", "CREATE TABLE IF NOT EXISTS tminus.ledger", []int{1}},
		{"the baseline", "REPEATABLE READ", []int{1, 2, 3}},
		{"a count", "count(*)", []int{1, 2, 3}},
	} {
		for _, n := range at.nth {
			add(fmt.Sprintf("%s (%d)", at.what, n), func(m message) bool { return m.phase <= inLedger && matches(m, at.sql) }, n, at.what == "a count" && n == 1)
		}
	}
	seen := map[string]bool{}
	for _, m := range clean.messages {
		key := fmt.Sprint(m.phase, m.sql)
		if m.phase < inFirst || m.phase == inSecond && !writes(m.sql) || seen[key] || m.sql == "commit" { // COMMIT has a patience of its own
			continue
		}
		seen[key] = true
		add(fmt.Sprintf("%s, %s", transactions[m.phase], brief(m.sql)), func(now message) bool {
			return now.phase == m.phase && now.sql == m.sql && now.side == client
		}, 1, m.phase == inSecond && strings.Contains(m.sql, "INSERT INTO tminus.ledger"))
	}
	return out
}

// silenceAt silences a side from the nth request that is meant on.
func (c *trial) silenceAt(meant func(message) bool, nth int, from side, all bool) {
	n := 0
	c.proxy.arm(func(m message) *order {
		if m.side != client || !meant(m) {
			return nil
		}
		if n++; n < nth {
			return nil
		}
		o := &order{act: silence, from: from, all: all}
		return o
	})
	ctx, cancel := context.WithTimeout(c.ctx, silenceLimit)
	defer cancel()
	opening := *c
	opening.ctx, opening.exchange = ctx, 3*time.Second
	p, err := opening.open(c.proxied())
	if err != nil && ctx.Err() != nil {
		c.fail("no end within %s: %w", silenceLimit, err)
	}
	if err == nil {
		_ = c.wait(p) // how it ends is the fault's matter; the journal tells
	}
	if !c.proxy.fired.Load() {
		c.fail("the fault did not occur (%v)", err)
	}
	c.proxy.arm(nil)
	c.proxy.cutAll()
	c.recover(c.rerun)
}
