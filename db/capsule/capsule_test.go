package capsule_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"tminus/db/capsule"
)

var taken = time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC)

// texts are the parts of one table.
type texts map[capsule.Part]string

// blank is a manifest without tables.
func blank() capsule.Manifest {
	return capsule.Manifest{
		Version: "1.2.3", RunID: "r1", Phase: "accounts", Attempt: 1, Xid: "741", Taken: taken,
		Database: "gym", SystemID: "7", Server: 150018, Encoding: "UTF8",
		Sequences: []capsule.Sequence{{Schema: "public", Name: "users_id_seq", Last: 7, Called: true}},
	}
}

func users() capsule.Table {
	return capsule.Table{
		Schema: "public", Name: "users", Called: "users", Key: []string{"id"},
		Columns: []capsule.Column{{Name: "id", Type: "integer"}, {Name: "mail", Type: "text"}},
	}
}

func bookings() capsule.Table {
	return capsule.Table{
		Schema: "public", Name: "Bookings", Called: "Bookings", Key: []string{"id"},
		Columns: []capsule.Column{{Name: "id", Type: "integer"}, {Name: "user", Type: "integer"}},
	}
}

// sample is what most tests write.
func sample() ([]capsule.Table, []texts) {
	return []capsule.Table{users(), bookings()}, []texts{
		{capsule.Gone: "1\ta@x\n2\t\\N\n", capsule.Old: "3\tc@x\n", capsule.New: "3\t\\N\n", capsule.Added: "9\tz@x\n"},
		{capsule.Gone: "1\t1\n2\t1\n"},
	}
}

// write makes a whole capsule, and gives its folder and SHA-256.
func write(tb testing.TB, m capsule.Manifest, tables []capsule.Table, parts []texts, recipients ...string) (dir, sum string) {
	tb.Helper()
	dir = filepath.Join(tb.TempDir(), "j.capsule", "accounts.1")
	w, err := capsule.Create(dir, recipients)
	if err != nil {
		tb.Fatal(err)
	}
	for i, t := range tables {
		t.Streams = map[capsule.Part]capsule.Stream{}
		for _, part := range capsule.Parts() {
			if text, ok := parts[i][part]; ok {
				t.Streams[part] = stream(tb, w, part, text)
			}
		}
		m.Tables = append(m.Tables, t)
	}
	sum, size, err := w.Close(m)
	if err != nil {
		tb.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "manifest.json"))
	if err != nil || info.Size() != size {
		tb.Fatalf("manifest of %d bytes: %v, %v", size, info, err)
	}
	return dir, sum
}

