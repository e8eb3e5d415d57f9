package fault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
)

const (
	kindBackend  = "server process killed (-9), crash recovery"
	kindStopped  = "server stopped and started"
	kindCrashed  = "server and all its processes killed (-9), and started"
	kindReused   = "transaction ID given out again after a crash"
	kindSyncWait = "COMMIT done, but held up behind a standby that is not there"
)

// stages are the moments of a phase at which its server fails.
var stages = []string{"phase_started", "tables_locked", "step_started", "step_done", "phase_verified", "hold_opened", "commit_intended", "phase_committed"}

// outage is one way for a server to fail.
type outage struct {
	kind string
	how  string
	// strike makes the server fail, and start again unless it does so by itself.
	strike func(c *trial, later *sync.WaitGroup) error
}

func outages() []outage {
	again := func(c *trial, wait time.Duration, later *sync.WaitGroup) error {
		if wait == 0 {
			return c.server.Restart(context.WithoutCancel(c.ctx))
		}
		later.Go(func() { // ends when the server is up
			<-time.After(wait)
			if err := c.server.Restart(context.WithoutCancel(c.ctx)); err != nil {
				c.fail("start the server again: %w", err)
			}
		})
		return nil
	}
	out := []outage{
		{kindBackend, "the phase's", func(c *trial, _ *sync.WaitGroup) error { return c.killBackend(true) }},
		{kindBackend, "another's", func(c *trial, _ *sync.WaitGroup) error { return c.killBackend(false) }},
	}
	for _, wait := range []time.Duration{0, 400 * time.Millisecond} {
		out = append(
			out,
			outage{kindStopped, fmt.Sprintf("down for %s", wait), func(c *trial, later *sync.WaitGroup) error {
				return errors.Join(c.server.Down(), again(c, wait, later))
			}},
			outage{kindCrashed, fmt.Sprintf("down for %s", wait), func(c *trial, later *sync.WaitGroup) error {
				return errors.Join(c.server.Crash(), again(c, wait, later))
			}},
		)
	}
	return out
}

// backendFaults and serverFaults let the server fail at each stage of a phase,
// and at each message of its COMMIT.
func backendFaults() []fault {
	return outageFaults(func(o outage) bool { return o.kind == kindBackend })
}

func serverFaults() []fault {
	return outageFaults(func(o outage) bool { return o.kind != kindBackend })
}

func outageFaults(which func(outage) bool) []fault {
	var out []fault
	for _, o := range outages() {
		if !which(o) {
			continue
		}
		for _, stage := range stages {
			out = append(out, fault{kind: o.kind, name: fmt.Sprintf("%s, at %s of phase 2", o.how, stage), crashes: true, run: func(c *trial) {
				c.outageAt(stage, o)
			}})
		}
		for _, at := range []struct {
			from   side
			kind   byte
			behind bool
		}{{client, 'P', false}, {client, 'E', true}, {client, 'S', true}, {server, 'C', false}, {server, 'Z', false}} {
			name := fmt.Sprintf("%s, at the %s %c of phase 2's COMMIT, behind it: %v", o.how, at.from, at.kind, at.behind)
			out = append(out, fault{kind: o.kind, name: name, crashes: true, smoke: o.how == "the phase's" && at.kind == 'E', run: func(c *trial) {
				c.outageInCommit(at.from, at.kind, at.behind, o)
			}})
		}
	}
	return out
}

func (c *trial) outageAt(stage string, o outage) {
	var later sync.WaitGroup
	struck := false
	c.direct(onKind(stage, "second", func() {
		struck = true
		if err := o.strike(c, &later); err != nil {
			c.fail("%s: %w", o.how, err)
		}
	}))
	later.Wait()
	c.afterOutage(struck)
}

func (c *trial) outageInCommit(from side, kind byte, behind bool, o outage) {
	var later sync.WaitGroup
	strike := func() {
		defer later.Done()
		if err := o.strike(c, &later); err != nil {
			c.fail("%s: %w", o.how, err)
		}
	}
	c.proxy.arm(func(m message) *order {
		if m.phase != inSecond || m.side != from || m.kind != kind || m.sql != "commit" {
			return nil
		}
		later.Add(1) // behind a message, the run may have ended before the strike has
		if behind {
			return &order{then: strike}
		}
		return &order{first: strike}
	})
	p, err := c.open(c.proxied())
	if err == nil {
		_ = c.wait(p) // how it ends is the fault's matter; the journal tells
	}
	later.Wait()
	c.afterOutage(c.proxy.fired.Load())
}

func (c *trial) afterOutage(struck bool) {
	if !struck {
		c.fail("the fault did not occur")
	}
	if err := c.ask(c.ctx, "SELECT"); err != nil {
		c.fail("the server did not come back: %w", err)
		return
	}
	c.recover(c.rerun)
}

