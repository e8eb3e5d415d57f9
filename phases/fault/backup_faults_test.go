package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tminus/phases"
)

const (
	kindBackupProgram = "program ended while a backup is taken, read or tried"
	kindBackupClient  = "pg_dump, pg_restore or a throwaway server killed (-9)"
	kindBackupServer  = "server fails while a backup is taken, read or tried"
	kindBackupDisk    = "no space for a backup, or for its restore"
)

// backupFaults break off what a run does about its backup.
func (h *harness) backupFaults() []fault {
	var out []fault
	for _, m := range moments {
		for _, how := range []string{"kill -9", "SIGTERM", "SIGHUP"} {
			out = append(out, fault{kind: kindBackupProgram, name: m.name + ": " + how, smoke: how == "kill -9" && m.base && m.hold == "restore", run: h.atMoment(m, func(v *vault, p *process) {
				v.programEnds(p, how)
			})})
		}
	}
	for _, m := range moments {
		out = append(out, fault{kind: kindBackupClient, name: m.name, smoke: m.hold == "dumped", run: h.atMoment(m, func(v *vault, p *process) {
			v.goesOn(p, v.kill("pg_dump", "pg_restore"))
		})})
	}
	out = append(out, fault{kind: kindBackupClient, name: "tried, a throwaway server", run: h.atMoment(moments[3], func(v *vault, p *process) {
		v.goesOn(p, v.kill("postgres"))
	})})
	for _, m := range moments {
		for _, how := range []string{"killed (-9)", "stopped"} {
			out = append(out, fault{kind: kindBackupServer, name: m.name + ": " + how, crashes: true, run: h.atMoment(m, func(v *vault, p *process) {
				v.serverFails(p, how)
			})})
		}
	}
	return append(out, h.backupDiskFaults()...)
}

// longer gives a trial the time that it needs, until the function it gives is called.
func (c *trial) longer() (over func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), backedLimit)
	c.ctx = ctx
	return cancel
}

// atMoment runs the real program to a moment of an action, and strikes there.
func (h *harness) atMoment(m moment, strike func(*vault, *process)) func(*trial) {
	return func(c *trial) {
		h.withVault(c, m, func(v *vault) {
			p, err := v.begin()
			if err != nil {
				c.fail("%w", err)
				return
			}
			if err := p.until(c.ctx, 10*time.Millisecond, v.there); err != nil {
				_ = p.cmd.Process.Kill() // or it has ended
				<-p.done
				c.fail("the action did not come there: %w: %s", err, p.out.String())
				return
			}
			strike(v, p)
		})
	}
}

// withVault makes what an action on a backup needs, and takes it away afterwards.
func (h *harness) withVault(c *trial, m moment, do func(*vault)) {
	defer c.longer()()
	v, err := h.vault(c, m)
	if v != nil {
		defer v.close()
	}
	switch {
	case c.skipped != "":
	case err != nil:
		c.fail("%w", err)
	default:
		do(v)
	}
}

// programEnds ends the program: one that is asked to takes away what it has
// begun, of one that is killed the rest is taken away by who comes next.
func (v *vault) programEnds(p *process, how string) {
	if err := v.strike(p, how, 0); err != nil {
		v.fail("%s: %w", how, err)
	}
	code, err := p.wait(endLimit)
	if err != nil {
		v.fail("%w", err)
	}
	v.noProcess() // whatever holds them
	s := v.unproven()
	if s == nil {
		return
	}
	if how != "kill -9" {
		if code != s.ExitCode() || s.Acting() != nil {
			v.fail("exit code %d, and the journal says %d; acting: %v", code, s.ExitCode(), s.Acting())
		}
		v.letGo()
		v.nothingLeft()
		v.anew()
		return
	}
	v.letGo()
	if len(v.wrong) > 0 {
		return
	}
	v.recover(func() error {
		q, err := v.h.command(v.trial, "resume", v.path, "--plain", "--dsn", v.dsn())
		if err != nil {
			return err
		}
		v.program(q)
		return v.resumed(q)
	})
	if len(v.wrong) == 0 {
		v.proven()
	}
}

// resumed runs a program that resumes; the dead one's session may hold the lock
// for a moment, and then the trial's recover does it again.
func (v *vault) resumed(q *process) error {
	if err := q.start(); err != nil {
		return err
	}
	code, err := q.wait(2 * runLimit)
	switch {
	case err != nil:
		return err
	case code == 1 && strings.Contains(q.out.String(), "the operator lock is held"):
		return pause(v.ctx, time.Second)
	case code != 0:
		return fmt.Errorf("resume: exit code %d: %s", code, q.out.String())
	}
	return nil
}

