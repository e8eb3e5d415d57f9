package engine_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
)

// readable is an item that reads the backup through.
const readable = `      - id: readable
        text: The backup can be read
        action: {name: backup.verify}
        check: {database: backup.readable, every: 1h, remedy: Take another one.}`

// taken opens a run that has taken its backup, and gives where that is.
func taken(t *testing.T, schema, book string) (r *rig, location string) {
	t.Helper()
	r = newRig(t, schema, book)
	r.open(engine.Settings{})
	r.untilReady()
	if got := r.acts("taken"); got != "" {
		t.Fatal(got)
	}
	return r, r.state().Taken.Backup.Location
}

// answers waits for what an item's check answers.
func (r *rig) answers(item string, pass bool, part string) {
	r.t.Helper()
	r.until(item+": "+part, func(s *phases.State) bool {
		c := s.Item(item).Check
		return c != nil && c.Pass == pass && strings.Contains(c.Value, part)
	})
}

// withRows gives the file of a dump whose rows hold a text, unpacked.
func withRows(t *testing.T, location, text string) (file, rows string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(location, "dump", "*.dat.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if rows := unzipped(t, file); strings.Contains(rows, text) {
			return file, rows
		}
	}
	t.Fatalf("no file of %q has %q", files, text)
	return "", ""
}

func zip(t *testing.T, file, rows string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(rows)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// oddSchema has rows of any kind, a partitioned table and a large object.
const oddSchema = smallSchema + `
INSERT INTO keep VALUES (51, E'two\nlines, \\. and \\N'), (52, NULL), (53, '\.'), (54, repeat('x', 200000));
DROP TABLE child;
CREATE TABLE child (id int, parent_id int NOT NULL REFERENCES parent ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF child FOR VALUES FROM (1) TO (100);
CREATE TABLE "high, and mighty" PARTITION OF child FOR VALUES FROM (100) TO (100000);
CREATE INDEX ON child (parent_id);
INSERT INTO child SELECT i, 1 + i % 5000 FROM generate_series(1, 2000) i;
SELECT lo_from_bytea(0, 'large');
ANALYZE;`

func TestBackupIsReadThrough(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	r, _ := taken(t, oddSchema, backupBook(take(t.TempDir()), readable))
	r.answers("readable", false, "is not verified yet")
	if got := r.acts("readable"); got != "" {
		t.Fatal(got)
	}
	r.answers("readable", true, "7,055 rows of 6 tables")
	// Another one has not been read.
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "another"})
	r.answers("readable", false, "not proven: another of")
	r.answers("readable", false, "was recorded by hand, and is not verified")
	if got := r.acts("readable"); !strings.Contains(got, ", and recorded is another of") {
		t.Errorf("got %q", got)
	}
}

func TestBackupThatIsDamaged(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	for name, c := range map[string]struct {
		damage func(t *testing.T, r *rig, location string)
		want   string
	}{
		"a file is cut off": {func(t *testing.T, _ *rig, location string) {
			file, _ := withRows(t, location, "row 17\n")
			if err := os.Truncate(file, 100); err != nil {
				t.Fatal(err)
			}
		}, "public keep: its file is damaged: it is cut off"},
		"a file is gone": {func(t *testing.T, _ *rig, location string) {
			file, _ := withRows(t, location, "row 17\n")
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, "public keep: its file cannot be opened: it is not there"},
		"a byte is another": {func(t *testing.T, _ *rig, location string) {
			file, _ := withRows(t, location, "row 17\n")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)-6] ^= 1 // of the checksum
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "public keep: its file is damaged: its checksum is wrong"},
		"the end is missing": {func(t *testing.T, _ *rig, location string) {
			file, rows := withRows(t, location, "row 17\n")
			zip(t, file, rows[:strings.Index(rows, "\\.\n")])
		}, "public keep: its file ends before its rows do"},
		"a row is missing": {func(t *testing.T, _ *rig, location string) {
			file, rows := withRows(t, location, "row 17\n")
			zip(t, file, strings.Replace(rows, "17\trow 17\n", "", 1))
		}, "keep: the dump has 49 rows, and its snapshot had 50"},
		"no contents": {func(t *testing.T, _ *rig, location string) {
			if err := os.Truncate(filepath.Join(location, "dump", "toc.dat"), 500); err != nil {
				t.Fatal(err)
			}
		}, "list the backup's contents: pg_restore ended with exit code 1"},
		"no manifest": {func(t *testing.T, _ *rig, location string) {
			if err := os.Remove(filepath.Join(location, "tminus.json")); err != nil {
				t.Fatal(err)
			}
		}, "there is no backup of tminus's at"},
		"of another database": {func(t *testing.T, r *rig, location string) {
			other, from := taken(t, smallSchema, backupBook(take(t.TempDir())))
			if other.opened.Target.Database == r.opened.Target.Database {
				t.Fatal("it is the same database")
			}
			if err := os.RemoveAll(filepath.Join(location, "dump")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(from, "dump"), filepath.Join(location, "dump")); err != nil {
				t.Fatal(err)
			}
		}, "it is a dump of the database \"testbackupthatisdamaged_of_another_datab_"},
		"without a table": {func(t *testing.T, r *rig, location string) {
			dump := filepath.Join(location, "dump")
			if err := os.RemoveAll(dump); err != nil {
				t.Fatal(err)
			}
			clientProgram(t, "pg_dump", "--format=directory", "--file="+dump, "--exclude-table-data=keep", "--dbname="+r.dsn)
		}, "keep: the dump has no rows of public.keep"},
	} {
		t.Run(name, func(t *testing.T) {
			r, location := taken(t, smallSchema, backupBook(take(t.TempDir()), readable))
			if got := r.acts("readable"); got != "" {
				t.Fatal(got)
			}
			r.answers("readable", true, "25,051 rows of 5 tables")
			c := c
			c.damage(t, r, location)
			if got := r.acts("readable"); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			r.answers("readable", false, c.want)
			if strings.Contains(r.log(), "row 17") {
				t.Error("a row's content is in the log")
			}
		})
	}
}

func TestBackupVerifiedByACommand(t *testing.T) {
	book := backupBook("  verify: {command: [sh, -c, 'test $TMINUS_BACKUP_ID = good || { echo tape is torn; exit 4; }']}", readable)
	r := newRig(t, smallSchema, strings.Replace(book, "        action: {name: backup.take}\n", "", 1))
	r.open(engine.Settings{})
	r.untilReady()
	if got := r.acts("readable"); !strings.Contains(got, "no backup is recorded") {
		t.Errorf("got %q", got)
	}
	r.answers("readable", false, "no backup recorded")
	r.do(phases.Record{Item: "taken", Field: "backup_time", Value: "now"})
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "bad"})
	r.answers("readable", false, "was recorded by hand, and is not verified")
	if got := r.acts("readable"); !strings.Contains(got, "sh ended with exit code 4: tape is torn") {
		t.Errorf("got %q", got)
	}
	r.answers("readable", false, "tape is torn")
	r.do(phases.Record{Item: "taken", Field: "backup_id", Value: "good"})
	if got := r.acts("readable"); got != "" {
		t.Fatal(got)
	}
	r.answers("readable", true, "by sh")
}

// clientProgram runs one of PostgreSQL's programs.
func clientProgram(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := command(t, clientPath(t, name), args...); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
