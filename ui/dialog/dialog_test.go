package dialog

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

var opened = time.Date(2026, 1, 31, 1, 0, 0, 0, time.UTC)

func form() *Dialog {
	d := Dialog{
		Title: "A form", Form: true, Offer: true,
		Fields:  []Field{NewField("first", runbook.Field{Type: runbook.FieldText, Example: "an example"}, ""), NewField("second", runbook.Field{Type: runbook.FieldText}, "kept")},
		Buttons: []Button{Do("Save", func([]string, time.Time) (tea.Cmd, error) { return nil, nil }), {Label: "Cancel"}},
	}
	return d.Begin(opened)
}

func press(d *Dialog, now time.Time, text string) {
	for _, r := range text {
		d.Key(tea.KeyPressMsg{Code: r, Text: string(r)}, now)
	}
}

func named(d *Dialog, now time.Time, code rune, mod tea.KeyMod) (done bool) {
	_, done = d.Key(tea.KeyPressMsg{Code: code, Mod: mod}, now)
	return done
}

// Ctrl+z takes back what was typed, a burst at a time, and a paste or an example by
// itself, in whichever field it was.
func TestTypingIsTakenBack(t *testing.T) {
	d, now := form(), opened
	back := func(first, second string, focus int) {
		t.Helper()
		if named(d, now, 'z', tea.ModCtrl) {
			t.Fatal("ctrl+z ends the form")
		}
		if got := d.Values(); got[0] != first || got[1] != second || d.Focus != focus {
			t.Errorf("the fields are %q, the keys in %d; want %q, %q and %d", got, d.Focus, first, second, focus)
		}
	}
	now = now.Add(time.Minute)
	press(d, now, "a name")
	now = now.Add(2 * burst)
	press(d, now, "stray words")
	named(d, now, tea.KeyBackspace, 0)
	d.Paste(tea.PasteMsg{Content: "pasted"}, now)
	named(d, now, tea.KeyTab, 0)
	press(d, now, "more")
	if got := d.Values(); got[0] != "a namestray wordpasted" || got[1] != "keptmore" {
		t.Fatalf("the fields are %q", got)
	}
	back("a namestray wordpasted", "kept", 1)
	back("a namestray word", "kept", 0)
	back("a name", "kept", 0)
	back("", "kept", 0)
	back("", "kept", 0)
	if d.message == "" {
		t.Error("nothing says that there is no more")
	}
	named(d, now, tea.KeyTab, 0)
	if d.Values()[0] != "an example" {
		t.Fatalf("the example is not taken: %q", d.Values())
	}
	back("", "kept", 0)
}

// What ctrl+z can take back has a limit, and takes nothing with it that stands.
func TestTakingBackHasAnEnd(t *testing.T) {
	d, now := form(), opened
	for range 3 * mostBack {
		now = now.Add(2 * burst)
		press(d, now, "x")
	}
	for range 3 * mostBack {
		named(d, now, 'z', tea.ModCtrl)
	}
	if got := len(d.Values()[0]); got != min(500, 3*mostBack)-mostBack {
		t.Errorf("%d letters are left", got)
	}
}

func boxText(d *Dialog, w, h int) string {
	lines, _ := d.Box(w, h, look.PlainStyles(), nil, opened.Add(time.Hour))
	return ansi.Strip(strings.Join(lines, "\n"))
}

// A text without room for all of it is read by scrolling, to its last line and back.
func TestALongTextScrolls(t *testing.T) {
	d := form()
	long := ""
	for i := range 40 {
		long += "word" + string(rune('A'+i%26)) + " of a long text "
	}
	d.Text = Says(Say(phases.LevelBad, long+"THE-END"))
	if text := boxText(d, 60, 12); strings.Contains(text, "THE-END") || !strings.Contains(text, "lines more: pgdn") {
		t.Fatalf("the text has room, or nothing says that it goes on:\n%s", text)
	}
	first := boxText(d, 60, 12)
	for range 20 {
		named(d, opened, tea.KeyPgDown, 0)
		if text := boxText(d, 60, 12); strings.Count(text, "\n") != strings.Count(first, "\n") {
			t.Fatalf("the box changes its height:\n%s", text)
		}
	}
	if text := boxText(d, 60, 12); !strings.Contains(text, "THE-END") || !strings.Contains(text, "above: pgup") {
		t.Errorf("the end is not reached:\n%s", text)
	}
	named(d, opened, tea.KeyPgUp, 0)
	if strings.Contains(boxText(d, 60, 12), "THE-END") {
		t.Error("the way back does not start at once")
	}
	d.Scroll(-1000)
	if boxText(d, 60, 12) != first {
		t.Error("the way back does not end where it began")
	}
}

// A title, an error and buttons that are too long are shown in full.
func TestNothingOfAQuestionIsCut(t *testing.T) {
	d := form()
	d.Title = "Is this a title that is so long that no line of a small screen has room for it?"
	d.Fields[0].err = "this is an error that is so long that no line of a small screen has room for it"
	d.Buttons = []Button{{Label: "The first of the answers"}, {Label: "The second of the answers"}, {Label: "The third of the answers"}}
	all := strings.NewReplacer("│", " ", "─", " ").Replace(boxText(d, 60, 24))
	all = strings.Join(strings.Fields(all), " ")
	for _, want := range []string{d.Title, d.Fields[0].err, "[ The first of the answers ]", "[ The second of the answers ]", "[ The third of the answers ]"} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %q in\n%s", want, boxText(d, 60, 24))
		}
	}
}
