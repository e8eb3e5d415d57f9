package phases

import (
	"time"

	"tminus/phases/runbook"
)

// Wait is what a run waits for.
type Wait string

// What a run can wait for.
const (
	WaitNobody    Wait = ""          // it has ended
	WaitResume    Wait = "resume"    // its program has left it
	WaitChecklist Wait = "checklist" // items hold the gate
	WaitGate      Wait = "gate"      // nothing holds the gate: GO or NO-GO
	WaitTime      Wait = "time"      // nothing but the schedule holds the gate, or the first phase: it ends by itself
	WaitLate      Wait = "late"      // nothing holds the gate, or the first phase, but that it is late: somebody decides
	WaitPhase     Wait = "phase"     // a phase is open: its status says what it waits for
	WaitUpkeep    Wait = "upkeep"    // what follows a phase's COMMIT has not ended
	WaitLook      Wait = "look"      // a phase is unknown or undone: a human must look at the database
	WaitConfirm   Wait = "confirm"   // the next phase has points to confirm
	WaitWindow    Wait = "window"    // the window is over
	WaitHeld      Wait = "held"      // something else holds the next phase
	WaitStart     Wait = "start"     // the next phase may start
	WaitAfter     Wait = "after"     // a stage after the last phase is not done
	WaitSmoke     Wait = "smoke"     // a smoke test failed: somebody decides
	WaitClose     Wait = "close"     // all is done
	WaitUndo      Wait = "undo"      // a rehearsal puts back what it took
)

// Next is what a run waits for at a moment, and with what.
type Next struct {
	Wait  Wait
	Phase *PhaseState   // the open one, or the next; nil before the GO, and after the last
	Group runbook.Group // what is to be confirmed, or the stage that is not done
	Item  runbook.Item  // of WaitSmoke: the test
	Holds []Hold        // what holds the gate, or the phase
	Until time.Time     // of WaitTime: when it ends
}

// Next derives what the run waits for. Whoever leads on from there reads it: the
// screen, the plain questions, and an unattended run.
func (s *State) Next(now time.Time) Next {
	stage := s.Stage()
	switch {
	case stage == StageEnded:
		return Next{}
	case s.Interrupted != "":
		return Next{Wait: WaitResume}
	case stage == StageChecklist:
		if holds := s.GateHolds(now); len(holds) > 0 {
			return Next{Wait: waitFor(holds, WaitChecklist), Holds: holds, Until: holds[0].Until}
		}
		return Next{Wait: WaitGate}
	case stage == StageAfter:
		if it, failed := s.SmokeFailed(); failed {
			return Next{Wait: WaitSmoke, Group: s.Runbook.After[s.groupOf(it.ID)], Item: it}
		}
		if i := s.CurrentAfter(); i < len(s.Runbook.After) {
			return Next{Wait: WaitAfter, Group: s.Runbook.After[i]}
		}
		switch {
		case s.Maintaining() != nil:
			return Next{Wait: WaitUpkeep}
		case s.tryingUndo() != nil:
			return Next{Wait: WaitUndo}
		}
		return Next{Wait: WaitClose}
	}
	if p := s.OpenPhase(); p != nil {
		return Next{Wait: WaitPhase, Phase: p}
	}
	return s.nextPhase(s.Current(), now)
}

// nextPhase is for the time before a phase starts.
func (s *State) nextPhase(i int, now time.Time) Next {
	n := Next{Wait: WaitStart, Phase: &s.Phases[i]}
	if n.Phase.Status.MustLook() {
		n.Wait = WaitLook
		return n
	}
	confirm := runbook.Group{ID: runbook.ConfirmGroup(n.Phase.Plan.ID), Items: n.Phase.Plan.Confirm}
	n.Holds = s.PhaseHolds(i, now)
	if done, total := s.GroupDone(confirm); done < total {
		n.Wait, n.Group = WaitConfirm, confirm
		return n
	}
	if at := s.AbortAt(); !at.IsZero() && now.After(at) {
		n.Wait = WaitWindow
		return n
	}
	switch {
	case s.Maintaining() != nil:
		n.Wait = WaitUpkeep
	case len(n.Holds) > 0:
		n.Wait, n.Until = waitFor(n.Holds, WaitHeld), n.Holds[0].Until
	}
	return n
}

