package report

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
)

// Undo is what the run kept of what its phases took away, and what is known of
// putting that back.
type Undo struct {
	Folder    string             `json:"folder"`           // of the run's capsules, as it kept them; empty where it kept none
	Off       []string           `json:"off"`              // phases that kept nothing, as the runbook says
	Command   string             `json:"command"`          // that puts back what is committed; empty where there is nothing to put back
	Rows      int64              `json:"rows"`             // that it brings back, sets back and takes out
	Seconds   float64            `json:"seconds"`          // that it takes, of what is committed and not back
	Proven    bool               `json:"proven"`           // of all phases that keep anything, by a rehearsal
	NotProven string             `json:"not_proven"`       // why not; empty where it is
	DecideBy  *time.Time         `json:"decide_by"`        // then an undo could begin and be done by the abort limit; null before T-0, and with nothing to put back
	Trial     *Trial             `json:"trial,omitempty"`  // the undo at a rehearsal's end; absent where none was begun
	Undoes    *Undoes            `json:"undoes,omitempty"` // which run's phases this run undid; absent for any other
	Lost      []string           `json:"by_restore_only"`  // committed phases that kept no capsule
	Left      []string           `json:"left_behind"`      // capsules of what was rolled back that could not be removed
	lines     []phases.ProofLine // of the gate
	words     string             // of what there is to put back
}

// Trial is the undo at a rehearsal's end.
type Trial struct {
	Ended       bool         `json:"ended"`
	Proven      bool         `json:"proven"`
	Seconds     float64      `json:"seconds"`
	Phases      []TrialPhase `json:"phases"`   // that were put back, in their order
	Compared    int          `json:"compared"` // tables whose count and content were compared with those before the first phase
	Differences []string     `json:"differences"`
	Error       string       `json:"error"` // why not all was put back; empty where it was

	text string
}

