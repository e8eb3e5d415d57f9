package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/sandbox"
	"tminus/phases"
)

const (
	kindPast    = "database went back in time"
	kindPutBack = "rows put back, or the ledger's row deleted, after a COMMIT"
)

// The data directory's earlier states, beside it.
const (
	dataCopied = "before"
	dataKept   = "kept"
)

// copyData copies a server's data directory as it is now. Nobody else writes,
// so that what a checkpoint has put on disk is all of it; a transaction that is
// open is open no more in the copy.
func copyData(ctx context.Context, dsn, dir string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("copy the data directory: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `CHECKPOINT`); err != nil {
		return fmt.Errorf("copy the data directory: %w", err)
	}
	to := filepath.Join(dir, dataCopied)
	if err := copyTree(ctx, filepath.Join(dir, "data"), to); err != nil {
		return err
	}
	return os.Remove(filepath.Join(to, "postmaster.pid"))
}

// copyTree keeps owners and rights, which PostgreSQL looks at.
func copyTree(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-a", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}

// swapData puts the copied data directory in the place of the server's own, or
// back; the server is down before, or is shut down.
func (c *trial) swapData(in, out string) error {
	dir := c.server.Dir()
	at := func(name string) string { return filepath.Join(dir, name) }
	return errors.Join(c.server.Down(), os.Rename(at("data"), at(out)), os.Rename(at(in), at("data")),
		c.server.Restart(context.WithoutCancel(c.ctx)))
}

// past is one way in which a run meets its database as it was before.
type past struct {
	name string
	// meet leads to that database, and gives what undoes it.
	meet func(c *trial) (dsn string, leave func() error, err error)
}

func pasts() []past {
	restored := func(stop func(*sandbox.Server) error) func(c *trial) (string, func() error, error) {
		return func(c *trial) (string, func() error, error) {
			if err := errors.Join(stop(c.server), c.swapData(dataCopied, dataKept)); err != nil {
				return "", nil, err
			}
			return c.dsn(), func() error { return c.swapData(dataKept, dataCopied) }, nil
		}
	}
	return []past{
		{"restored in place after a stop", restored((*sandbox.Server).Down)},
		{"restored in place after a crash", restored((*sandbox.Server).Crash)},
		{"a copy at another address", func(c *trial) (string, func() error, error) {
			other, err := sandbox.Start(c.ctx, sandbox.Options{Settings: map[string]string{"autovacuum": "off"}})
			if err != nil {
				return "", nil, err
			}
			data := filepath.Join(other.Dir(), "data")
			err = errors.Join(other.Down(), os.RemoveAll(data), copyTree(c.ctx, filepath.Join(c.server.Dir(), dataCopied), data), other.Restart(c.ctx))
			if err != nil {
				return "", nil, errors.Join(err, other.Stop())
			}
			return other.DSN(c.name), other.Stop, nil
		}},
	}
}

// pastFaults resume a run on its database as it was before a COMMIT that its
// journal holds, or that it sent.
func (h *harness) pastFaults() []fault {
	var out []fault
	for _, p := range pasts() {
		copied := p.name == "a copy at another address"
		for _, at := range []struct{ phase, copyAt string }{
			{"first", "gate_passed"}, {"first", "tables_locked"}, {"second", "gate_passed"}, {"second", "phase_committed"},
		} {
			out = append(out, fault{
				kind: kindPast, name: fmt.Sprintf("%s, from %s, resumed after %s was committed", p.name, at.copyAt, at.phase),
				crashes: true, smoke: copied && at.phase == "first" && at.copyAt == "gate_passed",
				run: func(c *trial) { h.goBack(c, p, at.copyAt, committed(at.phase)) },
			})
		}
		for _, phase := range []string{"first", "second"} {
			out = append(out, fault{
				kind: kindPast, name: fmt.Sprintf("%s, resumed with %s's COMMIT in doubt, which was done", p.name, phase),
				crashes: true, smoke: copied && phase == "second",
				run: func(c *trial) { h.goBack(c, p, "gate_passed", inDoubt(phase)) },
			})
		}
	}
	return append(out, h.presentFaults()...)
}

// halt leaves a run with a phase committed, by its own journal or not.
type halt struct {
	phase   string
	doubted bool // the journal has no answer to COMMIT
}

func committed(phase string) halt { return halt{phase: phase} }
func inDoubt(phase string) halt   { return halt{phase: phase, doubted: true} }

// leaveAt runs a child that dies with the phase committed. It copies the data
// directory on its way when copyAt is a kind of record.
func (c *trial) leaveAt(at halt, copyAt string) {
	c.attended = false
	d := death{DSN: c.proxied(), Kind: "phase_committed", At: "synced", Phase: at.phase, CopyAt: copyAt}
	if copyAt != "" {
		d.Copy = c.server.Dir()
	}
	if at.doubted {
		d.Kind, d.At = "commit_doubted", "before"
		in := map[string]int{"first": inFirst, "second": inSecond}[at.phase]
		c.proxy.arm(func(m message) *order {
			if m.phase == in && m.side == server && m.kind == 'C' && m.sql == "commit" {
				return &order{act: swallowCut}
			}
			return nil
		})
	}
	c.die(d)
	c.proxy.arm(nil)
}

func (h *harness) goBack(c *trial, p past, copyAt string, at halt) {
	defer os.RemoveAll(filepath.Join(c.server.Dir(), dataCopied))
	if c.leaveAt(at, copyAt); len(c.wrong) > 0 {
		return
	}
	dsn, leave, err := p.meet(c)
	if err != nil {
		c.fail("go back: %w", err)
		return
	}
	before := c.said()
	out, code, err := h.resumeOn(c, dsn)
	after := c.said()
	if err := errors.Join(err, leave()); err != nil {
		c.fail("%w", err)
		return
	}
	refused := len(after.Log) == len(before.Log)
	st := phaseOf(after, at.phase).Status
	switch {
	case code != 5 || after.Outcome != "":
		c.fail("resumed on a database from before %s was committed: exit code %d, outcome %q: %s", at.phase, code, after.Outcome, out)
	case at.doubted && !refused && st != phases.PhaseUnknown:
		c.fail("%s is in doubt, this database cannot tell, and it is said to be %s", at.phase, st)
	case !at.doubted && !refused && st != phases.PhaseIsUndone:
		c.fail("%s is not there, and is said to be %s", at.phase, st)
	case refused && !strings.Contains(out, at.phase):
		c.fail("a refusal that does not name %s: %s", at.phase, out)
	}
	h.finish(c)
}

// finish takes the run up in its own database: what it committed is known
// there, and it goes through to its end.
func (h *harness) finish(c *trial) {
	if len(c.wrong) > 0 {
		return
	}
	c.recover(func() error { return h.resumeProgram(c) })
	if s := c.said(); len(c.wrong) == 0 && s.Outcome != phases.Completed {
		c.fail("the run was not completed: %s", s.Outcome)
	}
}

// resumeOn takes the run up with the real program, as often as a dead
// program's lock stands in the way.
func (h *harness) resumeOn(c *trial, dsn string) (out string, code int, err error) {
	deadline := time.Now().Add(lockLimit)
	for {
		p, err := h.command(c, "resume", c.path, "--plain", "--dsn", dsn)
		if err == nil {
			err = p.start()
		}
		if err == nil {
			code, err = p.wait(runLimit)
		}
		if err != nil {
			return "", code, err
		}
		out = p.out.String()
		if code != 1 || !strings.Contains(out, "the operator lock is held") || time.Now().After(deadline) {
			return out, code, nil
		}
	}
}

// presentFaults are the honest neighbours: a database that is the run's own,
// and as it was left.
func (h *harness) presentFaults() []fault {
	var out []fault
	for _, how := range []struct {
		name string
		do   func(c *trial) error
	}{
		{"plain", func(*trial) error { return nil }},
		{"after a restart", func(c *trial) error { return errors.Join(c.server.Down(), c.server.Restart(c.ctx)) }},
		{"after a crash", func(c *trial) error { return errors.Join(c.server.Crash(), c.server.Restart(c.ctx)) }},
		{"after a crash with WAL that was never flushed", func(c *trial) error {
			// What is not committed is in the WAL's buffers, and gone.
			err := c.ask(c.ctx, `BEGIN; CREATE TABLE public.lost AS SELECT generate_series(1, 2000); ROLLBACK`)
			return errors.Join(err, c.server.Crash(), c.server.Restart(c.ctx))
		}},
	} {
		for _, at := range []halt{committed("first"), committed("second"), inDoubt("first"), inDoubt("second")} {
			for _, address := range []string{"the same address", "another address"} {
				name := fmt.Sprintf("honest: resumed %s, at %s, %s committed, in doubt: %v", how.name, address, at.phase, at.doubted)
				out = append(out, fault{kind: kindPast, name: name, crashes: true, smoke: strings.Contains(how.name, "flushed") && at == committed("first") && address == "another address", run: func(c *trial) {
					c.leaveAt(at, "")
					if err := how.do(c); err != nil {
						c.fail("%w", err)
						return
					}
					if address == "the same address" { // the run went through the proxy
						h.finishAt(c, c.proxied())
						return
					}
					h.finishAt(c, c.dsn())
				}})
			}
		}
	}
	return out
}

// finishAt is finish at an address, at once.
func (h *harness) finishAt(c *trial, dsn string) {
	if len(c.wrong) > 0 {
		return
	}
	out, code, err := h.resumeOn(c, dsn)
	if err != nil || code != 0 {
		c.fail("a plain resume: exit code %d, %v: %s", code, err, out)
		return
	}
	h.finish(c)
}

// putBacks are what a restore of some tables leaves, or a hand.
var putBacks = []struct {
	name   string
	ledger bool              // still proves the COMMIT
	do     map[string]string // by phase
	undo   map[string]string
}{
	{
		"rows put back", true,
		map[string]string{"first": putChild, "second": putParent},
		map[string]string{"first": `DELETE FROM public.child`, "second": `DELETE FROM public.parent`},
	},
	{
		"some rows put back", true,
		map[string]string{"first": putChild + `; DELETE FROM public.child WHERE id > 3`, "second": putParent + `; DELETE FROM public.parent WHERE id > 1`},
		map[string]string{"first": `DELETE FROM public.child`, "second": `DELETE FROM public.parent`},
	},
	{
		"rows put back, the ledger's row deleted", false,
		map[string]string{"first": putChild + takeRow, "second": putParent + takeRow},
		map[string]string{"first": `DELETE FROM public.child` + giveRow, "second": `DELETE FROM public.parent` + giveRow},
	},
	{
		"the ledger's row deleted", false,
		map[string]string{"first": `SELECT` + takeRow, "second": `SELECT` + takeRow},
		map[string]string{"first": `SELECT` + giveRow, "second": `SELECT` + giveRow},
	},
}

const (
	putChild  = `INSERT INTO public.child SELECT i, 1 + i % 30 FROM generate_series(1, 90) i`
	putParent = `INSERT INTO public.parent SELECT i, 1 + i % 10 FROM generate_series(1, 30) i`
	takeRow   = `; CREATE TABLE public.taken AS SELECT * FROM tminus.ledger; DELETE FROM tminus.ledger`
	giveRow   = `; INSERT INTO tminus.ledger SELECT * FROM public.taken; DROP TABLE public.taken`
)

// putBackFaults change what a run has committed, between two programs.
func (h *harness) putBackFaults() []fault {
	var out []fault
	for _, how := range putBacks {
		for _, phase := range []string{"first", "second"} {
			out = append(out, fault{kind: kindPutBack, name: how.name + ", after " + phase, smoke: phase == "first" && how.name == "rows put back", run: func(c *trial) {
				c.leaveAt(committed(phase), "")
				if err := c.ask(c.ctx, how.do[phase]); err != nil {
					c.fail("%w", err)
					return
				}
				out, code, err := h.resumeOn(c, c.dsn())
				s := c.said()
				p := phaseOf(s, phase)
				if err != nil || code != 5 || s.Outcome != "" || p.Status != phases.PhaseIsUndone || p.Ledger != how.ledger {
					c.fail("%s: exit code %d, %s %s, ledger %v, %v: %s", how.name, code, phase, p.Status, p.Ledger, err, out)
				}
				if err := c.ask(c.ctx, how.undo[phase]); err != nil {
					c.fail("%w", err)
				}
				h.finish(c)
			}})
		}
	}
	return out
}
