package ui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
)

// ask opens a dialog.
func (o *Operator) ask(d dialog, now time.Time) tea.Cmd {
	d.offer = o.state != nil && (o.state.Opened.Environment == phases.Demo || o.state.Opened.Environment == phases.Rehearsal)
	o.dialog = d.begin(now)
	return nil
}

// no is the button that ends a dialog without doing anything.
func no(label string) button { return button{label: label} }

// sends is a button's act that checks every field, asks the state, and sends.
func (o *Operator) sends(follow bool, make func(values []string) (phases.Command, error)) func([]string, time.Time) (tea.Cmd, error) {
	return func(values []string, now time.Time) (tea.Cmd, error) {
		if err := o.dialog.checkAll(now); err != nil {
			return nil, err
		}
		c, err := make(values)
		if err != nil {
			return nil, err
		}
		if err := o.possible(c, now); err != nil {
			return nil, err
		}
		return o.send(follow, "", c), nil
	}
}

// possible asks again what ready asked when the dialog opened: much can have
// happened since.
func (o *Operator) possible(c phases.Command, now time.Time) error {
	switch {
	case o.stopped:
		return errors.New("the engine has ended")
	case o.busy:
		return errors.New("one moment: the last command is being recorded")
	}
	return o.state.Can(c, now)
}

func fixed(c phases.Command) func([]string) (phases.Command, error) {
	return func([]string) (phases.Command, error) { return c, nil }
}

// tick ticks the selected item, takes its tick back, or asks first for what it records.
func (o *Operator) tick(now time.Time) tea.Cmd {
	it, err := o.selected()
	if err != nil {
		return nil
	}
	switch {
	case o.state.Item(it.ID).Ticked:
		return o.send(false, "", phases.Untick{Item: it.ID})
	case lacksField(o.state, it):
		return o.edit(now)
	}
	return o.send(false, "", phases.Tick{Item: it.ID})
}

// edit opens the form of the selected item's fields.
func (o *Operator) edit(now time.Time) tea.Cmd {
	it, err := o.selected()
	if err != nil {
		return nil
	}
	d := dialog{title: it.Text, form: true}
	if it.Help != "" {
		d.text = append(d.text, dialogText{phases.LevelInfo, it.Help})
	}
	fields := it.Fields
	for _, f := range fields {
		d.fields = append(d.fields, newField(f.Label, f, o.state.Fields[f.ID].Value))
	}
	if it.Check == nil && !o.state.Item(it.ID).Ticked {
		d.buttons = append(d.buttons, button{"Save and tick", o.saves(it, fields, true)})
	}
	d.buttons = append(d.buttons, button{"Save", o.saves(it, fields, false)}, no("Cancel"))
	return o.ask(d, now)
}

// saves records the fields that changed, and ticks their item when told to.
func (o *Operator) saves(it runbook.Item, fields []runbook.Field, tick bool) func([]string, time.Time) (tea.Cmd, error) {
	return func(values []string, now time.Time) (tea.Cmd, error) {
		var commands []phases.Command
		for i, f := range fields {
			value, err := phases.ParseField(f, values[i], now)
			switch {
			case err != nil:
				return nil, &fieldError{i, fmt.Errorf("expected: %w", err)}
			case tick && f.Required && value == "":
				return nil, &fieldError{i, errors.New(f.Label + " is needed")}
			case tick && f.Required && f.Type == runbook.FieldYesNo && value != "yes":
				return nil, &fieldError{i, errors.New("only yes lets the item be ticked")}
			}
			if value == o.state.Fields[f.ID].Value {
				continue
			}
			c := phases.Record{Item: it.ID, Field: f.ID, Value: value}
			if err := o.possible(c, now); err != nil {
				return nil, err
			}
			commands = append(commands, c)
		}
		if tick {
			commands = append(commands, phases.Tick{Item: it.ID})
		}
		return o.send(false, "", commands...), nil
	}
}

// action asks before an item's work is done.
func (o *Operator) action(now time.Time) tea.Cmd {
	it, err := o.selected()
	if err != nil {
		return nil
	}
	label := nameOr(it.Action.Text, it.Action.Name)
	text := []dialogText{{phases.LevelInfo, "On " + o.where() + "."}}
	if n := len(it.Action.Triggers); n > 0 {
		text = append(text, dialogText{phases.LevelInfo, "Triggers: " + strings.Join(it.Action.Triggers, ", ")})
	}
	return o.ask(dialog{
		title: initial(label) + "?", level: phases.LevelWarn, careful: true, text: text,
		buttons: []button{no("No"), {initial(label), o.sends(false, fixed(phases.Act{Item: it.ID}))}},
	}, now)
}

// recheck asks the selected item's check again, or all of them.
func (o *Operator) recheck(time.Time) tea.Cmd {
	if it, err := o.selected(); err == nil && it.Check != nil {
		return o.send(false, "Asked again: "+it.Text+".", phases.Recheck{Item: it.ID})
	}
	return o.send(false, "All checks are asked again.", phases.Recheck{})
}

