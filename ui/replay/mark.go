package replay

import (
	"time"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// Mark is a moment that somebody looks for.
type Mark struct {
	At     time.Duration // since the run's first record
	Record int           // how many records there are with it
	Text   string        // as the log has it
	Sign   Sign
	Start  bool // of a phase: a recording names it, and jumps pass it by
}

// Sign is what a mark is, as one character shows it.
type Sign int

// The signs, by how much they matter where several fall together.
const (
	SignStep  Sign = iota // something begins or goes on
	SignGate              // GO
	SignHold              // a phase waits for COMMIT or ROLLBACK
	SignDone              // COMMIT, or a phase has passed
	SignBack              // ROLLBACK
	SignNo                // NO-GO, abort, failure
	SignDoubt             // nobody knows what came of a COMMIT
	SignEnd               // the run is closed
)

// markOf is an event's mark, where it has one.
func markOf(e phases.Event, line phases.LogLine) (m Mark, ok bool) {
	m.Text = line.Text
	switch e.(type) {
	case phases.PhaseStarted:
		m.Sign, m.Start = SignStep, true
	case phases.RunResumed, phases.UndoneAccepted, phases.WindowExtended:
		m.Sign = SignStep
	case phases.GatePassed:
		m.Sign = SignGate
	case phases.HoldOpened:
		m.Sign = SignHold
	case phases.PhaseCommitted, phases.PhasePassed:
		m.Sign = SignDone
	case phases.PhaseRolledBack:
		m.Sign = SignBack
	case phases.GateClosed, phases.NoGoDeclared, phases.RunAborted, phases.RunInterrupted, phases.PhaseFailed, phases.PhaseUndone:
		m.Sign = SignNo
	case phases.CommitDoubted, phases.OutcomeUnknown:
		m.Sign = SignDoubt
	case phases.RunClosed:
		m.Sign = SignEnd
	default:
		return Mark{}, false
	}
	return m, true
}

// cell is a sign on screen.
func (s Sign) cell(st *look.Styles) (string, lipgloss.Style) {
	switch s {
	case SignGate:
		return "◆", st.Good
	case SignHold:
		return st.Mark.Waiting, st.Warn
	case SignDone:
		return st.Mark.Done, st.Good
	case SignBack:
		return st.Mark.Undone, st.Warn
	case SignNo:
		return st.Mark.Failed, st.Bad
	case SignDoubt:
		return st.Mark.Unknown, st.Bad
	case SignEnd:
		return "■", st.Title
	}
	return st.Mark.Running, st.Accent
}

// jumps are the marks that keys go to.
func (f *Film) jumps() []Mark {
	var out []Mark
	for _, m := range f.marks {
		if !m.Start {
			out = append(out, m)
		}
	}
	return out
}
