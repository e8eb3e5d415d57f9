package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

func formatted(t *testing.T, r *Report, write func(*Report, io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(r, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// element is what a page has, in its order.
type element struct {
	name  string
	attrs map[string]string
	text  string // directly in it
}

// elements reads a page as strictly as XML is read: each tag closed, each
// attribute in quotes, nothing unescaped.
func elements(t *testing.T, page string) []*element {
	t.Helper()
	page = regexp.MustCompile(`<meta ([^>]*)>`).ReplaceAllString(page, `<meta $1/>`)
	dec := xml.NewDecoder(strings.NewReader(page))
	var all, open []*element
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			all, open = append(all, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		}
	}
}

// checkPage holds a page against what every page promises: it fetches and runs
// nothing, and says to a reader who does not see it what it shows.
func checkPage(t *testing.T, page string) []*element {
	t.Helper()
	all := elements(t, page)
	ids := map[string]bool{}
	heading, tables, captions := 0, 0, 0
	for _, e := range all {
		if slices.Contains([]string{"script", "iframe", "object", "embed", "img", "link", "base", "form", "image", "use", "foreignObject"}, e.name) {
			t.Errorf("the page has a %s", e.name)
		}
		for name, value := range e.attrs {
			switch {
			case strings.HasPrefix(name, "on"), name == "src", name == "style", name == "srcset", name == "xmlns":
				t.Errorf("%s has %s=%q", e.name, name, value)
			case name == "href" && !strings.HasPrefix(value, "#"):
				t.Errorf("a link leads to %q", value)
			case strings.Contains(value, "url(") && !strings.HasPrefix(value, "url(#"):
				t.Errorf("%s=%q fetches something", name, value)
			}
		}
		if id := e.attrs["id"]; id != "" {
			if ids[id] {
				t.Errorf("the id %s stands twice", id)
			}
			ids[id] = true
		}
		switch e.name {
		case "html":
			if e.attrs["lang"] != "en" {
				t.Error("the page has no language")
			}
		case "h1", "h2", "h3":
			level := int(e.name[1] - '0')
			if level > heading+1 {
				t.Errorf("%s %q follows a heading of level %d", e.name, e.text, heading)
			}
			heading = level
		case "th":
			if e.attrs["scope"] == "" {
				t.Errorf("the heading %q has no scope", e.text)
			}
		case "table":
			tables++
		case "caption":
			captions++
		case "svg":
			if e.attrs["role"] != "img" || e.attrs["aria-labelledby"] == "" {
				t.Errorf("a drawing says nothing: %v", e.attrs)
			}
		}
	}
	for _, e := range all {
		for _, name := range []string{"aria-labelledby", "href"} {
			for _, id := range strings.Fields(strings.TrimPrefix(e.attrs[name], "#")) {
				if !ids[id] {
					t.Errorf("%s of %s names %q, which is not there", name, e.name, id)
				}
			}
		}
	}
	if tables != captions {
		t.Errorf("%d tables have %d captions", tables, captions)
	}
	if csp := `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`; !strings.Contains(page, csp) {
		t.Error("the page may fetch something")
	}
	return all
}

func TestPagesOfAllKindsOfRuns(t *testing.T) {
	for name, write := range map[string]func(*written){
		"opened": func(*written) {},
		"completed": func(j *written) {
			j.ready()
			j.baseline()
			j.leaf(1, false)
			j.leaf(2, true)
			j.users()
			j.end()
		},
		"no-go": func(j *written) {
			j.add(0, phases.NoGoDeclared{Reason: "no backup", By: "a"}, phases.RunClosed{Outcome: phases.NoGo})
		},
		"running": func(j *written) {
			j.ready()
			j.baseline()
			j.add(time.Second, phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.HoldOpened{Phase: "leaf"})
		},
		"doubt": func(j *written) {
			j.ready()
			j.baseline()
			j.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: "leaf"}}, phases.CommitDoubted{Phase: "leaf"})
		},
		"undone": func(j *written) {
			j.ready()
			j.baseline()
			j.leaf(1, true)
			j.add(0, phases.PhaseUndone{Phase: "leaf"})
		},
		"left and resumed": func(j *written) {
			j.ready()
			j.add(time.Hour, phases.RunInterrupted{Reason: "left"})
			j.add(8*time.Hour, phases.RunResumed{Operator: phases.Operator{Name: "bea", Host: "ops2"}})
			j.baseline()
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			write(j)
			r := j.build()
			all := checkPage(t, formatted(t, r, (*Report).WriteHTML))
			if first := slices.IndexFunc(all, func(e *element) bool { return e.name == "h1" }); first < 0 || all[first].text != "Gym reset" {
				t.Errorf("the page's heading is another")
			}
			md := formatted(t, r, (*Report).WriteMarkdown)
			if !strings.HasPrefix(md, "# Gym reset\n\n**") || !strings.Contains(md, "\n## Summary\n") {
				t.Errorf("Markdown begins %.80q", md)
			}
			checkTables(t, md)
		})
	}
}

