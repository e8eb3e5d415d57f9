package runbook

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const frame = "tminus: 1\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n"

// TestMistakesHaveTheirPlace names a line and a column for each way in which
// a file can be wrong before a single key is read.
func TestMistakesHaveTheirPlace(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		want []string // line:column: problem
	}{
		"empty":             {"", []string{"1:1: the file is empty"}},
		"blank":             {" \n\n", []string{"1:1: the file is empty"}},
		"only a comment":    {"# nothing\n", []string{"1:1: the file is empty"}},
		"only a mark":       {"---\n", []string{"1:1: the file is empty"}},
		"byte order mark":   {"\xEF\xBB\xBF" + frame, []string{"1:1: the file begins with a byte order mark"}},
		"UTF-16":            {"\xFF\xFEt\x00", []string{"1:1: the file is UTF-16"}},
		"Latin-1":           {frame + "summary: caf\xE9\nschema: \xFC\n", []string{"4:13: the byte 0xE9 is not UTF-8", "5:9: the byte 0xFC is not UTF-8"}},
		"escape":            {frame + "summary: a\x1b[2J\n", []string{"4:11: the character U+001B"}},
		"carriage return":   {frame + "summary: a\rb\n", []string{"4:11: the character U+000D"}},
		"right to left":     {frame + "summary: a\u202Eb\n", []string{"4:11: the character U+202E"}},
		"escaped escape":    {frame + `summary: "a\u009b2J"` + "\n", []string{"4:10: summary holds the character U+009B"}},
		"long line":         {frame + "summary: " + strings.Repeat("x", 20_000) + "\n", []string{"4:1: a line of 20009 bytes"}},
		"too large":         {frame + strings.Repeat("#\n", MaxSize/2), []string{"1:1: the file is larger than 1048576 bytes"}},
		"second document":   {frame + "---\na: 1\n", []string{"4:1: a second document"}},
		"end mark":          {frame + "...\n", nil},
		"start mark":        {"---\n" + frame, nil},
		"directive":         {"%YAML 1.2\n---\n" + frame, []string{"1:1: a YAML directive"}},
		"a scalar":          {"tminus\n", []string{"1:1: found text"}},
		"a list":            {"- tminus: 1\n", []string{"1:1: found a list"}},
		"merge key":         {frame + "window: {<<: {opens: 1m}}\n", []string{"4:10: not a key"}},
		"number as key":     {frame + "1: x\n", []string{"4:1: not a key"}},
		"deep":              {frame + "summary: " + strings.Repeat("[", 30), []string{"4:34: nested more than 24 deep"}},
		"deep dashes":       {strings.Repeat("- ", 30) + "x\n", []string{"1:49: nested more than 24 deep"}},
		"tab":               {frame + "window:\n\topens: 1m\n", []string{"5:1: not YAML: found character ' ' that cannot start any token"}},
		"open quote":        {frame + "summary: 'a\n", []string{"4:10: not YAML: could not find end character of single-quoted text"}},
		"umlauts before it": {frame + "window: {\"ö\": ä, opens: 5}\n", []string{"4:10: unknown key \"ö\" in a window", "4:25: opens is 5, without a unit"}},
		"no value":          {frame + "summary:\nschema: ~\n", []string{"4:1: summary has no value", "5:1: schema has no value"}},
		"in a block":        {frame + "backup:\n  restore: |\n    one\n      two {{x}}\n", []string{"7:11: no item has a field \"x\""}},
		"in a folded text":  {frame + "backup:\n  restore: >\n    one\n    two {{x}}\n", []string{"5:12: no item has a field \"x\""}},
		"in quotes":         {frame + "backup: {restore: \"a {{x}}\"}\n", []string{"4:22: no item has a field \"x\""}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.src))
			var mistakes Mistakes
			if errors.As(err, &mistakes); err != nil && len(mistakes) == 0 {
				t.Fatal(err)
			}
			var got []string
			for _, m := range mistakes {
				got = append(got, fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Problem))
				if m.Text == "" && m.Line+m.Column > 2 {
					t.Errorf("%s: without its line", m.Problem)
				}
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestCaretStandsUnderItsColumn(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"wide letters": {"a: 日本 X", "    1 | a: 日本 X\n      |         ^"},
		"combining":    {"a: e\u0301 X", "    1 | a: e\u0301 X\n      |      ^"},
		"tab":          {"a:\tX", "    1 | a: X\n      |    ^"},
		"control":      {"a: \x1bX", "    1 | a: \uFFFDX\n      |     ^"},
	} {
		r := &report{file: "f", lines: []string{c.line}}
		r.at(1, strings.Count(c.line[:strings.IndexByte(c.line, 'X')], "")-1+1, "problem", "")
		if got := r.err().Error(); !strings.Contains(got, c.want+"\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
	r := &report{file: "f", lines: []string{strings.Repeat("a", 5000) + "X" + strings.Repeat("b", 5000)}}
	r.at(1, 5001, "problem", "")
	if m := r.mistakes[0]; len(m.Text) != maxShownLine || m.Text[m.Column-1] != 'X' {
		t.Errorf("a long line is shown as %q, column %d", m.Text, m.Column)
	}
}

func TestMistakesAreBounded(t *testing.T) {
	_, err := Parse("x.yaml", []byte(frame+strings.Repeat("checklist: 1\n", 2*maxMistakes)))
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) != maxMistakes {
		t.Fatalf("%d mistakes", len(mistakes))
	}
	if !strings.Contains(err.Error(), "there may be more") {
		t.Error("nothing says that there may be more")
	}
}

func TestDurations(t *testing.T) {
	for src, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "15m": 15 * time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour,
		"500ms": 500 * time.Millisecond, "1h0m1s": time.Hour + time.Second, "0s": 0, "168h": 168 * time.Hour,
	} {
		if got, ok := parseDuration(src); !ok || got != want {
			t.Errorf("%s: %s, %v", src, got, ok)
		}
		if again, ok := parseDuration(FormatDuration(want)); !ok || again != want {
			t.Errorf("%s is written %s", want, FormatDuration(want))
		}
	}
	for _, src := range []string{"", "5", "m", "1.5h", "-5m", "1s1m", "1m1m", "5 m", "05m", "1d", "169h", "99999999999h", "1h60000000m", "5M", "5µs"} {
		if got, ok := parseDuration(src); ok {
			t.Errorf("%s: %s", src, got)
		}
	}
}
