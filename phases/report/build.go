package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// Build makes the report of a journal's records, from the first on. It fails
// where they are no run's, or of a version that this one does not know.
func Build(recs []journal.Record) (*Report, error) {
	b := &builder{state: &phases.State{}, report: &Report{}, seen: map[string]seen{}, issues: map[string][]Line{}}
	for _, rec := range recs {
		e, err := phases.Decode(rec)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		if err := b.state.Apply(rec); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		b.collect(e)
	}
	if b.state.Seq == 0 {
		return nil, fmt.Errorf("report: %w: there is no run to report", journal.ErrEmpty)
	}
	b.finish()
	return b.report, nil
}

// builder folds the records, and keeps what State forgets: earlier attempts,
// who drove before a resume, when a protected table was looked at.
type builder struct {
	state  *phases.State
	report *Report
	seen   map[string]seen // last verification of a protected table, by qualified name
	issues map[string][]Line
	left   []string // capsules that could not be removed
	closed bool     // run_closed has been seen
	spans  []Span
	away   []Pause
	points []sampled
}

type seen struct {
	phase string
	at    time.Time
	v     phases.Verification
}

// collect takes from an event what the folded state will not tell later.
func (b *builder) collect(e phases.Event) {
	line, worth := phases.Describe(b.state, e)
	if phase := phaseOf(e); phase != "" && worth && (line.Level == phases.LevelWarn || line.Level == phases.LevelBad) {
		b.issues[phase] = append(b.issues[phase], b.line(line.Level, line.Text))
	}
	switch e := e.(type) {
	case phases.RunOpened:
		b.operator(e.Operator)
	case phases.RunResumed:
		b.operator(e.Operator)
	case phases.NoteRecorded:
		b.report.Notes = append(b.report.Notes, b.line(phases.LevelInfo, e.Text+", by "+e.By))
	case phases.PhaseVerified:
		for _, v := range e.Results {
			if v.Kind == phases.VerifyProtected {
				b.seen[b.qualified(v.Name)] = seen{phase: e.Phase, at: b.state.At, v: v}
			}
		}
	case phases.CapsuleLeft:
		b.left = append(b.left, phases.Clean(e.Folder))
	case phases.NoGoDeclared, phases.RunAborted:
		b.report.endedAt = moment(b.state.At)
	case phases.RunClosed:
		b.closed = true
	}
	b.deviate(e)
	b.fenceDeviates(e)
	b.follow(e)
}

// phaseOf is the phase in whose issues a warning of this kind belongs. A hold
// and the point of no return are warnings on a screen, and no issues.
func phaseOf(e phases.Event) string {
	switch e := e.(type) {
	case phases.LockWaited:
		return e.Phase
	case phases.PhaseVerified:
		return e.Phase
	case phases.ConditionRaised:
		return e.Phase
	case phases.CommitDoubted:
		return e.Phase
	case phases.DoubtExamined:
		return e.Phase
	case phases.PhaseRolledBack:
		return e.Phase
	case phases.PhaseFailed:
		return e.Phase
	case phases.OutcomeUnknown:
		return e.Phase
	case phases.PhaseUndone:
		return e.Phase
	case phases.UndoneAccepted:
		return e.Phase
	case phases.CapsuleLeft:
		return e.Phase
	}
	return ""
}

func (b *builder) operator(o phases.Operator) {
	b.report.Operators = append(b.report.Operators, Operator{
		Name: phases.Clean(o.Name), Host: phases.Clean(o.Host), At: moment(b.state.At),
	})
}

func (b *builder) qualified(table string) string {
	return b.state.Runbook.FullName(table)
}

func (b *builder) line(level phases.Level, text string) Line {
	return b.lineAt(b.state.At, level, text)
}

func (b *builder) lineAt(at time.Time, level phases.Level, text string) Line {
	return Line{At: moment(at), Level: level, Text: phases.Clean(text)}
}

// finish fills in what the last state tells.
func (b *builder) finish() {
	s, r := b.state, b.report
	r.Title = phases.Clean(s.Runbook.Title)
	r.Environment, r.Outcome = s.Opened.Environment, s.Outcome
	if r.Outcome == "" {
		r.Outcome = phases.Unfinished
	}
	r.Reason, r.EndedBy, r.Unattended = phases.Clean(s.Reason), phases.Clean(s.EndedBy), s.Opened.Unattended
	r.Run = Run{
		ID: phases.Clean(s.Opened.RunID), Version: phases.Clean(s.Opened.Version),
		Runbook: phases.Clean(s.Opened.File), RunbookSHA256: phases.Clean(s.Opened.SHA256),
	}
	r.Database = Database{
		Name: phases.Clean(s.Target.Database), Host: phases.Clean(s.Target.Host), Port: s.Target.Port,
		User: phases.Clean(s.Target.User), ServerVersion: phases.Clean(s.Target.ServerVersion),
	}
	r.Journal = Journal{Records: s.Seq, Head: s.Head, Closed: b.closed}
	b.times()
	b.backup()
	b.rehearsal()
	b.schedule()
	r.Checklist, r.After = b.groups(s.Runbook.Checklist), b.groups(s.Runbook.After)
	r.Gate = Gate{Decision: s.Gate.Decision, Approver: phases.Clean(s.Gate.Approver), At: moment(s.Gate.At), Assumed: s.Gate.Assumed, Closed: []string{}}
	for _, hold := range s.Gate.Closed {
		r.Gate.Closed = append(r.Gate.Closed, phases.Clean(hold))
	}
	b.phases()
	b.undo()
	b.fences()
	b.protected()
	b.messages()
	b.signatures()
	b.timeline()
	b.sums()
	b.planDeviations()
	for _, l := range s.Log {
		r.Log = append(r.Log, b.lineAt(l.At, l.Level, l.Text))
	}
	b.beside()
	b.clocks()
	r.Status = r.status()
	r.Summary = r.summarize()
	if s.TriggersOff && !(r.Outcome == phases.Unfinished && r.fenced()) {
		r.Summary = slices.Insert(r.Summary, min(2, len(r.Summary)), "Triggers that the run disabled are NOT known to be back. The last of the events has the statements that bring them back, once the run has ended.")
	}
	r.Deviations, r.Notes, r.Log = orEmpty(r.Deviations), orEmpty(r.Notes), orEmpty(r.Log)
}

