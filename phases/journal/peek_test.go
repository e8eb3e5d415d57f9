package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases/journal"
)

// The first record and the kind of the last are told without the rest.
func TestPeek(t *testing.T) {
	path := filepath.Join(t.TempDir(), "J")
	if _, err := journal.First(path); err == nil {
		t.Error("the first record of no file is told")
	}
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := journal.First(path); !errors.Is(err, journal.ErrEmpty) {
		t.Errorf("of an empty one: %v", err)
	}
	ends := func(want bool) {
		t.Helper()
		if got, err := journal.EndsWith(path, "run_closed"); err != nil || got != want {
			t.Errorf("it ends so: %v, %v; want %v", got, err, want)
		}
	}
	ends(false)
	type said struct{ Text string }
	for i, kind := range []string{"run_opened", "note_recorded", "run_closed"} {
		text := `","kind":"run_closed","data":` + strings.Repeat("x", 100<<10*(2-i)/2) // no line of data is taken for another
		if kind == "run_closed" {
			text = ""
		}
		if _, err := w.Append(time.Now(), kind, said{text}, journal.Buffered); err != nil {
			t.Fatal(err)
		}
		ends(kind == "run_closed")
	}
	if rec, err := journal.First(path); err != nil || rec.Kind != "run_opened" || rec.Seq != 1 {
		t.Errorf("the first is %+v, %v", rec, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	ends(false)
	if err := os.WriteFile(path, append([]byte("x"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.First(path); err == nil {
		t.Error("a damaged first record is told")
	}
}
