package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tminus/phases/journal"
)

func TestCreateMakesPrivateFilesOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "runs")
	path := filepath.Join(dir, "run.jsonl")
	w := create(t, path)
	for name, want := range map[string]os.FileMode{path: 0o600, dir: 0o700, filepath.Dir(dir): 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %o", name, info.Mode(), err, want)
		}
	}
	add(t, w, "run_opened", sample{})
	before := slurp(t, path)
	if _, err := journal.Create(path); !errors.Is(err, journal.ErrExists) || !strings.Contains(err.Error(), path) {
		t.Errorf("created twice: %v", err)
	}
	if !bytes.Equal(before, slurp(t, path)) {
		t.Error("the second Create changed the file")
	}
	if w.Path() != path {
		t.Errorf("path is %s", w.Path())
	}
}

func TestCreateInAPlaceThatIsNoFolder(t *testing.T) {
	file := tempPath(t)
	spill(t, file, nil)
	if _, err := journal.Create(filepath.Join(file, "run.jsonl")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got: %v", err)
	}
}

func TestResume(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	want := []journal.Record{add(t, w, "run_opened", sample{}), add(t, w, "phase_started", sample{})}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w, got, torn, err := journal.OpenWriter(path)
	if err != nil || torn != 0 || !reflect.DeepEqual(got, want) {
		t.Fatalf("opened: %v, torn %d, %v", got, torn, err)
	}
	defer w.Close()
	if seq, hash := w.Head(); seq != 2 || hash != want[1].Hash {
		t.Errorf("head is %d, %s", seq, hash)
	}
	want = append(want, add(t, w, "run_resumed", sample{}))
	if got, err := journal.Read(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, %v", got, err)
	}
}

// Whatever number of bytes of the last line came to the disk, with or without
// the zeros that a power cut leaves, the run goes on behind the line before.
func TestTornTails(t *testing.T) {
	path := tempPath(t)
	want, whole := finished(t, path)
	last := len(whole) - 1
	good, tail := bytes.Join(whole[:last], nil), whole[last]
	for n := 1; n < len(tail); n++ {
		for _, zeros := range []int{0, 7} {
			spill(t, path, append(append(bytes.Clone(good), tail[:n]...), make([]byte, zeros)...))
			got, err := journal.Read(path)
			var tear *journal.TornError
			if !errors.As(err, &tear) || !errors.Is(err, journal.ErrTorn) || tear.Line != uint64(last+1) || !reflect.DeepEqual(got, want[:last]) {
				t.Fatalf("%d bytes and %d zeros: read %d records, %v", n, zeros, len(got), err)
			}
			if sum, err := journal.Verify(path, closing); !errors.Is(err, journal.ErrTorn) || sum.Closed {
				t.Fatalf("%d bytes: verify gave %+v, %v", n, sum, err)
			}
			w, got, torn, err := journal.OpenWriter(path)
			if err != nil || torn != n+zeros || !reflect.DeepEqual(got, want[:last]) {
				t.Fatalf("%d bytes and %d zeros: opened %d records, torn %d, %v", n, zeros, len(got), torn, err)
			}
			rec, err := w.Append(want[last].At, closing, struct{}{}, journal.Buffered)
			if err != nil || !reflect.DeepEqual(rec, want[last]) {
				t.Fatalf("%d bytes: appended %v, %v", n, rec, err)
			}
			w.Close()
			if !bytes.Equal(slurp(t, path), append(bytes.Clone(good), tail...)) {
				t.Fatalf("%d bytes: the journal differs from one that was never torn", n)
			}
		}
	}
}

func TestTornFirstLine(t *testing.T) {
	path := tempPath(t)
	_, whole := finished(t, path)
	spill(t, path, whole[0][:40])
	if _, _, _, err := journal.OpenWriter(path); !errors.Is(err, journal.ErrEmpty) {
		t.Errorf("got: %v", err)
	}
	if !bytes.Equal(slurp(t, path), whole[0][:40]) {
		t.Error("the file was changed")
	}
}

