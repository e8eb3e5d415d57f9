package phases

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// lockWaitEvery is which of the retries for a lock get a line: the first, and
// then one in so many.
const lockWaitEvery = 10

// Describe says one event in words, given the state after it was applied. It
// is false for events that are not worth a line: progress, and answers of a
// check that say what the last one said.
func Describe(s *State, e Event) (LogLine, bool) {
	level, text := describe(s, e)
	return LogLine{Seq: s.Seq, At: s.At, Level: level, Text: text}, text != ""
}

// describe is Describe for Apply. No text means no line.
func describe(s *State, e Event) (Level, string) {
	for _, say := range []func(*State, Event) (Level, string){describeRun, describeItem, describePhase, describeOutcome} {
		if level, text := say(s, e); text != "" {
			return level, Clean(text)
		}
	}
	return LevelInfo, ""
}

func describeRun(s *State, e Event) (Level, string) {
	switch e := e.(type) {
	case RunOpened:
		return LevelInfo, fmt.Sprintf("run opened: %s, %s on database %s at %s, by %s", e.File, e.Environment, e.Target.Database, e.Target.Host, e.Operator)
	case RunResumed:
		text := fmt.Sprintf("run resumed by %s", e.Operator)
		if e.TornBytes > 0 {
			text += fmt.Sprintf("; cut from the journal: %s of an unfinished last line", Plural(int64(e.TornBytes), "byte"))
		}
		if e.GateAgain != "" {
			text += "; " + e.GateAgain
		}
		return LevelWarn, text
	case SurveyTaken:
		return describeSurvey(e)
	case ServerAwaited:
		if e.What == "" {
			return LevelInfo, "the database answers again"
		}
		return LevelInfo, "waiting for the database: " + e.What
	case GatePassed:
		text := "GO: approved by " + e.Approver
		if e.Assumed {
			text = "GO: assumed, nobody approved"
		}
		return LevelGood, text + by(e.By)
	case GateClosed:
		return LevelBad, "the gate closed again: " + strings.Join(e.Holds, "; ")
	case NoGoDeclared:
		return LevelBad, "NO-GO: " + e.Reason + by(e.By)
	case ConditionRaised:
		return describeCondition(e)
	case WindowExtended:
		return LevelWarn, fmt.Sprintf("window extended by %s, on the decision of %s: %s", Span(e.Extra), e.By, e.Reason)
	case NoteRecorded:
		return LevelInfo, "note: " + e.Text + by(e.By)
	case BackendEnded:
		return describeBackend(e)
	case ObserverJoined:
		return LevelInfo, "observer joined: " + e.Name
	case ObserverLeft:
		return LevelInfo, fmt.Sprintf("observer left; %s", Plural(int64(len(s.Observers)), "observer")+" watching")
	case RunAborted:
		text := "run aborted: " + e.Reason + by(e.By)
		for _, line := range s.Undoing() {
			text += "; " + line
		}
		return LevelBad, text
	case RunInterrupted:
		return LevelWarn, "run interrupted: " + e.Reason + "; it can be resumed"
	case RunClosed:
		return describeClosed(s, e)
	}
	return "", ""
}

func describeClosed(s *State, e RunClosed) (Level, string) {
	if e.Outcome == Completed {
		return LevelGood, "run closed: completed"
	}
	text := "run closed: " + outcomeWord(e.Outcome)
	for i, line := range s.triggersLeft() {
		if i > 0 {
			text += " "
		} else {
			text += "; "
		}
		text += strings.TrimSpace(line)
	}
	return LevelBad, text
}

func outcomeWord(o Outcome) string {
	if o == NoGo {
		return "NO-GO"
	}
	return string(o)
}

func describeSurvey(e SurveyTaken) (Level, string) {
	reached := map[string]bool{}
	for _, r := range e.Reach {
		if !slices.Contains(e.Deletes, r.Table) {
			reached[r.Table] = true
		}
	}
	text := fmt.Sprintf("survey: deletes from %s, %s more through foreign keys, %s",
		Plural(int64(len(e.Deletes)), "table"), Plural(int64(len(reached)), "table"), Plural(int64(len(e.Triggers)), "trigger"))
	if e.Sessions > 0 {
		text += fmt.Sprintf(", %s at its widest", Plural(int64(e.Sessions), "session"))
	}
	if len(e.Warnings) == 0 {
		return LevelInfo, text
	}
	return LevelWarn, text + "; " + strings.Join(e.Warnings, "; ")
}