// where is the database that an act is about, environment first.
func (o *Operator) where() string {
	t := o.state.Target
	return fmt.Sprintf("%s database %s at %s", strings.ToUpper(string(o.state.Opened.Environment)), t.Database, t.Host)
}

func (o *Operator) passGate(now time.Time) tea.Cmd {
	s := o.state
	done, total := groupsDone(s, s.Runbook.Checklist)
	text := []dialogText{
		{phases.LevelGood, fmt.Sprintf("Nothing holds the gate: %d of %d items are done.", done, total)},
		{phases.LevelWarn, "After the GO phases may start on the " + o.where() + "."},
	}
	if s.Runbook.Gate.Text != "" {
		text = append([]dialogText{{phases.LevelInfo, s.Runbook.Gate.Text}}, text...)
	}
	return o.ask(dialog{
		title: "GO?", level: phases.LevelWarn, careful: true, text: text,
		fields: []dialogField{textField(nameOr(s.Runbook.Gate.Approve, "Approver")), typedField("Database's name", s.Target.Database)},
		buttons: []button{no("No"), {"GO", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.PassGate{Approver: v[0], Typed: v[1]}, nil
		})}},
	}, now)
}

func (o *Operator) declareNoGo(now time.Time) tea.Cmd {
	return o.ask(dialog{
		title: "NO-GO?", level: phases.LevelBad, careful: true,
		text:   []dialogText{{phases.LevelWarn, "The run ends here. Nothing was deleted. The reason goes into the execution log."}},
		fields: []dialogField{textField("Reason")},
		buttons: []button{no("No"), {"NO-GO", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.DeclareNoGo{Reason: v[0]}, nil
		})}},
	}, now)
}

func (o *Operator) startPhase(now time.Time) tea.Cmd {
	s := o.state
	p := s.Phases[s.Current()].Plan
	d := dialog{title: "Start " + p.Title + "?", level: phases.LevelWarn, careful: true, text: o.phaseText(p)}
	start := func(v []string) (phases.Command, error) {
		c := phases.StartPhase{Phase: p.ID}
		if len(v) > 0 {
			c.Typed = v[0]
		}
		return c, nil
	}
	if p.PointOfNoReturn {
		d.level = phases.LevelBad
		d.fields = []dialogField{typedField("Database's name", s.Target.Database)}
	}
	d.buttons = []button{no("No"), {"Start", o.sends(true, start)}}
	return o.ask(d, now)
}

// phaseText says what a phase is about to do.
func (o *Operator) phaseText(p *runbook.Phase) []dialogText {
	text := []dialogText{{phases.LevelInfo, "On " + o.where() + "."}}
	switch deletes := p.Deletes(); {
	case !p.Writes():
		text = append(text, dialogText{phases.LevelGood, "It only reads."})
	case len(deletes) > 0:
		text = append(text, dialogText{phases.LevelWarn, "It deletes from " + strings.Join(deletes, ", ") + ", in one transaction, and holds before COMMIT."})
	default:
		text = append(text, dialogText{phases.LevelWarn, "It writes in one transaction, and holds before COMMIT."})
	}
	for _, n := range p.Notes {
		text = append(text, dialogText{phases.LevelInfo, n})
	}
	if p.PointOfNoReturn {
		text = append(text, dialogText{phases.LevelBad, "Its COMMIT is the POINT OF NO RETURN: after it only a restore helps."})
	}
	return append(text, dialogText{phases.LevelInfo, "Planned: " + duration(p.Planned) + "."})
}

func (o *Operator) commit(now time.Time) tea.Cmd {
	p := o.state.OpenPhase()
	text := []dialogText{{phases.LevelGood, fmt.Sprintf("All %d verifications hold. %s rows are deleted in the open transaction.", len(p.Verified), count(deletedRows(p)))}}
	level := phases.LevelWarn
	if p.Plan.PointOfNoReturn {
		level = phases.LevelBad
		text = append(text, dialogText{phases.LevelBad, "This is the POINT OF NO RETURN: after it only a restore helps."})
	}
	text = append(text, dialogText{phases.LevelInfo, "On " + o.where() + "."})
	return o.ask(dialog{
		title: "COMMIT " + p.Plan.Title + "?", level: level, careful: true, text: text,
		buttons: []button{no("No"), {"COMMIT", o.sends(true, fixed(phases.Commit{Phase: p.Plan.ID}))}},
	}, now)
}

func (o *Operator) rollback(now time.Time) tea.Cmd {
	p := o.state.OpenPhase()
	return o.ask(dialog{
		title: "ROLLBACK " + p.Plan.Title + "?", level: phases.LevelWarn, careful: true,
		text:   []dialogText{{phases.LevelInfo, "The phase's transaction is taken back: the database is as it was before the phase. It can be started again."}},
		fields: []dialogField{textField("Reason")},
		buttons: []button{no("No"), {"ROLLBACK", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.Rollback{Phase: p.Plan.ID, Reason: v[0]}, nil
		})}},
	}, now)
}

