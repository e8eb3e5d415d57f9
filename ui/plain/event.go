package plain

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// plainProgress is what was last said of a running delete.
type plainProgress struct {
	at      time.Time
	percent int
}

// Progress of one table is said once in so long, or when its share has grown
// by so much.
const (
	plainEvery = time.Second
	plainGrown = 10 // per cent
	// plainActing is how often a long action's progress is said.
	plainActing = 5 * time.Second
)

// event applies one record and writes its line.
func (p *plain) event(rec journal.Record) error {
	e, err := phases.Decode(rec)
	if err != nil {
		return fmt.Errorf("read journal %s: %w", p.Journal, err)
	}
	if err := p.state.Apply(rec); err != nil {
		return fmt.Errorf("read journal %s: %w", p.Journal, err)
	}
	if line, ok := phases.Describe(p.state, e); ok {
		p.eventLine(line.Level, line.Text)
	}
	switch e := e.(type) {
	case phases.RunOpened, phases.RunResumed:
		p.surveying = true // the engine takes no command before it knows the database
	case phases.SurveyTaken:
		p.surveying = false
	case phases.PhaseStarted:
		p.wrote = p.state.At
	case phases.StepStarted:
		p.progress[e.Phase] = plainProgress{at: p.state.At}
	case phases.TableProgressed:
		p.progressed(e)
	case phases.CapsuleProgressed:
		p.keeping(e)
	case phases.UndoTrialStarted:
		p.wrote = p.state.At
	case phases.UndoTrialProgressed:
		p.writing(p.state.TrialWords(), e.Rows, e.Total)
	case phases.ActionStarted:
		p.acted = p.state.At
	case phases.ActionDone:
		if e.Error != "" {
			p.sayOutput(e.Output)
		}
	case phases.ActionProgressed:
		p.acting(e)
	case phases.CheckAnswered:
		p.remedy(e)
	case phases.HoldOpened:
		p.warned = 0
	case phases.PhaseVerified:
		p.counts(e)
	}
	return nil
}

func (p *plain) eventLine(level phases.Level, text string) {
	p.since, p.spoke = p.since+1, time.Now()
	word := map[phases.Level]string{phases.LevelGood: "ok: ", phases.LevelWarn: "warning: ", phases.LevelBad: "bad: "}[level]
	p.say("%s %s%s", p.state.ClockCell(p.state.At), word, text)
}

// progressed says how far a delete is. Steps of a phase run one after the
// other, so one mark a phase is enough.
func (p *plain) progressed(e phases.TableProgressed) {
	ph := p.phase(e.Phase)
	if ph == nil || e.Step < 0 || e.Step >= len(ph.Plan.Steps) {
		return
	}
	name := ph.Plan.Steps[e.Step].Delete
	if name == "" {
		return // a free statement has no progress to tell
	}
	text := fmt.Sprintf("%s: %s: %s deleted so far", p.state.PhaseName(e.Phase), name, phases.Rows(e.Deleted))
	last, percent := p.progress[e.Phase], 0
	for _, t := range ph.Tables {
		if t.Name != name || t.Role == phases.RoleSQL {
			continue
		}
		if s, ok := t.Share(); ok {
			percent = int(100*s + 1e-9) // 0.29*100 is a little less than 29
			text += fmt.Sprintf(", %d %%", percent)
		}
	}
	if p.state.At.Sub(last.at) < plainEvery && percent-last.percent < plainGrown {
		return
	}
	if cascaded := ph.Did().Cascaded; cascaded > 0 {
		text += fmt.Sprintf("; %s more by foreign keys and triggers", phases.Digits(cascaded))
	}
	p.progress[e.Phase] = plainProgress{at: p.state.At, percent: percent}
	p.eventLine(phases.LevelInfo, text)
}

// acting says how far a long action is. One runs at a time.
func (p *plain) acting(e phases.ActionProgressed) {
	it, _, ok := p.state.Runbook.Item(e.Item)
	if !ok || it.Action == nil || p.state.At.Sub(p.acted) < plainActing {
		return
	}
	p.acted = p.state.At
	name := it.Action.Name
	if it.Fence != "" {
		name = it.Action.Text
	}
	p.eventLine(phases.LevelInfo, name+": "+e.Progress.String())
}

// remedy follows a check's new failure with what to do.
func (p *plain) remedy(e phases.CheckAnswered) {
	c := p.state.Item(e.Item).Check
	it, _, ok := p.state.Runbook.Item(e.Item)
	if e.Pass || !ok || it.Check == nil || it.Check.Remedy == "" || c == nil || !c.Since.Equal(c.At) {
		return
	}
	p.say("  remedy: %s", it.Check.Remedy)
	p.sayInTheWay("  ", it.ID)
	if p.Commander != nil && it.Action != nil && p.state.Can(phases.Act{Item: it.ID}, time.Now()) == nil {
		p.say("  act %s: %s", it.ID, it.Action.Text)
	}
}

// noneLeft is all there is to say of most tables that are to be empty.
const noneLeft = "0 rows left"

// counts lists what a phase did to each table, before COMMIT is asked for.
func (p *plain) counts(e phases.PhaseVerified) {
	ph := p.phase(e.Phase)
	if ph == nil || !ph.Plan.Writes() {
		return
	}
	var empty []string // nothing was done to them, and their counts were told one by one
	for _, t := range ph.Tables {
		switch text := tableDid(t); {
		case text == noneLeft:
			empty = append(empty, t.Name)
		case text != "":
			p.say("  %s: %s", t.Name, text)
		}
	}
	if len(empty) > 0 {
		p.say("  %s in %s", noneLeft, strings.Join(empty, ", "))
	}
	for _, c := range ph.Changes {
		p.say("  beside rows: %s", c)
	}
}

// tableDid is what a phase did to one of its tables, or what one of its
// statements did; nothing where it did nothing and nobody counted.
func tableDid(t phases.TableState) string {
	did := t.Effect()
	text := ""
	switch {
	case t.Role == phases.RoleSQL:
		return phases.Statement{Command: t.Command, Rows: t.Rows}.String()
	case did != (phases.Effect{}):
		text = did.String()
	case t.Role == phases.RoleDelete:
		text = phases.Rows(0) + " deleted"
	case t.Left >= 0:
		return phases.Rows(t.Left) + " left"
	}
	if text != "" && t.Left >= 0 {
		text += fmt.Sprintf(", %s left", phases.Digits(t.Left))
	}
	return text
}

// countdown says when a hold is about to end by itself.
func (p *plain) countdown() {
	ph := p.state.OpenPhase()
	if ph == nil || ph.Status != phases.PhaseHolding {
		return
	}
	left := time.Until(ph.HoldUntil)
	for _, mark := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute} {
		if left > 0 && left <= mark && (p.warned == 0 || p.warned > mark) {
			p.warned = mark
			p.say("  %s rolls back by itself in %s", p.state.PhaseName(ph.Plan.ID), phases.Span(left.Round(time.Second)))
			return
		}
	}
}

func (p *plain) phase(id string) *phases.PhaseState {
	for i := range p.state.Phases {
		if p.state.Phases[i].Plan.ID == id {
			return &p.state.Phases[i]
		}
	}
	return nil
}