func TestStrangeTailsAreDamage(t *testing.T) {
	path := tempPath(t)
	_, whole := finished(t, path)
	good := bytes.Join(whole[:5], nil)
	for _, tail := range []string{
		"garbage",
		string(whole[4][:60]), // the line before, begun again
		strings.TrimSuffix(string(whole[5]), "\n") + " ",
		strings.TrimSuffix(string(whole[5]), "\n") + "\r",
	} {
		raw := append(bytes.Clone(good), tail...)
		spill(t, path, raw)
		_, err := journal.Read(path)
		wantDamage(t, err, 6)
		_, _, _, err = journal.OpenWriter(path)
		wantDamage(t, err, 6)
		if !bytes.Equal(slurp(t, path), raw) {
			t.Errorf("%q: the file was changed", tail)
		}
	}
}

func TestOneWriter(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	add(t, w, "run_opened", sample{})
	if used, err := journal.InUse(path); !used || err != nil {
		t.Errorf("in use: %v, %v", used, err)
	}
	if _, _, _, err := journal.OpenWriter(path); !errors.Is(err, journal.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second writer: %v", err)
	}
	if got, err := journal.Read(path); err != nil || len(got) != 1 {
		t.Errorf("a reader beside the writer: %v, %v", got, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if used, err := journal.InUse(path); used || err != nil {
		t.Errorf("in use after close: %v, %v", used, err)
	}
	w, _, _, err := journal.OpenWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
}

func TestRefusedRecordsChangeNothing(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	add(t, w, "run_opened", sample{})
	before := slurp(t, path)
	for _, c := range []struct {
		at   time.Time
		kind string
		data any
	}{
		{start, "Upper", sample{}},
		{start, "", sample{}},
		{start, "has space", sample{}},
		{start, "a", nil},
		{start, "a", []int{1}},
		{start, "a", make(chan int)},
		{start, "a", sample{Phase: strings.Repeat("x", 9<<20)}},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "a", sample{}},
	} {
		if _, err := w.Append(c.at, c.kind, c.data, journal.Synced); !errors.Is(err, journal.ErrRefused) {
			t.Errorf("%q: %v", c.kind, err)
		}
	}
	if !bytes.Equal(before, slurp(t, path)) {
		t.Error("the file was changed")
	}
	add(t, w, "note_recorded", sample{})
}

func TestLongLines(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	var want []journal.Record
	for i, n := range []int{1, 65300, 65400, 65500, 65600, 300_000, 1} {
		want = append(want, add(t, w, "note_recorded", sample{Phase: strings.Repeat("x", n), Rows: i}))
	}
	if got, err := journal.Read(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %d records, %v", len(got), err)
	}
}

// fault is a file on a disk that fails once, and then works again.
type fault struct {
	*os.File
	short    int   // bytes to write before writeErr; -1: all
	writeErr error // of the next write
	syncErr  error // of the next sync
	cutErr   error // of every truncate
}

func (f *fault) Write(p []byte) (int, error) {
	err := f.writeErr
	f.writeErr = nil
	if err == nil {
		return f.File.Write(p)
	}
	if f.short < 0 {
		f.short = len(p)
	}
	n, _ := f.File.Write(p[:f.short])
	if errors.Is(err, errShort) {
		err = nil
	}
	return n, err
}

func (f *fault) Sync() error {
	err := f.syncErr
	f.syncErr = nil
	return err
}

func (f *fault) Truncate(size int64) error {
	if f.cutErr != nil {
		return f.cutErr
	}
	return f.File.Truncate(size)
}

var errShort = errors.New("short write without an error")

// After a fault the writer is closed for good, even where the disk recovers,
// and the file is intact up to the last good line.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fault
		onDisk int   // records that a reader finds
		read   error // that it then meets
	}{
		"disk full, nothing written": {fault{writeErr: syscall.ENOSPC}, 2, nil},
		"disk full, half written":    {fault{writeErr: syscall.ENOSPC, short: 50}, 2, nil},
		"error after all written":    {fault{writeErr: syscall.EIO, short: -1}, 3, nil},
		"short write":                {fault{writeErr: errShort, short: 50}, 2, nil},
		"half written, cannot cut":   {fault{writeErr: syscall.EIO, short: 50, cutErr: syscall.EIO}, 2, journal.ErrTorn},
		"sync":                       {fault{syncErr: syscall.EIO}, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			var disk *fault
			w := create(t, path, journal.WithFile(func(f *os.File) journal.File {
				disk = &fault{File: f}
				return disk
			}))
			add(t, w, "run_opened", sample{})
			good := add(t, w, "phase_started", sample{})
			file := disk.File
			*disk = c.fault
			disk.File = file

			cause := c.fault.writeErr
			if cause == nil {
				cause = c.fault.syncErr
			}
			_, err := w.Append(start, "commit_intended", sample{}, journal.Synced)
			if err == nil || !errors.Is(cause, errShort) && !errors.Is(err, cause) || !strings.Contains(err.Error(), path) {
				t.Errorf("append: %v", err)
			}
			_, err = w.Append(start, "phase_committed", sample{}, journal.Buffered)
			if !errors.Is(err, journal.ErrClosed) || !errors.Is(cause, errShort) && !errors.Is(err, cause) {
				t.Errorf("append after it: %v", err)
			}
			if err := w.Sync(); !errors.Is(err, journal.ErrClosed) {
				t.Errorf("sync after it: %v", err)
			}
			if seq, hash := w.Head(); seq != 2 || hash != good.Hash {
				t.Errorf("head is %d", seq)
			}
			if err := w.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			got, err := journal.Read(path)
			if len(got) != c.onDisk || !errors.Is(err, c.read) {
				t.Errorf("read %d records, %v", len(got), err)
			}
			next, _, _, err := journal.OpenWriter(path)
			if err != nil {
				t.Fatalf("resume: %v", err)
			}
			defer next.Close()
			add(t, next, "run_resumed", sample{})
		})
	}
}

