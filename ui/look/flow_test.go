package look

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

func TestMiddleKeepsBothEnds(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"gym", 10, "gym"},
		{"gym@/tmp/tminus-demo-134063", 16, "gym@/tmp…-134063"},
		{"user_group_weekly_presets", 12, "user_g…esets"},
		{"abcdef", 3, "a…f"},
		{"abcdef", 2, "a…"},
		{"abcdef", 0, ""},
		{strings.Repeat("界", 10), 10, "界界…界界"},
	} {
		if got := Middle(c.text, c.n); got != c.want {
			t.Errorf("%q in %d cells: %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

// oddTexts are names that take more or less room than they have letters.
func oddTexts() []string {
	return []string{
		strings.Repeat("界", 63), strings.Repeat("e\u0301", 63), strings.Repeat("👩‍👩‍👧", 20), "🇩🇪🇫🇷" + strings.Repeat("x", 40), "\u05e9\u05dc\u05d5\u05dd " + strings.Repeat("\u05d0", 40),
		strings.Repeat("a", 63), "a b " + strings.Repeat("界", 30) + " c", strings.Repeat("word ", 30), "", " ", "x",
	}
}

// No cut is wider than its room, and none tears a character.
func TestCutsStayInTheirRoom(t *testing.T) {
	for _, text := range oddTexts() {
		for n := range 90 {
			for name, got := range map[string]string{"Middle": Middle(text, n), "Clip": Clip(text, n)} {
				if Width(got) > n || !utf8.ValidString(got) {
					t.Errorf("%s of %q in %d cells: %q has %d", name, text, n, got, Width(got))
				}
			}
			if spans, w := Cut([]Span{{Text: "> "}, {Text: text}, {Text: " end"}}, n); w > n || SpansWidth(spans) != w {
				t.Errorf("Cut of %q in %d cells: %v has %d", text, n, spans, w)
			}
		}
	}
}

// A line that is broken loses nothing but the blanks where it is broken.
func TestFlowLosesNothing(t *testing.T) {
	style := lipgloss.NewStyle()
	for _, text := range oddTexts() {
		l := Row(nil, "  ✗ ").Add(&style, text).Add(nil, " after").End(nil, "at the end of it")
		for n := leastFlow; n < 90; n++ {
			all := ""
			for _, part := range l.Flow(n) {
				if w := SpansWidth(part.Spans) + SpansWidth(part.Right); w > n {
					t.Errorf("%q in %d cells: a line of %d", text, n, w)
				}
				for _, s := range append(part.Spans, part.Right...) {
					all += s.Text
				}
			}
			if want := "✗" + Sanitize(text) + "afterattheendofit"; strings.ReplaceAll(all, " ", "") != strings.ReplaceAll(want, " ", "") {
				t.Fatalf("%q in %d cells comes out as %q", text, n, all)
			}
		}
	}
}

func TestFlowKeepsTheIndent(t *testing.T) {
	for _, c := range []struct {
		line Line
		room int
		want string
	}{
		{Row(nil, "one two three four five"), 16, "one two three|four five"},
		{Row(nil, "  ✗ one two three four"), 16, "  ✗ one two|    three four"},
		{Row(nil, "   D  it failed: go on"), 17, "   D  it failed:|      go on"},
		{Row(nil, "A restore takes an hour"), 16, "A restore takes|an hour"},
		{Row(nil, "left text").End(nil, "right"), 16, "left text>right"},
		{Row(nil, "left text here").End(nil, "right"), 16, "left text here|>right"},
		{Row(nil, "short").End(nil, "a right end that is long"), 16, "short|a right end that|is long"},
		{Line{Table: true}.Add(nil, "a row of a table stays"), 16, "a row of a table stays"},
	} {
		var got []string
		for _, part := range c.line.Flow(c.room) {
			text := ""
			for _, s := range part.Spans {
				text += s.Text
			}
			if len(part.Right) > 0 {
				text += ">" + part.Right[0].Text
			}
			got = append(got, text)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%q, want %q", strings.Join(got, "|"), c.want)
		}
	}
}

// A number stays beside its unit, and a time is not torn, as far as a line holds it.
func TestANumberStaysWithItsUnit(t *testing.T) {
	for _, c := range []struct {
		text string
		room int
		want []string
	}{
		{"Rolled back in 1 min 32 s.", 24, []string{"Rolled back in", "1 min 32 s."}},
		{"Rolled back in 1 min 32 s.", 18, []string{"Rolled back in", "1 min 32 s."}},
		{"It took 5 s, then 7 GB (80 %) were left", 12, []string{"It took 5 s,", "then 7 GB", "(80 %) were", "left"}},
		{"in 1 min 32 s", 6, []string{"in", "1 min", "32 s"}},
		{"phase 2 starts", 7, []string{"phase 2", "starts"}},
	} {
		if got := Wrap(c.text, c.room); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d cells is %q, and not %q", c.text, c.room, got, c.want)
		}
	}
}
