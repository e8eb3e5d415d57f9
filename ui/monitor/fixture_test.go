package monitor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

const frozenDemo, frozenUpkeep = "../../testdata/journals/v1-demo.journal", "../../testdata/journals/v1-upkeep.journal"

func frozen(t testing.TB, path string) []journal.Record {
	t.Helper()
	recs, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// written is a journal that a test goes on writing.
type written struct {
	t    testing.TB
	path string
	w    *journal.Writer
}

func newJournal(t testing.TB, recs ...journal.Record) *written {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.journal")
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	j := &written{t, path, w}
	j.append(recs...)
	return j
}

func (j *written) append(recs ...journal.Record) {
	j.t.Helper()
	for _, r := range recs {
		if _, err := j.w.Append(r.At, r.Kind, r.Data, journal.Buffered); err != nil {
			j.t.Fatal(err)
		}
	}
}

// until is where the first record of a kind stands, from a place on.
func until(t testing.TB, recs []journal.Record, from int, kind string) int {
	t.Helper()
	for i := from; i < len(recs); i++ {
		if recs[i].Kind == kind {
			return i
		}
	}
	t.Fatalf("no %s from record %d on", kind, from)
	return 0
}

func folded(t testing.TB, recs []journal.Record) *phases.State {
	t.Helper()
	s, err := phases.Fold(recs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually polls until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("it does not come to this: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func started(t testing.TB, opts Options) *Monitor {
	t.Helper()
	m, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func follow(t testing.TB, m *Monitor, path string) {
	t.Helper()
	if err := m.Follow(path); err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }
