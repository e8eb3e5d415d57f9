package outside

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The files that a guard is given beside the usual three.
const (
	leaseFile  = 3 // ends when the command has to
	reportFile = 4 // takes what became of it
)

// pipes join the program to one guard.
type pipes struct {
	output, errors, report, lease               *os.File // the program's ends
	theirOutput, theirErrors, theirReport, tied *os.File // the guard's
}

func newPipes() (p *pipes, err error) {
	p = &pipes{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.output, p.theirOutput, err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.errors, p.theirErrors, err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.report, p.theirReport, err = os.Pipe(); err != nil {
		return nil, err
	}
	p.tied, p.lease, err = os.Pipe()
	return p, err
}

// handOver closes the guard's ends, once it has them.
func (p *pipes) handOver() {
	for _, f := range []*os.File{p.theirOutput, p.theirErrors, p.theirReport, p.tied} {
		f.Close() // a second close, and one of nil, are errors without a consequence
	}
}

func (p *pipes) close() {
	p.handOver()
	for _, f := range []*os.File{p.output, p.errors, p.report, p.lease} {
		f.Close()
	}
}

// run runs the program at path below a guard, which hands its environment and
// its folder on.
func run(ctx context.Context, path string, c Command, out, errs io.Writer) (ending, error) {
	p, err := newPipes()
	if err != nil {
		return ending{}, err
	}
	defer p.close()
	// Not by its path: a new version may have been put there.
	guard := &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{guardName, path}, c.Argv...), Env: c.environment(), Dir: c.Dir,
		Stdin: c.input(), Stdout: p.theirOutput, Stderr: p.theirOutput, ExtraFiles: []*os.File{p.tied, p.theirReport},
		// No terminal: a program that asks for a password there would take the operator's keys.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if c.Apart {
		guard.Stderr = p.theirErrors
	}
	if err := guard.Start(); err != nil {
		return ending{}, err
	}
	p.handOver()
	go func() { _ = guard.Wait() }() // ends with the guard, whose report says all that there is, and which takes the reading end of in along
	copied, reported := make(chan struct{}), make(chan string, 1)
	go func() { // ends with the command's last process, or when run returns, as the one below does
		defer close(copied)
		var apart sync.WaitGroup
		apart.Go(func() { _, _ = io.Copy(errs, p.errors) }) // ends at once where no process has it
		_, _ = io.Copy(out, p.output)                       // whatever came is what there is
		apart.Wait()
	}()
	go func() { // ends with the guard, or when run returns
		report, _ := io.ReadAll(io.LimitReader(p.report, MaxOutput))
		reported <- string(report)
	}()
	cut := false
	var report string
	select {
	case report = <-reported:
	case <-ctx.Done():
		cut = true
		p.lease.Close()
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case report = <-reported:
		case <-late.C:
			return ending{cut: true, left: []string{fmt.Sprintf("process %d and those below it", guard.Process.Pid)}}, nil
		}
	}
	rest := time.NewTimer(time.Second) // what was written is in the pipe already
	defer rest.Stop()
	select {
	case <-copied:
	case <-rest.C:
	}
	return readReport(report, cut), nil
}

// readReport reads what a guard said.
func readReport(report string, cut bool) ending {
	end := ending{lost: "the process that watches over it was killed, and what became of it nobody knows"}
	for line := range strings.Lines(report) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, _ := strconv.Atoi(rest) // a guard's number is one; 0 where there is none
		switch word {
		case "exit":
			end.exit, end.lost = n, ""
		case "signal":
			end.signal, end.lost = syscall.Signal(n), ""
		case "error":
			end.errno, end.lost = syscall.Errno(n), ""
		case "cut":
			end.cut, end.lost = true, ""
		case "left":
			end.left = append(end.left, rest)
		}
	}
	if cut && end.lost != "" {
		end.cut = true
		end.left = []string{"what it started, if anything, since the process that watches over it was killed"}
	}
	return end
}
