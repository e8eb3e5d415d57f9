package plain

import (
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// plainKind is what a question is about. The zero value is no question.
type plainKind int

const (
	askField plainKind = iota + 1
	askTick
	askAction
	askSign
	askApprover
	askGo
	askStart
	askHold
	askClose
	askTell
)

// plainQuestion is one question. Two are the same when they compare equal.
type plainQuestion struct {
	kind  plainKind
	id    string // of the item or the phase
	field string
}

// value tells the questions whose answer is any text. A signature is none of
// them: a command that came too late must not become somebody's name.
func (q plainQuestion) value() bool { return q.kind == askField || q.kind == askApprover }

// ask asks the next question, unless the last one still stands: nobody's
// answer shall meet another question than the one that was read.
func (p *plain) ask() {
	if p.lines == nil || p.Commander == nil || p.surveying || p.state.Outcome != "" {
		p.asked, p.doubted = plainQuestion{}, ""
		return
	}
	if p.asked.kind != 0 && p.stands(p.asked) {
		return
	}
	p.asked, p.doubted = p.next(), ""
	if p.asked.kind != 0 {
		p.told = ""
		p.put(p.asked)
	}
}

// A question is put again when so much was said after it, and then nothing for so
// long.
const (
	buriedBy = 8
	quietFor = 3 * time.Second
)

// askAgain puts a question again that others' lines have buried: who listens does
// not know what was asked twenty lines before.
func (p *plain) askAgain() {
	if p.asked.kind != 0 && p.doubted == "" && p.since >= buriedBy && time.Since(p.spoke) >= quietFor {
		p.put(p.asked)
	}
}

// stands tells whether a question can still be answered.
func (p *plain) stands(q plainQuestion) bool {
	s, now := p.state, time.Now()
	it, _, _ := s.Runbook.Item(q.id)
	switch q.kind {
	case askField, askTick, askAction, askTell, askSign:
		return !p.skipped[q.id] && p.itemQuestion(it) == q
	case askApprover, askGo:
		return s.Next(now).Wait == phases.WaitGate
	case askStart:
		return s.Can(phases.StartPhase{Phase: q.id, Typed: s.Target.Database}, now) == nil
	case askHold:
		return s.Can(phases.Commit{Phase: q.id}, now) == nil
	case askClose:
		return s.Can(phases.CloseRun{}, now) == nil
	}
	return false
}

// next finds what is to be asked now.
func (p *plain) next() plainQuestion {
	s := p.state
	n := s.Next(time.Now())
	switch n.Wait {
	case phases.WaitChecklist:
		if q := p.groupQuestion(s.Runbook.Checklist); q.kind != 0 {
			return q
		}
		p.tellHolds("the gate", n.Holds)
	case phases.WaitTime, phases.WaitLate:
		if n.Phase != nil {
			return p.phaseQuestion(n)
		}
		if q := p.groupQuestion(s.Runbook.Checklist); q.kind != 0 {
			return q
		}
		p.tellHolds("the gate", n.Holds)
	case phases.WaitGate:
		if q := p.groupQuestion(s.Runbook.Checklist); q.kind != 0 {
			return q // a field that may stay empty
		}
		return plainQuestion{kind: askApprover}
	case phases.WaitPhase:
		if n.Phase.Status == phases.PhaseHolding {
			return plainQuestion{kind: askHold, id: n.Phase.Plan.ID}
		}
	case phases.WaitLook:
		if n.Phase.Status == phases.PhaseIsUndone {
			p.tellUndone(n.Phase)
		}
	case phases.WaitConfirm, phases.WaitWindow, phases.WaitHeld, phases.WaitStart:
		return p.phaseQuestion(n)
	case phases.WaitSmoke:
		p.tellSmoke(n.Item)
	case phases.WaitAfter:
		if q := p.groupQuestion(s.Runbook.After); q.kind != 0 {
			return q
		}
		p.tellHolds("the end", p.afterHolds())
	case phases.WaitUndo:
		p.tellOnce("waiting: the undo is being tried; nothing is asked until its end")
	case phases.WaitClose:
		if s.Can(phases.CloseRun{}, time.Now()) == nil {
			return plainQuestion{kind: askClose}
		}
	}
	return plainQuestion{}
}

func (p *plain) phaseQuestion(n phases.Next) plainQuestion {
	id := n.Phase.Plan.ID
	if q := p.groupQuestion([]runbook.Group{{Items: n.Phase.Plan.Confirm}}); q.kind != 0 {
		return q
	}
	if p.tellHolds(p.state.PhaseName(id), n.Holds) {
		return plainQuestion{}
	}
	return plainQuestion{kind: askStart, id: id}
}

// tellUndone says once what leads on from a phase that was committed and is not
// any more. It is no question: whoever answers has to look first.
func (p *plain) tellUndone(ph *phases.PhaseState) {
	key := "undone " + ph.Plan.ID + " " + ph.Reason
	if p.told == key {
		return
	}
	p.told = key
	p.say("waiting: a human must look at the database: %s is no longer held: %s", ph.Plan.Title, ph.Reason)
	if ph.Ledger {
		p.say("  accept WHAT WAS FOUND: it counts as committed, with the tables as they are; or: abort REASON")
		return
	}
	p.say("  the run does not go on here: quit, and resume it in its own database; or: abort REASON")
}

// groupQuestion is the first open question of some groups. When all that is
// left of them was passed over, it is asked again.
func (p *plain) groupQuestion(groups []runbook.Group) plainQuestion {
	var again plainQuestion
	var passed []string
	for _, g := range groups {
		for _, it := range g.Items {
			q := p.itemQuestion(it)
			switch {
			case q.kind == 0:
			case !p.skipped[it.ID]:
				return q
			default:
				passed = append(passed, it.ID)
				if again.kind == 0 {
					again = q
				}
			}
		}
	}
	for _, id := range passed {
		delete(p.skipped, id)
	}
	return again
}

// itemQuestion is what a human has to answer for an item now.
func (p *plain) itemQuestion(it runbook.Item) plainQuestion {
	s, now := p.state, time.Now()
	if it.ID == "" || s.ItemDone(it) {
		return plainQuestion{}
	}
	for _, f := range it.Fields {
		if s.Takes(it, f.ID) {
			continue // its action fills it in; `set` does by hand
		}
		optional := !f.Required && s.Fields[f.ID].Value == "" && !p.declined[f.ID]
		if (optional || s.FieldLacks(f) != "") && s.Can(phases.Record{Item: it.ID, Field: f.ID}, now) == nil {
			return plainQuestion{kind: askField, id: it.ID, field: f.ID}
		}
	}
	switch s.Ask(it).Need {
	case phases.NeedAction:
		if s.Can(phases.Act{Item: it.ID}, now) == nil {
			return plainQuestion{kind: askAction, id: it.ID}
		}
	case phases.NeedTelling:
		if t := s.LastTelling(it.Message); t != nil && len(t.Open()) > 0 || s.Can(phases.Tell{Message: it.Message}, now) == nil {
			if _, err := s.Answerable(it.ID); err == nil {
				return plainQuestion{kind: askTell, id: it.ID}
			}
		}
	case phases.NeedTick:
		if s.Can(phases.Tick{Item: it.ID}, now) == nil {
			return plainQuestion{kind: askTick, id: it.ID}
		}
	case phases.NeedSign:
		if s.Can(phases.Sign{Item: it.ID, Name: "-"}, now) == nil {
			return plainQuestion{kind: askSign, id: it.ID}
		}
	}
	return plainQuestion{}
}

func (p *plain) afterHolds() []phases.Hold {
	var out []phases.Hold
	for _, g := range p.state.Runbook.After {
		for _, it := range g.Items {
			if lacks := p.state.ItemLacks(it); lacks != "" {
				out = append(out, phases.Hold{Item: it.ID, Text: it.Text + ": " + lacks})
			}
		}
	}
	return out
}

// tellHolds says what holds when a human cannot answer it, once for the same
// items. It is true when anything holds.
func (p *plain) tellHolds(what string, holds []phases.Hold) bool {
	key := what
	for _, h := range holds {
		key += "\n" + h.Item
		switch {
		case h.Off != "":
			key += string(h.Off) // its text counts down
		case h.Item == "":
			key += h.Text
		}
	}
	if len(holds) == 0 || key == p.told || p.checksDue(holds) {
		return len(holds) > 0
	}
	p.told = key
	p.say("waiting: %s is held by %d:", what, len(holds))
	p.sayHolds(holds)
	return true
}

// checksDue tells that a check among the holds has never answered: the list
// would be another one in a moment.
func (p *plain) checksDue(holds []phases.Hold) bool {
	for _, h := range holds {
		it, _, ok := p.state.Runbook.Item(h.Item)
		if ok && it.Check != nil && p.state.Item(h.Item).Check == nil {
			return true
		}
	}
	return false
}

func (p *plain) sayHolds(holds []phases.Hold) {
	for _, h := range holds {
		p.say("  %s", h.Text)
		if it, _, ok := p.state.Runbook.Item(h.Item); ok && it.Check != nil && it.Check.Remedy != "" {
			p.say("    remedy: %s", it.Check.Remedy)
			p.sayInTheWay("    ", it.ID)
		}
		if h.Code != "" {
			p.say("    acknowledge %s NAME takes it on", h.Code)
		}
		if h.Off != "" {
			p.say("    %s NAME: REASON goes %[1]s", h.Off)
		}
	}
}

// put writes a question.
func (p *plain) put(q plainQuestion) {
	s := p.state
	p.since = 0
	it, g, _ := s.Runbook.Item(q.id)
	switch q.kind {
	case askField:
		p.say("Question: %s: %s", g.Title, it.Text)
		p.say("  %s, or skip, or ?", p.fieldHint(it, q.field))
	case askTick:
		p.say("Question: %s: %s", g.Title, it.Text)
		p.say("  Done? [y/N], or skip, or ?")
	case askTell:
		p.say("Question: %s: %s", g.Title, it.Text)
		p.putTell(it)
	case askSign:
		p.say("Question: %s: %s", g.Title, it.Text)
		for _, l := range s.Signed() {
			p.say("  %s", l)
		}
		p.say("  the name of who signs as %s [no default], or skip, or ?", it.Sign)
	case askAction:
		p.say("Question: %s: %s", g.Title, it.Text)
		if a := s.Item(q.id).Action; a != nil && a.Error != "" {
			p.say("  last time: %s", a.Error)
		}
		p.say("  %s now? [y/N], or skip, or ?", it.Action.Text)
	case askApprover:
		p.say("Question: GO or NO-GO: all items are done. %s", s.Runbook.Gate.Text)
		if none := s.NoRehearsal(); none != "" {
			p.say("  %s", none)
		}
		if s.Opened.Undoes == nil { // which has no backup of its own
			p.sayProof()
		}
		p.sayUndo()
		p.say("  %s: the approver's name for GO, or: no-go REASON [no default]", s.Runbook.Gate.Approve)
	case askGo:
		p.say("Question: type the database's name, %s, for GO approved by %s; back takes that name back [no default]", s.Target.Database, p.approver)
	case askStart:
		p.putStart(q.id)
	case askHold:
		p.sayCapsule(p.phase(q.id))
		p.say("Question: %s: type commit or rollback [it rolls back by itself in %s]", p.state.PhaseName(q.id), phases.Span(time.Until(p.phase(q.id).HoldUntil).Round(time.Second)))
	case askClose:
		if s.WantsUndoTrial() {
			p.say("  first what the phases took is put back, to see that it works and how long it takes")
		}
		p.say("Question: all is done: type close to end the run [no default]")
	}
}

func (p *plain) putStart(id string) {
	ph := p.phase(id)
	text := fmt.Sprintf("Question: next: %s: %s, risk %s, planned %s", p.state.PhaseName(id), ph.Plan.Title, ph.Plan.Risk, phases.Span(ph.Plan.Planned))
	if was := p.state.Opened.Rehearsed.Phase(id).Time(); was > 0 {
		text += ", rehearsed " + phases.Span(was)
	}
	if ph.Attempt > 0 {
		text += fmt.Sprintf(", attempt %d", ph.Attempt+1)
	}
	p.say("%s", text)
	for _, note := range ph.Plan.Notes {
		p.say("  %s", note)
	}
	p.sayAfter(ph)
	if ph.Plan.PointOfNoReturn {
		p.say("  type the database's name, %s, to start [no default]", p.state.Target.Database)
		return
	}
	p.say("  type start, or: abort REASON [no default]")
}

func (p *plain) fieldHint(it runbook.Item, field string) string {
	for _, f := range it.Fields {
		if f.ID != field {
			continue
		}
		hint := f.Label + ": " + kindWord(f.Type)
		if f.Example != "" {
			hint += ", for example " + f.Example
		}
		if !f.Required {
			return hint + " [empty: none]"
		}
		return hint + " [no default]"
	}
	return field
}

// kindWord is what a field takes, in words.
func kindWord(t runbook.FieldType) string {
	switch t {
	case runbook.FieldYesNo:
		return "yes or no"
	case runbook.FieldTime:
		return "a time in UTC"
	}
	return "a " + string(t)
}
