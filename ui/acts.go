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
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// ask opens a dialog.
func (o *Operator) ask(d dialog.Dialog, now time.Time) tea.Cmd {
	d.Offer = o.state != nil && (o.state.Opened.Environment == phases.Demo || o.state.Opened.Environment == phases.Rehearsal)
	o.dialog = d.Begin(now)
	return nil
}

// no is the button that ends a dialog without doing anything.
func no(label string) dialog.Button { return dialog.Button{Label: label} }

// sends is a button's act that checks every field, asks the state, and sends.
func (o *Operator) sends(follow bool, make func(values []string) (phases.Command, error)) func([]string, time.Time) (tea.Cmd, error) {
	return func(values []string, now time.Time) (tea.Cmd, error) {
		if err := o.dialog.CheckAll(now); err != nil {
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
	case it.Sign != "":
		return o.sign(it, now)
	case o.tooSoon(now, "space"):
		return nil
	case o.state.Item(it.ID).Ticked:
		return o.send(false, "", phases.Untick{Item: it.ID})
	case o.state.Ask(it).Need == phases.NeedField:
		return o.edit(now)
	}
	return o.send(false, "", phases.Tick{Item: it.ID})
}

// tooSoon refuses a key on an item that has just come under the cursor, or in sight:
// the key says that somebody has looked, and one that is held, or was pressed twice,
// does not.
func (o *Operator) tooSoon(now time.Time, key string) bool {
	if now.Sub(o.landed) >= dialog.ArmAfter {
		return false
	}
	o.landed = now
	o.say(phases.LevelInfo, "The cursor has just come to this item: read it, then press "+key+".")
	return true
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
	text := func(s *phases.State, now time.Time) []dialog.Text {
		var out []dialog.Text
		if s.Runbook.Gate.Text != "" {
			out = append(out, dialog.Say(phases.LevelInfo, s.Runbook.Gate.Text))
		}
		done, total := s.GroupsDone(s.Runbook.Checklist)
		out = append(out, unprovenText(s, now)...)
		return append(out,
			dialog.Say(phases.LevelGood, fmt.Sprintf("Nothing holds the gate: %d of %s done.", done, look.Plural(total, "item is", "items are"))),
			dialog.Say(phases.LevelWarn, "After the GO phases may start on the "+where+"."))
	}
	return o.ask(dialog.Dialog{
		Title: "GO?", Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(goNow(s)),
		Fields: []dialog.Field{dialog.TextField(look.NameOr(s.Runbook.Gate.Approve, "Approver")), dialog.TypedField("Database's name", s.Target.Database)},
		Buttons: []dialog.Button{no("No"), dialog.Do("GO", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.PassGate{Approver: v[0], Typed: v[1]}, nil
		}))},
	}, now)
}

// mostFindings is how many of a kind its dialog shows; the pane has them all.
const mostFindings = 5

// acknowledge has the first kind of grave finding taken on, by its name.
func (o *Operator) acknowledge(now time.Time) tea.Cmd {
	code := o.state.Unacknowledged()[0].Code
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		var out []dialog.Text
		n := 0
		for _, f := range s.Unacknowledged() {
			if f.Code != code {
				continue
			}
			if n++; n <= mostFindings {
				out = append(out, dialog.Say(phases.LevelBad, look.Initial(f.Text)+"."), dialog.Say(phases.LevelInfo, "To mend it: "+f.Remedy+"."))
			}
		}
		if n > mostFindings {
			out = append(out, dialog.Say(phases.LevelWarn, look.Plural(n-mostFindings, "more", "more")+": the pane "+pane.Digit(pane.Reach)+" shows them."))
		}
		return append(out, dialog.Say(phases.LevelInfo, "Whoever takes this on is named in the execution log."))
	}
	return o.ask(dialog.Dialog{
		Title: "Understood: " + code + "?", Level: phases.LevelBad, Careful: true, Text: text, Ground: dialog.LeadsTo(acknowledgeNow(o.state)),
		Fields: []dialog.Field{dialog.TextField("Who takes it on"), dialog.TypedField("Its name", code)},
		Buttons: []dialog.Button{no("No"), dialog.Do("Understood", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Acknowledge{Code: code, Who: v[0], Typed: v[1]}, nil
		}))},
	}, now)
}