func (b *builder) times() {
	s, r := b.state, b.report
	w := s.Runbook.Window
	r.OpenedAt, r.PlannedT0 = moment(s.OpenedAt), moment(s.Opened.PlannedT0)
	r.T0, r.ClosedAt = moment(s.T0), moment(s.ClosedAt)
	r.PlannedSeconds, r.AbortSeconds, r.ExtendedSeconds = seconds(w.Planned), seconds(w.Abort), seconds(s.Extra)
	r.TotalRunSeconds = seconds(s.At.Sub(s.OpenedAt))
	if end := b.lastEnd(); !end.IsZero() {
		r.Seconds = seconds(end.Sub(s.T0))
	}
}

// lastEnd is when the last phase that ran ended; zero before the first did.
func (b *builder) lastEnd() time.Time {
	var end time.Time
	for i := range b.state.Phases {
		if at := b.state.Phases[i].EndedAt; at.After(end) {
			end = at
		}
	}
	return end
}

func (b *builder) backup() {
	s, book := b.state, b.state.Runbook.Backup
	out := Backup{
		ID: phases.Clean(s.Fields[book.IDField].Value), At: moment(s.BackupTime()),
		MaxAgeSeconds: seconds(book.MaxAge), RestoreSeconds: seconds(book.RestoreTime),
		Restore: s.RestoreCommand(),
	}
	if at := s.BackupTime(); !at.IsZero() && !s.T0.IsZero() {
		age := seconds(s.T0.Sub(at))
		out.AgeAtT0Seconds = &age
	}
	b.proof(&out)
	if took, when := s.RestoreTime(); when {
		out.takes = " It took " + phases.Span(took) + " " + s.RestoreMeasured() + "."
	} else if took > 0 {
		out.takes = " It is expected to take " + phases.Span(took) + "."
	}
	out.TriggersOff, out.note = s.OffInBackup(), s.OffWords()
	b.report.Backup = out
	b.report.Copy = copyOf(s.Opened.Copy)
}

func (b *builder) groups(groups []runbook.Group) []Group {
	out := []Group{}
	for _, g := range groups {
		out = append(out, b.group(g))
	}
	return out
}

func (b *builder) group(g runbook.Group) Group {
	done, _ := b.state.GroupDone(g)
	out := Group{ID: g.ID, Title: phases.Clean(g.Title), Done: done, Smoke: g.Smoke, Items: []Item{}}
	for _, it := range g.Items {
		out.Items = append(out.Items, b.item(it))
	}
	return out
}

func (b *builder) item(it runbook.Item) Item {
	st := b.state.Item(it.ID)
	out := Item{ID: it.ID, Text: phases.Clean(it.Text), State: ItemOpen, Lacks: phases.Clean(b.state.ItemLacks(it)), Fields: []Field{}, Sign: phases.Clean(it.Sign)}
	switch c := st.Check; {
	case it.Check == nil && st.Ticked:
		out.State, out.By, out.At = ItemTicked, phases.Clean(st.By), moment(st.At)
		if st.Signed != nil {
			out.State, out.signed = ItemSigned, b.signature(it, st.Signed)
		}
	case c != nil && (c.Error != "" || !c.Pass):
		out.State, out.At = ItemFailed, moment(c.Since)
	case c != nil:
		out.State, out.At = ItemPassed, moment(c.Since)
	}
	if st.Assumed {
		out.State, out.At = ItemAssumed, moment(st.At)
	}
	if c := st.Check; c != nil {
		out.Found = phases.Clean(c.Value)
		if c.Error != "" {
			out.Found = phases.Clean(c.Error)
		}
	}
	b.acted(&out, it)
	b.toldItem(it, &out)
	for _, f := range it.Fields {
		v := b.state.Fields[f.ID]
		out.Fields = append(out.Fields, Field{
			ID: f.ID, Label: phases.Clean(f.Label), Value: phases.Clean(v.Value), By: phases.Clean(v.By), At: moment(v.At), Assumed: v.Assumed,
		})
	}
	return out
}

// clocks gives every line its T-clock, which is known only now.
func (b *builder) clocks() {
	r := b.report
	lines := [][]Line{r.Deviations, r.Notes, r.Log}
	for i := range r.Phases {
		lines = append(lines, r.Phases[i].Issues)
	}
	for _, ls := range lines {
		for i := range ls {
			ls[i].Clock = seconds(b.state.Clock(*ls[i].At))
		}
	}
}

// moment is a time as a report has it: UTC, and nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// seconds is a duration to the millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
