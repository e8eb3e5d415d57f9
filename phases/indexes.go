package phases

import (
	"errors"
	"fmt"
	"slices"

	"tminus/phases/runbook"
)

// MadeIndex is an index that a run makes before its gate: recorded before it is
// made, and what is not exactly that is never dropped.
type MadeIndex struct {
	Table      string   `json:"table"` // as the runbook calls it
	Columns    []string `json:"columns"`
	Constraint string   `json:"constraint"` // the foreign key that it is for

	Schema     string `json:"schema"`         // its own, and its table's
	Name       string `json:"name"`           // as long as the run goes on
	Kept       string `json:"kept,omitempty"` // the name that it has afterwards; empty: it is dropped
	Definition string `json:"definition"`     // as the server says it, from its ON
}

func (i MadeIndex) same(o MadeIndex) bool {
	return i.Schema == o.Schema && i.Name == o.Name && i.Kept == o.Kept && i.Definition == o.Definition
}

// For reports whether it is the index that a phase wants.
func (i MadeIndex) For(w PhaseIndex) bool {
	return i.Table == w.Table && slices.Equal(i.Columns, w.Columns)
}

// Indexes is the state of the indexes that are made before the gate; nil where the
// runbook has none made.
func (s *State) Indexes() *FenceState {
	for i := range s.Fences {
		if s.Fences[i].Plan.Made() {
			return &s.Fences[i]
		}
	}
	return nil
}

// isMade reports whether an item is of those indexes.
func (s *State) isMade(it runbook.Item) bool {
	f := s.Fence(it.Fence)
	return f != nil && f.Plan.Made()
}

// WantedIndexes are those that the survey found worth making before the gate, each
// once.
func (s *State) WantedIndexes() []PhaseIndex {
	var out []PhaseIndex
	if s.Survey == nil {
		return nil
	}
	for _, w := range s.Survey.PhaseWays {
		for _, i := range w.Indexes {
			if !i.Before {
				continue
			}
			at := slices.IndexFunc(out, func(o PhaseIndex) bool { return o.Table == i.Table && slices.Equal(o.Columns, i.Columns) })
			if at < 0 {
				out = append(out, i)
			} else {
				out[at].Keep = out[at].Keep || i.Keep
			}
		}
	}
	return out
}

// Ways are what spares a phase work as things stand: what the survey found, without
// the indexes that are there. Those that should have been made before, and are not,
// the phase makes itself.
func (s *State) Ways(phase string) *PhaseWays {
	found := s.Survey.Ways(phase)
	f := s.Indexes()
	if found == nil || f == nil {
		return found
	}
	out := *found
	out.Indexes = nil
	for _, i := range found.Indexes {
		there := f.Holding() && slices.ContainsFunc(f.Recorded.Indexes, func(m MadeIndex) bool { return m.For(i) })
		if !there {
			i.Before = false
			out.Indexes = append(out.Indexes, i)
		}
	}
	return &out
}

// madeWord is how the indexes stand, in a few words.
func (f *FenceState) madeWord() string {
	switch {
	case f.Step == FenceIsLeft:
		return "left as it is"
	case f.Seen == SeenUnknown:
		return "unknown"
	case f.Recorded == nil && f.Seen == SeenOff:
		return "none is needed"
	case f.Recorded == nil:
		return "not made yet"
	case f.Seen == SeenChanged:
		return "changed by somebody else"
	case f.Seen == SeenPartly:
		return "partly made"
	case f.Seen == SeenBack && f.Step == FenceIsOff:
		return "dropped by somebody else"
	case f.Seen == SeenBack && f.keptAll() && f.Step == FenceIsBack:
		return "kept"
	case f.Seen == SeenBack && f.keptAll():
		return "not there"
	case f.Seen == SeenBack && f.Plan.Keep:
		return "kept, or dropped"
	case f.Seen == SeenBack:
		return "dropped"
	case f.Step == FenceBeingTaken && f.Seen != SeenOff:
		return "may be made"
	}
	return "made"
}

func (f *FenceState) keptAll() bool {
	return !slices.ContainsFunc(f.Recorded.Indexes, func(i MadeIndex) bool { return i.Kept == "" })
}

// canMake says why the indexes cannot be made now.
func (s *State) canMake(f *FenceState) error {
	switch {
	case f.Recorded == nil && len(s.WantedIndexes()) == 0:
		return errors.New("no foreign key needs an index: there is nothing to make")
	case f.Step == FenceIsBack && f.Plan.Keep:
		return errors.New("they are made, and kept")
	}
	return nil
}

// canUnmake lets the indexes go when the phases are through with them.
func (s *State) canUnmake(f *FenceState) error {
	switch {
	case f.Recorded == nil:
		return errors.New("this run has made none: there is nothing to drop")
	case f.Step == FenceIsLeft:
		return errors.New("it was left as it is")
	case f.Step == FenceIsBack && !f.MayBeOff():
		return fmt.Errorf("they are %s", f.Word())
	case s.Stage() != StageAfter:
		return errors.New("the phases need them: this comes after the last one, or with the run's end")
	}
	return nil
}
