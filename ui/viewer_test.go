package ui

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// No frame is larger than its terminal, whatever the size and the stage.
func TestFrameStaysInsideOfAnySize(t *testing.T) {
	sizes := [][2]int{
		{0, 0},
		{1, 1},
		{0, 9},
		{9, 0},
		{1, 80},
		{250, 1},
		{20, 5},
		{59, 24},
		{60, 15},
		{60, 16},
		{61, 17},
		{80, 24},
		{109, 40},
		{110, 29},
		{110, 30},
		{119, 35},
		{120, 35},
		{169, 45},
		{170, 44},
		{170, 45},
		{200, 60},
		{250, 80},
	}
	for w := 3; w <= 250; w += 60 {
		for h := 2; h <= 80; h += 26 {
			sizes = append(sizes, [2]int{w, h})
		}
	}
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 80, 24)
		for _, size := range sizes {
			w, h := size[0], size[1]
			o.Resize(w, h)
			checkFrame(t, fmt.Sprintf("%s at %dx%d", stage, w, h), frameText(o), w, h)
			if stage == "holding" {
				o.nav.help = true
				checkFrame(t, fmt.Sprintf("help at %dx%d", w, h), frameText(o), w, h)
				o.nav.help = false
			}
		}
	}
}

func checkFrame(t *testing.T, name, frame string, w, h int) {
	t.Helper()
	if w == 0 || h == 0 {
		if frame != "" {
			t.Fatalf("%s: %q drawn into nothing", name, frame)
		}
		return
	}
	lines := strings.Split(frame, "\n")
	if len(lines) != h {
		t.Fatalf("%s: %d lines", name, len(lines))
	}
	for i, l := range lines {
		if look.Width(l) != w {
			t.Fatalf("%s: line %d has %d cells:\n%s", name, i, look.Width(l), l)
		}
	}
}

// The keys and the header stay on every screen that is large enough.
func TestFrameKeepsItsKeysInSight(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
		for _, stage := range fixtureStages {
			o, _ := screen(t, stage, size[0], size[1])
			lines := strings.Split(trimmed(frameText(o)), "\n")
			if last := lines[size[1]-1]; !strings.Contains(last, "q leave") || !strings.Contains(last, "? keys") {
				t.Errorf("%s at %v: the last line is %q", stage, size, last)
			}
			if !strings.Contains(lines[0], "DEMO") || !strings.Contains(lines[0], "gym_demo@db.example") {
				t.Errorf("%s at %v: the first line is %q", stage, size, lines[0])
			}
		}
	}
}

func TestTooSmallSaysSo(t *testing.T) {
	o, rec := screen(t, "checklist", 20, 5)
	text := strings.Join(strings.Fields(frameText(o)), " ")
	if want := "terminal too small: 20x5, needs at least 60x16"; text != want {
		t.Errorf("the screen says %q, want %q", text, want)
	}
	o.goTo(pane.Checklist)
	o.nav.cursor = "notice"
	for _, key := range []string{"space", "s", "c", "enter", "N"} {
		run(o, keyNamed(key))
	}
	if len(rec.commands) > 0 || o.dialog != nil {
		t.Errorf("keys act on a screen that cannot be read: %v", rec.commands)
	}
}

// A question that no room is for is answered by no key, the one whether to leave
// neither.
func TestNobodyLeavesUnseen(t *testing.T) {
	o, _ := screen(t, "running", 80, 24)
	run(o, keyNamed("q"))
	o.Resize(20, 5)
	for _, key := range []string{"y", "right", "enter"} {
		o.now = frozen(o.now().Add(time.Second))
		if run(o, keyNamed(key)) || o.leaving == nil {
			t.Fatalf("%s answers a question that nobody can read", key)
		}
	}
	run(o, keyNamed("esc"))
	if o.leaving != nil {
		t.Error("esc does not close it")
	}
}

// Both orders of the first messages, size and records, come to the same frame.
func TestFirstMessagesInAnyOrder(t *testing.T) {
	recs := newScript(t).recs
	frame := func(msgs ...tea.Msg) string {
		o, _ := blank(t)
		for _, m := range msgs {
			o.Update(m)
			_ = o.View()
		}
		return frameText(o)
	}
	size := tea.WindowSizeMsg{Width: 100, Height: 30}
	a := frame(size, recordsMsg{recs: recs})
	b := frame(recordsMsg{recs: recs}, size)
	if a != b {
		t.Errorf("the order matters:\n%s\n\n%s", a, b)
	}
	checkFrame(t, "first frame", a, 100, 30)
}

