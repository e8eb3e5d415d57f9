package plain

import (
	"strings"
	"time"

	"tminus/phases"
	"tminus/ui/look"
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
		if a := p.state.Item(it.ID).Action; a != nil && p.state.ByAction(it) {
			p.say("  found: %s", firstText(a.Error, a.Result.Value))
			p.sayOutput(a.Result.Output)
		}
		if it.Check != nil {
			p.say("  remedy: %s", it.Check.Remedy)
			p.sayInTheWay("  ", it.ID)
		}
		p.say("  id: %s", it.ID)
	case q.kind == askHold:
		for _, v := range p.phase(q.id).Verified {
			if v.Unknown != "" {
				p.say("  UNKNOWN: %s", v)
				continue
			}
			p.say("  %s: %s", yesNoWord(v.Pass, "holds", "DOES NOT HOLD"), v)
		}
	default:
		p.say("  help lists the commands")
	}
}

// sayInTheWay names the sessions for which an item's check does not pass, and what
// ends each.
func (p *plain) sayInTheWay(indent, item string) {
	c := p.state.Item(item).Check
	if c == nil {
		return
	}
	for _, b := range c.InTheWay {
		no := p.state.Can(phases.EndBackend{PID: b.PID, BackendStart: b.BackendStart}, time.Now())
		switch {
		case b.Needs != "":
			p.say("%sin the way: %s; %s can end it, this role cannot", indent, b, b.Needs)
		case no != nil, p.Commander == nil:
			p.say("%sin the way: %s", indent, b)
		default:
			p.say("%sin the way: %s: terminate %d, or cancel %[3]d", indent, b, b.PID)
		}
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
	p.say("  %s, %s: database %s at %s", look.Initial(s.ClockWords(now)), s.Opened.Environment, s.Target.Database, s.Target.Host)
	switch s.Stage() {
	case phases.StageChecklist:
		p.say("  checklist: the gate is held by %d", len(s.GateHolds(now)))
		p.schedule(now)
	case phases.StageEnded:
		p.say("  the run has ended: %s", s.Outcome)
	}
	for i := range s.Phases {
		ph := &s.Phases[i]
		p.say("  %s, %s: %s%s", p.state.PhaseName(ph.Plan.ID), ph.Plan.Title, strings.ReplaceAll(string(ph.Status), "_", " "), phaseDid(ph))
	}
	if at := s.AbortAt(); !at.IsZero() && s.Current() >= 0 {
		restored := look.RestoredBy(s)
		if restored != "" {
			restored = "; " + restored
		}
		p.say("  abort limit %s%s", yesNoWord(now.Before(at), "in "+phases.Span(at.Sub(now)), "passed "+phases.Span(now.Sub(at))+" ago"), restored)
	}
	p.sayUndoing(now)
	if off := s.OffLine(); off != "" {
		p.say("  %s", off)
	}
	for _, o := range s.Observers {
		p.say("  observer: %s", o.Name)
	}
}

// schedule says when the gate and the first phase have their time.
func (p *plain) schedule(now time.Time) {
	sched := p.state.Schedule()
	p.say("  the gate's time: %s; T-0: %s; %s", phases.InUTC(sched.Gate, now), phases.InUTC(sched.T0, now), yesNoWord(sched.Kept, "they are kept", "they are only shown"))
}

// phaseDid is what a phase did to rows, and whether that is in the database.
func phaseDid(ph *phases.PhaseState) string {
	did, undone := ph.DidWords(), ph.Undone()
	switch {
	case !ph.Plan.Writes() || ph.StartedAt.IsZero():
		return ""
	case ph.Status == phases.PhaseIsCommitted:
		return ", " + did
	case ph.Status == phases.PhaseIsRolledBack && undone != (phases.Effect{}):
		return ", taken back: " + undone.String()
	case ph.Status == phases.PhaseIsUndone:
		return ", the database does not hold it: " + undone.String()
	case ph.Status == phases.PhaseCommitting || ph.Status == phases.PhaseInDoubt || ph.Status == phases.PhaseUnknown:
		return ", nobody knows yet whether it lasts: " + did
	case ph.Status.Open():
		return ", not committed: " + did
	}
	return ""
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
