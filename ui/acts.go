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
		return errBusy
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
	case o.state.Ask(it).Need == phases.NeedField:
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
	fields := it.Fields
	d := dialog{title: it.Text, form: true, ground: leadsTo(phases.Record{Item: it.ID, Field: fields[0].ID})}
	if it.Help != "" {
		d.text = says(dialogText{phases.LevelInfo, it.Help})
	}
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
			case tick && phases.ValueLacks(f, value) != "":
				return nil, &fieldError{i, errors.New(phases.ValueLacks(f, value))}
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
	act := phases.Act{Item: it.ID}
	return o.ask(dialog{
		title: initial(label) + "?", level: phases.LevelWarn, careful: true, text: says(text...), ground: leadsTo(act),
		buttons: []button{no("No"), {initial(label), o.sends(false, fixed(act))}},
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
	where := o.where()
	text := func(s *phases.State, _ time.Time) []dialogText {
		var out []dialogText
		if s.Runbook.Gate.Text != "" {
			out = append(out, dialogText{phases.LevelInfo, s.Runbook.Gate.Text})
		}
		done, total := s.GroupsDone(s.Runbook.Checklist)
		return append(out,
			dialogText{phases.LevelGood, fmt.Sprintf("Nothing holds the gate: %d of %s done.", done, plural(total, "item is", "items are"))},
			dialogText{phases.LevelWarn, "After the GO phases may start on the " + where + "."})
	}
	return o.ask(dialog{
		title: "GO?", level: phases.LevelWarn, careful: true, text: text, ground: leadsTo(goNow(s)),
		fields: []dialogField{textField(nameOr(s.Runbook.Gate.Approve, "Approver")), typedField("Database's name", s.Target.Database)},
		buttons: []button{no("No"), {"GO", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.PassGate{Approver: v[0], Typed: v[1]}, nil
		})}},
	}, now)
}

func (o *Operator) declareNoGo(now time.Time) tea.Cmd {
	return o.ask(dialog{
		title: "NO-GO?", level: phases.LevelBad, careful: true, ground: leadsTo(noGoNow(o.state)),
		text:   says(dialogText{phases.LevelWarn, "The run ends here. Nothing was deleted. The reason goes into the execution log."}),
		fields: []dialogField{textField("Reason")},
		buttons: []button{no("No"), {"NO-GO", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.DeclareNoGo{Reason: v[0]}, nil
		})}},
	}, now)
}

func (o *Operator) startPhase(now time.Time) tea.Cmd {
	s := o.state
	p := s.Phases[s.Current()].Plan
	d := dialog{title: "Start " + p.Title + "?", level: phases.LevelWarn, careful: true, text: says(o.phaseText(p)...), ground: leadsTo(startNow(s))}
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
	i, where := indexOf(o.state, p), o.where()
	text := func(s *phases.State, _ time.Time) []dialogText {
		out := holdText(s, &s.Phases[i])
		return append(out, dialogText{phases.LevelInfo, "On " + where + "."})
	}
	level := phases.LevelWarn
	if p.Plan.PointOfNoReturn {
		level = phases.LevelBad
	}
	c := phases.Commit{Phase: p.Plan.ID}
	return o.ask(dialog{
		title: "COMMIT " + p.Plan.Title + "?", level: level, careful: true, text: text, ground: leadsTo(c),
		buttons: []button{no("No"), {"COMMIT", o.sends(true, fixed(c))}},
	}, now)
}

// indexOf is a phase's place; it is one of the state's.
func indexOf(s *phases.State, p *phases.PhaseState) int {
	for i := range s.Phases {
		if s.Phases[i].Plan.ID == p.Plan.ID {
			return i
		}
	}
	return -1
}

