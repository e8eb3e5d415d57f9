package phases

import (
	"fmt"
	"strings"
)

// Standing says in a few words where a run that has not been closed stands, for
// whoever looks for the one that was left.
func (s *State) Standing() string {
	switch {
	case s.Runbook == nil:
		return "nothing has begun"
	case s.Outcome != "":
		return s.Outcome.Word() + ", and not closed yet"
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		at := fmt.Sprintf("phase %d of %d", i+1, len(s.Phases))
		switch p.Status {
		case PhaseInDoubt, PhaseCommitting:
			return "IN DOUBT: COMMIT of " + at
		case PhaseUnknown:
			return "UNKNOWN: outcome of " + at
		case PhaseIsUndone:
			return "NO LONGER HELD: " + at
		}
		if p.Status.Open() {
			return at + " open"
		}
	}
	switch s.Stage() {
	case StageChecklist:
		return s.standingBefore()
	case StageAfter:
		return "after the last phase, " + s.itemsDone(s.GroupsDone(s.Runbook.After))
	}
	at := s.Current()
	text := fmt.Sprintf("before phase %d of %d", at+1, len(s.Phases))
	if p := &s.Phases[at]; p.Status != PhasePending {
		text += ", which was " + strings.ReplaceAll(string(p.Status), "_", " ")
	}
	return text
}

// standingBefore is for the time before the gate is passed.
func (s *State) standingBefore() string {
	if s.Survey == nil {
		return "before its survey"
	}
	done, total := s.GroupsDone(s.Runbook.Checklist)
	if done == total {
		return "before the gate"
	}
	return "before the gate, " + s.itemsDone(done, total)
}

func (s *State) itemsDone(done, total int) string {
	return fmt.Sprintf("%d of %s done", done, Plural(int64(total), "item"))
}