// A viewer has no key that acts, and no way to be given one.
func TestViewerCannotAct(t *testing.T) {
	for name, keys := range map[string]keymap{"reader": readerKeys(), "watch": watchKeys()} {
		for _, b := range keys {
			if b.open != nil && b.id != "quit" {
				t.Errorf("%s: key %s opens something", name, b.label)
			}
		}
	}
	s, now := fixture(t, "holding")
	v := NewViewer(ViewerOptions{ReadOnly: "READ-ONLY"})
	v.Resize(80, 24)
	v.Show(s)
	before := v.Frame(now)
	for _, key := range []string{"c", "b", "s", "o", "N", "x", "space", "a", "e", "w", "q"} {
		if v.Navigate(keyNamed(key)) {
			t.Errorf("%s is a reader's key", key)
		}
	}
	if v.Frame(now) != before {
		t.Error("keys that are no reader's changed the frame")
	}
	text := trimmed(before)
	hint := strings.Split(text, "\n")[23]
	if !strings.Contains(text, "READ-ONLY last event now") || strings.Contains(hint, "COMMIT") {
		t.Errorf("the reader's frame is\n%s", text)
	}
}

func TestFrameIsPure(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 120, 40)
		first := o.Frame(o.now())
		o.Frame(o.now().Add(time.Hour))
		if o.Frame(o.now()) != first {
			t.Errorf("%s: two frames of one moment differ", stage)
		}
	}
}

// Control characters from outside never reach the terminal.
func TestForeignTextIsHarmless(t *testing.T) {
	o, _ := screen(t, "checklist", 120, 40)
	evil := "\x1b]0;owned\a\x1b[2J\u202eabc\r\n\x00"
	o.state.Runbook.Title += evil
	o.state.Target.Host += evil
	o.state.Operator.Name += evil
	o.state.Observers[0].Name += evil
	o.state.Runbook.Phases[0].Title += evil
	o.opts.Note = evil
	o.say(phases.LevelBad, evil)
	for _, text := range []string{frameText(o), o.View().WindowTitle} {
		if strings.ContainsAny(text, "\a\r\x00\u202e") || strings.Contains(text, "\x1b]") || strings.Contains(text, "\x1b[2J") {
			t.Errorf("control characters came through: %q", text)
		}
	}
}

func TestNoColorTakesAnyValue(t *testing.T) {
	for _, value := range []string{"1", "0", "yes", "false"} {
		if d := look.NewDress("", []string{"NO_COLOR=" + value}); d.Asks() != nil || coloured(t, d.Styles()) {
			t.Errorf("NO_COLOR=%s is not honoured", value)
		}
	}
	for _, env := range [][]string{{"TERM=xterm"}, {"TERM=xterm", "NO_COLOR="}} {
		if d := look.NewDress("", env); d.Asks() == nil || !coloured(t, d.Styles()) {
			t.Errorf("%v takes the colours away", env)
		}
	}
}

// coloured reports whether a frame in these styles sets a colour.
func coloured(t *testing.T, st *look.Styles) bool {
	o, _ := screen(t, "holding", 120, 40)
	o.SetStyles(st)
	return regexp.MustCompile(`\x1b\[([0-9;]*;)?(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]`).MatchString(frameText(o))
}

func TestScreenFollowsTheRun(t *testing.T) {
	for stage, want := range map[string]pane.ID{
		"checklist": pane.Checklist, "ready": pane.Gate, "go": pane.Phase, "running": pane.Phase, "holding": pane.Phase,
		"confirm": pane.Checklist, "confirmed": pane.Phase, "after": pane.Checklist, "completed": pane.End, "no-go": pane.End,
	} {
		o, _ := screen(t, stage, 80, 24)
		if o.nav.focus != want {
			t.Errorf("%s: the focus is on %s, want %s", stage, o.nav.focus, want)
		}
	}
}