// holdText is what a COMMIT would make last.
func holdText(s *phases.State, p *phases.PhaseState) []dialogText {
	sum := sumVerified(p)
	level := phases.LevelGood
	if sum.passed < sum.total {
		level = phases.LevelBad
	}
	out := []dialogText{{level, sum.String() + ". In the open transaction: " + p.DidWords() + "."}}
	for _, detail := range unexpectedRows(s, p) {
		out = append(out, dialogText{phases.LevelWarn, "Not as expected: " + detail + "."})
	}
	if p.Plan.PointOfNoReturn {
		out = append(out, dialogText{phases.LevelBad, "This is the POINT OF NO RETURN: after it only a restore helps."})
	}
	return out
}

func (o *Operator) rollback(now time.Time) tea.Cmd {
	p := o.state.OpenPhase()
	i := indexOf(o.state, p)
	text := func(s *phases.State, _ time.Time) []dialogText {
		if waitsForLocks(&s.Phases[i]) {
			return []dialogText{{phases.LevelInfo, "The phase still waits for its locks and has deleted nothing: the wait ends. It can be started again."}}
		}
		return []dialogText{{phases.LevelInfo, "The phase's transaction is taken back: the database is as it was before the phase. It can be started again."}}
	}
	return o.ask(dialog{
		title: "ROLLBACK " + p.Plan.Title + "?", level: phases.LevelWarn, careful: true, text: text, ground: leadsTo(rollbackNow(o.state)), blind: true,
		fields: []dialogField{textField("Reason")},
		buttons: []button{no("No"), {"ROLLBACK", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.Rollback{Phase: p.Plan.ID, Reason: v[0]}, nil
		})}},
	}, now)
}

// abortText says what ending the run leaves behind.
func abortText(s *phases.State, _ time.Time) []dialogText {
	text := []dialogText{{phases.LevelWarn, "The run ends here and cannot be resumed."}}
	if p := s.OpenPhase(); p != nil {
		text = append(text, dialogText{phases.LevelInfo, p.Plan.Title + " is rolled back first."})
	}
	var committed []string
	for _, p := range committedPhases(s) {
		committed = append(committed, p.Plan.Title)
	}
	if len(committed) > 0 {
		text = append(text, dialogText{phases.LevelBad, "Committed, and staying so: " + strings.Join(committed, ", ") + "."})
	}
	for _, p := range doubtfulPhases(s) {
		text = append(text, dialogText{phases.LevelBad, p.Plan.Title + ": " + lookFirst(p.Status) + "."})
	}
	return text
}

func (o *Operator) abort(now time.Time) tea.Cmd {
	return o.ask(dialog{
		title: "Abort the run?", level: phases.LevelBad, careful: true, text: abortText, ground: leadsTo(abortNow(o.state)), blind: true,
		fields: []dialogField{textField("Reason")},
		buttons: []button{no("No"), {"Abort", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.Abort{Reason: v[0]}, nil
		})}},
	}, now)
}

// accept asks what was found, before an undone phase counts as committed.
func (o *Operator) accept(now time.Time) tea.Cmd {
	p := &o.state.Phases[o.state.Current()]
	i := indexOf(o.state, p)
	text := func(s *phases.State, _ time.Time) []dialogText {
		return []dialogText{
			{phases.LevelBad, "The ledger proves its COMMIT, and the database does not hold it any more: " + nameOr(s.Phases[i].Reason, "not recorded") + "."},
			{phases.LevelWarn, "Only after somebody has looked: the phase then counts as committed, with the tables as they are now, and the run goes on. What was found goes into the execution log."},
		}
	}
	return o.ask(dialog{
		title: "Let " + p.Plan.Title + " count as committed?", level: phases.LevelBad, careful: true, text: text, ground: leadsTo(acceptNow(o.state)),
		fields: []dialogField{textField("What was found")},
		buttons: []button{no("No"), {"Accept", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.AcceptUndone{Phase: p.Plan.ID, Reason: v[0]}, nil
		})}},
	}, now)
}