func (o *Operator) declareNoGo(now time.Time) tea.Cmd {
	return o.ask(dialog.Dialog{
		Title: "NO-GO?", Level: phases.LevelBad, Careful: true, Ground: dialog.LeadsTo(noGoNow(o.state)),
		Text: func(s *phases.State, now time.Time) []dialog.Text {
			ends := dialog.Say(phases.LevelWarn, "The run ends here. Nothing was deleted. The reason goes into the execution log.")
			return append(append([]dialog.Text{ends}, offText(s)...), o.foresees(s, runbook.OnNoGo, phases.NoGo, now)...)
		},
		Fields: append([]dialog.Field{dialog.TextField("Reason")}, liftField(o.state)...),
		Buttons: []dialog.Button{no("No"), dialog.Do("NO-GO", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.DeclareNoGo{Reason: v[0], Lift: lifts(v)}, nil
		}))},
	}, now)
}

func (o *Operator) startPhase(now time.Time) tea.Cmd {
	s := o.state
	p := s.Phases[s.Current()].Plan
	d := dialog.Dialog{Title: "Start " + p.Title + "?", Level: phases.LevelWarn, Careful: true, Text: dialog.Says(o.phaseText(p, now)...), Ground: dialog.LeadsTo(startNow(s))}
	start := func(v []string) (phases.Command, error) {
		c := phases.StartPhase{Phase: p.ID}
		if len(v) > 0 {
			c.Typed = v[0]
		}
		return c, nil
	}
	if p.PointOfNoReturn {
		d.Level = phases.LevelBad
		d.Fields = []dialog.Field{dialog.TypedField("Database's name", s.Target.Database)}
	}
	d.Buttons = []dialog.Button{no("No"), dialog.Do("Start", o.sends(true, start))}
	return o.ask(d, now)
}

// unprovenText says of the backup that a restore would be of why it is not proven;
// nothing where it is, and in an undo, which has none.
func unprovenText(s *phases.State, now time.Time) []dialog.Text {
	lacks := s.Proof(now).Lacks
	if lacks == "" || s.Opened.Undoes != nil {
		return nil
	}
	id := look.NameOr(s.Fields[s.Runbook.Backup.IDField].Value, "(no ID recorded)")
	return []dialog.Text{dialog.Say(phases.LevelBad, "Backup "+id+" is NOT PROVEN: "+lacks+".")}
}

// phaseText says what a phase is about to do.
func (o *Operator) phaseText(p *runbook.Phase, now time.Time) []dialog.Text {
	text := []dialog.Text{dialog.Say(phases.LevelInfo, "On "+o.where()+".")}
	switch deletes := p.Deletes(); {
	case !p.Writes():
		text = append(text, dialog.Say(phases.LevelGood, "It only reads."))
	case len(deletes) > 0:
		text = append(text, dialog.Say(phases.LevelWarn, "It deletes from "+strings.Join(deletes, ", ")+", in one transaction, and holds before COMMIT."))
	default:
		text = append(text, dialog.Say(phases.LevelWarn, "It writes in one transaction, and holds before COMMIT."))
	}
	for _, w := range o.state.Ways(p.ID).Words() {
		text = append(text, dialog.Say(phases.LevelWarn, w))
	}
	for _, n := range p.Notes {
		text = append(text, dialog.Say(phases.LevelInfo, n))
	}
	if p.Writes() {
		text = append(text, unprovenText(o.state, now)...)
	}
	if p.PointOfNoReturn {
		text = append(text, dialog.Say(phases.LevelBad, "Its COMMIT is the POINT OF NO RETURN: after it "+afterCommit(o.state, p)+"."))
	}
	return append(text, dialog.Say(phases.LevelInfo, "Planned: "+look.Duration(p.Planned)+"."))
}