// stream writes one, cut anywhere.
func stream(tb testing.TB, w *capsule.Writer, part capsule.Part, text string) capsule.Stream {
	tb.Helper()
	s, err := w.Stream(part)
	if err != nil {
		tb.Fatal(err)
	}
	for rest := []byte(text); len(rest) > 0; {
		n := 1 + rand.IntN(len(rest))
		if _, err := s.Write(rest[:n]); err != nil {
			tb.Fatal(err)
		}
		rest = rest[n:]
	}
	out, err := s.Close()
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func open(tb testing.TB, dir string, ids ...age.Identity) *capsule.Capsule {
	tb.Helper()
	c, err := capsule.Open(dir, ids...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// same reads all parts and compares them with what was written.
func same(t *testing.T, c *capsule.Capsule, parts []texts) {
	t.Helper()
	for i, table := range c.Manifest().Tables {
		for _, part := range capsule.Parts() {
			r, err := c.Read(table, part)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil {
				t.Fatal(err)
			}
			if string(got) != parts[i][part] {
				t.Errorf("%s of %s: %q, want %q", part, table, got, parts[i][part])
			}
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	dir, sum := write(t, blank(), tables, parts)
	c := open(t, dir)
	if c.SHA256() != sum {
		t.Errorf("SHA-256 %s, want %s", c.SHA256(), sum)
	}
	same(t, c, parts)
	var last int64
	if err := c.Verify(t.Context(), func(done, total int64) { last = total - done }); err != nil || last != 0 {
		t.Errorf("verify: %v, %d left", err, last)
	}
	m := c.Manifest()
	gone := m.Tables[0].Streams[capsule.Gone]
	if gone.Rows != 2 || gone.Bytes != 11 || len(gone.Sum) != 16 || !m.Taken.Equal(taken) || !m.KeepUntil.IsZero() || m.Sequences[0].Last != 7 {
		t.Errorf("manifest: %+v", m)
	}
	if m.Tables[1].Streams[capsule.Old].Rows != 0 || len(m.Tables[1].Streams) != 1 {
		t.Errorf("streams without rows: %+v", m.Tables[1].Streams)
	}
	modes(t, dir)
}

// modes holds files and folder against others' eyes.
func modes(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("%s is left", e.Name())
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info.Mode(), err)
		}
	}
}

// The sum is the same whatever the order of rows, and wherever they are cut.
func TestTheSumKnowsNoOrder(t *testing.T) {
	t.Parallel()
	w, err := capsule.Create(filepath.Join(t.TempDir(), "c"), nil)
	if err != nil {
		t.Fatal(err)
	}
	one := stream(t, w, capsule.Gone, "a\nbcd\n\nef\n")
	two := stream(t, w, capsule.Gone, "ef\n\na\nbcd\n")
	other := stream(t, w, capsule.Gone, "ef\n\na\nbc\n")
	if one.Sum != two.Sum || one.Rows != 4 || one.Bytes != 10 || one.Sum == other.Sum || one.File == two.File {
		t.Errorf("%+v, %+v, %+v", one, two, other)
	}
	// Known from xxhash itself: of no text, 0xef46db3751d8e999.
	if empty := stream(t, w, capsule.Gone, "\n"); empty.Sum != "ef46db3751d8e999" {
		t.Errorf("sum of an empty row: %s", empty.Sum)
	}
}

// A row may be larger than what is kept in memory.
func TestALongRowTakesNoMemory(t *testing.T) {
	// Not beside others: memory is measured.
	dir := filepath.Join(t.TempDir(), "c")
	w, err := capsule.Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Stream(capsule.Gone)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	for range 40 << 20 / len(piece) {
		if _, err := s.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	out, err := s.Close()
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d bytes of memory for one row", got)
	}
	m := blank()
	table := users()
	table.Streams = map[capsule.Part]capsule.Stream{capsule.Gone: out}
	m.Tables = []capsule.Table{table}
	if _, _, err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	if out.Rows != 1 || out.Bytes != 40<<20+1 {
		t.Errorf("%+v", out)
	}
	if err := open(t, dir).Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestStreamsAreWrittenBesideEachOther(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "c")
	w, err := capsule.Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := blank()
	type result struct {
		table capsule.Table
		err   error
	}
	ch := make(chan result)
	for i := range 8 {
		go func() { // ends with its stream
			s, err := w.Stream(capsule.Gone)
			if err != nil {
				ch <- result{err: err}
				return
			}
			for n := range 20_000 {
				_, e := fmt.Fprintf(s, "%d\t%d some text of a row\n", n, i)
				err = errors.Join(err, e)
			}
			out, e := s.Close()
			table := users()
			table.Name = fmt.Sprint("t", i)
			table.Streams = map[capsule.Part]capsule.Stream{capsule.Gone: out}
			ch <- result{table, errors.Join(err, e)}
		}()
	}
	for range 8 {
		r := <-ch
		if r.err != nil {
			t.Error(r.err)
		}
		m.Tables = append(m.Tables, r.table)
	}
	if _, _, err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// What cannot be a capsule is none.
func TestAnUnfinishedOneIsNone(t *testing.T) {
	t.Parallel()
	start := func() (*capsule.Writer, string) {
		dir := filepath.Join(t.TempDir(), "c")
		w, err := capsule.Create(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return w, dir
	}
	says := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}

	w, dir := start()
	_, err := capsule.Create(dir, nil)
	says(err, "another attempt's")
	_, err = capsule.Open(dir)
	if !errors.Is(err, capsule.ErrUnfinished) {
		t.Error(err)
	}
	s, err := w.Stream(capsule.Gone)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = w.Close(blank())
	says(err, "1.dat.gz is still being written")
	if _, err := s.Write([]byte("1\tcut")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Close()
	says(err, "ends within a row")
	_, err = s.Close()
	says(err, "it has ended")
	_, err = s.Write([]byte("more"))
	says(err, "it has ended")
	_, _, err = w.Close(blank())
	says(err, "ends within a row")

	w, _ = start()
	_, err = w.Stream("others")
	says(err, "no part of a table")
	stream(t, w, capsule.Gone, "1\n")
	_, _, err = w.Close(blank())
	says(err, "1.dat.gz is no table's")

	w, _ = start()
	out := stream(t, w, capsule.Gone, "1\n")
	m, table := blank(), users()
	out.Rows = 2
	table.Streams = map[capsule.Part]capsule.Stream{capsule.Gone: out}
	m.Tables = []capsule.Table{table}
	_, _, err = w.Close(m)
	says(err, "not those that were written")

	w, _ = start()
	m.Tables = []capsule.Table{users()}
	m.Tables[0].Name = "t\xff"
	_, _, err = w.Close(m)
	says(err, "not UTF-8")
}

// An empty stream leaves nothing, and its table may be in the manifest.
func TestNoRowsNoFile(t *testing.T) {
	t.Parallel()
	tables, _ := sample()
	dir, _ := write(t, blank(), tables, []texts{{capsule.Gone: ""}, {capsule.Gone: "1\t1\n"}})
	c := open(t, dir)
	if got := c.Manifest().Tables[0].Streams; len(got) != 0 {
		t.Errorf("streams: %v", got)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.gz")); err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
}

func TestAbandonRemovesAllOfIt(t *testing.T) {
	t.Parallel()
	for _, finished := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "c")
		w, err := capsule.Create(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		var s *capsule.StreamWriter
		if finished {
			if _, _, err := w.Close(blank()); err != nil {
				t.Fatal(err)
			}
		} else {
			if s, err = w.Stream(capsule.Old); err == nil {
				_, err = s.Write(bytes.Repeat([]byte("1\tx\n"), 1<<20))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Abandon(), w.Abandon()); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("still there: %v", err)
		}
		if _, err := w.Stream(capsule.Gone); err == nil {
			t.Error("a stream of an abandoned capsule")
		}
		if s != nil {
			if _, err := s.Write([]byte("1\n")); err == nil {
				t.Error("a write to an abandoned capsule")
			}
		}
	}
}

// A verification that is not wanted any more ends, and is no answer.
func TestVerifyEnds(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	dir, _ := write(t, blank(), tables, parts)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, dir).Verify(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