func describeCondition(e ConditionRaised) (Level, string) {
	text := "abort condition " + strings.ReplaceAll(e.Condition, "_", " ")
	if e.Phase != "" {
		text = PhaseName(e.Phase) + ": " + text
	}
	text += ": " + e.Detail
	if e.Strength == RollbackStrength {
		return LevelBad, text + "; rolling back"
	}
	return LevelWarn, text
}

func describeBackend(e BackendEnded) (Level, string) {
	done, failed := "statement cancelled", "its statement could not be cancelled"
	if e.Terminated {
		done, failed = "terminated", "could not be terminated"
	}
	if e.Error != "" {
		return LevelWarn, fmt.Sprintf("session %d: %s: %s", e.PID, failed, e.Error)
	}
	return LevelWarn, fmt.Sprintf("session %d: %s", e.PID, done) + by(e.By)
}

func describeItem(s *State, e Event) (Level, string) {
	switch e := e.(type) {
	case ItemTicked:
		return LevelGood, "ticked: " + s.itemText(e.Item) + by(e.By)
	case ItemUnticked:
		text := "unticked: " + s.itemText(e.Item)
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		return LevelWarn, text + by(e.By)
	case ItemAssumed:
		return LevelWarn, "assumed, nobody looked: " + s.itemText(e.Item)
	case FieldRecorded:
		return describeField(s, e)
	case CheckAnswered:
		return describeCheck(s, e)
	case ActionStarted:
		return LevelInfo, "started " + e.Name + ": " + s.itemText(e.Item) + by(e.By)
	case TriggersRecorded:
		names := make([]string, 0, len(e.Triggers))
		for _, t := range e.Triggers {
			names = append(names, t.Table+"."+t.Name)
		}
		return LevelInfo, fmt.Sprintf("recorded %s before disabling: %s", Plural(int64(len(names)), "trigger"), strings.Join(names, ", "))
	case ActionDone:
		if e.Error != "" {
			return LevelBad, e.Name + " failed: " + e.Error
		}
		return LevelGood, e.Name + " done: " + s.itemText(e.Item)
	}
	return "", ""
}

func describeField(s *State, e FieldRecorded) (Level, string) {
	label := e.Field
	if it, _, ok := s.Runbook.Item(e.Item); ok {
		for _, f := range it.Fields {
			if f.ID == e.Field {
				label = f.Label
			}
		}
	}
	switch {
	case e.Value == "":
		return LevelWarn, "cleared: " + label + by(e.By)
	case e.Assumed:
		return LevelWarn, "assumed: " + label + ": " + e.Value
	}
	return LevelInfo, "recorded: " + label + ": " + e.Value + by(e.By)
}

func describeCheck(s *State, e CheckAnswered) (Level, string) {
	c := s.Item(e.Item).Check
	if c == nil || !c.Since.Equal(c.At) {
		return "", ""
	}
	text := s.itemText(e.Item)
	switch {
	case e.Error != "":
		return LevelWarn, "check not answered: " + text + ": " + e.Error
	case !e.Pass:
		return LevelWarn, "check failed: " + text + ": found " + e.Value
	case e.Value == "":
		return LevelGood, "check passed: " + text
	}
	return LevelGood, "check passed: " + text + ": " + e.Value
}

func (s *State) itemText(id string) string {
	if it, _, ok := s.Runbook.Item(id); ok {
		return it.Text
	}
	return id
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return ", by " + who
}

// PhaseName is what a line of text calls a phase, by its id: "phase leaf", and
// "phase 3" where the id is "phase3", "phase-3" or "phase_3".
func PhaseName(id string) string {
	rest, ok := strings.CutPrefix(id, "phase")
	if name := strings.TrimLeft(rest, "-_"); ok && name != "" && (name != rest || unicode.IsDigit(rune(name[0]))) {
		return "phase " + name
	}
	return "phase " + id
}