func TestSyncFault(t *testing.T) {
	path := tempPath(t)
	disk := &fault{}
	w := create(t, path, journal.WithFile(func(f *os.File) journal.File { disk.File = f; return disk }))
	add(t, w, "run_opened", sample{})
	disk.syncErr = syscall.EIO
	if err := w.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	if _, err := w.Append(start, "a", sample{}, journal.Buffered); !errors.Is(err, journal.ErrClosed) || !errors.Is(err, syscall.EIO) {
		t.Errorf("append after it: %v", err)
	}
}

// Appending to a file that nobody can open would lose the run in silence.
func TestFileGone(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"renamed": func(t *testing.T, path string) { must(t, os.Rename(path, path+".old")) },
		"replaced by a copy": func(t *testing.T, path string) {
			spill(t, path+".new", slurp(t, path))
			must(t, os.Rename(path+".new", path))
		},
		"its folder removed": func(t *testing.T, path string) { must(t, os.RemoveAll(filepath.Dir(path))) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "runs", "run.jsonl")
			w := create(t, path)
			add(t, w, "run_opened", sample{})
			spoil(t, path)
			_, err := w.Append(start, "phase_started", sample{}, journal.Synced)
			if !errors.Is(err, journal.ErrGone) || !strings.Contains(err.Error(), "journal file "+path+" is gone") {
				t.Errorf("append: %v", err)
			}
			if _, err := w.Append(start, "a", sample{}, journal.Buffered); !errors.Is(err, journal.ErrClosed) || !errors.Is(err, journal.ErrGone) {
				t.Errorf("append after it: %v", err)
			}
		})
	}
}

func TestSomebodyElseWrites(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	add(t, w, "run_opened", sample{})
	raw := append(slurp(t, path), "a note\n"...)
	spill(t, path, raw)
	_, err := w.Append(start, "phase_started", sample{}, journal.Synced)
	wantDamage(t, err, 2)
	if !bytes.Equal(slurp(t, path), raw) {
		t.Error("the writer wrote behind a stranger's bytes")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestClosedWriter(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	add(t, w, "run_opened", sample{})
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.Append(start, "a", sample{}, journal.Synced); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if err := w.Sync(); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("sync: %v", err)
	}
}

func TestConcurrentAppends(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 25 {
				if _, err := w.Append(start, "step_done", sample{Rows: i}, journal.Durability(i == 0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if sum, err := journal.Verify(path, closing); err != nil || sum.Records != 200 {
		t.Errorf("%+v, %v", sum, err)
	}
}
