package engine

import (
	"errors"
	"testing"
	"time"
)

// A COMMIT that was chosen in the hold's last instant was chosen.
func TestACommitThatIsChosenAsTheHoldEnds(t *testing.T) {
	over := make(chan time.Time, 1)
	r := &phaseRun{decision: make(chan string, 1)}
	for range 100 { // select takes either of what is there
		r.decision <- "dba"
		over <- time.Time{}
		if by, err := r.decided(t.Context(), over); by != "dba" || err != nil {
			t.Fatalf("chosen by %q, %v", by, err)
		}
		select {
		case <-over:
		default:
		}
	}
	over <- time.Time{}
	if _, err := r.decided(t.Context(), over); !errors.Is(err, errHoldOver) {
		t.Errorf("nobody chose: %v", err)
	}
}
