package phases

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// UndoSum is what undoing a run's committed phases would take now.
type UndoSum struct {
	Phases []*PhaseState // that an undo brings back, the newest first
	Lost   []*PhaseState // that kept no capsule: a restore only, in their order
	Back   []*PhaseState // that the undo at a rehearsal's end has put back, in its order
	Empty  []*PhaseState // whose capsules hold no row

	Gone, Changed, Added int64         // rows of Phases' capsules
	Bytes                int64         // on disk
	Took                 time.Duration // of all Phases; 0 where there are none
	Proven               bool          // Took is as the rehearsal had it, of each of them
}

// Undo gives it. Whatever a run that is an undo itself has put back is none of it:
// that comes out again by running the maintenance again.
func (s *State) Undo() UndoSum {
	sum := UndoSum{Proven: true}
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == PhaseIsCommitted && p.Plan.Writes() && p.Capsule == nil && s.Opened.Undoes == nil {
			sum.Lost = append(sum.Lost, p)
		}
	}
	for _, p := range s.Kept() {
		switch {
		case s.IsBack(p.Plan.ID):
			sum.Back = append(sum.Back, p)
		case p.Capsule.Rows() == 0:
			sum.Empty = append(sum.Empty, p)
		default:
			sum.add(s, p)
		}
	}
	sum.Proven = sum.Proven && sum.Phases != nil
	return sum
}

func (u *UndoSum) add(s *State, p *PhaseState) {
	d, measured := s.UndoTime(p)
	u.Phases, u.Took, u.Proven = append(u.Phases, p), u.Took+d, u.Proven && measured
	if c := p.Capsule; c != nil {
		u.Gone, u.Changed, u.Added, u.Bytes = u.Gone+c.Gone, u.Changed+c.Changed, u.Added+c.Added, u.Bytes+c.Bytes
	}
}

// Nothing reports whether the committed phases have changed nothing that could come
// back, by an undo or by a restore.
func (u *UndoSum) Nothing() bool {
	return u.Empty != nil && u.Phases == nil && u.Lost == nil && u.Beside() == nil
}

// Words say how much it is, and how long that takes.
func (u *UndoSum) Words() string {
	return BackWords(u.Gone, u.Changed, u.Added) + ", " + UndoSpan(u.Took, u.Proven)
}

// Beside is what the phases' transactions did beside rows, which no undo takes back.
func (u *UndoSum) Beside() []string {
	var out []string
	for _, p := range slices.Concat(u.Phases, u.Empty) {
		if p.Capsule != nil {
			out = append(out, p.Capsule.Beside...)
		}
	}
	return out
}

// UndoSpan is how long an undo takes, and how that is known.
func UndoSpan(d time.Duration, proven bool) string {
	if proven {
		return Span(d) + ", proven in the rehearsal"
	}
	return "about " + Span(d) + ", estimated and NOT PROVEN"
}

// IsBack reports whether the undo at a rehearsal's end has put a phase back.
func (s *State) IsBack(id string) bool {
	return s.UndoTrial != nil && s.UndoTrial.Result != nil &&
		slices.ContainsFunc(s.UndoTrial.Result.Phases, func(p UndoneTrial) bool { return p.Phase == id })
}

// trialCut reports whether the undo at a rehearsal's end was begun and has not
// ended: some of the phases may be back.
func (s *State) trialCut() bool {
	return s.UndoTrial != nil && s.UndoTrial.Result == nil && !s.UndoTrial.Running
}

// UndoCommand is the command that undoes the run; path is its journal's, as whoever
// reads it knows it, and may be empty.
func (s *State) UndoCommand(path string) string { return s.Command("undo", path) }

// journalName is the name of the run's journal as its capsules' folder has it, in
// whose name it stands.
func (s *State) journalName() string {
	if s.Opened.Capsule == nil {
		return "JOURNAL"
	}
	return strings.TrimSuffix(filepath.Base(s.Opened.Capsule.Folder), ".capsule")
}

// AfterCommit says what helps once a phase is committed, as a sentence's end: "only
// a restore helps", "an undo takes 4 min 10 s (proven in the rehearsal), or a
// restore". What is committed already goes the same way, or does not.
func (s *State) AfterCommit(p *PhaseState) string {
	if s.Opened.Undoes != nil {
		return "only running the maintenance again takes out what it puts back"
	}
	if !s.Keeps(p) || p.Capsule == nil && p.Status == PhaseHolding {
		return "only a restore helps" + s.keepsNone(p)
	}
	sum := s.Undo()
	if p.Status != PhaseIsCommitted {
		sum.Proven = sum.Proven || sum.Phases == nil
		sum.add(s, p)
	}
	text := ""
	switch {
	case sum.Proven:
		text = "an undo takes " + Span(sum.Took) + " (proven in the rehearsal), or a restore"
	case p.Capsule != nil:
		text = "an undo takes about " + Span(sum.Took) + " (estimated, NOT PROVEN" + s.unprovenWhy() + "), or a restore"
	default:
		text = "there is a restore, and an undo that is NOT PROVEN" + s.unprovenWhy()
	}
	if sum.Lost != nil {
		text += "; only a restore brings back " + phaseTitles(sum.Lost)
	}
	if beside := sum.Beside(); beside != nil {
		text += "; no undo takes back " + allOf(beside)
	}
	return text
}

