package report

import (
	"fmt"
	"slices"
	"time"

	"tminus/phases"
)

// Fence is something that was off for the run, in the order in which it was
// switched off.
type Fence struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	State    string     `json:"state"`    // off, back, left, unknown, changed; or untaken
	Word     string     `json:"word"`     // the same in words
	Recorded string     `json:"recorded"` // its state before it was changed
	OffAt    *time.Time `json:"off_at"`
	BackAt   *time.Time `json:"back_at"`        // when it was seen as recorded, or left
	Compared bool       `json:"compared"`       // it was seen as recorded, and is the same
	Found    string     `json:"found"`          // as it was seen last
	Note     string     `json:"note"`           // what switching it said last
	Why      string     `json:"why"`            // why it is not back, or was left
	By       string     `json:"by"`             // who switched or left it last
	Made     bool       `json:"made,omitempty"` // it is indexes, that were made for the run
}

// fences are absent where the runbook has none.
func (b *builder) fences() {
	for i := range b.state.Fences {
		f := &b.state.Fences[i]
		out := Fence{
			ID: phases.Clean(f.Plan.ID), Title: phases.Clean(f.Plan.Title), State: fenceState(f), Word: f.Word(),
			OffAt: moment(f.OffAt), Note: phases.Clean(f.Note), By: phases.Clean(f.By), Found: phases.Clean(f.Found),
			BackAt: moment(f.BackAt), Made: f.Plan.Made(),
		}
		if f.Recorded != nil {
			out.Recorded = phases.Clean(f.Recorded.Text)
			out.Compared = f.Seen == phases.SeenBack && f.Found == f.Recorded.Text
		}
		for _, why := range []string{f.Reason, f.Failed, f.Error} {
			if why != "" && out.Why == "" {
				out.Why = phases.Clean(why)
			}
		}
		b.report.Fences = append(b.report.Fences, out)
	}
}

func fenceState(f *phases.FenceState) string {
	switch {
	case f.Step == phases.FenceIsLeft:
		return "left"
	case f.Recorded == nil:
		return "untaken"
	case f.Seen == phases.SeenUnknown:
		return "unknown"
	case f.Seen == phases.SeenChanged:
		return "changed"
	case f.MayBeOff():
		return "off"
	}
	return "back"
}

// fenceDeviates records what somebody else did to a fence after the GO, and what
// was left or lifted otherwise than planned.
func (b *builder) fenceDeviates(e phases.Event) {
	s := b.state
	switch e := e.(type) {
	case phases.FenceSeen:
		f := s.Fence(e.Fence)
		off := f != nil && f.Recorded != nil && f.Step == phases.FenceIsOff
		if !off || s.T0.IsZero() || e.Sight == phases.SeenOff {
			return
		}
	case phases.FenceLifted:
		if !e.Was {
			return
		}
	case phases.FenceLeft, phases.FenceFailed:
	default:
		return
	}
	if line, ok := phases.Describe(s, e); ok {
		b.add("fence: %s", line.Text)
	}
}

// fencesOff adds those that an ended run has left off.
func (b *builder) fencesOff() {
	if b.state.Outcome == "" {
		return
	}
	for _, f := range slices.Backward(b.state.FencesOff()) {
		is := "is not back"
		if f.Plan.Made() {
			is = "made for the run are there still"
		}
		b.add("fence: %s %s: %s", f.Plan.Title, is, f.Word())
		if f.Plan.Made() && f.Failed != "" {
			b.add("fence: %s: %s", f.Plan.Title, f.Failed)
		}
	}
}

// fences are a section of their own, where there are any.
func (t *layout) fences() {
	if len(t.r.Fences) == 0 {
		return
	}
	t.section("Fences")
	for _, f := range t.r.Fences {
		t.hang("  ", f.Title+": "+f.Word)
		if f.Recorded == "" {
			continue
		}
		t.hang("    recorded: ", f.Recorded)
		line := "off at %s, back at %s, %s"
		if f.Made {
			line = "made at %s, seen to at %s, %s"
		}
		t.hang("    ", fmt.Sprintf(line, t.stamp(f.OffAt), t.stamp(f.backAt()), compared(f)))
		if f.Found != "" && f.Found != f.Recorded {
			t.hang("    found: ", f.Found)
		}
		if f.Note != "" {
			t.hang("    ", f.Note)
		}
		if f.Why != "" {
			t.hang("    ", f.Why+byWhom(f.By))
		}
	}
}

// backAt is empty for one that was left: it is not back.
func (f Fence) backAt() *time.Time {
	if f.State == "left" {
		return nil
	}
	return f.BackAt
}

func compared(f Fence) string {
	if f.Compared {
		return "compared: as recorded"
	}
	return "NOT compared"
}