func (o *Operator) abort(now time.Time) tea.Cmd {
	s := o.state
	text := []dialogText{{phases.LevelWarn, "The run ends here and cannot be resumed."}}
	if p := s.OpenPhase(); p != nil {
		text = append(text, dialogText{phases.LevelInfo, p.Plan.Title + " is rolled back first."})
	}
	if done := committedPhases(s); len(done) > 0 {
		titles := make([]string, len(done))
		for i, p := range done {
			titles[i] = p.Plan.Title
		}
		text = append(text, dialogText{phases.LevelBad, "Committed, and staying so: " + strings.Join(titles, ", ") + "."})
	}
	return o.ask(dialog{
		title: "Abort the run?", level: phases.LevelBad, careful: true, text: text,
		fields: []dialogField{textField("Reason")},
		buttons: []button{no("No"), {"Abort", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.Abort{Reason: v[0]}, nil
		})}},
	}, now)
}

func (o *Operator) extend(now time.Time) tea.Cmd {
	more := newField("Minutes more", runbook.Field{ID: "-", Type: runbook.FieldNumber, Required: true}, "10")
	return o.ask(dialog{
		title: "Extend the window?", level: phases.LevelWarn, careful: true,
		text:   []dialogText{{phases.LevelInfo, "Moves the abort limit. Whoever takes this decision is named in the execution log."}},
		fields: []dialogField{textField("Who decides"), textField("Reason"), more},
		buttons: []button{no("No"), {"Extend", o.sends(false, func(v []string) (phases.Command, error) {
			n, err := strconv.Atoi(v[2])
			if err != nil {
				return nil, &fieldError{2, errors.New("whole minutes")}
			}
			return phases.ExtendWindow{By: v[0], Reason: v[1], Extra: time.Duration(n) * time.Minute}, nil
		})}},
	}, now)
}

func (o *Operator) note(now time.Time) tea.Cmd {
	return o.ask(dialog{
		title: "A note for the execution log", form: true,
		fields: []dialogField{textField("Note")},
		buttons: []button{{"Write", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Note{Text: v[0]}, nil
		})}, no("Cancel")},
	}, now)
}

func (o *Operator) closeRun(now time.Time) tea.Cmd {
	return o.ask(dialog{
		title: "Close the run?", level: phases.LevelGood, careful: true,
		text:    []dialogText{{phases.LevelInfo, "All stages are done. The journal is closed; the execution log can be made from it at any time."}},
		buttons: []button{no("No"), {"Close the run", o.sends(true, fixed(phases.CloseRun{}))}},
	}, now)
}

// endSession asks what to do with the first session that blocks the phase.
func (o *Operator) endSession(now time.Time) tea.Cmd {
	blockers := o.state.OpenPhase().Lock.Blockers
	var text []dialogText
	for i, b := range blockers {
		level := phases.LevelInfo
		if i == 0 {
			level = phases.LevelWarn
		}
		line := fmt.Sprintf("Session %d: %s, %s, %s", b.PID, nameOr(b.User, "unknown user"), nameOr(b.Application, "no application name"), nameOr(b.State, "state not visible"))
		if !b.Since.IsZero() {
			line += ", transaction open for " + duration(now.Sub(b.Since))
		}
		if b.Query != "" {
			line += ": " + b.Query
		}
		text = append(text, dialogText{level, line})
	}
	pid := blockers[0].PID
	return o.ask(dialog{
		title: fmt.Sprintf("End session %d?", pid), level: phases.LevelWarn, careful: true, text: text,
		buttons: []button{
			no("No"),
			{"Cancel its statement", o.sends(false, fixed(phases.EndBackend{PID: pid}))},
			{"End the session", o.sends(false, fixed(phases.EndBackend{PID: pid, Terminate: true}))},
		},
	}, now)
}

// quit leaves at once where nothing is left undone, and asks otherwise.
func (o *Operator) quit(now time.Time) tea.Cmd {
	s := o.state
	if o.stopped || s == nil || s.Runbook == nil || s.Outcome != "" {
		return tea.Quit
	}
	if o.small() {
		return nil // nobody answers what nobody can read
	}
	d := dialog{title: "Leave the run?", level: phases.LevelWarn, careful: true}
	if p := s.OpenPhase(); p != nil {
		d.level = phases.LevelBad
		d.text = append(d.text, dialogText{phases.LevelBad, leavingText(p)})
	} else {
		d.text = append(d.text, dialogText{phases.LevelInfo, "The run is not finished. No transaction is open."})
	}
	d.text = append(d.text, dialogText{phases.LevelInfo, o.resumeHint()})
	leave := func([]string, time.Time) (tea.Cmd, error) { return tea.Quit, nil }
	d.buttons = []button{no("Stay"), {"Leave", leave}}
	o.leaving = d.begin(now)
	return nil
}

// leavingText says what leaving does to an open transaction.
func leavingText(p *phases.PhaseState) string {
	switch p.Status {
	case phases.PhaseCommitting, phases.PhaseInDoubt:
		return "COMMIT of " + p.Plan.Title + " is sent and its outcome not yet known. Leaving does not take it back; the outcome is settled when the run is resumed."
	}
	return "The transaction of " + p.Plan.Title + " is open. Leaving rolls it back: nothing of the phase stays."
}
