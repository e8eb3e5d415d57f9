package fence

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// leaking is off, and never the same for long.
type leaking struct {
	off  bool
	left int
}

func (l *leaking) Read(context.Context, Known) (phases.FenceFound, error) {
	if l.off {
		l.left++
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: fmt.Sprint(l.left)}, Off: l.off}, nil
}

func (l *leaking) Off(context.Context, Known) (string, error) { l.off = true; return "", nil }
func (l *leaking) On(context.Context, Known) (string, error)  { return "", nil }
func (l *leaking) still() time.Duration                       { return time.Second }

// What never stays the same is not off, and not somebody else's doing either.
func TestAStateThatNeverStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last phases.Event
		job := Job{
			Kind:   &leaking{},
			State:  phases.FenceState{Plan: &runbook.Fence{ID: "f", Kind: runbook.FenceCommands}},
			Record: func(events ...phases.Event) error { last = events[len(events)-1]; return nil },
		}
		err := job.Take(t.Context())
		if err == nil || !strings.Contains(err.Error(), "has not been its state for long") {
			t.Errorf("got %v", err)
		}
		if seen, ok := last.(phases.FenceSeen); !ok || seen.Sight != phases.SeenPartly {
			t.Errorf("recorded last: %+v", last)
		}
	})
}
