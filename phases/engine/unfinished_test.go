package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

const nightBook = `tminus: 1
title: Night
fences:
  - id: guards
    title: the guards
    triggers: [guard]
checklist:
  - id: before
    title: Before
    items:
      - {id: ready, text: Everybody is ready}
phases:
  - {id: one, title: One, risk: medium, planned: 1m, delete: [gone]}
`

var (
	nightAt     = time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)
	nightTarget = phases.Identity{Host: "db1", Port: 5432, Database: "shop", User: "dba", SystemIdentifier: "7", Timeline: 1, DatabaseOID: 5}
)

func nightOpened(id string) phases.RunOpened {
	return phases.RunOpened{
		RunID: id, File: "night.yaml", Source: nightBook, SHA256: SHA256([]byte(nightBook)), Environment: phases.Production,
		Operator: phases.Operator{Name: "ada", Host: "ops1"}, Target: nightTarget, PlannedT0: nightAt.Add(time.Hour),
	}
}

// written makes a journal of events, a minute apart, and gives its path.
func written(t *testing.T, path string, events ...phases.Event) string {
	t.Helper()
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, e := range events {
		if _, err := w.Append(nightAt.Add(time.Duration(i)*time.Minute), e.Kind(), e, journal.Synced); err != nil {
			t.Fatal(err)
		}
	}
	return w.Path()
}

