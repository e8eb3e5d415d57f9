package phases

import (
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// RehearsalFound occurs when a run in production has found a rehearsal that says
// more for it than the one that it knew: the run is held against that one from
// then on.
type RehearsalFound struct {
	Rehearsed Rehearsed `json:"rehearsed"`
}

// Kind implements Event.
func (RehearsalFound) Kind() string { return "rehearsal_found" }

func (RehearsalFound) stirs(*State) check.Fact { return check.Rehearsal }

func (e RehearsalFound) apply(s *State) error {
	s.Opened.Rehearsed = &e.Rehearsed
	return nil
}

func (e RehearsalFound) words(s *State) (Level, string) {
	text := "rehearsal found: " + e.Rehearsed.words()
	if lacks := s.rehearsalWants(&e.Rehearsed, s.At); lacks != "" {
		return LevelWarn, text + "; " + lacks
	}
	return LevelGood, text
}

// rehearsalWants is the first that a rehearsal lacks for this run, what the
// checklist asks about it included; empty where it stands.
func (s *State) rehearsalWants(r *Rehearsed, now time.Time) string {
	light := s.rehearsingBy(r)
	if lacks := light.lacks(now); lacks != "" {
		return lacks
	}
	if differs := light.otherSchema(); differs != "" {
		return differs
	}
	for _, asked := range []struct {
		check  string
		answer func(*runbook.Check, Facts, time.Time) Answer
	}{{check.RehearsalProtected, ProtectedAnswer}, {check.RehearsalClean, CleanAnswer}} {
		if a := asked.answer(nil, Facts{rehearsal: light}, now); s.Runbook.Asks(asked.check) && !a.Pass {
			return a.Value
		}
	}
	return ""
}

// LacksRehearsal reports whether the run waits for a rehearsal that it may rest
// on, and would take one that is found now.
func (s *State) LacksRehearsal(now time.Time) bool {
	return s.Survey != nil && s.Outcome == "" && s.Gate.Decision != Go && s.rehearsing().wanted() && s.rehearsalWants(s.Opened.Rehearsed, now) != ""
}

// BetterRehearsal is the one of found that the run should be held against in place
// of the one that it knows; nil for none. One that it may rest on is taken before
// all others, and the last of these; else what tells more of what is wrong.
func (s *State) BetterRehearsal(found []Rehearsed, now time.Time) *Rehearsed {
	if !s.LacksRehearsal(now) {
		return nil
	}
	var best *Rehearsed
	stands := false
	for i := range found {
		r := &found[i]
		fits := s.rehearsalWants(r, now) == ""
		if best == nil || fits && !stands || fits == stands && r.Nearer(best, s.Opened.SHA256) {
			best, stands = r, fits
		}
	}
	known := s.Opened.Rehearsed
	switch {
	case best == nil:
		return nil
	case stands:
		return best
	case best.RunID == known.RunID && best.Outcome == known.Outcome:
		return nil // further lines of one that is under way say nothing new
	case best.RunID == known.RunID:
		return best
	case !best.Nearer(known, s.Opened.SHA256), best.Outcome == "" && known.Nearer(&Rehearsed{Journal: best.Journal, SHA256: best.SHA256}, s.Opened.SHA256):
		return nil // of two that are under way, the first will do
	}
	return best
}

// Nearer reports whether a rehearsal says more for a runbook than another.
func (r *Rehearsed) Nearer(than *Rehearsed, sha256 string) bool {
	rank := func(r *Rehearsed) []bool {
		return []bool{r.Journal != "", r.SHA256 == sha256, r.Outcome == Completed}
	}
	a, b := rank(r), rank(than)
	for i := range a {
		if a[i] != b[i] {
			return a[i]
		}
	}
	return !r.EndedAt.Before(than.EndedAt)
}