func (o *Operator) extend(now time.Time) tea.Cmd {
	more := newField("Minutes more", runbook.Field{ID: "-", Type: runbook.FieldNumber, Required: true}, "10")
	return o.ask(dialog{
		title: "Extend the window?", level: phases.LevelWarn, careful: true, ground: leadsTo(extendNow(o.state)),
		text:   says(dialogText{phases.LevelInfo, "Moves the abort limit. Whoever takes this decision is named in the execution log."}),
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
		title: "A note for the execution log", form: true, ground: leadsTo(phases.Note{Text: "-"}),
		fields: []dialogField{textField("Note")},
		buttons: []button{{"Write", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Note{Text: v[0]}, nil
		})}, no("Cancel")},
	}, now)
}

func (o *Operator) closeRun(now time.Time) tea.Cmd {
	return o.ask(dialog{
		title: "Close the run?", level: phases.LevelGood, careful: true, ground: leadsTo(closeNow(o.state)),
		text:    says(dialogText{phases.LevelInfo, "All stages are done. The journal is closed; the execution log can be made from it at any time."}),
		buttons: []button{no("No"), {"Close the run", o.sends(true, fixed(phases.CloseRun{}))}},
	}, now)
}

// endSession asks what to do with the first session that blocks the phase.
func (o *Operator) endSession(now time.Time) tea.Cmd {
	pid := o.state.OpenPhase().Lock.Blockers[0].PID
	return o.ask(dialog{
		title: fmt.Sprintf("End session %d?", pid), level: phases.LevelWarn, careful: true,
		text:   func(s *phases.State, now time.Time) []dialogText { return blockerText(s, pid, now) },
		ground: leadsTo(phases.EndBackend{PID: pid}),
		buttons: []button{
			no("No"),
			{"Cancel its statement", o.sends(false, fixed(phases.EndBackend{PID: pid}))},
			{"End the session", o.sends(false, fixed(phases.EndBackend{PID: pid, Terminate: true}))},
		},
	}, now)
}

// blockerText is a session that blocks the phase, and after it the others.
func blockerText(s *phases.State, pid uint32, now time.Time) []dialogText {
	p := s.OpenPhase()
	if p == nil || p.Lock == nil {
		return nil
	}
	var first, others []dialogText
	for _, b := range p.Lock.Blockers {
		line := fmt.Sprintf("Session %d: %s, %s, %s", b.PID, nameOr(b.User, "unknown user"), nameOr(b.Application, "no application name"), nameOr(b.State, "state not visible"))
		if !b.Since.IsZero() {
			line += ", transaction open for " + duration(now.Sub(b.Since))
		}
		if b.Query != "" {
			line += ": " + b.Query
		}
		if b.PID == pid {
			first = append(first, dialogText{phases.LevelWarn, line})
		} else {
			others = append(others, dialogText{phases.LevelInfo, line})
		}
	}
	return append(first, others...)
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
	d := dialog{title: "Leave the run?", level: phases.LevelWarn, careful: true, ground: unlessEnded, blind: true}
	if s.OpenPhase() != nil {
		d.level = phases.LevelBad
	}
	hint := o.resumeHint()
	d.text = func(s *phases.State, _ time.Time) []dialogText {
		out := dialogText{phases.LevelInfo, "The run is not finished. No transaction is open."}
		if p := s.OpenPhase(); p != nil {
			out = dialogText{phases.LevelBad, leavingText(p)}
		}
		return []dialogText{out, {phases.LevelInfo, hint}}
	}
	leave := func([]string, time.Time) (tea.Cmd, error) { return tea.Quit, nil }
	d.buttons = []button{no("Stay"), {"Leave", leave}}
	o.leaving = d.begin(now)
	return nil
}

// unlessEnded is the ground of what is only asked while the run goes on.
func unlessEnded(s *phases.State, _ time.Time) error {
	if s.Outcome != "" {
		return fmt.Errorf("%w: %s", phases.ErrEnded, s.Outcome.Word())
	}
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
