package fault

import (
	"errors"
	"fmt"
	"strings"

	"tminus/db"
	"tminus/phases"
)

const kindSecond = "a second operator, or a second resume"

// operatorFaults start a second program while the first stands at a record.
func (h *harness) operatorFaults(clean cleanRun) []fault {
	var out []fault
	for i := range clean.records {
		n := i + 1
		for _, what := range []string{"rehearse", "resume"} {
			out = append(out, fault{kind: kindSecond, name: recordName(clean, n) + ": " + what, run: func(c *trial) { h.secondProgram(c, n, what) }})
		}
	}
	out = append(out, fault{
		kind: kindSecond, name: "the first lost its lock to a restart, the second took it", crashes: true, smoke: true,
		run: func(c *trial) { c.lockTakenOver() },
	})
	return out
}

// secondProgram holds that a second program is refused, told who is at work,
// and that the first goes on undisturbed.
func (h *harness) secondProgram(c *trial, n int, what string) {
	c.direct(after(n, func([]byte) {
		args, wants := []string{"resume", c.path, "--plain", "--dsn", c.dsn()}, "has a writer already"
		var p *process
		var err error
		if what == "resume" {
			p, err = h.command(c, args...)
		} else {
			second := *c
			second.path += ".second"
			wants = `application "tminus dba@here"`
			p, err = h.rehearse(&second, c.dsn(), "--plain")
		}
		if err == nil {
			err = p.start()
		}
		code := 0
		if err == nil {
			code, err = p.wait(endLimit)
		}
		if err != nil || code != 1 || !strings.Contains(p.out.String(), wants) {
			c.fail("a second program was not refused as it should be: %v, exit code %d", err, code)
		}
	}))
	c.recover(c.rerun)
	if s := c.said(); s == nil || s.Outcome != phases.Completed {
		c.fail("the second program disturbed the first")
	}
}

// lockTakenOver restarts the server between the phases, which frees the
// operator lock, and lets a second operator take it: the first must not start
// another phase.
func (c *trial) lockTakenOver() {
	c.attended = false
	var second *db.Target
	run, err := c.open(c.dsn(), onKind("phase_committed", "first", func() {
		if err := errors.Join(c.server.Down(), c.server.Restart(c.ctx)); err != nil {
			c.fail("%w", err)
			return
		}
		var err error
		if second, _, err = connect(c.ctx, c.dsn(), c.source, exchange); err != nil {
			c.fail("the second operator: %w", err)
		}
	}))
	if err == nil {
		err = c.wait(run)
	}
	if second != nil { // for as long as the first is at work
		second.Close()
	}
	if s := c.said(); second == nil || s == nil || s.Phases[2].Status == phases.PhaseIsCommitted {
		c.fail("a phase was committed under another operator's lock (%v)", fmt.Sprint(err))
	}
	c.recover(c.rerun)
}
