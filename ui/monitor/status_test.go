package monitor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/journal"
)

func TestStatusGolden(t *testing.T) {
	recs := frozen(t, frozenDemo)
	for name, n := range map[string]int{"checklist": 30, "hold": until(t, recs, 0, "hold_opened") + 1, "end": len(recs)} {
		t.Run(name, func(t *testing.T) {
			s := folded(t, recs[:n])
			path := filepath.Join(t.TempDir(), "s.json")
			st := &status{path: path, mode: 0o600}
			if err := st.write(take(s, "gym.journal", nil, s.At.Add(1500*time.Millisecond))); err != nil {
				t.Fatal(err)
			}
			golden.RequireEqual(t, text(t, path))
		})
	}
}

// A reader finds whole files alone, whenever it looks, and at the end the end.
func TestStatusFileIsAlwaysWhole(t *testing.T) {
	recs := frozen(t, frozenDemo)
	j := newJournal(t, recs[:2]...)
	dir := t.TempDir()
	path := filepath.Join(dir, "status.json")
	m := started(t, Options{Status: path})
	follow(t, m, j.path)
	eventually(t, "it is there", func() bool { _, err := os.Stat(path); return err == nil })
	read := func() (p Picture) {
		t.Helper()
		if err := json.Unmarshal([]byte(text(t, path)), &p); err != nil {
			t.Fatalf("%v:\n%s", err, text(t, path))
		}
		return p
	}
	for i, r := range recs[2:] {
		j.append(r)
		if i%10 == 0 {
			read()
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	p := read()
	if p.Version != StatusVersion || p.Seq != uint64(len(recs)) || p.Outcome != phases.Completed || p.Stage != phases.StageEnded || p.ClosedAt.IsZero() {
		t.Errorf("the last is %+v", p)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside it stands %v (%v)", left, err)
	}
}

// A milestone is there without waiting for the second to pass.
func TestAMilestoneIsWrittenAtOnce(t *testing.T) {
	recs := frozen(t, frozenDemo)
	st, err := newStatus(filepath.Join(t.TempDir(), "s.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := folded(t, recs[:20])
	st.offer(take(s, "j", nil, s.At), false)
	eventually(t, "the first is written", func() bool { _, err := os.Stat(st.path); return err == nil })
	if err := s.Apply(recs[20]); err != nil {
		t.Fatal(err)
	}
	st.offer(take(s, "j", nil, s.At), true)
	eventually(t, "the milestone is written", func() bool { return strings.Contains(text(t, st.path), `"seq": 21`) })
	if err := st.close(); err != nil {
		t.Error(err)
	}
}

func TestStatusFileOverwritesNothingElse(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	empty := file("empty", "")
	if err := os.Symlink(empty, link); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		file("reset.yaml", "tminus: 1\n"): "no status file of a run",
		file("other.json", "{}"):          "no status file of a run",
		dir:                               "not a regular file",
		"/dev/null":                       "not a regular file",
		filepath.Join(dir, "none", "s"):   "no such file or directory; make the folder, or name another",
	} {
		if _, err := New(Options{Status: path}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
	if got := text(t, filepath.Join(dir, "reset.yaml")); got != "tminus: 1\n" {
		t.Errorf("the runbook is now %q", got)
	}
	recs := frozen(t, frozenDemo)
	j := newJournal(t, recs...)
	for range 2 { // and then over its own
		m := started(t, Options{Status: link})
		follow(t, m, j.path)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(empty)
		if err != nil || info.Mode().Perm() != 0o640 || isStatus(empty) != nil {
			t.Errorf("what the link leads to: %v %v", info, err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is now %v (%v)", info, err)
	}
}

// A journal is never overwritten, by whatever name it comes.
func TestStatusFileIsNotTheJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "J")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	m := started(t, Options{Status: path}) // nothing is there yet
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := m.Follow(link); err == nil || !strings.Contains(err.Error(), "which nothing overwrites") {
		t.Errorf("it is followed: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if got := text(t, path); got != "" {
		t.Errorf("the journal is now %q", got)
	}
}

// A folder that goes away ends nothing, and is told at the end.
func TestStatusFileThatCannotBeWritten(t *testing.T) {
	recs := frozen(t, frozenDemo)
	j := newJournal(t, recs...)
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m := started(t, Options{Status: filepath.Join(dir, "s.json")})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	follow(t, m, j.path)
	if err := m.Close(); err == nil || !strings.Contains(err.Error(), "is not up to date") {
		t.Errorf("it says %v", err)
	}
}

// docs/watching.md has every field, in the file's order.
func TestEveryFieldIsDescribed(t *testing.T) {
	var there, documented []string
	for _, of := range []struct {
		in   string
		form reflect.Type
	}{{"", reflect.TypeFor[Picture]()}, {"hold.", reflect.TypeFor[OpenHold]()}, {"lock_wait.", reflect.TypeFor[Lock]()}, {"phases[].", reflect.TypeFor[Phase]()}, {"phases[].tables[].", reflect.TypeFor[Table]()}} {
		for f := range of.form.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				there = append(there, of.in+name)
			}
		}
	}
	_, page, _ := strings.Cut(text(t, "../../docs/watching.md"), "## A status file")
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`[^`]+`(?:, )?)+) \\|").FindAllStringSubmatch(page, -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, name[1])
		}
	}
	if !slices.Equal(documented, there) {
		t.Errorf("documented are\n%s\nand there are\n%s", strings.Join(documented, "\n"), strings.Join(there, "\n"))
	}
}
