package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// growing is a journal that its writer goes on with as soon as a reader has
// come to its end.
type growing struct {
	text []byte
	ends []int // how long it is, one moment after the other
}

func (g *growing) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(g.text[:g.ends[0]]).ReadAt(p, off)
	if err == io.EOF && len(g.ends) > 1 {
		g.ends = g.ends[1:]
	}
	return n, err
}

// What is written between two reads is no damage.
func TestReadOfAJournalThatGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.journal")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var ends []int
	for range 4 {
		if _, err := w.Append(time.Unix(1, 0), "noted", map[string]string{"text": "so far"}, Buffered); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(info.Size()))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string][]int{
		"by whole lines": ends,
		"in parts":       {ends[0], ends[1] - 1, ends[1], ends[2] - 40, ends[3]},
	} {
		read := 0
		err := newCursor(path, &growing{text: text, ends: at}).each(func(Record) { read++ })
		if damage := (*DamageError)(nil); errors.As(err, &damage) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "by whole lines" && (err != nil || read != 4) {
			t.Errorf("%s: %d lines, %v", name, read, err)
		}
	}
}
