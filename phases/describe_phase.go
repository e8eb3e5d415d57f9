package phases

import (
	"fmt"
	"strings"
	"time"
)

func describePhase(s *State, e Event) (Level, string) {
	switch e := e.(type) {
	case PhaseStarted:
		p := s.phase(e.Phase)
		text := fmt.Sprintf("phase %s: started: %s", e.Phase, p.Plan.Title)
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
		text := fmt.Sprintf("phase %s: %s locked", e.Phase, plural(int64(len(e.Tables)), "table"))
		if e.Waited >= time.Second/10 {
			text += " after " + Span(e.Waited)
		}
		return LevelInfo, text
	case StepDone:
		return LevelInfo, describeStep(s, e)
	case TableCounted:
		text := fmt.Sprintf("phase %s: %s: %s", e.Phase, e.Table, Rows(e.Rows))
		if s.phase(e.Phase).Plan.Writes() {
			text += " left"
		}
		return LevelInfo, text
	case BaselineTaken:
		var rows int64
		for _, c := range e.Counts {
			rows += c.Rows
		}
		return LevelGood, fmt.Sprintf("phase %s: %s counted, %s; %s fingerprinted",
			e.Phase, plural(int64(len(e.Counts)), "table"), Rows(rows), plural(int64(len(e.Protected)), "protected table"))
	case PhaseVerified:
		return describeVerified(e)
	}
	return "", ""
}

func describeLockWait(s *State, e LockWaited) (Level, string) {
	if !s.phase(e.Phase).LockedAt.IsZero() && len(e.Blockers) == 0 {
		return LevelInfo, fmt.Sprintf("phase %s: no session blocks it any more", e.Phase)
	}
	if e.Attempt > 1 && e.Attempt%lockWaitEvery != 0 {
		return "", ""
	}
	what := "its tables"
	if e.Table != "" {
		what = e.Table
	}
	text := fmt.Sprintf("phase %s: waits for a lock on %s since %s", e.Phase, what, Span(e.Waited))
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
	p := s.phase(e.Phase)
	name, verb := fmt.Sprintf("step %d", e.Step+1), "touched"
	if e.Step >= 0 && e.Step < len(p.Plan.Steps) {
		step := p.Plan.Steps[e.Step]
		name = step.Name()
		if step.Delete != "" {
			verb = "deleted"
		}
	}
	text := fmt.Sprintf("phase %s: %s: %s %s in %s", e.Phase, name, Rows(e.Rows), verb, Span(e.Took))
	if t := p.find(name); t != nil && t.Left >= 0 {
		text += fmt.Sprintf(", %s left", Digits(t.Left))
	}
	return text
}

func describeVerified(e PhaseVerified) (Level, string) {
	var failed []string
	for _, v := range e.Results {
		if !v.Pass {
			failed = append(failed, v.String())
		}
	}
	text := fmt.Sprintf("phase %s: verified: %d of %d hold", e.Phase, len(e.Results)-len(failed), len(e.Results))
	if len(failed) == 0 {
		return LevelGood, text
	}
	return LevelBad, text + "; failed: " + strings.Join(failed, "; ")
}

// String says what was looked at, what it should be and what it is.
func (v Verification) String() string {
	text := string(v.Kind)
	if v.Name != "" {
		text += " " + v.Name
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
		return LevelWarn, fmt.Sprintf("phase %s: waits for COMMIT or ROLLBACK, rolls back in %s", e.Phase, Span(e.Until.Sub(s.At)))
	case CommitIntended:
		return LevelInfo, fmt.Sprintf("phase %s: sends COMMIT", e.Phase) + by(e.By)
	case CommitDoubted:
		return LevelBad, fmt.Sprintf("phase %s: COMMIT in doubt, no definite answer: %s", e.Phase, e.Error)
	case DoubtExamined:
		return LevelWarn, fmt.Sprintf("phase %s: COMMIT in doubt: %s", e.Phase, e.Detail)
	case PhaseCommitted:
		deleted, cascaded := s.phase(e.Phase).Gone()
		text := fmt.Sprintf("phase %s: COMMITTED after %s: %s deleted", e.Phase, Span(e.Took), Rows(deleted))
		if cascaded > 0 {
			text += fmt.Sprintf(", %s by foreign keys and triggers", Digits(cascaded))
		}
		return LevelGood, text + fromLedger(e.Settled)
	case PhaseRolledBack:
		return LevelBad, fmt.Sprintf("phase %s: ROLLED BACK after %s, nothing changed: %s", e.Phase, Span(e.Took), e.Reason) + by(e.By) + fromLedger(e.Settled)
	case PhasePassed:
		return LevelGood, fmt.Sprintf("phase %s: PASSED after %s", e.Phase, Span(e.Took))
	case PhaseFailed:
		return LevelBad, fmt.Sprintf("phase %s: FAILED after %s: %s", e.Phase, Span(e.Took), e.Reason)
	case PhaseUndone:
		return LevelBad, fmt.Sprintf("phase %s: UNDONE: it was committed, and the database does not hold that: %s", e.Phase, e.Reason)
	case PhaseConfirmed:
		return LevelGood, fmt.Sprintf("phase %s: found committed after all", e.Phase)
	case UndoneAccepted:
		return LevelWarn, fmt.Sprintf("phase %s: counts as committed, although its tables hold rows again: %s", e.Phase, e.Reason) + by(e.By)
	case OutcomeUnknown:
		return LevelBad, fmt.Sprintf("phase %s: OUTCOME UNKNOWN, a human must look at the database: %s", e.Phase, e.Reason)
	}
	return "", ""
}

func fromLedger(settled bool) string {
	if settled {
		return " (settled afterwards: COMMIT's own answer was lost)"
	}
	return ""
}

// Gone adds up the rows that a phase's transaction deleted: by its own
// statements, and by foreign keys and triggers.
func (p *PhaseState) Gone() (deleted, cascaded int64) {
	for _, t := range p.Tables {
		deleted += t.Deleted
		cascaded += t.Cascaded
	}
	return deleted, cascaded
}