// killBackend kills the process of the phase's session, or one of the server's
// own: either way the server ends every session and recovers. It returns when
// the sessions are gone.
func (c *trial) killBackend(ours bool) error {
	witness, err := pgx.Connect(c.ctx, c.dsn())
	if err != nil {
		return err
	}
	defer witness.Close(context.WithoutCancel(c.ctx))
	var pid uint32
	sql := `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`
	if ours { // outside of its transaction, any of the program's
		sql = `SELECT a.pid FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.objid = 2
			WHERE a.application_name LIKE 'tminus%' AND a.datname = current_database() ORDER BY l.pid IS NULL LIMIT 1`
	}
	if err := witness.QueryRow(c.ctx, sql).Scan(&pid); err != nil {
		return fmt.Errorf("find a server process: %w", err)
	}
	if err := c.server.SignalBackend(pid, syscall.SIGKILL); err != nil {
		return err
	}
	for witness.Ping(c.ctx) == nil {
		if err := pause(c.ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// reuseFaults lose a COMMIT and crash the server so that the transaction's ID
// is given out again and committed by somebody else. Asked for that ID, the
// server says "committed"; the tables and the ledger say that nothing happened.
func reuseFaults() []fault {
	var out []fault
	for _, phase := range []string{"first", "second"} {
		out = append(out, fault{kind: kindReused, name: phase, crashes: true, smoke: phase == "second", run: func(c *trial) { c.reuse(phase) }})
	}
	return append(out, syncWaitFaults()...)
}

func (c *trial) reuse(phase string) {
	c.attended = false
	in := map[string]int{"first": inFirst, "second": inSecond}[phase]
	down := make(chan struct{})
	c.proxy.arm(func(m message) *order {
		if m.phase != in || m.side != client || m.sql != "commit" {
			return nil
		}
		return &order{act: swallowCut, down: time.Minute, first: func() {
			if err := c.server.Crash(); err != nil {
				c.fail("%w", err)
			}
			close(down)
		}}
	})
	p, err := c.open(c.proxied())
	if err != nil {
		c.fail("%w", err)
		return
	}
	select {
	case <-down:
	case <-p.engine.Ended():
		c.fail("the fault did not occur")
	case <-c.ctx.Done():
		c.fail("the fault did not occur: %w", context.Cause(c.ctx))
	}
	p.stop(engine.ErrLeft) // the operator gives up waiting, and comes back later
	_ = c.wait(p)
	s := c.said()
	intent := s.Phases[map[string]int{"first": 1, "second": 2}[phase]].Intent
	if err := c.server.Restart(c.ctx); err != nil || intent == nil {
		c.fail("no intent, or no server: %v", err)
		return
	}
	// At another address a server that was restarted may be a copy.
	c.proxy.arm(nil)
	c.again = c.proxied()
	// Somebody else's transactions, until one has our ID.
	var next string
	for range 100 {
		if err := c.ask(c.ctx, `SELECT pg_current_xact_id()::text`, &next); err != nil {
			c.fail("%w", err)
			return
		}
		if len(next) > len(intent.Tx.Xid) || next >= intent.Tx.Xid && len(next) == len(intent.Tx.Xid) {
			break
		}
	}
	var status string
	err = c.ask(c.ctx, `SELECT coalesce(pg_xact_status('`+intent.Tx.Xid+`'::xid8), 'unknown')`, &status)
	if err == nil && status == "aborted" { // its WAL writer had come by
		c.skipped = "the server had the transaction on disk before it crashed"
		return
	}
	if err != nil || status != "committed" {
		c.fail("the ID was not given out again: its status is %q, %v", status, err)
	}
	c.recover(c.rerun)
}

// syncWaitFaults cut a COMMIT off that the server has done and does not answer,
// because it waits for a standby. Nobody sees its effect until its session is
// ended.
func syncWaitFaults() []fault {
	var out []fault
	for _, phase := range []int{inFirst, inSecond} {
		out = append(out, fault{kind: kindSyncWait, name: transactions[phase], crashes: true, smoke: phase == inSecond, run: func(c *trial) {
			c.syncWait(phase)
		}})
	}
	return out
}

func (c *trial) syncWait(phase int) {
	set := func(names string) {
		err := c.ask(c.ctx, `ALTER SYSTEM SET synchronous_standby_names = '`+names+`'`)
		if err == nil {
			var done bool
			err = c.ask(c.ctx, `SELECT pg_reload_conf()`, &done)
		}
		for now := names + "?"; err == nil && now != names; {
			err = c.ask(c.ctx, `SHOW synchronous_standby_names`, &now)
		}
		if err != nil {
			c.fail("set synchronous_standby_names: %w", err)
		}
	}
	defer set("")
	c.proxy.arm(func(m message) *order {
		if m.phase != phase || m.side != client || m.kind != 'P' || m.sql != "commit" {
			return nil
		}
		// The phase's session has read the setting when COMMIT arrives; the
		// cut is made while it waits.
		return &order{act: late, first: func() { set("nobody") }}
	})
	p, err := c.open(c.proxied())
	if err != nil {
		c.fail("%w", err)
		return
	}
	if err := c.settled(p, phase-1); err != nil {
		c.fail("%w", err)
	}
	set("")
	_ = c.wait(p)
	c.recover(c.rerun)
}

// settled waits until a phase's outcome is known, or its program has ended.
func (c *trial) settled(p *program, phase int) error {
	for {
		var st phases.PhaseStatus
		p.engine.View(func(s *phases.State) { st = s.Phases[phase].Status })
		if st.Done() || st == phases.PhaseIsRolledBack || st == phases.PhaseUnknown {
			return nil
		}
		select {
		case <-p.engine.Ended():
			return nil
		default:
		}
		if err := pause(c.ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("the phase stays %s: %w", st, err)
		}
	}
}
