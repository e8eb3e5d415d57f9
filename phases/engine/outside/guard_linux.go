package outside

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guardName is a guard's name in ps, and what tells the program that it is one.
const guardName = "tminus-guard"

// A guard is the program itself, so it must be told before the program begins.
func init() {
	if len(os.Args) > 2 && os.Args[0] == guardName {
		// Not os.Exit: it runs what the program has for its own end, for which the
		// race detector takes a second, and a guard has nothing to end.
		syscall.Exit(guard(os.Args[1], os.Args[2:]))
	}
}

// warden is what a guard knows of the command that it watches over.
type warden struct {
	pid    int
	status syscall.WaitStatus
	ended  bool          // the command has; what it started may not have
	signal chan struct{} // closed when the program wants the command's end
	child  chan os.Signal
}

// guard runs the program at path, kills all that it started when it has ended
// or the program wants so, and reports.
func guard(path string, argv []string) int {
	unix.CloseOnExec(leaseFile)
	unix.CloseOnExec(reportFile)
	report := os.NewFile(reportFile, "report")
	w := &warden{signal: make(chan struct{}), child: make(chan os.Signal, 1)}
	// Before the first child: an ignored SIGCHLD, inherited, would let children
	// go without being waited for.
	signal.Notify(w.child, syscall.SIGCHLD)
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if err == nil {
		err = w.start(path, argv)
	}
	if err != nil {
		errno, ok := errors.AsType[syscall.Errno](err)
		if !ok {
			errno = syscall.EIO
		}
		fmt.Fprintf(report, "error %d\n", int(errno))
		return 1
	}
	go func() { // ends with the lease, or with the guard
		for buf := make([]byte, 1); ; {
			if n, err := syscall.Read(leaseFile, buf); n == 0 || err != nil && !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		close(w.signal)
	}()
	fmt.Fprint(report, w.watch())
	w.endAll(report)
	return 0
}

func (w *warden) start(path string, argv []string) error {
	// A group of its own: `kill 0` in a script reaches no guard.
	var err error
	w.pid, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	return err
}

// watch waits for the command's end, or for the wish that it ends, and says
// which it was.
func (w *warden) watch() string {
	for {
		w.reap()
		if w.ended {
			if w.status.Signaled() {
				return fmt.Sprintf("signal %d\n", int(w.status.Signal()))
			}
			return fmt.Sprintf("exit %d\n", w.status.ExitStatus())
		}
		select {
		case <-w.child:
		case <-w.signal:
			return "cut\n"
		}
	}
}

// endAll kills the guard's children until there are none: those of a killed one
// become the guard's. After some seconds the report is given without waiting
// any longer, and says what is left; the guard goes on as long as there is
// something that it may kill.
func (w *warden) endAll(report *os.File) {
	late := time.Now().Add(patience / 2)
	told := false
	for w.reap() {
		left, allowed := killChildren()
		if late.Before(time.Now()) {
			if !told {
				for _, name := range left {
					fmt.Fprintf(report, "left %s\n", name)
				}
				told = true
				report.Close()
				for _, fd := range []int{1, 2} {
					_ = syscall.Close(fd) // closed or not, nobody writes to it any more
				}
			}
			if !allowed {
				return
			}
		}
		select {
		case <-w.child:
		case <-time.After(10 * time.Millisecond): // a child may have been taken in without a signal
		}
	}
}

// reap waits for the children that have ended, and reports whether others are
// left. No other place waits for one: until it does, a child's process ID is
// nobody else's.
func (w *warden) reap() (left bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return false
		case pid == 0:
			return true
		case pid == w.pid:
			w.status, w.ended = status, true
		}
	}
}

// killChildren kills the guard's own children and names them. It reports
// whether there was one that it was allowed to kill.
func killChildren() (names []string, allowed bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{"its processes, since /proc cannot be read"}, false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		name, parent := processOf(pid)
		if parent != os.Getpid() {
			continue
		}
		why := ""
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			why = ", which belongs to another user"
		} else {
			allowed = true
		}
		names = append(names, fmt.Sprintf("process %d (%s)%s", pid, name, why))
	}
	if len(names) == 0 {
		names = []string{"a process that this user may not see"}
	}
	return names, allowed
}

// processOf gives a process's name and its parent's ID; 0 when it is gone.
func processOf(pid int) (name string, parent int) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", 0
	}
	// "pid (name) state parent …", where the name may hold anything.
	from, to := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if from < 0 || to < from {
		return "", 0
	}
	fields := strings.Fields(string(stat[to+1:]))
	if len(fields) < 2 {
		return "", 0
	}
	parent, err = strconv.Atoi(fields[1])
	if err != nil {
		return "", 0
	}
	return strings.Join(strings.Fields(string(stat[from+1:to])), " "), parent
}