func TestFindUnfinished(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	dir := filepath.Join(state, "tminus")
	if found, passed, err := FindUnfinished(dir); found != nil || passed != nil || err != nil {
		t.Errorf("without the folder: %v, %v, %v", found, passed, err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	surveyed := phases.SurveyTaken{}
	whole := written(t, in("b.journal"), nightOpened("2"), surveyed, phases.ItemTicked{Item: "ready", By: "ada"})
	written(t, in("ended.journal"), nightOpened("3"), surveyed, phases.RunAborted{Reason: "no"}, phases.RunClosed{Outcome: phases.Aborted})
	demo := nightOpened("4")
	demo.Environment, demo.Target.Host = phases.Demo, filepath.Join(dir, "no such server")
	gone := written(t, in("demo.journal"), demo)
	torn := written(t, in("torn.journal"), nightOpened("5"), surveyed)
	appendTo(t, torn, `{"seq":3,"at":"2026-`)
	away := written(t, filepath.Join(t.TempDir(), "a b.journal"), nightOpened("6"), surveyed, surveyed, surveyed, surveyed)
	forget, err := LinkJournal(away, "6")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(in("nothing"), filepath.Join(dir, elsewhereDir, "x.journal")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("circle.journal", filepath.Join(dir, elsewhereDir, "circle.journal")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"empty.journal": "", "garbage.journal": "\x00\x01", "foreign.journal": "my notes\n", "notes.txt": "no"} {
		if err := os.WriteFile(in(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in("folder.journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	driven, err := journal.Create(in("driven.journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer driven.Close()
	for _, e := range []phases.Event{nightOpened("7"), surveyed, surveyed, surveyed} {
		if _, err := driven.Append(nightAt.Add(3*time.Minute+30*time.Second), e.Kind(), e, journal.Synced); err != nil {
			t.Fatal(err)
		}
	}

	found, passed, err := FindUnfinished(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		path   string
		ready  bool
		stands string
	}{
		{gone, false, "before its survey"},
		{torn, true, "before the gate, 0 of 2 items done"},
		{whole, true, "before the gate, 1 of 2 items done"},
		{in("driven.journal"), false, "before the gate, 0 of 2 items done"},
		{away, true, "before the gate, 0 of 2 items done"},
	}
	if len(found) != len(want) {
		t.Fatalf("found %d: %+v", len(found), found)
	}
	for i, w := range want {
		if u := found[i]; u.Path != w.path || u.Ready() != w.ready || u.State.Standing() != w.stands {
			t.Errorf("%d is %s, ready %v, %s; want %+v", i, u.Path, u.Ready(), u.State.Standing(), w)
		}
	}
	if !found[3].Driven || found[0].Gone == "" {
		t.Errorf("driven %v, gone %q", found[3].Driven, found[0].Gone)
	}
	var why []string
	for _, err := range passed {
		why = append(why, err.Error())
	}
	text := strings.Join(why, "\n")
	for _, want := range []string{
		"folder.journal: it is a directory", "foreign.journal is damaged at line 1", "garbage.journal",
		"x.journal leads nowhere: there is no journal " + in("nothing"), "circle.journal, circle.journal: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("passed over, without %q:\n%s", want, text)
		}
	}
	if len(passed) != 5 {
		t.Errorf("%d passed over:\n%s", len(passed), text)
	}
	if err := forget(); err != nil {
		t.Fatal(err)
	}
	if found, _, err := FindUnfinished(dir); err != nil || len(found) != len(want)-1 {
		t.Errorf("forgotten: %d found, %v", len(found), err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// A database knows of runs whose journals lie elsewhere; where one can be read, that
// has the last word.
func TestFindEarlier(t *testing.T) {
	dir := t.TempDir()
	off := phases.FenceRecorded{Fence: "guards", Mark: phases.FenceMark{Text: "1 of 1 enabled"}, By: "ada"}
	mine := written(t, filepath.Join(dir, "mine.journal"), nightOpened("1"), phases.SurveyTaken{}, off)
	written(t, filepath.Join(dir, "early.journal"), nightOpened("0"))
	other := t.TempDir()
	open := written(t, filepath.Join(other, "open"), nightOpened("3"), phases.SurveyTaken{})
	closed := written(t, filepath.Join(other, "closed"), nightOpened("4"), phases.SurveyTaken{}, phases.RunAborted{Reason: "no"}, phases.RunClosed{Outcome: phases.Aborted})
	note := func(id, path, host string) phases.RunNote {
		o := nightOpened(id)
		return phases.RunNote{RunID: id, Journal: path, Host: host, SHA256: o.SHA256, Target: nightTarget}
	}
	lost, ended, book, copied := note("6", filepath.Join(other, "lost"), "ops1"), note("7", "/j/ended", "ops2"), note("8", "/j/book", "ops2"), note("9", "/j/copy", "ops2")
	ended.Outcome, ended.StillOff, book.SHA256, copied.Target.SystemIdentifier = phases.Aborted, "the alerts", "another", "8"
	stale := note("4", closed, "ops1")
	stale.StillOff = "the guards"
	notes := []phases.RunNote{note("1", mine, "ops1"), note("3", open, "ops1"), stale, note("5", "/j/far", "ops2"), lost, ended, book, copied}

	unfinished, left, err := FindEarlier(dir, notes, nightOpened("new"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range unfinished {
		word := e.Path + " on " + e.Host
		if e.Here {
			word += " here"
		}
		got = append(got, word)
	}
	want := mine + " on ops1 here; " + open + " on ops1 here; /j/far on ops2; " + lost.Journal + " on ops1"
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("unfinished: %s\nwant        %s", text, want)
	}
	if why := unfinished[3].Why; !strings.Contains(why, "no such file") {
		t.Errorf("the lost one: %q", why)
	}
	if len(left) != 2 || left[0] != (phases.LeftOff{What: "the guards", Journal: mine, Host: "ops1"}) || left[1] != (phases.LeftOff{What: "the alerts", Journal: "/j/ended", Host: "ops2"}) {
		t.Errorf("left off: %+v", left)
	}
	// The new run says so.
	opened := nightOpened("new")
	opened.LeftOff = left
	s := &phases.State{Opened: opened}
	if text := strings.Join(openingOf(t, s), "\n"); !strings.Contains(text, "off since an earlier run: the guards; it comes back by tminus restore "+mine+"\n") ||
		!strings.Contains(text, "the alerts; it comes back by tminus restore /j/ended on ops2") {
		t.Errorf("it opens with\n%s", text)
	}
}

func openingOf(t *testing.T, s *phases.State) []string {
	t.Helper()
	path := written(t, filepath.Join(t.TempDir(), "J"), s.Opened)
	recs, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	folded, err := phases.Fold(recs)
	if err != nil {
		t.Fatal(err)
	}
	return folded.Opening(nightAt)
}

// What may follow a run's end may as well be the last that was written of one that
// was left: such a run is found.
func TestARunLeftAtAFenceIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := written(t, filepath.Join(dir, "night.journal"), nightOpened("2"), phases.SurveyTaken{}, phases.FenceSeen{Fence: "guards"})
	if u, err := ReadUnfinished(path); err != nil || u == nil || u.State.Opened.RunID != "2" {
		t.Errorf("%v, %v", u, err)
	}
}
