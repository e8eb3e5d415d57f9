package plain

import (
	"fmt"
	"time"

	"tminus/phases"
)

// sayUndo says what is kept of what the phases take away, and whether it is known
// that it comes back.
func (p *plain) sayUndo() {
	for _, l := range p.state.UndoLines() {
		p.say("  %s: %s", l.What, l.Text)
	}
}

// sayAfter says what helps after a phase's COMMIT, before it begins: loudly at the
// point of no return.
func (p *plain) sayAfter(ph *phases.PhaseState) {
	s := p.state
	switch {
	case ph.Plan.PointOfNoReturn:
		p.say("  POINT OF NO RETURN: after its COMMIT %s", s.AfterCommit(ph))
	case ph.Plan.Writes() && s.Runbook.Keeps(ph.Plan) == s.Keeps(ph): // no journal of an older version
		p.say("  after its COMMIT %s", s.AfterCommit(ph))
	}
}

// sayCapsule says before a COMMIT what is kept, and what helps after it.
func (p *plain) sayCapsule(ph *phases.PhaseState) {
	if ph == nil {
		return
	}
	if c := ph.Capsule; c != nil {
		p.say("  capsule: %s; %s on disk", c, phases.Bytes(c.Bytes))
		for _, b := range c.Beside {
			p.say("  not in the capsule: %s", b)
		}
	}
	p.sayAfter(ph)
}

// tellOnce says something once, until something else is asked.
func (p *plain) tellOnce(text string) {
	if p.told != text {
		p.told = text
		p.say("%s", text)
	}
}

// writing says now and then how far a capsule is, or what puts one back.
func (p *plain) writing(text string, done, total int64) {
	if p.state.At.Sub(p.wrote) < plainActing || total <= 0 {
		return
	}
	p.wrote = p.state.At
	p.eventLine(phases.LevelInfo, fmt.Sprintf("%s, %d %%", text, min(100, 100*done/total)))
}

// keeping says how far the writing of a phase's capsule is.
func (p *plain) keeping(e phases.CapsuleProgressed) {
	p.writing(fmt.Sprintf("%s: capsule: %s of %s written, %s", p.state.PhaseName(e.Phase), phases.Digits(e.Rows), phases.Rows(e.Total), phases.Bytes(e.Bytes)), e.Rows, e.Total)
}

// sayUndoing says in a status how what is committed comes back, and until when that
// can be decided on.
func (p *plain) sayUndoing(now time.Time) {
	s := p.state
	sum := s.Undo()
	if s.UndoTrial != nil && s.UndoTrial.Running {
		p.say("  %s", s.TrialWords())
		return
	}
	if sum.Phases != nil {
		p.say("  undo: %s", sum.Words())
		p.say("  undo: %s, when the run has ended", s.UndoCommand(p.Journal))
	}
	if _, text := s.DecideWords(now, func(t time.Time) string { return phases.InUTC(t, now) }); text != "" {
		what := "undo"
		if sum.Phases == nil {
			what = "restore"
		}
		p.say("  %s: %s", what, text)
	}
	for _, ph := range sum.Lost {
		p.say("  %s kept no capsule: only a restore brings its rows back", p.state.PhaseName(ph.Plan.ID))
	}
}