func (o *Operator) commit(now time.Time) tea.Cmd {
	p := o.state.OpenPhase()
	i, where := indexOf(o.state, p), o.where()
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		out := holdText(s, &s.Phases[i])
		return append(out, dialog.Say(phases.LevelInfo, "On "+where+"."))
	}
	level := phases.LevelWarn
	if p.Plan.PointOfNoReturn {
		level = phases.LevelBad
	}
	c := phases.Commit{Phase: p.Plan.ID}
	return o.ask(dialog.Dialog{
		Title: "COMMIT " + p.Plan.Title + "?", Level: level, Careful: true, Text: text, Ground: dialog.LeadsTo(c),
		Buttons: []dialog.Button{no("No"), dialog.Do("COMMIT", o.sends(true, fixed(c)))},
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
func holdText(s *phases.State, p *phases.PhaseState) []dialog.Text {
	sum := pane.SumVerified(p)
	level := phases.LevelGood
	if sum.Passed < sum.Total {
		level = phases.LevelBad
	}
	out := []dialog.Text{dialog.Say(level, sum.String()+". In the open transaction: "+p.DidWords()+".")}
	for _, detail := range pane.UnexpectedRows(s, p) {
		out = append(out, dialog.Say(phases.LevelWarn, "Not as expected: "+detail+"."))
	}
	return append(out, undoText(s, p)...)
}

func (o *Operator) rollback(now time.Time) tea.Cmd {
	p := o.state.OpenPhase()
	i := indexOf(o.state, p)
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		if pane.WaitsForLocks(&s.Phases[i]) {
			return []dialog.Text{dialog.Say(phases.LevelInfo, "The phase still waits for its locks and has deleted nothing: the wait ends. It can be started again.")}
		}
		return []dialog.Text{dialog.Say(phases.LevelInfo, "The phase's transaction is taken back: the database is as it was before the phase. It can be started again.")}
	}
	return o.ask(dialog.Dialog{
		Title: "ROLLBACK " + p.Plan.Title + "?", Level: phases.LevelWarn, Careful: true, Text: text, Ground: dialog.LeadsTo(rollbackNow(o.state)), Blind: true,
		Fields: []dialog.Field{dialog.TextField("Reason")},
		Buttons: []dialog.Button{no("No"), dialog.Do("ROLLBACK", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.Rollback{Phase: p.Plan.ID, Reason: v[0]}, nil
		}))},
	}, now)
}

// abortText says what ending the run leaves behind.
func abortText(s *phases.State, _ time.Time) []dialog.Text {
	text := []dialog.Text{dialog.Say(phases.LevelWarn, "The run ends here and cannot be resumed.")}
	if p := s.OpenPhase(); p != nil {
		text = append(text, dialog.Say(phases.LevelInfo, p.Plan.Title+" is rolled back first."))
	}
	var committed []string
	for _, p := range pane.CommittedPhases(s) {
		committed = append(committed, p.Plan.Title)
	}
	if len(committed) > 0 {
		text = append(text, dialog.Say(phases.LevelBad, "Committed, and staying so: "+strings.Join(committed, ", ")+"."))
	}
	for _, p := range pane.DoubtfulPhases(s) {
		text = append(text, dialog.Say(phases.LevelBad, p.Plan.Title+": "+pane.LookFirst(p.Status)+"."))
	}
	if sum := s.Undo(); sum.Phases != nil {
		text = append(text, dialog.Say(phases.LevelInfo, "What kept a capsule comes back by an undo afterwards: "+sum.Words()+"."))
	}
	return append(text, offText(s)...)
}

func (o *Operator) abort(now time.Time) tea.Cmd {
	text := func(s *phases.State, now time.Time) []dialog.Text {
		return append(abortText(s, now), o.foresees(s, runbook.OnAbort, phases.Aborted, now)...)
	}
	return o.ask(dialog.Dialog{
		Title: "Abort the run?", Level: phases.LevelBad, Careful: true, Text: text, Ground: dialog.LeadsTo(abortNow(o.state)), Blind: true,
		Fields: append([]dialog.Field{dialog.TextField("Reason")}, liftField(o.state)...),
		Buttons: []dialog.Button{no("No"), dialog.Do("Abort", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.Abort{Reason: v[0], Lift: lifts(v)}, nil
		}))},
	}, now)
}

// accept asks what was found, before an undone phase counts as committed.
func (o *Operator) accept(now time.Time) tea.Cmd {
	p := &o.state.Phases[o.state.Current()]
	i := indexOf(o.state, p)
	text := func(s *phases.State, _ time.Time) []dialog.Text {
		return []dialog.Text{
			dialog.Say(phases.LevelBad, "The ledger proves its COMMIT, and the database does not hold it any more: "+look.NameOr(s.Phases[i].Reason, "not recorded")+"."),
			dialog.Say(phases.LevelWarn, "Only after somebody has looked: the phase then counts as committed, with the tables as they are now, and the run goes on. What was found goes into the execution log."),
		}
	}
	return o.ask(dialog.Dialog{
		Title: "Let " + p.Plan.Title + " count as committed?", Level: phases.LevelBad, Careful: true, Text: text, Ground: dialog.LeadsTo(acceptNow(o.state)),
		Fields: []dialog.Field{dialog.TextField("What was found")},
		Buttons: []dialog.Button{no("No"), dialog.Do("Accept", o.sends(true, func(v []string) (phases.Command, error) {
			return phases.AcceptUndone{Phase: p.Plan.ID, Reason: v[0]}, nil
		}))},
	}, now)
}

