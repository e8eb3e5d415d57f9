package runbook

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReadGivesWhatParseGives(t *testing.T) {
	sources := map[string][]byte{GuideName: Guide(Site{})}
	for _, path := range files(t, "good/*.yaml") {
		sources[filepath.Base(path)] = read(t, path)
	}
	for name, src := range sources {
		want, err := Parse(name, src)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(name, src); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read otherwise: %v\n%+v\nwant\n%+v", name, err, got, want)
		}
		if len(want.Passed) > 0 {
			t.Errorf("%s: Parse passed over %q", name, want.Passed)
		}
	}
}

// TestReadTakesWhatTheRulesRefuse holds that no rule makes a journal unreadable.
func TestReadTakesWhatTheRulesRefuse(t *testing.T) {
	sources, unreadable := badShapes(), map[string]bool{
		"syntax.yaml": true, "second.yaml": true, // no YAML; tminus: 2
		"a list": true, "wrong version": true,
	}
	for _, path := range files(t, "bad/*.yaml") {
		sources[filepath.Base(path)] = string(read(t, path))
	}
	for name, src := range sources {
		if _, err := Parse(name, []byte(src)); err == nil {
			t.Errorf("%s: the rules accept it", name)
		}
		book, err := Read(name, []byte(src))
		if unreadable[name] != (err != nil) || (book == nil) != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadSaysWhyItCannot(t *testing.T) {
	for src, want := range map[string]string{
		"":                        "the file is empty",
		"# nothing\n":             "the file is empty",
		"just text":               "read runbook x.yaml: found text",
		"- a\n":                   "found a list",
		"tminus: 2\n":             `it is of version "2", and this tminus reads version 1`,
		"a: [":                    "not YAML",
		strings.Repeat("- ", 900): "nested more than",
	} {
		if book, err := Read("x.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", src, book, err)
		}
	}
}

func phaseOf(t *testing.T, keys string) (*Runbook, Phase) {
	t.Helper()
	src := "tminus: 1\ntitle: T\nphases:\n  - {id: p, title: P, " + keys + "}\n"
	if _, err := Parse("x.yaml", []byte(src)); err == nil {
		t.Errorf("%s: the rules accept it", keys)
	}
	book, err := Read("x.yaml", []byte(src))
	if err != nil {
		t.Fatalf("%s: %v", keys, err)
	}
	return book, book.Phases[0]
}

// TestReadKeepsWhatIsWritten breaks a rule in each value and finds it there.
func TestReadKeepsWhatIsWritten(t *testing.T) {
	any := Rows{Min: 0, Max: -1}
	long := strings.Repeat("x", maxLine+1)
	for keys, want := range map[string]Phase{
		"planned: 200h, risk: low, steps: [{sql: DROP TABLE a, touch: [a], rows: any}]": {
			Planned: 200 * time.Hour, Risk: "low", Steps: []Step{{SQL: "DROP TABLE a", Touch: []string{"a"}, Rows: &any}},
		},
		"planned: 1.5h, steps: [{sql: SET a = 1}, {delete: a, where: 'true) or (true', touch: [b]}]": {
			Planned: 90 * time.Minute, Risk: RiskNone, Steps: []Step{{SQL: "SET a = 1"}, {Delete: "a", Where: "true) or (true", Touch: []string{"b"}}},
		},
		"planned: 1m, limit: 1m, lock_wait: 5m, warn_after: 9m, delete: [a, a, 'a b'], point_of_no_return: 'true'": {
			Planned: time.Minute, Limit: time.Minute, LockWait: 5 * time.Minute, WarnAfter: 9 * time.Minute, Risk: RiskNone,
			PointOfNoReturn: true, Steps: []Step{{Delete: "a"}, {Delete: "a"}, {Delete: `"a b"`}},
		},
		"planned: 1m, count: a, notes: [7, " + long + "]": {
			Planned: time.Minute, Risk: RiskNone, Count: []string{"a"}, Notes: []string{"7", long},
		},
	} {
		want.ID, want.Title = "p", "P"
		if book, got := phaseOf(t, keys); !reflect.DeepEqual(got, want) || book.Passed != nil {
			t.Errorf("%s:\n%+v, passed %q\nwant\n%+v", keys, got, book.Passed, want)
		}
	}
}

// TestReadSaysWhatItPassesOver holds that nothing is passed over in silence,
// and that nothing is wider for it.
func TestReadSaysWhatItPassesOver(t *testing.T) {
	for keys, passed := range map[string]string{
		"planned: 1m, undo: true, count: [a]":                                "undo",
		"planned: soon, count: [a]":                                          "planned",
		"planned: -1m, count: [a]":                                           "planned",
		"planned: 1m, count: [[a]]":                                          "count",
		"planned: 1m, count: [a], point_of_no_return: 2":                     "point_of_no_return",
		"planned: 1m, risk: high, steps: [{delete: a, way: x}]":              "way",
		"planned: 1m, risk: high, steps: [x]":                                "step",
		"planned: 1m, risk: high, steps: [{delete: a, where: {b: c}}]":       "where",
		"planned: 1m, risk: high, steps: [{delete: a, where: }]":             "where",
		"planned: 1m, risk: high, steps: [{delete: a, where: ''}]":           "where",
		"planned: 1m, risk: high, steps: [{delete: a, rows: few}]":           "rows",
		"planned: 1m, risk: high, steps: [{sql: SELECT 1, rows: [1]}]":       "rows",
		"planned: 1m, count: [a], confirm: [{id: i, text: I, check: {x: }}]": "check",
		"planned: 1m, count: [a], confirm: [{id: i, text: I, check: 5}]":     "check",
	} {
		book, p := phaseOf(t, keys)
		if len(book.Passed) == 0 || !strings.Contains(strings.Join(book.Passed, " "), passed) {
			t.Errorf("%s: passed over %q", keys, book.Passed)
		}
		for _, s := range p.Steps {
			if strings.Contains(keys, "where") && s.Where != "false" {
				t.Errorf("%s: deletes where %q", keys, s.Where)
			}
			if strings.Contains(keys, "rows") && (s.Rows == nil || s.Rows.Holds(0) || s.Rows.Holds(1)) {
				t.Errorf("%s: accepts %v rows", keys, s.Rows)
			}
		}
		for _, it := range p.Confirm {
			if it.Check == nil || it.Check.Kind != "" {
				t.Errorf("%s: check %+v", keys, it.Check)
			}
		}
	}
	if book, err := Read("x.yaml", []byte("tminus: 1\ntitle: T\nledger: elsewhere\nfuture: {a: b}\n")); err != nil || !book.Ledger || len(book.Passed) != 2 {
		t.Errorf("%+v, %v", book, err)
	}
}

func TestReadShowsNothingHidden(t *testing.T) {
	book, err := Read("x.yaml", []byte("title: \"a\\u001b[2J\u202Eb\"\nsummary: \x1b]0;x\x07\n"))
	if err != nil || book.Title != "a\uFFFD[2J\uFFFDb" {
		t.Errorf("%+v, %v", book, err)
	}
}

// FuzzRead holds that no source whatever makes Read panic, and that what the
// rules accept is read as Parse reads it.
func FuzzRead(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		book, err := Read("fuzz.yaml", src)
		want, refused := Parse("fuzz.yaml", src)
		switch {
		case refused == nil && (err != nil || !reflect.DeepEqual(book, want)):
			t.Errorf("read otherwise: %v\n%+v\nwant\n%+v", err, book, want)
		case err != nil:
			return
		}
		for _, p := range book.Phases {
			if p.Planned < 0 || p.Limit < 0 || p.LockWait < 0 || p.WarnAfter < 0 {
				t.Errorf("phase %+v", p)
			}
		}
		for _, g := range book.Groups() {
			for _, it := range g.Items {
				if c := it.Check; c != nil && (c.Every <= 0 || c.Timeout <= 0 || c.Kind == CheckCommand && c.Shell == "" && len(c.Command) == 0) {
					t.Errorf("check %+v", c)
				}
			}
		}
		cleanStrings(t, reflect.ValueOf(book), '\uFFFD')
	})
}