// A journal is read while it grows: whatever its last line, each format is whole,
// and no page says that a run which goes on was completed.
func TestPagesOfARunAtAnyMoment(t *testing.T) {
	for name, step := range map[string]int{"v1-demo": 11, "v1-upkeep": 4, "v1-undo": 5} {
		recs, err := journal.Read("../../testdata/journals/" + name + ".journal")
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < len(recs); n += step {
			r, err := Build(recs[:n])
			if err != nil {
				t.Fatal(err)
			}
			page, md := formatted(t, r, (*Report).WriteHTML), formatted(t, r, (*Report).WriteMarkdown)
			checkPage(t, page)
			checkTables(t, md)
			if r.Outcome == phases.Unfinished && strings.Contains(page, "was completed") {
				t.Errorf("%s: at record %d the page says that the run was completed", name, n)
			}
			if t.Failed() {
				t.Fatalf("%s: at record %d", name, n)
			}
		}
	}
}

// checkTables holds that every row of a Markdown table has its heading's cells.
func checkTables(t *testing.T, md string) {
	t.Helper()
	cells := 0
	for _, l := range strings.Split(md, "\n") {
		if !strings.HasPrefix(l, "|") {
			cells = 0
			continue
		}
		n := 0
		for i := range l {
			if l[i] == '|' && (i == 0 || l[i-1] != '\\') {
				n++
			}
		}
		if cells == 0 {
			cells = n
		}
		if n != cells {
			t.Errorf("%d bars in a table of %d: %s", n, cells, l)
		}
	}
}

// Names, titles and notes come from outside: in no format do they become more
// than text.
func TestTextFromOutsideIsNoMarkup(t *testing.T) {
	const (
		script = `<script>alert("x")</script>`
		nasty  = script + " | `code` *bold* [link](https://evil.example) ![x](https://evil.example/x.png) @team &lt; # a"
	)
	source := strings.NewReplacer(
		"title: Gym reset", "title: '"+nasty+"'",
		"text: The database answers", "text: '"+nasty+"'",
		"title: Backup\n", "title: '"+nasty+"'\n",
		"label: Backup ID,", "label: '"+script+"',",
	).Replace(book)
	k := openWith(t, func(o *phases.RunOpened) {
		o.Source = source
		o.Operator = phases.Operator{Name: nasty, Host: script}
		o.Target.Database, o.Target.Host, o.File = nasty, script, "a|b`.yaml"
	})
	k.ready()
	k.baseline()
	k.add(0, phases.NoteRecorded{Text: nasty + "\u202e\x1b]0;x\x07", By: nasty})
	k.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.PhaseVerified{Phase: "leaf", Results: []phases.Verification{{Kind: phases.VerifyZero, Name: nasty, Got: nasty}}})
	k.add(0, phases.PhaseRolledBack{Phase: "leaf", Reason: nasty})
	k.add(0, phases.ItemSigned{Item: "told", Role: nasty, Name: nasty})
	k.add(0, phases.RunAborted{Reason: nasty, By: nasty}, phases.RunClosed{Outcome: phases.Aborted})
	r := k.build()

	page := formatted(t, r, (*Report).WriteHTML)
	all := checkPage(t, page)
	if strings.Contains(page, "<script") || !slices.ContainsFunc(all, func(e *element) bool { return e.name == "h1" && e.text == nasty }) {
		t.Error("the title is not what it was")
	}
	md := formatted(t, r, (*Report).WriteMarkdown)
	checkTables(t, md)
	for _, wrong := range []string{"<script", "](https://", " ![", " @team", "https://", "\x1b", "\u202e", "\x07", " *bold*", " `code`"} {
		if strings.Contains(md, wrong) {
			t.Errorf("Markdown has %q", wrong)
		}
	}
	for _, wrong := range []string{"\x1b", "\u202e", "\x07"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page has %q", wrong)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"1. one": "1\\. one", "12) one": "12\\) one", "- one": "\\- one", "+1": "\\+1", "= rule": "\\= rule", "# head": "\\# head", "a_b": "a\\_b",
		"ada@ops1": "ada@ops1", "@all": "&#64;all", "T-0": "T-0", "": "", "12": "12", "a://b": "a&#58;//b", "a: b": "a: b",
		strings.Repeat("0a", 32): "`" + strings.Repeat("0a", 32) + "`",
	} {
		if got := escape(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
	if got := fenced("a\n```\nb"); got != "````\na\n```\nb\n````" {
		t.Errorf("fenced: %q", got)
	}
}

// Two thousand tables and a hundred thousand events leave a page that opens.
func TestALargeRunLeavesAPageThatOpens(t *testing.T) {
	var deletes strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&deletes, "      - delete: table_number_%04d\n", i)
	}
	k := openWith(t, func(o *phases.RunOpened) {
		o.Source = strings.Replace(book, "      - delete: audit_logs\n", deletes.String(), 1)
	})
	k.ready()
	k.baseline()
	k.add(0, phases.PhaseStarted{Phase: "leaf", Attempt: 1})
	for i := range 70_000 {
		k.add(10*time.Millisecond, phases.TableProgressed{Phase: "leaf", Step: i / 35, Deleted: int64(i % 35)})
	}
	for range 30_000 {
		k.add(time.Millisecond, phases.NoteRecorded{Text: "a note that somebody has written", By: "ada@ops1"})
	}
	k.add(time.Second, phases.PhaseRolledBack{Phase: "leaf", Reason: "too late"})
	r := k.build()
	if n := len(r.Progress[0].Points); n > mostPoints || n < mostPoints/4 {
		t.Errorf("%d points are kept", n)
	}
	for i, p := range r.Progress[0].Points[1:] {
		if p.Seconds < r.Progress[0].Points[i].Seconds {
			t.Fatalf("the points go back at %d", i)
		}
	}
	page, md := formatted(t, r, (*Report).WriteHTML), formatted(t, r, (*Report).WriteMarkdown)
	if len(page) > 2<<20 || len(md) > 2<<20 {
		t.Errorf("the page has %d bytes, the Markdown %d", len(page), len(md))
	}
	checkPage(t, page)
	if !strings.Contains(page, "lines are left out here") || !strings.Contains(page, "ROLLED BACK") {
		t.Error("what went wrong is not among what is left, or nothing is left out")
	}
}

