package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tminus/db"
	"tminus/db/capsule"
	"tminus/phases"
	"tminus/phases/runbook"
)

var taken = time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)

// recording is a program whose output is in files.
func recording(t *testing.T) (a *app, read func() (out, errs string)) {
	t.Helper()
	create := func() *os.File {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a = &app{stdout: create(), stderr: create(), database: Database{Capsules: db.Capsules{}}}
	return a, func() (string, string) {
		var texts [2]string
		for i, f := range []*os.File{a.stdout, a.stderr} {
			text, err := os.ReadFile(f.Name())
			if err == nil {
				err = f.Truncate(0)
			}
			if err == nil {
				_, err = f.Seek(0, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(text)
		}
		return texts[0], texts[1]
	}
}

// kept is a run that has ended, with a capsule of each phase, that is kept until
// then; of a zero time for ever.
func kept(t *testing.T, until ...time.Time) *keptRun {
	t.Helper()
	s := &phases.State{ClosedAt: taken.Add(time.Hour), Outcome: phases.Completed}
	s.Opened.RunID, s.Opened.Environment, s.Target.Database = "r1", phases.Production, "gym"
	run := &keptRun{path: "J", state: s, folder: filepath.Join(t.TempDir(), "J.capsule")}
	for i, u := range until {
		id := fmt.Sprintf("p%d", i+1)
		sum := keep(t, filepath.Join(run.folder, id+".1"), capsule.Manifest{RunID: "r1", Phase: id, KeepUntil: u})
		s.Phases = append(s.Phases, phases.PhaseState{Plan: &runbook.Phase{ID: id}, Capsule: &phases.Capsule{Folder: id + ".1", Gone: 2, SHA256: sum}})
	}
	return run
}

// keep writes a capsule with two rows.
func keep(t *testing.T, dir string, m capsule.Manifest) (sha256 string) {
	t.Helper()
	w, err := capsule.Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Stream(capsule.Gone)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("1\n2\n")); err != nil {
		t.Fatal(err)
	}
	stream, err := s.Close()
	if err != nil {
		t.Fatal(err)
	}
	m.Taken, m.Database, m.Encoding, m.Attempt = taken, "gym", "UTF8", 1
	m.Tables = []capsule.Table{{Schema: "public", Name: "users", Columns: []capsule.Column{{Name: "id", Type: "integer"}}, Streams: map[capsule.Part]capsule.Stream{capsule.Gone: stream}}}
	sha256, _, err = w.Close(m)
	if err != nil {
		t.Fatal(err)
	}
	return sha256
}

// look finds a run's capsules anew.
func (r *keptRun) look(t *testing.T) *keptRun {
	t.Helper()
	files, err := db.Capsules{}.List(r.folder)
	if err != nil {
		t.Fatal(err)
	}
	r.held = r.state.HeldCapsules(files)
	return r
}

// What is over goes, and what is not, or has no end, stays.
func TestExpireByTime(t *testing.T) {
	t.Parallel()
	now := taken.AddDate(0, 0, 30)
	a, read := recording(t)
	run := kept(t, now, now.Add(time.Second), time.Time{})
	if n, err := a.expireRun(run.look(t), capsuleFlags{}, now); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if out, errs := read(); !strings.HasPrefix(out, "J: destroyed p1.1: 2 rows, ") || strings.Count(out, "\n") != 1 || errs != "" {
		t.Errorf("%s%s", out, errs)
	}
	if n, err := a.expireRun(run.look(t), capsuleFlags{}, now); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	// What a crash left of an expired one goes as well.
	left := filepath.Join(run.folder, "p1.1", "1.dat.gz")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := a.expireRun(run.look(t), capsuleFlags{}, now); n != 1 || err != nil {
		t.Errorf("what was left: %d, %v", n, err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if n, err := a.expireRun(run.look(t), capsuleFlags{Now: true, Yes: "gym"}, now); n != 2 || err != nil {
		t.Errorf("now: %d, %v", n, err)
	}
}

// Nothing is destroyed that is not known to be the run's, or of a run that goes on.
func TestExpireRefuses(t *testing.T) {
	t.Parallel()
	now := taken.AddDate(0, 0, 30)
	for name, c := range map[string]struct {
		change func(*keptRun)
		says   string
		over   bool // whether that decides
	}{
		"not ended": {change: func(r *keptRun) { r.state.ClosedAt = time.Time{} }, says: "the run has not ended", over: true},
		"another's": {change: func(r *keptRun) { r.state.Opened.RunID = "r2" }, says: "it is another run's: name that one's journal", over: true},
		"another manifest": {
			change: func(r *keptRun) { r.state.Phases[0].Capsule.SHA256 = strings.Repeat("0", 64) }, says: "its manifest has another SHA-256",
		},
		"no manifest": {change: func(r *keptRun) { remove(t, r.folder, "p1.1", "manifest.json") }, says: "it has no manifest"},
		"damaged": {
			change: func(r *keptRun) {
				if err := os.WriteFile(filepath.Join(r.folder, "p1.1", "manifest.json"), []byte("{"), 0o600); err != nil {
					t.Fatal(err)
				}
			}, says: "nobody knows whose it is, or until when it is to be kept",
		},
	} {
		for _, later := range []bool{false, true} {
			for _, all := range []bool{false, true} {
				until := now
				if later {
					until = now.Add(time.Hour)
				}
				a, read := recording(t)
				run := kept(t, until)
				c.change(run)
				n, err := a.expireRun(run.look(t), capsuleFlags{Now: all, Yes: "gym"}, now)
				out, errs := read()
				if silent := c.over && later && !all; n != 0 || (err == nil) != silent || strings.Contains(errs, c.says) == silent || out != "" {
					t.Errorf("%s, its time is over %v, --now %v: %d, %v\n%s%s", name, !later, all, n, err, out, errs)
				}
				if _, err := os.Lstat(filepath.Join(run.folder, "p1.1", "1.dat.gz")); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func remove(t *testing.T, path ...string) {
	t.Helper()
	if err := os.Remove(filepath.Join(path...)); err != nil {
		t.Fatal(err)
	}
}

// A list says of each what is to be known of it.
func TestListRun(t *testing.T) {
	t.Parallel()
	now := taken.AddDate(0, 0, 3)
	a, read := recording(t)
	run := kept(t, now, now.AddDate(0, 0, 1), time.Time{}, time.Time{}, now, now)
	if err := (db.Capsules{}).Expire(filepath.Join(run.folder, "p2.1"), "ann@ops", now); err != nil {
		t.Fatal(err)
	}
	remove(t, run.folder, "p3.1", "1.dat.gz")
	if err := os.RemoveAll(filepath.Join(run.folder, "p4.1")); err != nil {
		t.Fatal(err)
	}
	run.state.Phases[4].Capsule = nil
	run.state.Phases[5].Capsule.SHA256 = strings.Repeat("0", 64)
	keep(t, filepath.Join(run.folder, "q.1"), capsule.Manifest{RunID: "r2", Phase: "q"})
	bad, err := a.listRun(run.look(t), now)
	if bad != 5 || err != nil {
		t.Errorf("%d, %v", bad, err)
	}
	out, _ := read()
	for name, want := range map[string]string{
		"J:":   "production on database gym, completed " + moment(taken.Add(time.Hour)),
		"p1.1": "3 d ago over, " + moment(now) + " nobody: plain as the run kept it",
		"p2.1": "2 – 3 d ago – nobody: plain it has expired: by ann@ops, at 2026-02-02T02:00:00Z",
		"p3.1": "no end set nobody: plain ! read 1.dat.gz: it is damaged: it is missing",
		"p4.1": "2 – – – – ! it is not there: only a restore brings its rows back",
		"p5.1": "! an attempt left it that came to nothing: its rows are in the database",
		"p6.1": "! it is not the one that the run kept: its manifest has another SHA-256",
		"q.1":  "! it is another run's: r2",
	} {
		found := false
		for line := range strings.Lines(out) {
			line = strings.Join(strings.Fields(line), " ")
			found = found || strings.HasPrefix(line, name+" ") && strings.Contains(line, want)
		}
		if !found {
			t.Errorf("%s: %s: not in\n%s", name, want, out)
		}
	}
	// While a run goes on, what it is just writing is none of its faults.
	run.state.ClosedAt = time.Time{}
	remove(t, run.folder, "p5.1", "manifest.json")
	if bad, err := a.listRun(run.look(t), now); bad != 4 || err != nil {
		t.Errorf("%d, %v", bad, err)
	}
	if out, _ := read(); !strings.Contains(out, "it is being written, or was left") || !strings.Contains(out, "not ended") {
		t.Error(out)
	}
}

func TestReaders(t *testing.T) {
	t.Parallel()
	for want, recipients := range map[string][]string{
		"nobody: plain":                                   nil,
		"age1ql3z7hjy54pw…wvxyzabc":                       {"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9wvxyzabc"},
		"ssh-ed25519 ann@ops, ssh-rsa bob":                {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ann@ops", "ssh-rsa AAAAB3NzaC1yc2EAAAA bob"},
		"ssh-ed25519 AAAA…55555555, age1short, age1other": {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE555555555", "age1short", "age1other"},
	} {
		if got := readers(recipients); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// How far it is, is told of what takes longer than a second, and not too often.
func TestReadingTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	a, read := recording(t)
	synctest.Test(t, func(*testing.T) {
		progress, over := a.reading("reading p1.1")
		for i := range int64(100) {
			progress(i, 100)
			time.Sleep(250 * time.Millisecond)
		}
		over()
	})
	if _, errs := read(); errs != "reading p1.1: 4 %, 4 bytes of 100 bytes\nreading p1.1: 44 %, 44 bytes of 100 bytes\nreading p1.1: 84 %, 84 bytes of 100 bytes\n" {
		t.Error(errs)
	}
	progress, over := a.reading("reading p1.1")
	progress(100, 100)
	over()
	if _, errs := read(); errs != "" {
		t.Error(errs)
	}
}

// A run takes no folder for its capsules that is there already, and leaves nothing
// behind where it does not begin.
func TestARunsFolderOfCapsulesIsItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book := &runbook.Runbook{Capsule: runbook.Capsule{Directory: filepath.Join(dir, "undo")}, Phases: []runbook.Phase{{ID: "one", Steps: []runbook.Step{{Delete: "t"}}}}}
	begin := func(path string) error {
		place, err := capsules(book, path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := createJournal(path, place)
		if err == nil {
			err = w.Close()
		}
		return err
	}
	first, second := filepath.Join(dir, "a", "J"), filepath.Join(dir, "b", "J")
	if err := begin(first); err != nil {
		t.Fatal(err)
	}
	if err := begin(first); err == nil || !strings.Contains(err.Error(), "resume its run") {
		t.Errorf("a journal that is there: %v", err)
	}
	err := begin(second)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "undo", "J.capsule")+": it is there already") || !strings.Contains(err.Error(), "--journal") {
		t.Errorf("a folder that is another run's: %v", err)
	}
	if _, err := os.Stat(second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its journal: %v", err)
	}
	other := filepath.Join(dir, "K")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := begin(other); err == nil {
		t.Error("a journal is written over")
	}
	if _, err := os.Stat(filepath.Join(dir, "undo", "K.capsule")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a run that did not begin: %v", err)
	}
}