// keepsNone says why a phase keeps no capsule; nothing in old journals, where none
// does.
func (s *State) keepsNone(p *PhaseState) string {
	switch {
	case s.Runbook.Capsule.Off:
		return ": the runbook says `capsule: off`"
	case p.Plan.NoCapsule:
		return ": this phase says `capsule: off`"
	}
	return ""
}

func (s *State) unprovenWhy() string {
	if lacks := s.UndoProof().Lacks; lacks != "" {
		return ": " + lacks
	}
	return ": far more rows went than in the rehearsal"
}

func phaseTitles(all []*PhaseState) string {
	var titles []string
	for _, p := range all {
		titles = append(titles, p.Plan.Title)
	}
	return strings.Join(titles, ", ")
}

// UndoLines say at the gate what is kept of what the phases take away, where, and
// whether it is known that it comes back. Journals of older versions, which kept
// nothing, have none.
func (s *State) UndoLines() []ProofLine {
	if u := s.Opened.Undoes; u != nil {
		return []ProofLine{{"undo", LevelInfo, Clean(u.words() + "; what it puts back comes out again by running the maintenance again, and a restore stays the other way, as that run's report has it")}}
	}
	var kept, off []*PhaseState
	for i := range s.Phases {
		switch p := &s.Phases[i]; {
		case !p.Plan.Writes():
		case s.Runbook.Keeps(p.Plan):
			kept = append(kept, p)
		default:
			off = append(off, p)
		}
	}
	switch {
	case len(kept)+len(off) == 0, kept != nil && s.Opened.Capsule == nil:
		return nil
	case kept == nil:
		return []ProofLine{{"capsule", LevelBad, "OFF: nothing is kept of what the phases take away, only a restore brings it back"}}
	}
	place := "on: what the phases take away is kept in " + s.Opened.Capsule.Folder
	if n := len(s.Runbook.Capsule.Recipients); n > 0 {
		place += ", encrypted for " + Plural(int64(n), "key")
	}
	if r := s.Room; r != nil && r.Lacks == "" {
		place += fmt.Sprintf("; %s at most, %s free", Bytes(r.Needs), Bytes(r.Free))
	}
	out := []ProofLine{{"capsule", LevelInfo, Clean(place)}}
	if off != nil {
		out = append(out, ProofLine{"capsule", LevelWarn, Clean("OFF in " + phaseTitles(off) + ": only a restore brings back what they take")})
	}
	return append(out, s.undoLine())
}

func (s *State) undoLine() ProofLine {
	proof := s.UndoProof()
	switch {
	case proof.Lacks == "":
		return ProofLine{"undo", LevelGood, Span(proof.Took) + ", proven in the rehearsal"}
	case s.Opened.Environment == Rehearsal && s.WantsTrial():
		return ProofLine{"undo", LevelInfo, "tried and timed when this rehearsal is closed"}
	case s.Opened.Environment == Rehearsal && !s.Opened.TryUndo:
		return ProofLine{"undo", LevelWarn, "NOT PROVEN: this rehearsal does not try it, as --no-undo says"}
	}
	return ProofLine{"undo", LevelWarn, Clean("NOT PROVEN: " + proof.Lacks)}
}

// WantsTrial reports whether the run is to try the undo at its end, and has not.
func (s *State) WantsTrial() bool {
	return s.Opened.TryUndo && (s.UndoTrial == nil || s.UndoTrial.Result == nil)
}

// DecideWords say until when an undo, or the restore that part of it or all needs, can
// be decided on, and still be done by the abort limit; clock writes a time of day.
// Nothing where there is nothing to undo, before T-0, and where nobody knows how long
// it takes.
func (s *State) DecideWords(now time.Time, clock func(time.Time) string) (Level, string) {
	sum, end := s.Undo(), s.AbortAt()
	took, measured := s.RestoreTime()
	if end.IsZero() {
		return LevelInfo, ""
	}
	by := s.DecideBy()
	switch {
	case sum.Lost == nil && by.IsZero():
		return LevelInfo, ""
	case sum.Lost == nil:
		return decideBy("an undo", sum.Took, by, end, now, sum.Proven, clock)
	case took <= 0:
		return LevelWarn, "how long the restore takes is not known, so nobody knows until when you can decide"
	case sum.Phases == nil:
		return decideBy("a restore", took, end.Add(-took), end, now, measured, clock)
	case now.After(end.Add(-took)):
		return decideBy("the restore", took, end.Add(-took), end, now, measured, clock)
	}
	return LevelInfo, fmt.Sprintf("the restore has to begin by %s%s to be back by %s; the undo alone by %s%s",
		about(measured), clock(end.Add(-took)), clock(end), about(sum.Proven), clock(by))
}

func decideBy(what string, took time.Duration, by, end, now time.Time, measured bool, clock func(time.Time) string) (Level, string) {
	if now.After(by) {
		return LevelBad, fmt.Sprintf("too late to be back by the abort limit, %s: begun now, %s ends at about %s", clock(end), what, clock(now.Add(took)))
	}
	return LevelInfo, fmt.Sprintf("you can decide until %s%s and still be back by %s", about(measured), clock(by), clock(end))
}

// about stands before a time that rests on what nobody has measured.
func about(measured bool) string {
	if measured {
		return ""
	}
	return "about "
}