func (o *Operator) extend(now time.Time) tea.Cmd {
	more := dialog.NewField("Minutes more", runbook.Field{ID: "-", Type: runbook.FieldNumber, Required: true}, "10")
	return o.ask(dialog.Dialog{
		Title: "Extend the window?", Level: phases.LevelWarn, Careful: true, Ground: dialog.LeadsTo(extendNow(o.state)),
		Text:   dialog.Says(dialog.Say(phases.LevelInfo, "Moves the abort limit. Whoever takes this decision is named in the execution log.")),
		Fields: []dialog.Field{dialog.TextField("Who decides"), dialog.TextField("Reason"), more},
		Buttons: []dialog.Button{no("No"), dialog.Do("Extend", o.sends(false, func(v []string) (phases.Command, error) {
			n, err := strconv.Atoi(v[2])
			if err != nil {
				return nil, dialog.At(2, errors.New("whole minutes"))
			}
			return phases.ExtendWindow{By: v[0], Reason: v[1], Extra: time.Duration(n) * time.Minute}, nil
		}))},
	}, now)
}

func (o *Operator) note(now time.Time) tea.Cmd {
	return o.ask(dialog.Dialog{
		Title: "A note for the execution log", Form: true, Ground: dialog.LeadsTo(phases.Note{Text: "-"}),
		Fields: []dialog.Field{dialog.TextField("Note")},
		Buttons: []dialog.Button{dialog.Do("Write", o.sends(false, func(v []string) (phases.Command, error) {
			return phases.Note{Text: v[0]}, nil
		})), no("Cancel")},
	}, now)
}

// skipMaintenance asks: what took long to come this far begins from its start.
func (o *Operator) skipMaintenance(now time.Time) tea.Cmd {
	return o.ask(dialog.Dialog{
		Title: "Skip the maintenance?", Level: phases.LevelWarn, Careful: true, Ground: dialog.LeadsTo(skipNow(o.state)),
		Text:    skipText,
		Buttons: []dialog.Button{no("No"), dialog.Do("Skip it", o.sends(false, fixed(phases.SkipMaintenance{})))},
	}, now)
}

func skipText(s *phases.State, now time.Time) []dialog.Text {
	out := []dialog.Text{dialog.Say(phases.LevelInfo, "What is committed stays. What is left out can be done by hand later.")}
	m := s.Maintaining()
	if m == nil {
		return out
	}
	text := m.Plan.Name() + " is cancelled, and the rest after this COMMIT left out."
	if !m.StartedAt.IsZero() {
		text = m.Plan.Name() + " has run for " + look.Duration(now.Sub(m.StartedAt)) + ". It is cancelled, and the rest after this COMMIT left out."
	}
	return append([]dialog.Text{dialog.Say(phases.LevelWarn, text)}, out...)
}

func (o *Operator) closeRun(now time.Time) tea.Cmd {
	return o.ask(dialog.Dialog{
		Title: "Close the run?", Level: phases.LevelGood, Careful: true, Ground: dialog.LeadsTo(closeNow(o.state)),
		Text:    closeText,
		Buttons: []dialog.Button{no("No"), dialog.Do("Close the run", o.sends(true, fixed(phases.CloseRun{})))},
	}, now)
}

// quit leaves at once where nothing is left undone, and asks otherwise.
func (o *Operator) quit(now time.Time) tea.Cmd {
	s := o.state
	if o.stopped || s == nil || s.Runbook == nil || s.Outcome != "" && !s.WantsLift() {
		return tea.Quit
	}
	if o.small() {
		return nil // nobody answers what nobody can read
	}
	d := dialog.Dialog{Title: "Leave the run?", Level: phases.LevelWarn, Careful: true, Ground: unlessEnded, Blind: true}
	if s.OpenPhase() != nil {
		d.Level = phases.LevelBad
	}
	hint := o.resumeHint()
	d.Text = func(s *phases.State, _ time.Time) []dialog.Text {
		out := dialog.Say(phases.LevelInfo, "The run is not finished. No transaction is open.")
		if p := s.OpenPhase(); p != nil {
			out = dialog.Say(phases.LevelBad, leavingText(p))
		}
		if s.WantsLift() {
			out = dialog.Say(phases.LevelBad, "What was off for the run is just coming back. Leaving breaks that off; tminus restore goes on with it.")
		}
		return []dialog.Text{out, dialog.Say(phases.LevelInfo, hint)}
	}
	leave := func([]string, time.Time) (tea.Cmd, error) { return tea.Quit, nil }
	d.Buttons = []dialog.Button{no("Stay"), dialog.Do("Leave", leave)}
	o.leaving = d.Begin(now)
	return nil
}

// unlessEnded is the ground of what is only asked while the run goes on.
func unlessEnded(s *phases.State, _ time.Time) error {
	if s.Outcome != "" && !s.WantsLift() {
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
