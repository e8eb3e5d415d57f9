package replay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

var frozenJournals = []string{"v1-demo", "v1-undo", "v1-upkeep", "v1-actions"}

func frozen(name string) string { return "../../testdata/journals/" + name + ".journal" }

func film(t testing.TB, name string, idle time.Duration) *Film {
	t.Helper()
	f, err := Read(frozen(name), idle)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func records(t testing.TB, name string) []journal.Record {
	t.Helper()
	recs, err := journal.Read(frozen(name))
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// newJournal writes records, each so long after the run's first.
func newJournal(t testing.TB, recs []journal.Record) (string, *journal.Writer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.journal")
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	for _, r := range recs {
		if _, err := w.Append(r.At, r.Kind, r.Data, journal.Buffered); err != nil {
			t.Fatal(err)
		}
	}
	return path, w
}

// Going back and forth shows what a fold from the beginning shows: no state
// changes an event that the next one is made of.
func TestGoingBackIsAFoldFromTheBeginning(t *testing.T) {
	for _, name := range frozenJournals {
		f, recs := film(t, name, time.Second), records(t, name)
		p := projector{film: f}
		var stops []int
		for _, m := range f.marks {
			stops = append(stops, m.Record)
		}
		for i := range stops { // the last, the first, the last but one, …
			at := stops[len(stops)-1-i/2]
			if i%2 == 1 {
				at = stops[i/2]
			}
			want, err := phases.Fold(recs[:at])
			if err != nil {
				t.Fatal(err)
			}
			if got := p.to(at); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: after %d records the replay shows another state than the fold", name, at)
			}
		}
	}
}

// Time in the film runs forward with the run's, and there is a way back to each.
func TestTimesOfTheFilm(t *testing.T) {
	for _, name := range frozenJournals {
		for _, idle := range []time.Duration{0, 50 * time.Millisecond, 2 * time.Second} {
			f := film(t, name, idle)
			last := time.Duration(-1)
			for i := range 1000 {
				at := f.length() * time.Duration(i) / 999
				filmed := f.filmed(at)
				if filmed < last || filmed > at && idle > 0 || idle == 0 && filmed != at {
					t.Fatalf("%s, idle %s: %s of the run is at %s, behind %s", name, idle, at, filmed, last)
				}
				last = filmed
				if back := f.run(filmed); (back - at).Abs() > time.Millisecond {
					t.Fatalf("%s, idle %s: %s becomes %s on the way back", name, idle, at, back)
				}
			}
			if idle > 0 && f.lasts() > idle*time.Duration(len(f.knots)) {
				t.Errorf("%s: it lasts %s", name, f.lasts())
			}
		}
	}
}

// A clock that was set back turns no time round, and leaves no record out.
func TestAClockThatWasSetBack(t *testing.T) {
	recs := records(t, "v1-demo")
	for i := range recs[100:] {
		recs[100+i].At = recs[100+i].At.Add(-time.Hour)
	}
	path, _ := newJournal(t, recs)
	f, err := Read(path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(f.scene, func(a, b scene) int { return int(a.at - b.at) }) || f.records(f.length()) != len(recs) {
		t.Error("the records are not all shown, in their order")
	}
	p := newPlayer(f, 1)
	for range f.jumps() {
		if _, err := p.next(); err != nil {
			t.Fatal(err)
		}
	}
	if p.records != len(recs) {
		t.Errorf("the last mark is at record %d of %d", p.records, len(recs))
	}
}

// The marks are what somebody looks for, with the log's words.
func TestMarks(t *testing.T) {
	var got []string
	for _, m := range film(t, "v1-upkeep", 0).jumps() {
		text, _, _ := strings.Cut(m.Text, ":")
		if _, rest, ok := strings.Cut(m.Text, ": "); ok && strings.HasPrefix(text, "phase ") {
			text += ": " + strings.Fields(rest)[0]
		}
		got = append(got, fmt.Sprintf("%d %s", m.Sign, text))
	}
	want := `1 GO
3 phase 1: PASSED
2 phase 2: waits
4 phase 2: ROLLED
2 phase 2: waits
3 phase 2: COMMITTED
5 run interrupted
0 run resumed by dba@ops1
4 phase 3: ROLLED
0 window extended by 10 min, on the decision of A. Berg
2 phase 3: waits
0 run resumed by dba@ops1
6 phase 3: COMMIT
3 phase 3: COMMITTED
2 phase 4: waits
4 phase 4: ROLLED
5 run interrupted
0 run resumed by dba@ops1
5 run aborted
7 run closed`
	if strings.Join(got, "\n") != want {
		t.Errorf("the marks are\n%s", strings.Join(got, "\n"))
	}
}

// What is no journal is an error; what is one up to a place is a film up to there.
func TestJournalsThatAreNotWhole(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, says := range map[string]string{
		file("text", "tminus: 1\ntitle: x\n"):     "line 1",
		file("empty", ""):                         "no run ever began in it",
		file("torn", `{"seq":1,"at":"2026-`):      "inside the first line",
		filepath.Join(dir, "none"):                "check the path",
		dir:                                       "it is a directory",
		file("cast", `{"version":3,"term":{}}`):   "line 1",
		file("zeros", strings.Repeat("\x00", 99)): "line 1",
	} {
		if f, err := Read(path, 0); f != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, says)
		}
	}
	raw, err := os.ReadFile(frozen("v1-demo"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(raw), "\n")
	for name, c := range map[string]struct {
		content string
		fault   bool
		records int
	}{
		"torn line":    {strings.Join(lines[:50], "") + lines[50][:40], false, 50},
		"a line lacks": {strings.Join(lines[:50], "") + strings.Join(lines[51:], ""), true, 50},
		"still open":   {strings.Join(lines[:50], ""), false, 50},
	} {
		f, err := Read(file(strings.ReplaceAll(name, " ", "-"), c.content), 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(f.scene) != c.records || (f.fault != nil) != c.fault {
			t.Errorf("%s: %d records, fault %v", name, len(f.scene), f.fault)
		}
	}
	path, w := newJournal(t, records(t, "v1-demo")[:30])
	if _, err := w.Append(time.Now(), "moon_reached", struct{}{}, journal.Buffered); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path, 0)
	if err != nil || f.fault == nil || !strings.Contains(f.fault.Error(), "a later one") || len(f.scene) != 30 {
		t.Errorf("an event of a later version: %v, %+v", err, f.fault)
	}
	path, _ = newJournal(t, records(t, "v1-demo")[5:9])
	if _, err := Read(path, 0); err == nil || errors.Is(err, journal.ErrTorn) || !strings.Contains(err.Error(), "out of place") {
		t.Errorf("a journal that begins with no run: %v", err)
	}
}

// long is a run of so many records, most of them progress, as a long delete has.
func long(t testing.TB, n int) *Film {
	t.Helper()
	recs := records(t, "v1-demo")
	at := slices.IndexFunc(recs, func(r journal.Record) bool { return r.Kind == "table_progressed" || r.Kind == "step_done" })
	first := recs[at].At
	out := slices.Clone(recs[:at])
	for i := range n {
		for _, kind := range []string{`{"phase":"phase2","step":0,"table":"scan_audit_logs","deleted":%d,"blocks_done":1,"blocks_total":9}`} {
			out = append(out, journal.Record{At: first.Add(time.Duration(i) * 10 * time.Millisecond), Kind: "table_progressed", Data: fmt.Appendf(nil, kind, i)})
		}
	}
	path, _ := newJournal(t, out)
	f, err := Read(path, time.Second)
	if err != nil || f.fault != nil {
		t.Fatal(err, f.fault)
	}
	return f
}

// BenchmarkGoingBack is the costliest key: from the end to the record before it.
func BenchmarkGoingBack(b *testing.B) {
	f := long(b, 100_000)
	p := projector{film: f}
	p.to(len(f.scene))
	b.ResetTimer()
	for b.Loop() {
		p.shown = len(f.scene)
		p.to(len(f.scene) - 1)
	}
}

// BenchmarkRead is opening a journal of 100,000 records.
func BenchmarkRead(b *testing.B) {
	f := long(b, 100_000)
	for b.Loop() {
		if _, err := Read(f.path, time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
