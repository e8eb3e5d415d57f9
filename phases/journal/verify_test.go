package journal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tminus/phases/journal"
)

func TestRoundTrip(t *testing.T) {
	path := tempPath(t)
	want, _ := finished(t, path)
	got, err := journal.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %v\nwrote %v", got, want)
	}
	sum, err := journal.Verify(path, closing)
	wantSum := journal.Summary{
		Records: 6, Head: want[5].Hash,
		First: start, Last: start.Add(5 * time.Second), Closed: true,
	}
	if err != nil || sum != wantSum {
		t.Errorf("verify gave %+v, %v; want %+v", sum, err, wantSum)
	}
}

// The format is a promise to every later version: it is computed here by hand.
func TestFormat(t *testing.T) {
	path := tempPath(t)
	_, got := finished(t, path)
	prev := strings.Repeat("0", 64)
	form := regexp.MustCompile(`^\{"seq":[1-6],"at":"2026-03-14T02:00:0[0-5]\.123456789Z","kind":"[a-z_]+","data":\{.*\}$`)
	for i, line := range got {
		body := line[:len(line)-len(`,"hash":"`)-64-len("\"}\n")]
		sum := sha256.Sum256(append([]byte(prev), body...))
		prev = hex.EncodeToString(sum[:])
		if want := string(body) + `,"hash":"` + prev + "\"}\n"; string(line) != want {
			t.Errorf("line %d is\n%swant\n%s", i+1, line, want)
		}
		if !form.Match(body) {
			t.Errorf("line %d has an unexpected form: %s", i+1, body)
		}
	}
}

func TestEveryBitCounts(t *testing.T) {
	path := tempPath(t)
	_, whole := finished(t, path)
	raw := bytes.Join(whole, nil)
	pos := 0
	for i, line := range whole {
		for range line {
			for bit := range 8 {
				raw[pos] ^= 1 << bit
				spill(t, path, raw)
				sum, err := journal.Verify(path, closing)
				wantDamage(t, err, i+1)
				if sum.Closed || sum.Records != uint64(i) {
					t.Fatalf("bit %d of byte %d in line %d flipped: %+v", bit, pos, i+1, sum)
				}
				if t.Failed() {
					t.Fatalf("bit %d of byte %d in line %d flipped", bit, pos, i+1)
				}
				raw[pos] ^= 1 << bit
			}
			pos++
		}
	}
	if pos != len(raw) {
		t.Fatalf("flipped %d of %d bytes", pos, len(raw))
	}
}

func wantDamage(t *testing.T, err error, line int) {
	t.Helper()
	var damage *journal.DamageError
	if !errors.As(err, &damage) || !errors.Is(err, journal.ErrDamaged) || damage.Line != uint64(line) {
		t.Errorf("want damage at line %d, got: %v", line, err)
	}
}

func TestLinesRemovedMovedOrDoubled(t *testing.T) {
	path := tempPath(t)
	_, whole := finished(t, path)
	n := len(whole)
	check := func(changed [][]byte, line int) {
		t.Helper()
		spill(t, path, bytes.Join(changed, nil))
		_, err := journal.Verify(path, closing)
		wantDamage(t, err, line)
		before := slurp(t, path)
		if _, _, _, err := journal.OpenWriter(path); !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("a writer opened on damage: %v", err)
		}
		if !bytes.Equal(before, slurp(t, path)) {
			t.Error("opening changed a damaged journal")
		}
	}
	for i := range n - 1 {
		check(slices.Delete(slices.Clone(whole), i, i+1), i+1)
		swapped := slices.Clone(whole)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		check(swapped, i+1)
	}
	for i := range n {
		check(slices.Insert(slices.Clone(whole), i+1, whole[i]), i+2)
		check(slices.Insert(slices.Clone(whole), i, []byte("\n")), i+1)
		crlf := slices.Clone(whole)
		crlf[i] = append(bytes.TrimSuffix(slices.Clone(whole[i]), []byte("\n")), "\r\n"...)
		check(crlf, i+1)
	}
}

func TestLinesRemovedFromTheEnd(t *testing.T) {
	path := tempPath(t)
	_, whole := finished(t, path)
	for keep := 1; keep < len(whole); keep++ {
		spill(t, path, bytes.Join(whole[:keep], nil))
		sum, err := journal.Verify(path, closing)
		if err != nil || sum.Closed || sum.Records != uint64(keep) {
			t.Errorf("%d lines kept: %+v, %v", keep, sum, err)
		}
	}
	spill(t, path, nil)
	if sum, err := journal.Verify(path, closing); !errors.Is(err, journal.ErrEmpty) || sum.Closed {
		t.Errorf("an empty file: %+v, %v", sum, err)
	}
}

// A line whose form is legal JSON but not a journal's own, with a hash that
// fits: reading is exact.
func TestOtherFormsAreDamage(t *testing.T) {
	for _, body := range []string{
		`{"seq":01,"at":"2026-01-01T00:00:00Z","kind":"a","data":{}`,
		`{"seq":1, "at":"2026-01-01T00:00:00Z","kind":"a","data":{}`,
		`{"at":"2026-01-01T00:00:00Z","seq":1,"kind":"a","data":{}`,
		`{"seq":1,"at":"2026-01-01T00:00:00.0Z","kind":"a","data":{}`,
		`{"seq":1,"at":"2026-01-01T00:00:00+00:00","kind":"a","data":{}`,
		`{"seq":1,"at":"2026-01-01T01:00:00+01:00","kind":"a","data":{}`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"A","data":{}`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"","data":{}`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"a\u0062","data":{}`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"a","data":null`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"a","data":{},"x":1`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"a","data":{`,
		`{"seq":1,"at":"2026-01-01T00:00:00Z","kind":"a"`,
	} {
		path := tempPath(t)
		sum := sha256.Sum256([]byte(strings.Repeat("0", 64) + body))
		spill(t, path, []byte(body+`,"hash":"`+hex.EncodeToString(sum[:])+"\"}\n"))
		_, err := journal.Read(path)
		if !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWhatIsNoJournal(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	empty, text := filepath.Join(dir, "empty"), filepath.Join(dir, "text")
	spill(t, empty, nil)
	spill(t, text, []byte("-- a runbook\n"))
	for _, c := range []struct {
		path, says string
		is         error
	}{
		{dir, "it is a directory", nil},
		{pipe, "not a regular file", nil},
		{filepath.Join(dir, "none"), "check the path", os.ErrNotExist},
		{empty, "holds no record", journal.ErrEmpty},
		{text, "line 1: it does not begin as a line of a journal", journal.ErrDamaged},
	} {
		_, readErr := journal.Read(c.path)
		_, verifyErr := journal.Verify(c.path, closing)
		_, _, _, openErr := journal.OpenWriter(c.path)
		for _, err := range []error{readErr, verifyErr, openErr} {
			if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s: %v; want %q", c.path, err, c.says)
			}
			if err != nil && strings.Count(err.Error(), c.path) != 1 {
				t.Errorf("the path should be named once: %v", err)
			}
		}
	}
}
