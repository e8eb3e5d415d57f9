package journal_test

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"runtime"
	"testing"

	"tminus/phases/journal"
)

func follow(t testing.TB, path string) *journal.Follower {
	t.Helper()
	f, err := journal.Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func next(t testing.TB, f *journal.Follower, limit int) []journal.Record {
	t.Helper()
	got, err := f.Next(limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestFollowGivesWhatCame(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	f := follow(t, path)
	if got := next(t, f, 0); got != nil {
		t.Errorf("from an empty journal: %v", got)
	}
	want := []journal.Record{add(t, w, "run_opened", sample{}), add(t, w, "step_done", sample{}), add(t, w, "step_done", sample{})}
	if got := next(t, f, 2); !reflect.DeepEqual(got, want[:2]) {
		t.Errorf("first two: %v", got)
	}
	want = append(want, add(t, w, "step_done", sample{}))
	if got := append(next(t, f, 0), next(t, f, 0)...); !reflect.DeepEqual(got, want[2:]) {
		t.Errorf("the rest: %v", got)
	}
	if got := next(t, f, 0); got != nil {
		t.Errorf("nothing came: %v", got)
	}
	if seq, hash := f.Position(); seq != 4 || hash != want[3].Hash {
		t.Errorf("position %d %s", seq, hash)
	}
}

// However a line comes in, it is given once and whole.
func TestFollowLeavesAnIncompleteLine(t *testing.T) {
	path := tempPath(t)
	want, whole := finished(t, path)
	raw := bytes.Join(whole, nil)
	spill(t, path, nil)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer file.Close()
	f := follow(t, path)
	var got []journal.Record
	for i := range raw {
		_, err := file.Write(raw[i : i+1])
		must(t, err)
		came := next(t, f, 0)
		if (raw[i] == '\n') != (len(came) == 1) || len(came) > 1 {
			t.Fatalf("after byte %d came %v", i, came)
		}
		got = append(got, came...)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

// A follower that has seen half a line must forget it when the run is resumed.
func TestFollowAcrossResume(t *testing.T) {
	for _, limit := range []int{0, 1} {
		path := tempPath(t)
		want, whole := finished(t, path)
		spill(t, path, append(bytes.Join(whole[:3], nil), whole[3][:30]...))
		f := follow(t, path)
		got := next(t, f, limit)
		w, _, torn, err := journal.OpenWriter(path)
		if err != nil || torn != 30 {
			t.Fatal(torn, err)
		}
		want = append(want[:3], add(t, w, "run_resumed", sample{Phase: "after the cut"}))
		for range want {
			got = append(got, next(t, f, limit)...)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d: got %v", limit, got)
		}
		w.Close()
	}
}

func TestFollowFindsDamage(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string, whole [][]byte)
		line  int
	}{
		"cut":     {func(t *testing.T, path string, whole [][]byte) { must(t, os.Truncate(path, int64(len(whole[0])))) }, 4},
		"removed": {func(t *testing.T, path string, _ [][]byte) { must(t, os.Remove(path)) }, 4},
		"replaced": {func(t *testing.T, path string, whole [][]byte) {
			spill(t, path+".new", bytes.Join(whole, nil))
			must(t, os.Rename(path+".new", path))
		}, 4},
		"a line missing": {func(t *testing.T, path string, whole [][]byte) {
			spill(t, path, append(bytes.Join(whole[:3], nil), whole[4]...))
		}, 4},
		"a bad line after a good one": {func(t *testing.T, path string, whole [][]byte) {
			spill(t, path, append(bytes.Join(whole[:4], nil), whole[5]...))
		}, 5},
		"rewritten, longer": {func(t *testing.T, path string, whole [][]byte) {
			spill(t, path, append([]byte("x"), bytes.Join(whole, nil)...))
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			_, whole := finished(t, path)
			spill(t, path, bytes.Join(whole[:3], nil))
			f := follow(t, path)
			if got := next(t, f, 0); len(got) != 3 {
				t.Fatalf("got %d", len(got))
			}
			c.spoil(t, path, whole)
			for seq := 4; seq < c.line; seq++ {
				if got := next(t, f, 0); len(got) != 1 {
					t.Fatalf("the good line before it: %v", got)
				}
			}
			for range 2 {
				got, err := f.Next(0)
				wantDamage(t, err, c.line)
				if got != nil {
					t.Errorf("with the error came %v", got)
				}
			}
		})
	}
}

func TestFollowerClosed(t *testing.T) {
	path := tempPath(t)
	finished(t, path)
	f := follow(t, path)
	for range 2 {
		must(t, f.Close())
	}
	if _, err := f.Next(0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got: %v", err)
	}
	if _, err := journal.Follow(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got: %v", err)
	}
}

func TestFollowAWriterAtWork(t *testing.T) {
	path := tempPath(t)
	w := create(t, path)
	f := follow(t, path)
	const total = 2000
	wrote := make(chan error, 1)
	// It ends after its last append, or with the first error.
	go func() {
		for i := range total {
			if _, err := w.Append(start, "table_progressed", sample{Rows: i}, journal.Durability(i%500 == 0)); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	seen := uint64(0)
	take := func() {
		for _, rec := range next(t, f, 7) {
			seen++
			if rec.Seq != seen {
				t.Fatalf("record %d came as number %d", rec.Seq, seen)
			}
		}
	}
	for done := false; !done; {
		select {
		case err := <-wrote:
			must(t, err)
			done = true
		default:
			take()
			runtime.Gosched()
		}
	}
	for before := seen - 1; before != seen; {
		before = seen
		take()
	}
	if seen != total {
		t.Errorf("saw %d of %d", seen, total)
	}
}
