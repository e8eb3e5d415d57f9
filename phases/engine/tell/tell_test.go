package tell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tminus/phases/runbook"
)

// The waits grow, a channel may ask for longer ones, and not for ever.
func TestAttemptsWaitForOneAnother(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		took time.Duration
	}{
		{"by themselves", errors.New("no"), 3 * time.Second},
		{"as asked", later{errors.New("busy"), 7 * time.Second}, 14 * time.Second},
		{"at most", later{errors.New("busy"), time.Hour}, time.Minute},
		{"never", final{errors.New("refused")}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			n, err := persist(t.Context(), Limits{}.withDefaults(), func(context.Context) error { return c.err })
			if took := time.Since(began); took != c.took || !errors.Is(err, c.err) || n < 1 || n > 3 {
				t.Errorf("%s: %d attempts in %s: %v", c.name, n, took, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, errors.New("the run ended"))
		defer cancel()
		n, err := persist(ctx, Limits{}.withDefaults(), func(context.Context) error { return errors.New("status 500") })
		if n != 1 || err == nil || err.Error() != "the run ended; until then: status 500" {
			t.Errorf("cut in a wait: %d attempts: %v", n, err)
		}
	})
}

func TestACommandGetsTextAndFacts(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	script := filepath.Join(t.TempDir(), "page")
	body := "#!/bin/sh\n{ echo \"$TMINUS_MESSAGE|$TMINUS_SUBJECT|$TMINUS_DATABASE|$TMINUS_HOLD_UNTIL|$TMINUS_TEST|$1\"; cat; } > " + out + "\n"
	if err := os.WriteFile(script, []byte(body), 0o700); err != nil {
		t.Fatal(err)
	}
	c := runbook.Channel{ID: "pager", Command: []string{script, "dba"}}
	if n, err := Send(t.Context(), c, note(), quick); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	got, err := os.ReadFile(out)
	if want := "begin|Reset <b> begins|gym|02:00 UTC||dba\n" + note().Text + "\n"; err != nil || string(got) != want {
		t.Errorf("it got %q, %v", got, err)
	}
}

// One that reads nothing, fails, hangs or is not there is an error, and leaves
// nothing behind.
func TestACommandThatDoesNotTakeIt(t *testing.T) {
	long := note()
	long.Text = strings.Repeat("x", 1<<20)
	if n, err := Send(t.Context(), runbook.Channel{ID: "pager", Command: []string{"true"}}, long, quick); n != 1 || err != nil {
		t.Errorf("reads nothing: %d attempts: %v", n, err)
	}
	fails := runbook.Channel{ID: "pager", Command: []string{"sh", "-c", "cat >/dev/null; printf '\\033[31mno pager\\n'; exit 3"}}
	if n, err := Send(t.Context(), fails, note(), quick); n != 3 || err == nil || !strings.HasPrefix(err.Error(), "exit code 3: ") {
		t.Errorf("fails: %d attempts: %v", n, err)
	}
	hangs := runbook.Channel{ID: "pager", Command: []string{"sleep", "1000"}}
	if n, err := Send(t.Context(), hangs, note(), Limits{Attempt: 50 * time.Millisecond, Attempts: 1}); n != 1 || err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("hangs: %d attempts: %v", n, err)
	}
	gone := runbook.Channel{ID: "pager", Command: []string{"no-such-program-here"}}
	if n, err := Send(t.Context(), gone, note(), quick); n != 0 || err == nil || Lacks(gone) == "" {
		t.Errorf("not there: %d attempts: %v", n, err)
	}
	if n, err := Send(t.Context(), runbook.Channel{ID: "later"}, note(), quick); n != 0 || err == nil {
		t.Errorf("no way: %d attempts: %v", n, err)
	}
}
