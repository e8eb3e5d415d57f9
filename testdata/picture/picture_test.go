package picture

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const (
	bold  = "\x1b[1m"
	red   = "\x1b[38;2;255;0;0m"
	onRed = "\x1b[48;2;255;0;0m"
	reset = "\x1b[m"
)

func still(t *testing.T, frame string, p Page) string {
	t.Helper()
	svg, err := Still(frame, p)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, string(svg))
	return string(svg)
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, svg)
		}
	}
}

func wants(t *testing.T, svg string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(svg, text) {
			t.Errorf("no %s in\n%s", text, svg)
		}
	}
}

// A run of one style is one text at its place, as wide as its cells; columns and
// other styles are others.
func TestTextsStandInTheirCells(t *testing.T) {
	svg := still(t, "ab c  d\n"+bold+red+"<x>"+reset+"y", Page{Columns: 10, Rows: 2, Title: "A & B"})
	wants(t, svg,
		`<text x="12" y="25" textLength="32">ab c</text>`, `<text x="60" y="25">d</text>`,
		`x="12" y="42" textLength="24">&lt;x&gt;</text>`, `<text x="36" y="42">y</text>`,
		`fill:#ff0000;font-weight:bold`, `<title>A &amp; B</title>`, `width="104" height="58"`)
}

func TestLinesAndBlocksAreShapes(t *testing.T) {
	svg := still(t, "╭─\n██░\n▂▌", Page{Columns: 3, Rows: 3})
	wants(t, svg, "M12 12m8 8.5", "M20 12m0 8.5h8", "M12 30h16v15h-16z", "fill-opacity:.25", "M12 58.75h8v4.25h-8z", "M20 47h4v15h-4z")
	if strings.Contains(svg, "<text ") {
		t.Errorf("a shape is a letter:\n%s", svg)
	}
}

// What is reversed or has a ground lies on it.
func TestGroundsLieBehind(t *testing.T) {
	svg := still(t, onRed+"a"+reset+"\x1b[7mb"+reset, Page{Columns: 2, Rows: 1})
	wants(t, svg, "fill:#ff0000", "fill:"+ink, "fill:"+paper)
	if strings.Index(svg, "<text ") < strings.LastIndex(svg, "<path") {
		t.Errorf("a ground lies before a letter:\n%s", svg)
	}
}

// A film holds each part once, with its times: what stays has none.
func TestAFilmShowsEachPartAtItsTimes(t *testing.T) {
	frames := []Frame{{0, "same\none"}, {time.Second, "same\ntwo"}, {3 * time.Second, "same\none"}}
	svg, err := Film(frames, 4*time.Second, 1, Page{Columns: 5, Rows: 2})
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, string(svg))
	for _, once := range []string{">same<", ">one<", ">two<"} {
		if n := strings.Count(string(svg), once); n != 1 {
			t.Errorf("%s is there %d times:\n%s", once, n, svg)
		}
	}
	wants(t, string(svg),
		".f{animation:4s step-end infinite}",
		".t0{opacity:0;animation-name:t0}@keyframes t0{0%{opacity:1}25%{opacity:0}75%{opacity:1}}",
		".t1{animation-name:t1}@keyframes t1{0%{opacity:0}25%{opacity:1}75%{opacity:0}}",
		"prefers-reduced-motion")
}

func TestWhatIsNoFilm(t *testing.T) {
	page := Page{Columns: 5, Rows: 2}
	for name, err := range map[string]error{
		"no frame":         second(Film(nil, time.Second, 0, page)),
		"no size":          second(Still("a", Page{})),
		"no such still":    second(Film([]Frame{{0, "a"}}, time.Second, 1, page)),
		"begins late":      second(Film([]Frame{{1, "a"}}, time.Second, 0, page)),
		"runs backward":    second(Film([]Frame{{0, "a"}, {3, "b"}, {2, "c"}}, time.Second, 0, page)),
		"ends before that": second(Film([]Frame{{0, "a"}, {3, "b"}}, 2, 0, page)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second(_ []byte, err error) error { return err }