// kill kills the processes of the backup's that run one of the programs.
func (v *vault) kill(programs ...string) error {
	n := 0
	for pid := range commands(v.dir) {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // or it has just ended
		for _, program := range programs {
			if strings.TrimSpace(string(name)) == program {
				n++
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					return err
				}
			}
		}
	}
	if n == 0 {
		return fmt.Errorf("there is no %s to kill", strings.Join(programs, " or "))
	}
	return nil
}

// goesOn waits, after a strike, for the action's failure in a program that
// lives on, which keeps the gate shut and nothing else.
func (v *vault) goesOn(p *process, struck error) {
	if struck != nil {
		v.fail("%w", struck)
	}
	failed := func() bool {
		s := v.said()
		if s == nil {
			return false
		}
		a := s.Item(v.item).Action
		return a != nil && !a.Running
	}
	limited, cancel := context.WithTimeout(v.ctx, backupLimit)
	err := p.until(limited, 20*time.Millisecond, failed)
	cancel()
	if err != nil && !errors.Is(err, errEnded) {
		v.fail("the action does not end: %w: %s", err, strings.Join(commandLines(v.dir), "; "))
	}
	v.unproven()
	v.letGo()
	v.nothingLeft()
	if err := send(syscall.SIGTERM)(p); err != nil && !errors.Is(err, os.ErrProcessDone) {
		v.fail("%w", err)
	}
	if code, err := p.wait(endLimit); err != nil || code != 6 {
		v.fail("exit code %d: %v: %s", code, err, p.out.String())
	}
	v.unproven()
	v.anew()
}

func commandLines(text string) (out []string) {
	for pid, line := range commands(text) {
		out = append(out, fmt.Sprintf("%d %s", pid, line))
	}
	return out
}

// serverFails takes the run's server away under the action, and brings it back.
// What is done with it, or does not need it, may come to its end all the same.
func (v *vault) serverFails(p *process, how string) {
	err := v.server.Crash
	if how == "stopped" {
		err = v.server.Down
	}
	struck := errors.Join(err(), v.server.Restart(context.WithoutCancel(v.ctx)))
	if ended := v.hold == "dumped" || v.hold == "restored"; ended || v.item == "read" || v.item == "tried" && !v.base {
		v.letGo()
		if struck != nil {
			v.fail("%w", struck)
		}
		v.outlives(p)
		return
	}
	v.goesOn(p, struck)
}

// outlives waits for the end of a run whose server came back.
func (v *vault) outlives(p *process) {
	if _, err := p.wait(2 * runLimit); err != nil {
		v.fail("%w", err)
	}
	s := v.agree(false)
	switch {
	case s == nil:
		v.fail("no run")
	case s.Outcome == phases.Completed:
		v.proven()
	default:
		v.unproven()
		v.nothingLeft()
		v.anew()
	}
}

// backupDiskFaults have too little room where a backup is written, or restored.
func (h *harness) backupDiskFaults() []fault {
	var out []fault
	for _, at := range []struct{ item, below string }{{"taken", "backups"}, {"tried", "scratch"}} {
		for _, pages := range []int{1, 2, 4, 8, 16, 32} {
			if at.item == "tried" {
				pages *= 256 // a server takes more
			}
			m := moment{item: at.item}
			out = append(out, fault{kind: kindBackupDisk, name: fmt.Sprintf("%s, %d pages of 4 KiB are free", at.item, pages), smoke: at.item == "taken" && pages == 4, run: func(c *trial) {
				h.withVault(c, m, func(v *vault) { v.onSmallDisk(at.below, pages) })
			}})
		}
	}
	return out
}

func (v *vault) onSmallDisk(below string, pages int) {
	c := v.trial
	disk := filepath.Join(v.dir, below)
	size := fmt.Sprintf("size=%dk,mode=0777", 4*pages)
	if out, err := exec.CommandContext(c.ctx, "mount", "-t", "tmpfs", "-o", size, "tminus-fault", disk).CombinedOutput(); err != nil {
		c.skipped = fmt.Sprintf("a small file system cannot be mounted here: %v %s", err, out)
		return
	}
	defer func() {
		if out, err := exec.CommandContext(context.WithoutCancel(c.ctx), "umount", disk).CombinedOutput(); err != nil {
			c.fail("unmount: %w: %s", err, out)
		}
	}()
	v.more = func() {
		if out, err := exec.CommandContext(c.ctx, "mount", "-o", "remount,size=256m", disk).CombinedOutput(); err != nil {
			c.fail("make room: %w: %s", err, out)
		}
	}
	// Rows that cannot be pressed, so that there is something to write.
	err := c.ask(c.ctx, `CREATE TABLE public.wide AS SELECT i, string_agg(md5(i::text || j::text), '') AS pad FROM generate_series(1, 200) i, generate_series(1, 60) j GROUP BY i`)
	if err != nil {
		c.fail("%w", err)
	}
	p, err := v.begin()
	if err != nil {
		c.fail("%w", err)
		return
	}
	v.goesOn(p, nil)
}
