//go:build !linux

package outside

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// run runs the program at path in a process group of its own, and kills that
// group at the end. What left the group lives on: without /proc and a
// subreaper nobody knows that it is the command's.
func run(ctx context.Context, path string, c Command, out, errs io.Writer) (ending, error) {
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Env, cmd.Dir = c.Argv, c.environment(), c.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.input(), out, out
	if c.Apart {
		cmd.Stderr = errs
	}
	// No terminal: a program that asks for a password there would take the
	// operator's keys. A session's first process leads a group, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = time.Second // a child that left the group may keep the output open
	if err := cmd.Start(); err != nil {
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			return ending{errno: errno}, nil
		}
		return ending{}, err
	}
	_ = cmd.Wait() // the process's state says all that there is
	_ = killGroup(cmd.Process.Pid)
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return ending{lost: "the system does not tell how it ended"}, nil
	case status.Signaled() && ctx.Err() != nil:
		return ending{cut: true}, nil
	case status.Signaled():
		return ending{signal: status.Signal()}, nil
	}
	return ending{exit: status.ExitStatus()}, nil
}

// killGroup kills a process group; one that has ended is no error.
func killGroup(leader int) error {
	if err := syscall.Kill(-leader, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
