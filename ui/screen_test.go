package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/ui/look"
)

// screen is an operator's screen of a fixture, with a commander that records.
func screen(t testing.TB, stage string, w, h int) (*Operator, *recorder) {
	t.Helper()
	s, now := fixture(t, stage)
	rec := &recorder{}
	v := NewViewer(ViewerOptions{Journal: "gym.journal"})
	v.keys = operatorKeys()
	o := &Operator{Viewer: v, do: rec.Do, now: frozen(now)}
	o.Resize(w, h)
	o.Show(s)
	return o, rec
}

func frameText(o *Operator) string {
	lines, _ := o.frame(o.now())
	return strings.Join(lines, "\n")
}

// trimmed is a frame as a person would write it down.
func trimmed(frame string) string {
	lines := strings.Split(ansi.Strip(frame), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// goldenSizes are the sizes at which a stage is held fast: every stage on the
// common terminal, some on those with room.
func goldenSizes(stage string) [][2]int {
	switch stage {
	case "checklist", "ready", "running", "holding", "completed":
		return [][2]int{{80, 24}, {120, 40}, {200, 60}}
	}
	return [][2]int{{80, 24}}
}

func TestScreenGolden(t *testing.T) {
	for _, stage := range fixtureStages {
		for _, size := range goldenSizes(stage) {
			name := fmt.Sprintf("%s_%dx%d", strings.ReplaceAll(stage, " ", "_"), size[0], size[1])
			t.Run(name, func(t *testing.T) {
				o, _ := screen(t, stage, size[0], size[1])
				golden.RequireEqual(t, trimmed(frameText(o)))
			})
		}
	}
}

func TestScreenGoldenColoured(t *testing.T) {
	for _, stage := range []string{"checklist", "holding", "doubt"} {
		for _, env := range []phases.Environment{phases.Demo, phases.Production} {
			t.Run(stage+"_"+string(env), func(t *testing.T) {
				o, _ := screen(t, stage, 80, 24)
				o.SetStyles(look.NewStyles(true))
				o.state.Opened.Environment = env
				golden.RequireEqual(t, frameText(o))
			})
		}
	}
}

func TestDialogGolden(t *testing.T) {
	for _, c := range dialogKeys {
		t.Run(c.stage+"_"+c.key, func(t *testing.T) {
			o, _ := screen(t, c.stage, 80, 24)
			if c.key == "x" {
				o.nav.cursor = "triggers"
			}
			run(o, keyNamed(c.key))
			golden.RequireEqual(t, trimmed(frameText(o)))
		})
	}
}

func TestHelpGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 60}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			o, _ := screen(t, "checklist", size[0], size[1])
			run(o, keyNamed("?"))
			golden.RequireEqual(t, trimmed(frameText(o)))
		})
	}
}

// Two people read the same screen in two zones and speak of it: it has one, and names it.
func TestTimesAreUTCInAnyZone(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 80, 24)
		want := frameText(o)
		if head := strings.Split(ansi.Strip(want), "\n")[1]; !strings.Contains(head, "times are UTC") {
			t.Errorf("%s: the header does not name the zone: %q", stage, head)
		}
		now := o.now()
		o.now = frozen(now.In(time.FixedZone("CEST", 2*60*60)))
		if got := frameText(o); got != want {
			t.Errorf("%s: drawn otherwise in another zone:\n%s", stage, got)
		}
	}
}
