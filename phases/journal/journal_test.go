package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tminus/phases/journal"
)

const closing = "run_closed"

var start = time.Date(2026, 3, 14, 2, 0, 0, 123456789, time.UTC)

type sample struct {
	Phase string `json:"phase"`
	Rows  int    `json:"rows"`
	Hash  string `json:"hash,omitempty"`
}

func tempPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "run.jsonl")
}

func create(t testing.TB, path string, opts ...journal.Option) *journal.Writer {
	t.Helper()
	w, err := journal.Create(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func add(t testing.TB, w *journal.Writer, kind string, data any) journal.Record {
	t.Helper()
	seq, _ := w.Head()
	rec, err := w.Append(start.Add(time.Duration(seq)*time.Second), kind, data, journal.Buffered)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// finished writes a closed journal of six lines and gives its records and lines.
func finished(t testing.TB, path string) ([]journal.Record, [][]byte) {
	t.Helper()
	w := create(t, path)
	var want []journal.Record
	want = append(want, add(t, w, "run_opened", sample{Phase: "été \"<&>\u2028\n"}))
	for i := range 4 {
		// A hash in the data must not be taken for the line's own.
		want = append(want, add(t, w, "step_done", sample{fmt.Sprintf("p%d", i), i, want[0].Hash}))
	}
	want = append(want, add(t, w, closing, struct{}{}))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return want, lines(slurp(t, path))
}

func slurp(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func spill(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// lines splits behind each newline.
func lines(raw []byte) [][]byte {
	var out [][]byte
	from := 0
	for i, b := range raw {
		if b == '\n' {
			out = append(out, raw[from:i+1])
			from = i + 1
		}
	}
	if from < len(raw) {
		out = append(out, raw[from:])
	}
	return out
}
