package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/db"
	"tminus/phases"
	"tminus/phases/journal"
)

const (
	kindClock  = "clock jumps"
	kindLedger = "ledger dropped, renamed or made anew before the resume"
	kindOther2 = "resume against another database"
)

// clockFaults kill a program inside phase 2 and let the clock stand elsewhere
// when the run is taken up, or have jumped while it ran.
func clockFaults() []fault {
	var out []fault
	for _, kind := range []string{"gate_passed", "tables_locked", "hold_opened", "commit_intended", "phase_committed"} {
		end := dying(kind)
		for _, jump := range []struct {
			name  string
			shift func(n int) time.Duration
		}{
			{"the journal is three hours ahead", func(int) time.Duration { return 3 * time.Hour }},
			{"the journal is three hours behind", func(int) time.Duration { return -3 * time.Hour }},
			{"the journal is a year behind", func(int) time.Duration { return -365 * 24 * time.Hour }},
			{"back and forth all along", func(n int) time.Duration { return time.Duration(1-2*(n%2)) * time.Hour }},
			{"an hour back in the middle", func(n int) time.Duration { return map[bool]time.Duration{true: -time.Hour}[n > 20] }},
		} {
			shift := jump.shift
			out = append(out, fault{kind: kindClock, name: kind + ": " + jump.name, run: func(c *trial) { c.clockJump(end, shift) }})
		}
	}
	return out
}

func (c *trial) clockJump(end death, shift func(n int) time.Duration) {
	// A window that is over, as the clock has it now, is for a human to decide on.
	c.attended = true
	end.Attended = true
	c.die(end)
	recs, err := journal.Read(c.path)
	if err != nil {
		c.fail("%w", err)
		return
	}
	c.path += ".jumped"
	w, err := journal.Create(c.path)
	if err != nil {
		c.fail("%w", err)
		return
	}
	for i, r := range recs {
		if _, err := w.Append(r.At.Add(shift(i)), r.Kind, r.Data, journal.Synced); err != nil {
			c.fail("%w", err)
		}
	}
	if err := w.Close(); err != nil {
		c.fail("%w", err)
	}
	c.recover(c.rerun)
}

// ledgerFaults lose COMMIT's answer, and let somebody take the ledger away
// before the run is taken up. The tables are emptied or not; only a human can
// tell now.
func ledgerFaults() []fault {
	var out []fault
	for _, kind := range []string{"commit_intended", "phase_committed"} {
		end := dying(kind)
		for _, how := range []struct{ name, sql string }{
			{"schema dropped", `DROP SCHEMA tminus CASCADE`},
			{"table dropped", `DROP TABLE tminus.ledger`},
			{"table renamed", `ALTER TABLE tminus.ledger RENAME TO before`},
			{"column dropped", `ALTER TABLE tminus.ledger DROP COLUMN nonce`},
			{"made anew by another run", ``},
		} {
			for _, times := range []int{1, 2} {
				name := fmt.Sprintf("COMMIT %s, %s, resumed %d times", map[string]string{"commit_intended": "not sent", "phase_committed": "done"}[kind], how.name, times)
				out = append(out, fault{kind: kindLedger, name: name, smoke: kind == "phase_committed" && times == 2, run: func(c *trial) {
					c.withoutLedger(end, how.sql, times)
				}})
			}
		}
		out = append(out, fault{kind: kindOther2, name: kind, smoke: true, run: func(c *trial) { c.otherDatabase(end) }})
	}
	return out
}

