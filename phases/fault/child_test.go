package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"tminus/phases/journal"
)

const kindChild = "program killed inside the writing of a record"

// childOrder is the variable that makes this test's binary a program that is
// to die at one place of its journal.
const childOrder = "TMINUS_FAULT_CHILD"

// death is where a program dies.
type death struct {
	DSN, Path string
	Record    int
	At        string // before, torn, written, synced
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
		if n == d.Record && at == d.At {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal is here
		}
	}
	c := &trial{ctx: context.Background(), path: d.Path}
	p, err := c.open(d.DSN, journal.WithFile(func(f *os.File) journal.File {
		return &stagedFile{
			File: f,
			write: func(n int, line []byte) (int, error) {
				written = n
				die(n, "before")
				if n == d.Record && d.At == "torn" {
					_, _ = f.Write(line[:len(line)/2])
					die(n, "torn")
				}
				return len(line), nil
			},
			wrote: func(n int, _ []byte) { die(n, "written") },
			sync:  func() error { die(written, "synced"); return nil },
		}
	}))
	if err == nil {
		err = c.wait(p)
	}
	fmt.Fprintln(os.Stderr, "not killed:", err)
	return 1
}

// dieAt runs a child that dies as ordered.
func (c *trial) dieAt(record int, at string) {
	self, err := os.Executable()
	if err != nil {
		c.fail("%w", err)
		return
	}
	order, err := json.Marshal(death{DSN: c.dsn(), Path: c.path, Record: record, At: at})
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
	return out
}