func TestProgressBetweenItsPoints(t *testing.T) {
	p := Progress{Points: []Point{{Seconds: 0, Rows: 0}, {Seconds: 4, Rows: 400}, {Seconds: 4, Rows: 500}, {Seconds: 8, Rows: 500}}}
	for share, want := range map[float64]string{0: "0", 0.25: "200", 0.5: "400", 0.75: "500", 1: "500"} {
		if got := p.at(share); got != want {
			t.Errorf("after %v: %s, want %s", share, got, want)
		}
	}
	if got := (Progress{Points: []Point{{Seconds: 1, Rows: 7}}}).at(0.5); got != "7" {
		t.Errorf("of one point: %s", got)
	}
}

func TestFewerKeepsWhatWentWrong(t *testing.T) {
	var lines []Line
	for i := range 5000 {
		l := Line{Level: phases.LevelInfo, Text: strconv.Itoa(i)}
		if i%100 == 50 {
			l.Level = phases.LevelBad
		}
		lines = append(lines, l)
	}
	kept, left := fewer(lines)
	grave, last := 0, -1
	for _, l := range kept {
		if l.Level == phases.LevelBad {
			grave++
		}
		n, err := strconv.Atoi(l.Text)
		if err != nil || n <= last {
			t.Fatalf("line %s follows %d", l.Text, last)
		}
		last = n
	}
	if grave != 50 || len(kept)+left != 5000 || len(kept) > mostEvents || kept[0].Text != "0" || last != 4999 {
		t.Errorf("%d kept, %d of them grave, the last %d; %d left out", len(kept), grave, last, left)
	}
	if all, left := fewer(lines[:mostEvents]); len(all) != mostEvents || left != 0 {
		t.Errorf("%d kept, %d left out", len(all), left)
	}
}

// Text and what it stands on differ enough to be read, by day and by night:
// WCAG's level AA.
func TestColoursAreReadable(t *testing.T) {
	looks := map[string]string{}
	_, dark, _ := strings.Cut(pageCSS, "@media (prefers-color-scheme: dark)")
	dark, _, _ = strings.Cut(dark, "\n}\n")
	light, _, _ := strings.Cut(pageCSS, "@media")
	_, print, _ := strings.Cut(pageCSS, "@media print")
	looks["light"], looks["dark"], looks["print"] = light, dark, print
	for name, css := range looks {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colours[m[1]] = m[2]
		}
		for _, pair := range [][2]string{
			{"text", "ground"},
			{"text", "soft"},
			{"dim", "ground"},
			{"dim", "soft"},
			{"accent", "ground"},
			{"text", "bad-soft"},
			{"good", "ground"},
			{"warn", "ground"},
			{"bad", "ground"},
			{"good", "good-soft"},
			{"warn", "warn-soft"},
			{"bad", "bad-soft"},
			{"dim", "bad-soft"},
		} {
			if ratio := contrast(t, colours[pair[0]], colours[pair[1]]); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", name, pair[0], pair[1], ratio)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(hex string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
