package replay

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases/journal"
	"tminus/ui"
	"tminus/ui/look"
)

// clock is a test's own.
type clock struct{ now time.Time }

// watching is a screen of a replay in a clock of the test's own, in UTC.
func watching(t testing.TB, f *Film, w, h int) (*screen, *clock) {
	t.Helper()
	c := &clock{time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	m := newScreen(f, 1, ui.Options{Env: []string{"NO_COLOR=1"}}, func() time.Time { return c.now })
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return m, c
}

// pass lets time pass as a program's ticks do.
func (c *clock) pass(m *screen, d time.Duration) {
	for ; d > 0; d -= tickEvery {
		c.now = c.now.Add(min(d, tickEvery))
		m.Update(tickMsg{})
	}
}

func press(m *screen, keys ...string) (quit bool) {
	special := map[string]rune{"tab": tea.KeyTab, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "enter": tea.KeyEnter}
	for _, k := range keys {
		msg := tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
		switch {
		case k == "space":
			msg = tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
		case k == "ctrl+c":
			msg = tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
		case special[k] != 0:
			msg = tea.KeyPressMsg{Code: special[k]}
		}
		if _, cmd := m.Update(msg); cmd != nil {
			_, quit = cmd().(tea.QuitMsg)
		}
	}
	return quit
}

func shown(m *screen) string {
	lines := strings.Split(ansi.Strip(m.View().Content), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// scrubberOf is the two lines between the panes and what stands below them.
func scrubberOf(m *screen) string {
	lines := strings.Split(strings.TrimSuffix(shown(m), "\n"), "\n")
	foot := m.viewer.Foot(m.player.film.moment(m.player.at).UTC())
	return strings.Join(lines[len(lines)-foot-2:len(lines)-foot], "\n")
}

func TestScreenGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for name, keys := range map[string][]string{"hold": {"]", "]", "]"}, "end": {"}"}, "beginning": {"space"}} {
			t.Run(fmt.Sprintf("%s_%dx%d", name, size[0], size[1]), func(t *testing.T) {
				m, _ := watching(t, film(t, "v1-upkeep", 2*time.Second), size[0], size[1])
				press(m, keys...)
				golden.RequireEqual(t, shown(m))
			})
		}
	}
}

// The bar alone, where all kinds of marks are.
func TestScrubberGolden(t *testing.T) {
	var all strings.Builder
	for _, width := range []int{60, 80, 120} {
		m, _ := watching(t, film(t, "v1-upkeep", 2*time.Second), width, 24)
		for _, keys := range [][]string{{"space"}, {"+", "+", "]", "]"}, {"z", "]", "]", "]"}, {"}"}, {"["}} {
			press(m, keys...)
			all.WriteString(scrubberOf(m) + "\n")
		}
	}
	golden.RequireEqual(t, all.String())
}

// On a terminal without UTF-8 the scrubber, too, is drawn in ASCII, as wide as it is,
// and what it marks still differs.
func TestTheReplayInASCII(t *testing.T) {
	f := film(t, "v1-upkeep", 2*time.Second)
	m, _ := watching(t, f, 120, 40)
	latin, _ := watching(t, f, 120, 40)
	latin.dress = look.NewDress(look.None, []string{"LC_ALL=C"})
	latin.styles = latin.dress.Styles()
	latin.viewer.SetStyles(latin.styles)
	for _, key := range []string{"space", "]", "]", "]", "}"} {
		press(m, key)
		press(latin, key)
		before := strings.Split(ansi.Strip(m.View().Content), "\n")
		for i, line := range strings.Split(ansi.Strip(latin.View().Content), "\n") {
			for _, r := range line {
				if r > 127 {
					t.Fatalf("after %s: %q in line %d: %s", key, r, i, line)
				}
			}
			if ansi.StringWidth(line) != ansi.StringWidth(before[i]) {
				t.Fatalf("after %s: line %d changes its width: %s", key, i, line)
			}
		}
	}
	seen := map[string]bool{latin.styles.Write("●"): true}
	for sign := SignStep; sign <= SignEnd; sign++ {
		text, _ := sign.cell(latin.styles)
		seen[latin.styles.Write(text)] = true
	}
	if len(seen) != int(SignEnd)+2 {
		t.Errorf("two signs are one: %v", seen)
	}
}

// It plays by itself: at the run's pace, faster, not at all, and to the end.
func TestItPlays(t *testing.T) {
	f := film(t, "v1-demo", 0)
	m, c := watching(t, f, 80, 24)
	c.pass(m, time.Second)
	if m.player.at != time.Second {
		t.Errorf("after a second it stands at %s", m.player.at)
	}
	press(m, "space")
	c.pass(m, time.Minute)
	if m.player.at != time.Second || !strings.Contains(scrubberOf(m), "paused") {
		t.Errorf("paused, it goes on to %s:\n%s", m.player.at, scrubberOf(m))
	}
	press(m, "space", "+", "+")
	c.pass(m, time.Second)
	if m.player.at != 6*time.Second {
		t.Errorf("after another second, at 5 times, it stands at %s", m.player.at)
	}
	c.pass(m, f.length())
	if m.player.playing || !m.player.atEnd() || m.player.records != len(f.scene) || !strings.Contains(scrubberOf(m), "at its end") {
		t.Errorf("the end is not its end: %s", scrubberOf(m))
	}
	press(m, "space")
	if m.player.at != 0 || !m.player.playing {
		t.Error("from the end it does not begin anew")
	}
	// A program that was stopped for an hour.
	c.now = c.now.Add(time.Hour)
	m.Update(tickMsg{})
	if m.player.at > 5*longest {
		t.Errorf("it leaps to %s", m.player.at)
	}
}

// Quiet times are short, unless they are wanted whole.
func TestQuietTimes(t *testing.T) {
	recs := records(t, "v1-demo")
	for i := range recs[200:] {
		recs[200+i].At = recs[200+i].At.Add(time.Hour) // somebody went for a walk
	}
	path, _ := newJournal(t, recs)
	f, err := Read(path, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if f.lasts() > time.Minute || f.length() < time.Hour {
		t.Errorf("an hour of nothing makes a film of %s", f.lasts())
	}
	m, c := watching(t, f, 80, 24)
	press(m, "z")
	c.pass(m, time.Minute)
	if m.player.at != time.Minute || !strings.Contains(scrubberOf(m), "in full") {
		t.Errorf("whole, a minute leads to %s:\n%s", m.player.at, scrubberOf(m))
	}
	press(m, "z")
	c.pass(m, time.Minute)
	if !m.player.atEnd() {
		t.Errorf("short, it is not at the end by then but at %s", m.player.at)
	}
}

// The jumps go through all marks and back, and say what each is.
func TestJumps(t *testing.T) {
	for _, name := range frozenJournals {
		f := film(t, name, 2*time.Second)
		m, _ := watching(t, f, 120, 40)
		press(m, "space")
		jumps := f.jumps()
		for _, mark := range jumps {
			press(m, "]")
			if m.player.records != mark.Record || m.said != mark.Text {
				t.Fatalf("%s: at record %d, saying %q; want %d, %q", name, m.player.records, m.said, mark.Record, mark.Text)
			}
			if mark.Sign == SignHold && !strings.Contains(shown(m), "ROLLBACK in") {
				t.Errorf("%s: at a hold there is none on screen:\n%s", name, shown(m))
			}
		}
		press(m, "]")
		if !strings.Contains(m.said, "Nothing that is marked comes after") {
			t.Errorf("behind the last: %q", m.said)
		}
		for i := len(jumps) - 2; i >= 0; i-- {
			press(m, "[")
			if m.player.records != jumps[i].Record {
				t.Fatalf("%s: back at record %d, want %d", name, m.player.records, jumps[i].Record)
			}
		}
		press(m, "[")
		if !strings.Contains(m.said, "comes before") {
			t.Errorf("before the first: %q", m.said)
		}
	}
}

// Who presses the key back while it plays gets the mark before the one that was
// just passed.
func TestBackWhileItPlays(t *testing.T) {
	f := film(t, "v1-demo", 2*time.Second)
	m, c := watching(t, f, 80, 24)
	press(m, "]", "]", "]")
	second := f.jumps()[1]
	c.pass(m, 200*time.Millisecond)
	press(m, "[")
	if m.player.records > second.Record {
		t.Errorf("it is at record %d, want %d or before", m.player.records, second.Record)
	}
}

// Every key of the replay's own does what help says, or says why not; none of
// them is another's.
func TestKeys(t *testing.T) {
	m, _ := watching(t, film(t, "v1-demo", 0), 80, 24)
	press(m, "space", "?")
	page := shown(m)
	for _, k := range append(ownKeys(), leaveKey()) {
		for range 100 {
			if strings.Contains(page, k.Help) {
				break
			}
			press(m, "j")
			page = shown(m)
		}
		if !strings.Contains(page, k.Help) {
			t.Errorf("help does not name %s", k.Help)
		}
	}
	press(m, "?")
	for key, says := range map[string]string{",": "The journal begins here.", "-": "It does not go slower.", "c": "c is the operator's: this screen is read-only", "Z": "Z does nothing here"} {
		if press(m, key); !strings.Contains(shown(m), says) {
			t.Errorf("%s: it says %q, want %q", key, m.said, says)
		}
	}
	press(m, "}")
	for key, says := range map[string]string{".": "The journal ends here.", "]": "Nothing that is marked comes after this."} {
		if press(m, key); !strings.Contains(shown(m), says) {
			t.Errorf("%s: it says %q, want %q", key, m.said, says)
		}
	}
	press(m, ",")
	if want := m.player.film.length() - skipBy; m.player.at != max(0, want) {
		t.Errorf("ten seconds back from the end is %s", m.player.at)
	}
	press(m, "{", "+", "+", "+", "+")
	if press(m, "+"); m.player.speed != 60 || m.said != "It does not go faster." {
		t.Errorf("at %d it says %q", m.player.speed, m.said)
	}
	before := m.player.at
	press(m, "tab", "left", "right", "home", "end", "3", "n", "f", "j", "k")
	if m.player.at != before {
		t.Error("a key of the panes moves the replay")
	}
	if press(m, "enter") || !press(m, "q") || !press(m, "ctrl+c") {
		t.Error("q and ctrl+c leave, and nothing else does")
	}
	documented, err := os.ReadFile("../../docs/replay.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range append(ownKeys(), leaveKey()) {
		if !regexp.MustCompile("(?m)^\\|.*(`" + regexp.QuoteMeta(k.Label) + "`|" + regexp.QuoteMeta(k.Label) + ") .*\\|").Match(documented) {
			t.Errorf("docs/replay.md does not name %s", k.Label)
		}
	}
	taken := map[string]bool{}
	v := ui.NewViewer(ui.ViewerOptions{})
	v.Resize(80, 24)
	for _, k := range append(ownKeys(), leaveKey()) {
		for _, name := range k.Keys {
			if taken[name] || name != "space" && v.Navigate(tea.KeyPressMsg{Code: []rune(name)[0], Text: name}) {
				t.Errorf("%s is taken", name)
			}
			taken[name] = true
		}
	}
}

// At every size the frame has the terminal's lines and columns, and where there
// is room the scrubber.
func TestFrameStaysInsideOfAnySize(t *testing.T) {
	m, _ := watching(t, film(t, "v1-upkeep", 0), 0, 0)
	for _, keys := range [][]string{{"space"}, {"]", "]"}, {"?"}, {"?", "}"}} {
		press(m, keys...)
		for _, w := range []int{0, 1, 7, 59, 60, 80, 120, 300} {
			for _, h := range []int{0, 1, 2, 15, 16, 17, 18, 19, 24, 40, 100} {
				m.Update(tea.WindowSizeMsg{Width: w, Height: h})
				content := m.View().Content
				lines := strings.Split(content, "\n")
				if w > 0 && h > 0 && len(lines) != h {
					t.Fatalf("%dx%d has %d lines", w, h, len(lines))
				}
				for _, l := range lines {
					if n := ansi.StringWidth(l); w > 0 && n > w {
						t.Fatalf("%dx%d: a line has %d cells: %q", w, h, n, l)
					}
				}
				if has := strings.Contains(content, "●"); has != (w >= 60 && h >= leastHeight) && w > 7 {
					t.Errorf("%dx%d: scrubber %v", w, h, has)
				}
			}
		}
	}
}

// Where the journal is damaged the replay goes up to there, and says so there alone.
func TestADamagedEnd(t *testing.T) {
	path, w := newJournal(t, records(t, "v1-demo")[:100])
	if _, err := w.Append(time.Now(), "moon_reached", struct{}{}, journal.Buffered); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := watching(t, f, 80, 24)
	press(m, "space", "}")
	if text := shown(m); !strings.Contains(text, "JOURNAL STOPPED") || !strings.Contains(text, "cannot be read on") {
		t.Errorf("at its end it says\n%s", text)
	}
	press(m, "{")
	if text := shown(m); strings.Contains(text, "JOURNAL STOPPED") {
		t.Errorf("at its beginning it says\n%s", text)
	}
}

// output is a terminal that keeps what is written to it.
type output struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) has(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Contains(o.b.String(), text)
}

// A whole program: it plays, leaves on q, and gives the terminal back. One whose
// context ends does so too, and says why.
func TestShow(t *testing.T) {
	f := film(t, "v1-demo", 0)
	for name, end := range map[string]func(keys io.Writer, cancel func()){
		"q":       func(keys io.Writer, _ func()) { _, _ = io.WriteString(keys, "q") },
		"context": func(_ io.Writer, cancel func()) { cancel() },
	} {
		in, keys := io.Pipe()
		out := &output{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Show(ctx, f, 1, ui.Options{Input: in, Output: out, Env: []string{"TERM=xterm-256color"}})
		}() // ends by the case
		for !out.has("\x1b[?1049h") {
			select {
			case err := <-ended:
				t.Fatalf("%s: it ends at once: %v", name, err)
			case <-time.After(5 * time.Millisecond):
			}
		}
		end(keys, cancel)
		if err := <-ended; (err != nil) != (name == "context") {
			t.Errorf("%s: %v", name, err)
		}
		if !out.has("\x1b[?1049l") {
			t.Errorf("%s: the terminal is left in the alternate screen", name)
		}
		cancel()
		keys.Close()
	}
}
