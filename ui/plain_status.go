package ui

import (
	"time"

	"tminus/phases"
)

// explain says what is known of the item or phase that is asked about.
func (p *plain) explain(q plainQuestion) {
	it, _, ok := p.state.Runbook.Item(q.id)
	switch {
	case ok && it.ID != "":
		if it.Help != "" {
			p.say("  help: %s", it.Help)
		}
		if c := p.state.Item(it.ID).Check; c != nil {
			p.say("  found: %s", firstText(c.Error, c.Value))
		}
		if it.Check != nil {
			p.say("  remedy: %s", it.Check.Remedy)
		}
		p.say("  id: %s", it.ID)
	case q.kind == askHold:
		for _, v := range p.phase(q.id).Verified {
			p.say("  %s: %s", yesNoWord(v.Pass, "holds", "DOES NOT HOLD"), v)
		}
	default:
		p.say("  help lists the commands")
	}
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return "nothing"
}

func yesNoWord(yes bool, ifYes, ifNo string) string {
	if yes {
		return ifYes
	}
	return ifNo
}

// status says where the run stands, in a few lines.
func (p *plain) status() {
	s, now := p.state, time.Now()
	if s.Runbook == nil {
		p.say("  the run has not begun")
		return
	}
	p.say("  %s, %s: database %s at %s", clock(s.Clock(now)), s.Opened.Environment, s.Target.Database, s.Target.Host)
	switch s.Stage() {
	case phases.StageChecklist:
		p.say("  checklist: %d hold the gate", len(s.GateHolds(now)))
	case phases.StageEnded:
		p.say("  the run has ended: %s", s.Outcome)
	}
	for i := range s.Phases {
		ph := &s.Phases[i]
		text := ""
		if deleted, cascaded := ph.Gone(); deleted+cascaded > 0 {
			text = ", " + phases.Rows(deleted+cascaded) + " deleted"
		}
		p.say("  phase %s: %s%s", ph.Plan.ID, ph.Status, text)
	}
	if at := s.AbortAt(); !at.IsZero() && s.Current() >= 0 {
		p.say("  abort limit %s", yesNoWord(now.Before(at), "in "+phases.Span(at.Sub(now)), "passed "+phases.Span(now.Sub(at))+" ago"))
	}
	for _, o := range s.Observers {
		p.say("  observer: %s", o.Name)
	}
}

// holds says what holds the gate or the next phase.
func (p *plain) holds() {
	s, now := p.state, time.Now()
	if s.Runbook == nil {
		p.say("  the run has not begun")
		return
	}
	var holds []phases.Hold
	switch s.Stage() {
	case phases.StageChecklist:
		holds = s.GateHolds(now)
	case phases.StagePhases:
		holds = s.PhaseHolds(s.Current(), now)
	case phases.StageAfter:
		holds = p.afterHolds()
	}
	if len(holds) == 0 {
		p.say("  nothing holds")
	}
	p.sayHolds(holds)
}
