package phases

import (
	"fmt"
	"strings"
	"time"
)

func describePhase(s *State, e Event) (Level, string) {
	switch e := e.(type) {
	case PhaseStarted:
		p := s.Phase(e.Phase)
		text := fmt.Sprintf("%s: started: %s", PhaseName(e.Phase), p.Plan.Title)
		if e.Attempt > 1 {
			text += fmt.Sprintf(", attempt %d", e.Attempt)
		}
		if p.Plan.PointOfNoReturn {
			return LevelWarn, text + ", POINT OF NO RETURN" + by(e.By)
		}
		return LevelInfo, text + by(e.By)
	case LockWaited:
		return describeLockWait(s, e)
	case TablesLocked:
		text := fmt.Sprintf("%s: %s locked", PhaseName(e.Phase), Plural(int64(len(e.Tables)), "table"))
		if e.Waited >= time.Second/10 {
			text += " after " + Span(e.Waited)
		}
		return LevelInfo, text
	case StepDone:
		return LevelInfo, describeStep(s, e)
	case TableCounted:
		text := fmt.Sprintf("%s: %s: %s", PhaseName(e.Phase), e.Table, Rows(e.Rows))
		if s.Phase(e.Phase).Plan.Writes() && s.Baseline != nil { // else it is the baseline's
			text += " left"
		}
		return LevelInfo, text
	case BaselineTaken:
		var rows int64
		tables := 0
		for _, c := range e.Counts {
			if c.Where == "" {
				tables, rows = tables+1, rows+c.Rows
			}
		}
		return LevelGood, fmt.Sprintf("%s: %s counted, %s; %s fingerprinted",
			PhaseName(e.Phase), Plural(int64(tables), "table"), Rows(rows), Plural(int64(len(e.Protected)), "protected table"))
	case PhaseVerified:
		return describeVerified(e)
	}
	return "", ""
}

func describeLockWait(s *State, e LockWaited) (Level, string) {
	if !s.Phase(e.Phase).LockedAt.IsZero() && len(e.Blockers) == 0 {
		return LevelInfo, fmt.Sprintf("%s: no session blocks it any more", PhaseName(e.Phase))
	}
	if e.Attempt > 1 && e.Attempt%lockWaitEvery != 0 {
		return "", ""
	}
	what := "its tables"
	if e.Table != "" {
		what = e.Table
	}
	text := fmt.Sprintf("%s: waits for a lock on %s since %s", PhaseName(e.Phase), what, Span(e.Waited))
	for i, b := range e.Blockers {
		if i == 0 {
			text += ", blocked by "
		} else {
			text += "; "
		}
		text += b.String()
	}
	return LevelWarn, text
}

// String says who blocks: the session, its user, its program and what it does.
func (b Blocker) String() string {
	text := fmt.Sprintf("session %d", b.PID)
	if b.User != "" {
		text += " of " + b.User
	}
	if b.Application != "" {
		text += " (" + b.Application + ")"
	}
	if b.State != "" {
		text += ", " + b.State
	}
	return Clean(text)
}

func describeStep(s *State, e StepDone) string {
	name, did := fmt.Sprintf("step %d", e.Step+1), Statement{Command: e.Command, Rows: e.Rows}
	if step := s.Phase(e.Phase).step(e.Step); step != nil {
		name = step.Name()
		if step.Delete != "" { // old journals don't say
			did.Command = "DELETE"
		}
	}
	return fmt.Sprintf("%s: %s: %s in %s", PhaseName(e.Phase), name, did, Span(e.Took))
}

func describeVerified(e PhaseVerified) (Level, string) {
	var failed, unknown []string
	for _, v := range e.Results {
		switch {
		case v.Unknown != "":
			unknown = append(unknown, v.String())
		case !v.Pass:
			failed = append(failed, v.String())
		}
	}
	total := len(e.Results)
	text := fmt.Sprintf("%s: verified: %d of %d hold", PhaseName(e.Phase), total-len(failed)-len(unknown), total)
	if len(failed)+len(unknown) == 0 {
		return LevelGood, text
	}
	if len(failed) > 0 {
		text += "; failed: " + strings.Join(failed, "; ")
	}
	if len(unknown) > 0 {
		text += "; not known: " + strings.Join(unknown, "; ")
	}
	return LevelBad, text
}

// String says what was looked at, what it should be and what it is, or why
// nobody knows.
func (v Verification) String() string {
	text := string(v.Kind)
	if v.Name != "" {
		text += " " + v.Name
	}
	if v.Unknown != "" {
		return Clean(text + ": unknown: " + v.Unknown)
	}
	text += ": " + v.Got
	if v.Got != v.Want && v.Want != "" {
		text += ", want " + v.Want
	}
	if v.Detail != "" {
		text += " (" + v.Detail + ")"
	}
	return Clean(text)
}

func describeOutcome(s *State, e Event) (Level, string) {
	switch e := e.(type) {
	case HoldOpened:
		return LevelWarn, fmt.Sprintf("%s: waits for COMMIT or ROLLBACK, rolls back in %s", PhaseName(e.Phase), Span(e.Until.Sub(s.At)))
	case CommitIntended:
		return LevelInfo, fmt.Sprintf("%s: sends COMMIT", PhaseName(e.Phase)) + by(e.By)
	case CommitDoubted:
		return LevelBad, fmt.Sprintf("%s: COMMIT in doubt, no definite answer: %s", PhaseName(e.Phase), e.Error)
	case DoubtExamined:
		return LevelWarn, fmt.Sprintf("%s: COMMIT in doubt: %s", PhaseName(e.Phase), e.Detail)
	case PhaseCommitted:
		text := fmt.Sprintf("%s: COMMITTED after %s: %s", PhaseName(e.Phase), Span(e.Took), s.Phase(e.Phase).DidWords())
		return LevelGood, text + fromLedger(e.Settled)
	case PhaseRolledBack:
		return LevelBad, fmt.Sprintf("%s: ROLLED BACK after %s, nothing changed: %s", PhaseName(e.Phase), Span(e.Took), e.Reason) + by(e.By) + fromLedger(e.Settled)
	case PhasePassed:
		return LevelGood, fmt.Sprintf("%s: PASSED after %s", PhaseName(e.Phase), Span(e.Took))
	case PhaseFailed:
		return LevelBad, fmt.Sprintf("%s: FAILED after %s: %s", PhaseName(e.Phase), Span(e.Took), e.Reason)
	case PhaseUndone:
		return LevelBad, fmt.Sprintf("%s: UNDONE: it was committed, and the database does not hold that: %s", PhaseName(e.Phase), e.Reason)
	case PhaseConfirmed:
		return LevelGood, fmt.Sprintf("%s: found committed after all", PhaseName(e.Phase))
	case UndoneAccepted:
		return LevelWarn, fmt.Sprintf("%s: counts as committed, although its tables hold rows again: %s", PhaseName(e.Phase), e.Reason) + by(e.By)
	case OutcomeUnknown:
		return LevelBad, fmt.Sprintf("%s: OUTCOME UNKNOWN, a human must look at the database: %s", PhaseName(e.Phase), e.Reason)
	}
	return "", ""
}

func fromLedger(settled bool) string {
	if settled {
		return " (settled afterwards: COMMIT's own answer was lost)"
	}
	return ""
}