// TrialPhase is one phase that was put back.
type TrialPhase struct {
	Phase   string  `json:"phase"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
}

// Undoes is what a run undid.
type Undoes struct {
	Journal string   `json:"journal"` // file name
	RunID   string   `json:"run_id"`
	Head    string   `json:"head"`   // its last record's hash
	Phases  []string `json:"phases"` // in the order in which they were undone
}

// Capsule is what the run kept of what a phase took away.
type Capsule struct {
	Folder    string         `json:"folder"` // below the run's own
	SHA256    string         `json:"sha256"` // of its manifest, which has those of its files
	Rows      int64          `json:"rows"`
	Gone      int64          `json:"gone"`    // rows that were deleted
	Changed   int64          `json:"changed"` // that were updated
	Added     int64          `json:"added"`   // that were inserted
	Bytes     int64          `json:"bytes"`   // on disk
	Seconds   float64        `json:"seconds"` // that it took to write
	Encrypted bool           `json:"encrypted"`
	Beside    []string       `json:"beside"` // what no undo takes back
	Tables    []CapsuleTable `json:"tables"`
	Undo      CapsuleUndo    `json:"undo"`

	words string
}

// CapsuleTable is what a capsule has of one table.
type CapsuleTable struct {
	Table   string `json:"table"`
	Gone    int64  `json:"gone"`
	Changed int64  `json:"changed"`
	Added   int64  `json:"added"`
}

// CapsuleUndo is how long putting it back takes.
type CapsuleUndo struct {
	Seconds float64 `json:"seconds"`
	Proven  bool    `json:"proven"` // as a rehearsal had it; else reckoned from its rows
	Back    bool    `json:"back"`   // the undo at this rehearsal's end has put it back
}

// undo is nil for journals of older versions, which kept nothing.
func (b *builder) undo() {
	s := b.state
	lines := s.UndoLines()
	if lines == nil {
		return
	}
	out := &Undo{Off: []string{}, Lost: []string{}, Left: orEmpty(b.left), lines: lines}
	b.report.Undo = out
	if u := s.Opened.Undoes; u != nil {
		out.Undoes = &Undoes{Journal: phases.Clean(u.Journal), RunID: phases.Clean(u.RunID), Head: phases.Clean(u.Head), Phases: cleaned(u.Phases)}
		return
	}
	if s.Opened.Capsule != nil {
		out.Folder = phases.Clean(s.Opened.Capsule.Folder)
	}
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Plan.Writes() && !s.Keeps(p) {
			out.Off = append(out.Off, p.Plan.ID)
		}
	}
	sum, proof := s.Undo(), s.UndoProof()
	out.Proven, out.NotProven = proof.Lacks == "" && out.Folder != "", phases.Clean(proof.Lacks)
	for _, p := range sum.Lost {
		out.Lost = append(out.Lost, p.Plan.ID)
	}
	if sum.Phases != nil {
		out.Command, out.Rows, out.Seconds = s.UndoCommand(""), sum.Gone+sum.Changed+sum.Added, seconds(sum.Took)
		out.DecideBy, out.words = moment(s.DecideBy()), sum.Words()
	}
	out.Trial = trial(s.UndoTrial)
}

// trial is nil where none was begun.
func trial(t *phases.UndoTrial) *Trial {
	if t == nil {
		return nil
	}
	out := &Trial{Phases: []TrialPhase{}, Differences: []string{}, text: "begun, and not ended: part of it may be back"}
	r := t.Result
	if r == nil {
		return out
	}
	out.Ended, out.Proven, out.Seconds, out.Compared = true, r.Lacks() == "", seconds(r.Took), r.Compared
	out.Differences, out.Error, out.text = cleaned(r.Differences), phases.Clean(r.Error), phases.Clean(r.Words())
	for _, p := range r.Phases {
		out.Phases = append(out.Phases, TrialPhase{Phase: p.Phase, Rows: p.Rows, Seconds: seconds(p.Took)})
	}
	return out
}

// capsule is nil where a phase kept none.
func (b *builder) capsule(p *phases.PhaseState) *Capsule {
	c := p.Capsule
	if c == nil {
		return nil
	}
	d, measured := b.state.UndoTime(p)
	out := &Capsule{
		Folder: phases.Clean(c.Folder), SHA256: phases.Clean(c.SHA256), Rows: c.Rows(), Gone: c.Gone, Changed: c.Changed, Added: c.Added,
		Bytes: c.Bytes, Seconds: seconds(c.Took), Encrypted: c.Closed, Beside: cleaned(c.Beside), Tables: []CapsuleTable{},
		Undo:  CapsuleUndo{Seconds: seconds(d), Proven: measured, Back: b.state.IsBack(p.Plan.ID)},
		words: c.String(),
	}
	for _, t := range c.Tables {
		out.Tables = append(out.Tables, CapsuleTable{Table: phases.Clean(t.Table), Gone: t.Gone, Changed: t.Changed, Added: t.Added})
	}
	return out
}

// undoDeviations are what departs from a run whose phases are known to come back.
func (b *builder) undoDeviations() {
	u, s := b.report.Undo, b.state
	switch {
	case u == nil || u.Undoes != nil:
		return
	case u.Folder == "":
		b.add("capsule off: nothing was kept of what the phases took, only a restore brings it back")
		return
	case len(u.Off) > 0:
		b.add("capsule off: nothing was kept of what was taken by %s, only a restore brings it back", strings.Join(u.Off, ", "))
	}
	switch {
	case s.Opened.Environment == phases.Production && !u.Proven:
		b.add("undo not proven: %s", u.NotProven)
	case s.Opened.Environment == phases.Rehearsal && s.Outcome == phases.Completed && u.Trial == nil:
		b.add("undo not proven: this rehearsal did not try it")
	case u.Trial != nil && !u.Trial.Proven:
		b.add("undo not proven: %s", u.Trial.text)
	}
}

// undo is the section of that name; nothing for journals of older versions.
func (t *layout) undo() {
	u := t.r.Undo
	if u == nil {
		return
	}
	t.section("Undo")
	for _, l := range u.lines {
		t.pair(strings.ToUpper(l.What[:1])+l.What[1:], l.Text)
	}
	if u.Trial != nil {
		t.pair("Tried", u.Trial.text)
	}
	if u.Command != "" {
		t.pair("To be put back", u.words)
		if u.DecideBy != nil {
			t.pair("Decide by", t.stamp(u.DecideBy)+", to be done by the abort limit")
		}
		t.pair("Command", u.Command)
	}
	if len(u.Lost) > 0 {
		t.pair("By a restore only", strings.Join(u.Lost, ", "))
	}
	for _, l := range u.Left {
		t.pair("Left behind", l)
	}
}

// capsule is what a phase's capsule has.
func (t *layout) capsule(p *Phase) {
	c := p.Capsule
	if c == nil {
		return
	}
	text := fmt.Sprintf("%s, of %s; %s on disk, written in %s: %s", c.words, phases.Plural(int64(len(c.Tables)), "table"), phases.Bytes(c.Bytes), span(c.Seconds), c.Folder)
	if c.Encrypted {
		text += ", encrypted"
	}
	t.pair("Capsule", text)
	t.pair("Capsule's SHA-256", c.SHA256)
	for _, b := range c.Beside {
		t.pair("Not in it", b)
	}
	switch {
	case p.Outcome != phases.PhaseIsCommitted:
	case c.Undo.Back && c.Undo.Proven:
		t.pair("Undo", "put back in "+span(c.Undo.Seconds)+" at this rehearsal's end")
	case c.Undo.Back:
		t.pair("Undo", "put back at this rehearsal's end, and NOT PROVEN")
	case c.Undo.Proven:
		t.pair("Undo", span(c.Undo.Seconds)+", proven in the rehearsal")
	default:
		t.pair("Undo", "about "+span(c.Undo.Seconds)+", estimated and NOT PROVEN")
	}
}

// waysBack say how committed rows come back, where the run was not completed.
func (t *layout) waysBack() {
	r := t.r
	if r.Outcome == phases.Completed || !r.comesBack() {
		return
	}
	head := "Committed rows come back by a restore only:"
	if u := r.Undo; u != nil && u.Command != "" {
		t.command("Committed rows come back by an undo:", u.Command)
		head = "Or by a restore:"
		if len(u.Lost) > 0 {
			head = "By a restore only, what was taken by " + strings.Join(u.Lost, ", ") + ":"
		}
	}
	if r.Backup.Restore != "" {
		t.command(head, r.Backup.Restore)
	}
}