func (c *trial) withoutLedger(end death, sql string, times int) {
	c.unknowing, c.noLedger = true, true
	c.die(end)
	if err := c.takeLedger(sql); err != nil {
		c.fail("take the ledger away: %w", err)
	}
	for range times {
		// A ledger that cannot be used is a refusal, or a phase that stays
		// unknown; never an outcome.
		if err := c.rerun(); err != nil && !strings.Contains(err.Error(), "ledger") {
			c.fail("%w", err)
		}
		s := c.agree(false)
		if s == nil {
			return
		}
		switch st := s.Phases[2].Status; st {
		case phases.PhaseUnknown, phases.PhaseCommitting, phases.PhaseInDoubt:
		default:
			c.fail("phase second is said to be %s: nobody can know", st)
		}
		if s.ExitCode() != 5 {
			c.fail("exit code %d", s.ExitCode())
		}
	}
	if !strings.Contains(sql, "RENAME") || len(c.wrong) > 0 {
		return
	}
	// The ledger is found again: then everything is known again.
	if err := c.ask(c.ctx, `DROP TABLE IF EXISTS tminus.ledger; ALTER TABLE tminus.before RENAME TO ledger`); err != nil {
		c.fail("%w", err)
	}
	c.unknowing, c.noLedger = false, false
	c.recover(c.rerun)
}

const kindNoLedger = "COMMIT's answer lost in a run without a ledger"

// noLedgerFaults lose COMMIT, or its answer, where the runbook wants no ledger:
// then nothing proves anything.
func noLedgerFaults() []fault {
	var out []fault
	for _, from := range []side{client, server} {
		for _, phase := range []int{inFirst, inSecond} {
			name := fmt.Sprintf("%s, the %s lost", transactions[phase], from)
			out = append(out, fault{kind: kindNoLedger, name: name, run: func(c *trial) {
				c.source = strings.Replace(book, "title: fault", "title: fault\nledger: none", 1)
				c.unknowing, c.noLedger = true, true
				c.proxy.arm(func(m message) *order {
					// Without the ledger's making the phases are the first two transactions.
					if m.phase == phase-1 && m.side == from && m.sql == "commit" && (m.kind == 'P' || m.kind == 'C') {
						return &order{act: swallowCut}
					}
					return nil
				})
				c.throughProxy(false)
				if s := c.said(); s == nil || s.ExitCode() != 5 {
					c.fail("exit code %d", s.ExitCode())
				}
			}})
		}
	}
	return out
}

// takeLedger does what was ordered; without an order it does what the start of
// another run does after somebody dropped the ledger.
func (c *trial) takeLedger(sql string) error {
	if sql != "" {
		return c.ask(c.ctx, sql)
	}
	if err := c.ask(c.ctx, `DROP SCHEMA tminus CASCADE`); err != nil {
		return err
	}
	t, err := db.Open(c.ctx, db.Config{DSN: c.dsn(), Operator: operator, Runbook: parsed(c.source)})
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Prepare(c.ctx)
}

// otherDatabase resumes against a database of the same content that is not the
// run's.
func (c *trial) otherDatabase(end death) {
	c.die(end)
	other := *c
	other.place = &place{server: c.server, name: c.name + "_copy", proxy: c.proxy, folder: c.folder}
	c.retire(c.idle.Swap(nil)) // nobody may be in a database that is copied
	// The server waits some seconds until the killed program's sessions are gone.
	if err := c.server.CreateDatabase(c.ctx, other.name, c.name); err != nil {
		c.fail("%w", err)
		return
	}
	_, err := other.resume()
	var differs *phases.OtherTargetError
	if !errors.As(err, &differs) {
		c.fail("another database was taken for the run's: %v", err)
	}
	if err := c.server.DropDatabase(c.ctx, other.name); err != nil {
		c.fail("%w", err)
	}
	c.recover(c.rerun)
}

// dying is where a program dies so that a record of the last writing phase is
// its last; of phase_committed, so that all is done and only the record is
// missing. It is by kind: on a busy machine a run waits, and its records have
// other numbers.
func dying(kind string) death {
	d := death{Kind: kind, Phase: "second", At: "synced"}
	switch kind {
	case "phase_committed":
		d.At = "before"
	case "gate_passed":
		d.Phase = ""
	}
	return d
}
