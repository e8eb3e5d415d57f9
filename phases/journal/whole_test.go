package journal_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"tminus/phases/journal"
)

// overwrite puts b in the place of one byte, as an editor or a bad disk does:
// neither the file's size nor its name changes.
func overwrite(t *testing.T, path string, at int, b byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer file.Close()
	_, err = file.WriteAt([]byte{b}, int64(at))
	must(t, err)
}

func TestWriterFindsAByteThatWasOverwritten(t *testing.T) {
	for name, c := range map[string]struct {
		line   int // from 1
		inLine func(line []byte) int
		by     byte
	}{
		"early":                      {1, func(l []byte) int { return bytes.Index(l, []byte("rows")) + 7 }, '7'},
		"in the middle":              {900, func(l []byte) int { return bytes.Index(l, []byte("phase_3")) }, 'P'},
		"in the last line":           {2000, func(l []byte) int { return bytes.Index(l, []byte("rows")) + 7 }, '7'},
		"a line's number":            {2, func([]byte) int { return len(`{"seq":`) }, '9'},
		"a hash":                     {900, func(l []byte) int { return len(l) - 4 }, 'x'},
		"the last line's hash":       {2000, func(l []byte) int { return len(l) - 4 }, 'x'},
		"a newline":                  {900, func(l []byte) int { return len(l) - 1 }, ' '},
		"the last newline":           {2000, func(l []byte) int { return len(l) - 1 }, ' '},
		"before the last newline":    {2000, func(l []byte) int { return len(l) - 2 }, '\n'},
		"the last line, cut in two":  {2000, func(l []byte) int { return len(l) / 2 }, '\n'},
		"the file's very first byte": {1, func([]byte) int { return 0 }, ' '},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			w := create(t, path)
			for range 2000 {
				add(t, w, "table_progressed", sample{Phase: "phase_3", Rows: 12345})
			}
			must(t, w.Whole())
			raw := slurp(t, path)
			at := 0
			for i, line := range lines(raw) {
				if i == c.line-1 {
					at += c.inLine(line)
					break
				}
				at += len(line)
			}
			if raw[at] == c.by {
				t.Fatal("the test changes nothing")
			}
			overwrite(t, path, at, c.by)
			err := w.Whole()
			wantDamage(t, err, c.line)
			if !strings.Contains(err.Error(), "unchanged copy") {
				t.Errorf("no way out in: %v", err)
			}
			_, err = w.Append(start, "commit_intended", sample{}, journal.Synced)
			if !errors.Is(err, journal.ErrClosed) || !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("append after it: %v", err)
			}
			overwrite(t, path, at, raw[at])
			if err := w.Whole(); !errors.Is(err, journal.ErrClosed) {
				t.Errorf("the byte is back, and the writer goes on: %v", err)
			}
		})
	}
}

// A chain that was computed anew fits in itself, and has another end.
func TestWriterFindsAChainComputedAnew(t *testing.T) {
	path, other := tempPath(t), tempPath(t)
	w := create(t, path)
	add(t, w, "run_opened", sample{Rows: 1})
	add(t, w, "phase_started", sample{})
	forged := create(t, other)
	add(t, forged, "run_opened", sample{Rows: 2})
	add(t, forged, "phase_started", sample{})
	must(t, forged.Whole())
	spill(t, path, slurp(t, other)) // written over, not put in its place
	wantDamage(t, w.Whole(), 1)
}

func TestAnHonestJournalIsWhole(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	must(t, w.Whole()) // no line yet
	for _, n := range []int{1, 65300, 65400, 65536, 300_000, 1} {
		add(t, w, "note_recorded", sample{Phase: strings.Repeat("x", n)})
		must(t, w.Whole())
	}
	must(t, w.Close())
	if err := w.Whole(); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}

	for _, torn := range []string{"", `{"seq":7,"at":"20`} {
		spill(t, path, append(slurp(t, path), torn...))
		w, _, cut, err := journal.OpenWriter(path)
		if err != nil || cut != len(torn) {
			t.Fatal(cut, err)
		}
		must(t, w.Whole())
		add(t, w, "run_resumed", sample{})
		must(t, w.Whole())
		raw := slurp(t, path)
		overwrite(t, path, 70_000, 'y') // in a line that an earlier writer wrote
		wantDamage(t, w.Whole(), 3)
		spill(t, path, raw[:bytes.LastIndexByte(raw[:len(raw)-1], '\n')+1])
		w.Close()
	}
}

func TestWholeFindsAnotherFileInItsPlace(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	add(t, w, "run_opened", sample{})
	spill(t, path+".new", slurp(t, path))
	must(t, os.Rename(path+".new", path))
	if err := w.Whole(); !errors.Is(err, journal.ErrGone) {
		t.Errorf("got: %v", err)
	}
}
