package action

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"tminus/phases"
	"tminus/phases/engine/outside"
)

// said is what a command of the operator's may print of a backup, as its last
// line.
type said struct {
	ID       string `json:"id"`
	Time     string `json:"time"`
	Location string `json:"location"`
	Bytes    int64  `json:"bytes"` // its size
}

// command runs a program to its end, with further variables in its
// environment. Another exit code than 0 is an error.
func command(ctx context.Context, argv, env []string) (said, error) {
	var end tail
	done, err := outside.Command{Argv: argv, Env: env, Output: &end}.Run(ctx)
	if err != nil {
		return said{}, err
	}
	if done.Exit != 0 {
		return said{}, &exitError{argv[0], done}
	}
	last := end.lastLine()
	if !strings.HasPrefix(last, "{") {
		return said{}, nil
	}
	var out said
	if err := json.Unmarshal([]byte(last), &out); err != nil {
		return said{}, fmt.Errorf("the last line of %s begins like JSON, and cannot be read as such: print {\"id\": …, \"time\": …, \"location\": …, \"bytes\": …}, of which bytes is a whole number", argv[0])
	}
	out.ID, out.Location = oneField(out.ID), oneField(out.Location)
	return out, nil
}

// exitError is a program that ended with another exit code than 0.
type exitError struct {
	name string
	done outside.Done
}

// Error implements error.
func (e *exitError) Error() string {
	return fmt.Sprintf("%s ended with exit code %d: %s", e.name, e.done.Exit, outside.FirstLine(e.done.Output))
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards kept
	kept []byte
}

// Write implements io.Writer; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-outside.MaxOutput):]
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

func (t *tail) lastLine() string {
	lines := strings.Split(strings.TrimSpace(t.text()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// oneField is text from outside as a field takes it.
func oneField(s string) string {
	s = strings.TrimSpace(phases.Clean(s))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return s
}
