package pane

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/ui/look"
)

// paneNames are the panes, each with the way to draw it.
func paneNames() map[string]func(Pane) string {
	out := map[string]func(Pane) string{}
	for _, k := range Kinds() {
		if k.ID != End { // drawn with the whole screen, at a run's end
			out[string(k.ID)] = k.Draw
		}
	}
	return out
}

// goldenStates are the moments at which a pane shows something of its own.
func goldenStates() map[string][]string {
	return map[string][]string{
		"timeline":  {"fresh", "failing", "running", "holding", "rolled_back", "confirm", "past", "after", "aborted", "undone"},
		"checklist": {"fresh", "half", "failing", "green", "go", "running", "confirm", "after", "smoke", "confirm_kept"},
		"gate":      {"fresh", "failing", "green", "closed", "no_go", "go", "running", "confirm", "rolled_back", "unknown", "undone", "after", "aborted", "green_kept", "green_unproven", "green_off", "confirm_kept"},
		"phase": {
			"fresh", "counting", "baseline", "locking", "running", "verifying", "holding", "rolled_back", "in_doubt", "unknown",
			"committed", "cascading", "past", "after", "waiting", "waiting_for_a_row", "undone", "undone_no_ledger", "undone_none_kept", "undone_and_ended",
			"unknown_checks", "unknown_and_failed", "unexpected_rows", "beside_rows", "keeping", "holding_kept",
		},
		"log":  {"fresh", "failing", "rolled_back"},
		"undo": {"fresh", "green", "running", "committed", "in_doubt", "unknown", "past", "waiting", "waiting_for_a_row", "undone", "committed_kept", "past_kept", "past_part", "trying", "tried", "undo_run"},
	}
}

func (r *paneRun) pane(w, h int) Pane {
	p := Pane{State: r.State, Now: r.now, Styles: look.PlainStyles(), Width: w, Height: h, Focused: true}
	if rows := ChecklistRows(r.State); len(rows) > 0 {
		p.Cursor = rows[0].ID
		for _, row := range rows {
			it, _, _ := r.Runbook.Item(row.ID)
			if !r.ItemDone(it) {
				p.Cursor = row.ID
				break
			}
		}
	}
	return p
}

// show draws a pane.
func (p Pane) show(id ID) string { return KindOf(id).Draw(p) }

// framed marks a drawing's right edge, so that a golden file shows its width.
func framed(drawn string) string {
	return "|" + strings.ReplaceAll(drawn, "\n", "|\n|") + "|\n"
}

func TestPaneGolden(t *testing.T) {
	for name, draw := range paneNames() {
		for _, state := range goldenStates()[name] {
			for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}, {42, 30}} {
				t.Run(fmt.Sprintf("%s/%s/%dx%d", name, state, size[0], size[1]), func(t *testing.T) {
					drawn := draw(paneStates()[state]().pane(size[0], size[1]))
					golden.RequireEqual(t, framed(ansi.Strip(drawn)))
				})
			}
			t.Run(fmt.Sprintf("%s/%s/ansi", name, state), func(t *testing.T) {
				p := paneStates()[state]().pane(80, 24)
				p.Styles = look.NewStyles(true)
				golden.RequireEqual(t, draw(p)+"\n")
			})
		}
	}
}

// Every pane in every state, those too in which it has little to say: a file for each
// pane and size, as text, and at the smallest in colour.
func TestEveryPaneInEveryState(t *testing.T) {
	for _, kind := range Kinds() {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			for _, colour := range []bool{false, true} {
				if colour && size[0] > 80 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%dx%d%s", kind.ID, size[0], size[1], map[bool]string{true: "_ansi"}[colour]), func(t *testing.T) {
					var all strings.Builder
					for _, state := range slices.Sorted(maps.Keys(paneStates())) {
						p := paneStates()[state]().pane(size[0], size[1])
						if colour {
							p.Styles = look.NewStyles(true)
						}
						drawn := kind.Draw(p)
						if !colour {
							drawn = framed(ansi.Strip(drawn))
						}
						all.WriteString("== " + state + "\n" + strings.TrimRight(drawn, "\n") + "\n")
					}
					golden.RequireEqual(t, all.String())
				})
			}
		}
	}
}

// Colour never says anything alone: without it, the text is the same.
func TestPaneTextIsTheSameWithoutColour(t *testing.T) {
	for state, run := range paneStates() {
		for name, draw := range paneNames() {
			p := run().pane(100, 30)
			plain := ansi.Strip(draw(p))
			for _, dark := range []bool{true, false} {
				p.Styles = look.NewStyles(dark)
				if got := ansi.Strip(draw(p)); got != plain {
					t.Errorf("%s in state %s reads otherwise in colour:\n%s\n\nplain:\n%s", name, state, got, plain)
				}
			}
		}
	}
}

// requireRect fails when a drawing is not exactly h lines, or a line is wider than w.
func requireRect(t *testing.T, what, drawn string, w, h int) {
	t.Helper()
	lines := strings.Split(drawn, "\n")
	if h == 0 && drawn == "" {
		return
	}
	if len(lines) != h {
		t.Fatalf("%s at %dx%d has %d lines", what, w, h, len(lines))
	}
	for i, l := range lines {
		if got := ansi.StringWidth(l); got > w {
			t.Fatalf("%s at %dx%d: line %d is %d cells wide: %q", what, w, h, i+1, got, l)
		}
	}
}

func TestPaneFillsAnyRectangle(t *testing.T) {
	var states []string
	for name := range paneStates() {
		states = append(states, name)
	}
	sort.Strings(states)
	for i, state := range states {
		p := paneStates()[state]().pane(0, 0)
		for name, draw := range paneNames() {
			for w := 0; w <= 130; w += 1 + (w+i)%31 { // each state at others
				for h := 0; h <= 45; h += 1 + (h+i)%14 {
					p.Width, p.Height, p.Scroll = w, h, w-h
					requireRect(t, name+" in state "+state, draw(p), w, h)
				}
			}
		}
	}
}