// Who went somewhere else stays there until asking to follow again; the next
// stage calls them back.
func TestReaderMayLookElsewhere(t *testing.T) {
	o, _ := screen(t, "next", 80, 24)
	run(o, keyNamed("5"))
	if o.nav.focus != pane.Log {
		t.Fatalf("5 goes to %s", o.nav.focus)
	}
	if hint := trimmed(o.hintLine(o.now())); !strings.HasPrefix(hint, " f follow the run") {
		t.Errorf("the hints don't say the way back: %q", hint)
	}
	o.state.Phases[1].Status = phases.PhaseIsPassed
	o.Show(o.state)
	if o.nav.focus != pane.Log {
		t.Errorf("the next phase took the reader from the events to %s", o.nav.focus)
	}
	run(o, keyNamed("f"))
	if o.nav.focus != pane.Checklist || o.nav.cursor != "confirm_backup" {
		t.Errorf("f goes to %s, %s", o.nav.focus, o.nav.cursor)
	}
	run(o, keyNamed("5"))
	o.state.Outcome = phases.Aborted
	o.Show(o.state)
	if o.nav.focus != pane.End {
		t.Errorf("the end is not shown: %s", o.nav.focus)
	}
}

func TestMovingAbout(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	run(o, keyNamed("g"))
	at := func(want string) {
		t.Helper()
		if o.nav.cursor != want {
			t.Errorf("the cursor is on %s, want %s", o.nav.cursor, want)
		}
	}
	at("connects")
	run(o, keyNamed("j"))
	at("quiet")
	run(o, keyNamed("down"))
	at("notice")
	run(o, keyNamed("k"))
	at("quiet")
	run(o, keyNamed("G"))
	at("triggers")
	run(o, keyNamed("down"))
	at("triggers")
	// Past what nothing on this screen mends, as long as something else needs a key.
	run(o, keyNamed("n"))
	at("notice")
	run(o, keyNamed("n"))
	at("backup")
	for range 8 {
		run(o, keyNamed("tab"))
		checkFrame(t, "after tab", frameText(o), 80, 24)
	}
	o.Resize(200, 60)
	seen := map[pane.ID]bool{}
	for range 4 {
		run(o, keyNamed("shift+tab"))
		seen[o.nav.focus] = true
	}
	if len(seen) != 4 {
		t.Errorf("shift+tab goes to %v", seen)
	}
}

// Scrolling past an end does not have to be scrolled back.
func TestScrollEndsWhereThePaneEnds(t *testing.T) {
	o, _ := screen(t, "checklist", 80, 24)
	run(o, keyNamed("5"))
	end := frameText(o)
	for range 100 {
		run(o, keyNamed("up"))
	}
	top := frameText(o)
	if top == end || !strings.Contains(top, "event 1 ") {
		t.Fatalf("the first event is not reached:\n%s", top)
	}
	run(o, keyNamed("down"))
	if frameText(o) == top {
		t.Error("one line down after the top changes nothing")
	}
	run(o, keyNamed("G"))
	if trimmed(frameText(o)) != trimmed(end) {
		t.Errorf("G does not come back to the end:\n%s", frameText(o))
	}
}

// On a terminal without UTF-8 a screen is drawn in ASCII, as wide as it is, and its
// marks still differ.
func TestAScreenInASCII(t *testing.T) {
	for _, stage := range fixtureStages {
		o, _ := screen(t, stage, 120, 40)
		before := strings.Split(ansi.Strip(o.View().Content), "\n")
		o.SetStyles(look.StylesOf(look.Wear{ASCII: true}))
		after := strings.Split(ansi.Strip(o.View().Content), "\n")
		for i, line := range after {
			for _, r := range line {
				if r > 127 {
					t.Fatalf("%s: %q in line %d:\n%s", stage, r, i, line)
				}
			}
			if ansi.StringWidth(line) != ansi.StringWidth(before[i]) {
				t.Fatalf("%s: line %d changes its width:\n%s", stage, i, line)
			}
		}
	}
	st, seen := look.NewStyles(true).InASCII(), map[string]bool{}
	for _, mark := range []string{st.Mark.Done, st.Mark.Todo, st.Mark.Failed, st.Mark.Running, st.Mark.Waiting, st.Mark.Unknown, st.Mark.Undone, st.Mark.Cursor, st.Mark.NoReturn} {
		seen[st.Write(mark)] = true
	}
	if len(seen) != 9 {
		t.Errorf("two marks are one: %v", seen)
	}
	for env, lacks := range map[string]bool{"LANG=C": true, "LANG=C.UTF-8": false, "TERM=linux LANG=C.UTF-8": false, "": false, "LC_ALL=POSIX LANG=C.UTF-8": true} {
		if look.NewDress(look.Auto, append(strings.Fields(env), "X=")).Wear().ASCII != lacks {
			t.Errorf("%q: without UTF-8: %v", env, !lacks)
		}
	}
}
