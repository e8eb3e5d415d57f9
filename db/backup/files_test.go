package backup

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Whatever happens to a backup's files shows; reading them does not.
func TestFilesOfABackup(t *testing.T) {
	at := time.Date(2026, 1, 30, 14, 5, 0, 0, time.UTC)
	write := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, one string)
		same   bool
	}{
		"nothing":   {func(*testing.T, string) {}, true},
		"read":      {func(t *testing.T, one string) { _, err := os.ReadFile(one); must(t, err) }, true},
		"shortened": {func(t *testing.T, one string) { write(t, one, "row") }, false},
		"written":   {func(t *testing.T, one string) { must(t, os.WriteFile(one, []byte("rows"), 0o600)) }, false},
		"replaced": {func(t *testing.T, one string) {
			write(t, one+".new", "rows")
			must(t, os.Rename(one+".new", one))
		}, false},
		"removed": {func(t *testing.T, one string) { must(t, os.Remove(one)) }, false},
		"added":   {func(t *testing.T, one string) { write(t, one+".new", "") }, false},
		"renamed": {func(t *testing.T, one string) { must(t, os.Rename(one, one+".old")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.Mkdir(filepath.Join(dir, "dump"), 0o700))
			one := filepath.Join(dir, "dump", "one.dat")
			write(t, one, "rows")
			// By a link to it, and where its dump is one, it is no other.
			link, linked := filepath.Join(t.TempDir(), "latest"), t.TempDir()
			must(t, os.Symlink(dir, link))
			must(t, os.Symlink(filepath.Join(dir, "dump"), filepath.Join(linked, "dump")))
			var before []string
			for _, at := range []string{dir, link, linked} {
				files, err := Files(at)
				must(t, err)
				before = append(before, files)
			}
			c.change(t, one)
			for i, at := range []string{dir, link, linked} {
				after, err := Files(at)
				must(t, err)
				if (before[i] == after) != c.same {
					t.Errorf("at %s before %s, after %s", at, before[i], after)
				}
			}
		})
	}
	if _, err := Files(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no backup has files")
	}
	dir := t.TempDir()
	must(t, os.Symlink(dir, filepath.Join(dir, "again")))
	if _, err := Files(dir); err == nil {
		t.Error("a link that leads back has no end")
	}
}
