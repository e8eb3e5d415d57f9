package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// ActionResult is what came of a command, a request or statements. The zero
// value is that of an action that records what it did by events of its own.
type ActionResult struct {
	Value    string        `json:"value,omitempty"`  // what was found, in a line
	Output   string        `json:"output,omitempty"` // the last lines of what it said, each cleaned, without secrets
	Exit     *int          `json:"exit,omitempty"`   // of a command that ended by itself; nil otherwise
	Status   int           `json:"status,omitempty"` // of the last answer to a request; 0 for none
	Took     time.Duration `json:"took_ns,omitempty"`
	Measured *Measured     `json:"measured,omitempty"` // nil where nothing was measured
}

// Measured is how long the answers to requests took.
type Measured struct {
	Requests int           `json:"requests"`
	P50      time.Duration `json:"p50_ns"`
	P95      time.Duration `json:"p95_ns"`
	Max      time.Duration `json:"max_ns"`
}

// String says it in a line: "p95 12 ms, median 8 ms, at most 40 ms, 60 requests".
func (m Measured) String() string {
	return fmt.Sprintf("p95 %s, median %s, at most %s, %s", Millis(m.P95), Millis(m.P50), Millis(m.Max), Plural(int64(m.Requests), "request"))
}

// Millis is a short time in words.
func Millis(d time.Duration) string {
	if d >= time.Second {
		return Span(d)
	}
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

// What of an action's output is recorded.
const (
	outputLines = 40
	outputBytes = 4 << 10
)

// cutOutput stands where lines are missing.
const cutOutput = "… (what was before is not kept)"

// Tail is the end of an output as it is recorded: its last lines, each cleaned,
// and a line that says that there were others before.
func Tail(output string) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(output, "\r", "\n")) {
		lines = append(lines, strings.TrimRight(Clean(strings.TrimSuffix(line, "\n")), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	from, size := len(lines), 0
	for from > 0 && len(lines)-from < outputLines && size+len(lines[from-1]) < outputBytes {
		from--
		size += len(lines[from]) + 1
	}
	left := ""
	if from > 0 {
		left = cutOutput + "\n"
	}
	if from == len(lines) && from > 0 { // one line that is too long by itself
		last := lines[from-1]
		return left + strings.ToValidUTF8(last[len(last)-outputBytes:], "")
	}
	return left + strings.Join(lines[from:], "\n")
}

// actionLacks says what an item that its action answers still needs, or
// nothing when the action has ended well.
func (s *State) actionLacks(it runbook.Item) string {
	switch a := s.Item(it.ID).Action; {
	case a == nil:
		return "its action was not run yet"
	case a.Running:
		return "its action is under way"
	case a.Error != "":
		return "action failed: " + a.Error
	}
	return ""
}

// ByAction reports whether an item is answered by its action alone.
func (s *State) ByAction(it runbook.Item) bool {
	return it.Check == nil && it.Action.Answers() && s.Runs(it.Action)
}

// Runs reports whether the run has an item's action done. What a command or a
// request reaches is the real system, in a rehearsal too: there it is left to
// humans, unless the runbook says otherwise.
func (s *State) Runs(a *runbook.Action) bool {
	return !a.Answers() || a.Probes != nil || a.Rehearsal || s.Opened.Environment != Rehearsal
}

var errRehearsal = errors.New("in a rehearsal no command and no request is run, since it would reach the real system: tick the item; or write `rehearsal: true` into its action")