func TestPaneDrawsWithoutARun(t *testing.T) {
	for name, draw := range paneNames() {
		for _, s := range []*phases.State{nil, {}} {
			for _, size := range [][2]int{{0, 0}, {1, 1}, {80, 24}} {
				p := Pane{State: s, Styles: look.PlainStyles(), Width: size[0], Height: size[1]}
				requireRect(t, name, draw(p), size[0], size[1])
			}
		}
	}
	if rows := ChecklistRows(nil); rows != nil {
		t.Errorf("a run that is not there has rows: %v", rows)
	}
}

// A name in the database, a check's output, an operator's text: whatever it
// holds, no control character reaches the terminal and no line grows.
func TestPaneDefusesForeignText(t *testing.T) {
	statuses := []phases.PhaseStatus{
		phases.PhaseLocking, phases.PhaseRunning, phases.PhaseHolding, phases.PhaseInDoubt, phases.PhaseUnknown, phases.PhaseIsRolledBack, phases.PhaseIsCommitted, phases.PhaseIsUndone,
	}
	for _, status := range statuses {
		r := hostile()
		r.Phases[4].Status = status
		for name, draw := range paneNames() {
			for _, w := range []int{1, 7, 20, 40, 80, 200} {
				p := r.pane(w, 60)
				drawn := draw(p)
				requireRect(t, name, drawn, w, 60)
				for _, c := range drawn {
					if c != '\n' && c != '\x1b' && (c < ' ' || c == 0x7f || c == '\u202e') {
						t.Fatalf("%s in status %s lets %U through", name, status, c)
					}
				}
				plain := strings.ReplaceAll(ansi.Strip(drawn), "\n", "")
				if strings.ContainsRune(plain, '\x1b') || strings.Contains(drawn, "\x1b]0") || strings.Contains(drawn, "[2J") {
					t.Fatalf("%s in status %s lets an escape sequence through", name, status)
				}
			}
		}
	}
}

// A reader's pane names no key: none of its keys acts.
func TestPaneOfAReaderNamesNoKey(t *testing.T) {
	for _, state := range []string{"green", "holding", "locking", "rolled_back", "half", "undone"} {
		r := paneStates()[state]()
		for name, draw := range paneNames() {
			p := r.pane(100, 40)
			with := draw(p)
			p.ReadOnly = true
			without := draw(p)
			for _, hint := range []string{"o  GO", "N  NO-GO", "c  COMMIT", "b  ROLLBACK", "t  cancel", "s  start", "A  accept", "r  ask", "enter  fill", "space  tick"} {
				if strings.Contains(ansi.Strip(without), hint) {
					t.Errorf("%s in state %s shows a reader %q; an operator sees\n%s", name, state, hint, with)
				}
			}
		}
	}
}

// Each pane in each state writes the same in any colours and in none.
func TestPanesWriteTheSameInAnyColours(t *testing.T) {
	for state, run := range paneStates() {
		p := run().pane(100, 40)
		for name, draw := range paneNames() {
			p.Styles = look.StylesOf(look.Wear{Palette: look.Colourless})
			want := ansi.Strip(draw(p))
			for _, palette := range look.Palettes()[1:] {
				p.Styles = look.StylesOf(look.Wear{Palette: palette})
				if got := ansi.Strip(draw(p)); got != want {
					t.Errorf("%s, %s, palette %d writes another text:\n%s", name, state, palette, got)
				}
			}
		}
	}
}

// What is due and not done says since when, with a mark, and nothing is due that is done.
func TestAGroupSaysThatItIsOverdue(t *testing.T) {
	r := paneStates()["failing"]()
	if text := r.pane(78, 30).show(Checklist); !strings.Contains(ansi.Strip(text), "! 2 of 3 done, due T-60, ") || !strings.Contains(text, "min ago") {
		t.Errorf("nothing says that a group is overdue:\n%s", text)
	}
	if text := ansi.Strip(r.pane(42, 30).show(Checklist)); !strings.Contains(text, "! 2 of 3, overdue") {
		t.Errorf("nothing says that a group is overdue:\n%s", text)
	}
}

// The timeline's legend breaks between two marks, not between a mark and its word.
func TestTheLegendKeepsAMarkAtItsWord(t *testing.T) {
	st := look.PlainStyles()
	for w := 30; w < 80; w++ {
		p := paneStates()["running"]().pane(w, 60)
		for _, l := range (gantt{p: p}).legend() {
			text := ""
			for _, s := range l.Spans {
				text += s.Text
			}
			for _, part := range strings.Split(text, "   ") {
				if part != "" && !strings.Contains(part, " ") || strings.HasSuffix(part, st.Mark.NoReturn) {
					t.Errorf("%d wide: %q is torn", w, part)
				}
			}
		}
	}
}

// A column has one form of time, and tenths where they matter.
func TestTimesInAColumnHaveOneForm(t *testing.T) {
	for d, want := range map[time.Duration]string{400 * time.Millisecond: "0.4 s", 12 * time.Second: "00:12", 185 * time.Second: "03:05"} {
		if got := look.Took(d); got != want {
			t.Errorf("%s is %q, and not %q", d, got, want)
		}
	}
}

func TestPercentIsRounded(t *testing.T) {
	for share, want := range map[float64]string{0.5976: "60 %", 0.29: "29 %", 0.996: "99 %", 1: "100 %", 0.004: "0 %", 1.4: "100 %"} {
		if got := look.Percent(share); got != want {
			t.Errorf("%v is %s, and not %s", share, got, want)
		}
	}
}
