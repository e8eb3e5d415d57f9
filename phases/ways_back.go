package phases

import "strings"

// waysBack say how what is committed comes back: by an undo where its capsule is
// kept, and by a restore. path is the journal's, where the reader knows it.
func (s *State) waysBack(path string, doubtful bool) []string {
	if u := s.Opened.Undoes; u != nil {
		return []string{"what is put back comes out again by running the maintenance again; what is not, by the undo of what is left: " + ShellCommand("", "undo", u.Journal)}
	}
	if s.Throwaway() && !s.ClosedAt.IsZero() {
		return nil
	}
	sum := s.Undo()
	var out []string
	if s.trialCut() {
		out = append(out, "the undo was being tried, and did not end: part of what is committed may be back")
	}
	if sum.Phases == nil {
		if sum.Lost == nil && sum.Beside() == nil && !doubtful {
			return out // all of it is back, or took nothing
		}
		return append(out, s.restoring("what is committed comes back by a restore only")...)
	}
	what := "what is committed comes"
	if sum.Lost != nil || doubtful {
		what = phaseIDs(sum.Phases) + comes(len(sum.Phases))
	}
	out = append(out, what+" back by an undo: "+sum.Words())
	if beside := sum.Beside(); beside != nil {
		out = append(out, "no undo takes back "+allOf(beside))
	}
	out = append(out, "undo: "+s.UndoCommand(path))
	switch {
	case sum.Lost != nil:
		return append(out, s.restoring(phaseIDs(sum.Lost)+comes(len(sum.Lost))+" back by a restore only")...)
	case doubtful:
		return append(out, s.restoring("all of it comes back by a restore")...)
	}
	return append(out, s.restoring("or by a restore")...)
}

// Throwaway reports whether the run's database goes with the run: then nothing of it
// is ever put back.
func (s *State) Throwaway() bool {
	return s.Opened.Environment == Demo || s.Opened.Copy != nil
}

// undoLeft is what is to be said of an undo when a run is done: what came of the one
// that was tried, and how what is still gone comes back.
func (s *State) undoLeft(path string) []string {
	var out []string
	if s.Throwaway() {
		return out
	}
	if s.UndoTrial != nil && s.UndoTrial.Result != nil {
		text := s.UndoTrial.Result.Words()
		out = append(out, text)
	}
	if sum := s.Undo(); sum.Phases != nil {
		out = append(out, "comes back by an undo: "+sum.Words(), "undo: "+s.UndoCommand(path))
	}
	return out
}

func phaseIDs(all []*PhaseState) string {
	var ids []string
	for _, p := range all {
		ids = append(ids, p.Plan.ID)
	}
	return strings.Join(ids, ", ")
}

func comes(n int) string {
	if n == 1 {
		return " comes"
	}
	return " come"
}
