package backup

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestNoPasswordIsOnACommandLine(t *testing.T) {
	for _, dsn := range []string{
		`host=a.example port=5433 user=o\'brien password='it''s \'hidden\' here' dbname=shop sslmode=require options='-c work_mem=1MB'`,
		`postgres://o'brien:it%27s%20hidden@a.example:5433/shop?sslmode=require&options=-c%20work_mem%3D1MB`,
	} {
		conn, err := pgx.ParseConfig(strings.Replace(dsn, "it''s ", "it s ", 1))
		if err != nil {
			t.Fatal(err)
		}
		c := NewConnection(conn, "b.example", 5434, "copy of 'it'")
		line := strings.Join(c.arguments(), " ")
		if strings.Contains(line, "hidden") {
			t.Errorf("the password is in %s", line)
		}
		want := `--no-password --dbname=host='b.example' port='5434' user='o\'brien' dbname='copy of \'it\'' sslmode='require' options='-c work_mem=1MB'`
		if line != want {
			t.Errorf("got  %s\nwant %s", line, want)
		}
		if env := strings.Join(c.env, "\n"); !strings.Contains(env, "PGPASSWORD="+conn.Password) || !strings.Contains(conn.Password, "hidden") {
			t.Errorf("the environment lacks the password")
		}
	}
}

func TestPlaceOfABackup(t *testing.T) {
	dir, at := t.TempDir(), time.Date(2026, 1, 30, 14, 5, 0, 0, time.UTC)
	if _, err := Begin(dir, "shop", at, math.MaxInt64); err == nil || !strings.Contains(err.Error(), "make room, or name another directory") {
		t.Errorf("no room: %v", err)
	}
	p, err := Begin(dir, "../shop", at, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "___shop-20260130T140500Z" || p.Location() != filepath.Join(dir, p.ID) {
		t.Errorf("%s at %s", p.ID, p.Location())
	}
	if err := p.Finish(Manifest{ID: p.ID, At: at}); err != nil {
		t.Fatal(err)
	}
	if err := p.Abandon(); err != nil { // does nothing any more
		t.Fatal(err)
	}
	if m, err := ReadManifest(p.Location()); err != nil || m.ID != p.ID || !m.At.Equal(at) {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := Begin(dir, "../shop", at, 0); err == nil || !strings.Contains(err.Error(), "already, and a backup is never written over") {
		t.Errorf("the same again: %v", err)
	}
	other, err := Begin(dir, "../shop", at.Add(time.Second), 0)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody else takes a backup for unfinished that is just being written.
	third, err := Begin(dir, "../shop", at.Add(2*time.Second), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other.Abandon(), third.Abandon()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != p.ID {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestRowsOfACopy(t *testing.T) {
	long := strings.Repeat("x", 1<<17)
	for text, want := range map[string]int64{
		"\\.\n\n\n": 0, "a\nb\n\\.\n\n\n": 2, "\n\n\\.\n": 2, "a\\\\.\n\\\\.\n\\.\n": 2,
		long + "\n" + long + "\\.\n\\.\n": 2, "a\nb\n": -1, "": -1, "a\n\\.": -1,
	} {
		got, err := countLines(strings.NewReader(text))
		if err != nil || got.rows != want || got.raw != int64(len(text)) {
			t.Errorf("%.20q: %+v, %v; want %d rows", text, got, err, want)
		}
	}
	if _, err := countLines(io.MultiReader(strings.NewReader("a\n"), broken{})); err == nil {
		t.Error("an error of the file is none of the count")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestNoValueIsInAnError(t *testing.T) {
	l := &lines{}
	fmt.Fprint(l, "pg_restore: creating TABLE \"public.a\"\npg_restore: error: COPY failed for table \"a\": ERROR:  invalid input syntax for type integer: \"secret\"\nCONTEXT:  COPY a, line 1: \"secret\"\nDETAIL:  Key (id)=(secret) is there\n")
	if got, want := l.why(), `pg_restore: error: COPY failed for table "a": ERROR:  invalid input syntax for type integer`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMajorOfAVersion(t *testing.T) {
	for version, want := range map[string]int{"15.14 (Debian 15.14-1)": 15, "18beta1": 18, "16": 16, "": 0, "devel": 0} {
		if got := Major(version); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}
