//go:build unix && !linux

package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing here: the watchdog does it all.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

func alive(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func commandLine(pid int) string {
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

func (p *process) isParentOf(pid int) bool {
	out, err := exec.Command("ps", "-o", "ppid=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.TrimSpace(string(out)) == strconv.Itoa(p.pid) && !p.ended()
}

func (p *process) children() []int {
	out, err := exec.Command("ps", "-axo", "pid=,ppid=").Output()
	if err != nil {
		return nil
	}
	var children []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[1] == strconv.Itoa(p.pid) {
			if pid, err := strconv.Atoi(fields[0]); err == nil && pid != os.Getpid() {
				children = append(children, pid)
			}
		}
	}
	return children
}

// releaseSharedMemory is done by the server's next start here.
func releaseSharedMemory(string) {}
