package backup

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
)

// The newest whole backup that is not a rehearsal's is found, and what stands
// beside it is told; one that is named is taken, whoever has made it.
func TestTheNewestBackupIsFound(t *testing.T) {
	dir := t.TempDir()
	if _, err := Newest(filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "mount its disk") {
		t.Errorf("no directory: %v", err)
	}
	if _, err := Newest(dir); err == nil || !strings.Contains(err.Error(), "there is no whole backup of production's in ") {
		t.Errorf("an empty one: %v", err)
	}
	at := time.Date(2026, 1, 30, 14, 0, 0, 0, time.UTC)
	put := func(name string, age time.Duration, change func(*Manifest)) string {
		t.Helper()
		location := filepath.Join(dir, name)
		if err := os.MkdirAll(dumpOf(location), 0o700); err != nil {
			t.Fatal(err)
		}
		m := Manifest{ID: name, At: at.Add(-age), Database: "shop", Encoding: "UTF8", VersionNum: 150014, Environment: phases.Production}
		change(&m)
		if err := os.WriteFile(filepath.Join(dumpOf(location), "toc.dat"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := m.write(location); err != nil {
			t.Fatal(err)
		}
		return location
	}
	rehearsed := put("rehearsed", 0, func(m *Manifest) { m.Environment = phases.Rehearsal })
	put("demo", 0, func(m *Manifest) { m.Environment = phases.Demo })
	put("cut"+unfinished, 0, func(*Manifest) {})
	damaged := put("damaged", 0, func(m *Manifest) { m.Database = "" })
	headless := put("headless", 0, func(*Manifest) {})
	if err := os.Remove(filepath.Join(dumpOf(headless), "toc.dat")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "another's"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const passed = "passed over: 2 backups of rehearsals and demos, 1 unfinished backup, damaged headless ("
	if _, err := Newest(dir); err == nil || !strings.Contains(err.Error(), passed) {
		t.Errorf("none of production's: %v", err)
	}
	put("old", 2*time.Hour, func(m *Manifest) { m.Environment = "" })
	if f, err := Newest(dir); err != nil || f.Manifest.ID != "old" {
		t.Errorf("of an older version: %+v, %v", f, err)
	}
	for _, i := range rand.Perm(3) {
		put([]string{"a", "z", "m"}[i], []time.Duration{time.Hour, 2 * time.Hour, time.Minute}[i], func(*Manifest) {})
	}
	if f, err := Newest(dir); err != nil || f.Manifest.ID != "m" || f.Location != filepath.Join(dir, "m") || len(f.Passed) != 4 {
		t.Errorf("found %+v, %v", f, err)
	}
	if f, err := At(rehearsed); err != nil || f.Manifest.Environment != phases.Rehearsal {
		t.Errorf("named: %+v, %v", f, err)
	}
	for path, want := range map[string]string{
		dir:                                  "is no backup, and has backups: name one of them, such as " + filepath.Join(dir, "m"),
		filepath.Join(dir, "another's"):      "tminus.json is missing; one that a command took has to be restored by hand",
		filepath.Join(dir, "cut"+unfinished): "is a backup that was not finished",
		filepath.Join(dir, "file"):           "is no directory: name that of one backup",
		filepath.Join(dir, "gone"):           "name that of one backup, or mount its disk",
		damaged:                              "does not say what the backup is of: it is damaged",
		headless:                             "look at the backup's dump: ",
	} {
		if _, err := At(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
