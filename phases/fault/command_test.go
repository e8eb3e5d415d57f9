package fault

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tminus/phases"
)

const kindCommand = "check's command that does not end, or leaves a process"

// commandFaults have a check whose command does not end, or ends and leaves
// somebody behind.
func commandFaults() []fault {
	var out []fault
	for _, k := range []struct {
		name, check string // MARK tells its processes from all others
		ends        bool
	}{
		{"a program that does not end", `command: [sleep, "MARK"]`, false},
		{"a shell whose child does not end", `shell: "sleep MARK & wait"`, false},
		{"a child in a session of its own, waited for", `shell: "setsid sleep MARK; true"`, false},
		{"a child in a session of its own, left behind", `shell: "setsid sleep MARK >/dev/null 2>&1 & echo ok"`, true},
		{"a child in a session of its own that holds the output", `shell: "setsid sleep MARK & echo ok"`, true},
		{"a daemon", `shell: "(setsid nohup sleep MARK >/dev/null 2>&1 &); echo ok"`, true},
		{"a daemon with an empty environment", `shell: "(env -i setsid sleep MARK >/dev/null 2>&1 &); echo ok"`, true},
		{"a child in a session of its own, and one that does not end", `shell: "env -i setsid sleep MARK & sleep MARK"`, false},
		{"one that ignores SIGTERM", `shell: "trap '' TERM; setsid sleep MARK & sleep MARK & wait"`, false},
		{"honest: one that takes a moment", `shell: "sleep 0.1; echo fine"`, true},
		{"honest: one whose child ends", `shell: "setsid sleep 0.1 & wait; echo fine"`, true},
	} {
		out = append(out, fault{kind: kindCommand, name: k.name, smoke: strings.Contains(k.name, "waited for") || k.name == "a daemon", run: func(c *trial) {
			c.command(k.check, k.ends)
		}})
	}
	return out
}

func (c *trial) command(check string, ends bool) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		c.skipped = "processes are not to be seen here: " + err.Error()
		return
	}
	c.attended = false
	sum := fnv.New32a()
	fmt.Fprint(sum, c.path, os.Getpid())
	mark := fmt.Sprintf("300.%d", sum.Sum32())
	c.source = strings.Replace(book, "      - {id: told, text: Everybody was told}\n", `      - {id: told, text: Everybody was told}
      - id: asked
        text: A command answers
        check:
          `+strings.ReplaceAll(check, "MARK", mark)+`
          timeout: 1s
          every: 1s
          remedy: See what it waits for.
`, 1)
	defer c.endMarked(mark)
	c.direct()
	s := c.said()
	switch {
	case s == nil:
		c.fail("no run")
	case ends && s.Outcome != phases.Completed:
		c.fail("the check did not pass: %s, %+v", s.Outcome, s.Item("asked").Check)
	case !ends:
		said := s.Item("asked").Check
		if s.ExitCode() != 3 || said == nil || !strings.Contains(said.Error+said.Value, "no answer within 1s") || strings.Contains(said.Error+said.Value, "-1") {
			c.fail("exit code %d, and the check says %+v", s.ExitCode(), said)
		}
	}
	deadline := time.Now().Add(pollLimit)
	for left := marked(mark); len(left) > 0; left = marked(mark) {
		if time.Now().After(deadline) {
			c.fail("%d processes of a check are left", len(left))
			break
		}
		if err := pause(c.ctx, 10*time.Millisecond); err != nil {
			c.fail("%w", err)
			return
		}
	}
	c.recover(c.rerun)
}

// marked are the processes with a mark in their command line.
func marked(mark string) []int {
	var out []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well formed
	for _, file := range files {
		line, err := os.ReadFile(file) // one that has ended is not there
		pid, errPID := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && errPID == nil && strings.Contains(string(line), mark) {
			out = append(out, pid)
		}
	}
	return out
}

// endMarked ends what a check left, so that a trial that went wrong leaves nothing.
func (c *trial) endMarked(mark string) {
	for _, pid := range marked(mark) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			c.fail("end process %d: %w", pid, err)
		}
	}
}
