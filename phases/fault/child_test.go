package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"tminus/phases"
	"tminus/phases/journal"
)

const kindChild = "program killed inside the writing of a record"

// childOrder is the variable that makes this test's binary a program that is
// to die at one place of its journal.
const childOrder = "TMINUS_FAULT_CHILD"

// death is where a program dies.
type death struct {
	DSN, Path, Source string
	Attended          bool
	Ends              ending
	Record            int    // its number; 0: the first of Kind
	Kind              string // of the record, when its number is not known
	Phase             string // that the record of Kind speaks of; empty: any
	At                string // before, torn, written, synced
	Copy              string // its server's data directory, which is copied at CopyAt; empty: none is
	CopyAt            string // a kind of record
	Undoes            *phases.Undoes
}

// child runs a run and dies in it. A program that comes to its end was not killed.
func child(order string) int {
	var d death
	if err := json.Unmarshal([]byte(order), &d); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	written := 0
	die := func(n int, at string) {
		if n > 0 && n == d.Record && at == d.At {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal is here
		}
	}
	c := &trial{ctx: context.Background(), path: d.Path, source: d.Source, attended: d.Attended, ends: d.Ends, undoes: d.Undoes}
	p, err := c.open(d.DSN, journal.WithFile(func(f *os.File) journal.File {
		return &stagedFile{
			File: f,
			write: func(n int, line []byte) (int, error) {
				written = n
				if d.Record == 0 && speaks(line, d.Kind, d.Phase) {
					d.Record = n
				}
				die(n, "before")
				if n == d.Record && d.At == "torn" {
					_, _ = f.Write(line[:len(line)/2])
					die(n, "torn")
				}
				return len(line), nil
			},
			wrote: func(n int, line []byte) {
				if d.Copy != "" && speaks(line, d.CopyAt, "") {
					copied := d.Copy
					d.Copy = ""
					if err := copyData(c.ctx, d.DSN, copied); err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
				}
				die(n, "written")
			},
			sync: func() error { die(written, "synced"); return nil },
		}
	}))
	if err == nil {
		err = c.wait(p)
	}
	fmt.Fprintln(os.Stderr, "not killed:", err)
	return 1
}

// dieAt runs a child that dies at a record, by its number.
func (c *trial) dieAt(record int, at string) { c.die(death{Record: record, At: at}) }

// die runs a child that dies as ordered.
func (c *trial) die(d death) {
	d.Path, d.Source, d.Ends = c.path, c.source, c.ends
	if d.DSN == "" {
		d.DSN = c.dsn()
	}
	self, err := os.Executable()
	if err != nil {
		c.fail("%w", err)
		return
	}
	order, err := json.Marshal(d)
	if err != nil {
		c.fail("%w", err)
		return
	}
	cmd := exec.CommandContext(c.ctx, self)
	cmd.Env = append(os.Environ(), childOrder+"="+string(order))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		c.fail("the child was not killed: %v: %s", err, out)
	}
}

// childFaults kill a program at four places of every record's way to the disk.
func childFaults(clean cleanRun) []fault {
	var out []fault
	for i := range clean.records {
		n := i + 1
		for _, at := range []string{"before", "torn", "written", "synced"} {
			if at == "synced" && !clean.synced[n] {
				continue
			}
			smoke := clean.records[i].Kind == "commit_intended" && at == "synced" || clean.records[i].Kind == "phase_committed" && at == "torn"
			out = append(out, fault{kind: kindChild, name: recordName(clean, n) + ": " + at, smoke: smoke, run: func(c *trial) {
				c.dieAt(n, at)
				c.recover(c.rerun)
			}})
		}
	}
	return append(append(out, endingFaults()...), guardedFaults()...)
}

const kindEnding = "program killed while it ends a run"

// endingFaults kill a program between an operator's NO-GO or abort and the
// run's last record.
func endingFaults() []fault {
	var out []fault
	for ends, kinds := range map[ending][]string{
		declared: {"no_go_declared", "run_closed"},
		aborted:  {"phase_rolled_back", "run_aborted", "run_closed"},
	} {
		for _, kind := range kinds {
			for _, at := range []string{"before", "torn", "written", "synced"} {
				out = append(out, fault{kind: kindEnding, name: fmt.Sprintf("%s: %s, %s", ends, kind, at), smoke: at == "synced" && kind == "run_aborted", run: func(c *trial) {
					c.attended, c.ends = true, ends
					c.die(death{Attended: true, Kind: kind, At: at})
					c.recover(c.rerun)
				}})
			}
		}
	}
	slices.SortFunc(out, func(a, b fault) int { return strings.Compare(a.name, b.name) })
	return out
}

const kindGuarded = "program killed while it disables or restores triggers"

// guarded is the run with a trigger that is disabled for it, and brought back.
var guarded = strings.NewReplacer("      - {id: told, text: Everybody was told}\n", `      - {id: told, text: Everybody was told}
      - id: off
        text: The trigger is off
        action: {name: triggers.disable, triggers: [guard], text: disable it}
        check: {database: triggers.disabled, triggers: [guard], every: 50ms, remedy: Disable it., through: phases}
`, "items: [{id: said, text: Said so}]", `items:
      - {id: said, text: Said so}
      - id: restore
        text: The trigger is back
        action: {name: triggers.restore, text: restore it}
        check: {database: triggers.restored, every: 50ms, remedy: Restore it.}
`).Replace(book)

// guardTrigger stands in a state that a careless ENABLE would not bring back.
const guardTrigger = `
CREATE OR REPLACE FUNCTION public.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'guarded'; END $$;
CREATE TRIGGER guard BEFORE DELETE ON public.child FOR EACH ROW EXECUTE FUNCTION public.guard();
ALTER TABLE public.child ENABLE ALWAYS TRIGGER guard;
`

// guardedFaults kill a program around its actions: the run must go on, and the
// trigger come back as it was.
func guardedFaults() []fault {
	var out []fault
	for _, kind := range []string{"action_started", "triggers_recorded", "action_done", "phase_committed", "run_closed"} {
		for _, at := range []string{"before", "torn", "written", "synced"} {
			out = append(out, fault{kind: kindGuarded, name: kind + ": " + at, smoke: kind == "triggers_recorded" && at == "synced", run: func(c *trial) {
				c.source, c.attended = guarded, false
				if err := c.ask(c.ctx, guardTrigger); err != nil {
					c.fail("%w", err)
				}
				c.die(death{Kind: kind, At: at})
				c.recover(c.rerun)
				state := ""
				if err := c.ask(c.ctx, `SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'guard'`, &state); err != nil || state != "A" {
					c.fail("the trigger is left in state %q, and was A (%v)", state, err)
				}
				if s := c.said(); s == nil || s.Outcome != phases.Completed {
					c.fail("the run was not completed")
				}
			}})
		}
	}
	return out
}