// Need is what an item waits for.
type Need string

// What an item can wait for.
const (
	NeedNothing Need = ""       // it is done
	NeedField   Need = "field"  // a field that it requires
	NeedAction  Need = "action" // its action
	NeedTick    Need = "tick"   // a human's tick
	NeedTelling Need = "tell"   // its message: it was not sent, or a channel did not take it
	NeedSign    Need = "sign"   // a human's signature
	NeedAnswer  Need = "answer" // an answer of its check, or its action's end: it comes by itself, or when something else has changed
)

// Ask is what an item waits for, of whoever answers it.
type Ask struct {
	Need  Need
	Item  runbook.Item
	Field runbook.Field // of NeedField
}

// Asks are what the items wait for that can be answered at this stage, in the
// runbook's order. What is done asks for nothing.
func (s *State) Asks() []Ask {
	var out []Ask
	for _, g := range s.Runbook.Groups() {
		for _, it := range g.Items {
			if _, err := s.Answerable(it.ID); err != nil {
				break // the whole group cannot
			}
			if a := s.Ask(it); a.Need != NeedNothing {
				out = append(out, a)
			}
		}
	}
	return out
}

// Ask is what one item waits for, whether or not it can be answered now.
func (s *State) Ask(it runbook.Item) Ask {
	if s.ItemDone(it) {
		return Ask{Item: it}
	}
	for _, f := range it.Fields {
		if s.FieldLacks(f) != "" && !s.Takes(it, f.ID) {
			return Ask{Need: NeedField, Item: it, Field: f}
		}
	}
	st := s.Item(it.ID)
	_, byItself := s.Begins(it)
	switch {
	case byItself:
		return Ask{Need: NeedAnswer, Item: it}
	case it.Message != "" && it.Check == nil:
		return Ask{Need: s.telling(it), Item: it}
	case s.wantsAction(it, st), s.wantsBackup(it, st):
		return Ask{Need: NeedAction, Item: it}
	case it.Check != nil, st.Action != nil && st.Action.Running:
		return Ask{Need: NeedAnswer, Item: it}
	case it.Sign != "":
		return Ask{Need: NeedSign, Item: it}
	}
	return Ask{Need: NeedTick, Item: it}
}

// telling is what an item waits for whose message not every channel has.
func (s *State) telling(it runbook.Item) Need {
	if t := s.LastTelling(it.Message); t != nil && len(t.In(ToldSending)) > 0 {
		return NeedAnswer
	}
	return NeedTelling
}

// wantsAction tells whether an item's action is still to be taken. Before one,
// and after, its check has to answer.
func (s *State) wantsAction(it runbook.Item, st *ItemState) bool {
	switch {
	case it.Action == nil || st.Action != nil && st.Action.Running, !s.Runs(it.Action):
		return false
	case it.Check == nil:
		return st.Action == nil || st.Action.Error != ""
	}
	return st.Check != nil && (st.Action == nil || st.Check.At.After(st.Action.At))
}

// wantsBackup tells whether an item's action is still to record one of its
// fields: its check, if it has one, waits for that.
func (s *State) wantsBackup(it runbook.Item, st *ItemState) bool {
	if st.Action != nil && st.Action.Running {
		return false
	}
	for _, f := range it.Fields {
		if s.FieldLacks(f) != "" && s.Takes(it, f.ID) {
			return true
		}
	}
	return false
}

// FieldLacks says what a field that is required still needs, or nothing.
func (s *State) FieldLacks(f runbook.Field) string { return ValueLacks(f, s.Fields[f.ID].Value) }

// ValueLacks says what a field that is required would still need if it had a
// value, or nothing.
func ValueLacks(f runbook.Field, value string) string {
	switch {
	case !f.Required:
		return ""
	case value == "":
		return "needs " + f.Label
	case f.Type == runbook.FieldYesNo && value != "yes":
		return f.Label + " is not yes"
	}
	return ""
}
