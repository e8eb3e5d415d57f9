package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a server that we started, or adopted.
type process struct {
	pid         int
	adoptedFrom string        // the directory of one that isn't our child
	done        chan struct{} // closed once it was reaped, or has ended
}

// startProcess starts cmd in a session of its own, so that a ctrl+c in our
// terminal doesn't reach it, and, unless it lingers, with a signal for it on
// our death.
func startProcess(cmd *exec.Cmd, lingers bool) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	// Ends when the process does. The kernel ties the death signal to the
	// thread that started the process, so that thread has to live as long.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd.SysProcAttr.Setsid = true
		if !lingers {
			dieWithParent(cmd.SysProcAttr, syscall.SIGQUIT)
		}
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		_ = cmd.Wait() // how a server ended is in its log
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal reaches our process only: while a child isn't reaped, its pid is
// taken, and who isn't a child is asked.
func (p *process) signal(sig syscall.Signal) {
	if !p.ended() && (p.adoptedFrom == "" || isServerOf(p.pid, p.adoptedFrom)) {
		_ = syscall.Kill(p.pid, sig) // it may be ending right now
	}
}

// wait reports whether the process ended within the limit.
func (p *process) wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// isServerOf reports whether a process was started as the server of a
// directory.
func isServerOf(pid int, dir string) bool {
	return strings.Contains(commandLine(pid), "postgres -D "+filepath.Join(dir, "data")+" ")
}

// crash kills the process and its children, and waits until all are gone: a
// backend that outlives its postmaster keeps the data directory in use.
func (p *process) crash() {
	p.signal(syscall.SIGSTOP) // it must not start further children
	children := p.children()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.signal(syscall.SIGKILL)
	<-p.done
	deadline := time.Now().Add(killTimeout)
	for _, pid := range children {
		for alive(pid) && time.Now().Before(deadline) {
			time.Sleep(pollInterval)
		}
	}
}

// runBounded runs a short-lived program to its end, or kills it, and gives
// what it wrote.
func runBounded(ctx context.Context, limit time.Duration, cmd *exec.Cmd) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr.Setsid = true
	cmd.WaitDelay = time.Second
	result := make(chan error, 1)
	pid := make(chan int, 1)
	// Ends with the program, on the thread that its death signal hangs on.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		dieWithParent(cmd.SysProcAttr, syscall.SIGKILL)
		if err := cmd.Start(); err != nil {
			result <- err
			return
		}
		pid <- cmd.Process.Pid
		result <- cmd.Wait()
	}()
	select {
	case err := <-result:
		return out.Bytes(), err
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return out.Bytes(), err
	case leader := <-pid:
		_ = syscall.Kill(-leader, syscall.SIGKILL) // its session, so its children too
		err := <-result
		return out.Bytes(), errors.Join(fmt.Errorf("ended after its limit: %w", context.Cause(ctx)), err)
	}
}
