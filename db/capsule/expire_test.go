package capsule_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tminus/db/capsule"
)

// names are what is in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// What is expired stays so, and its rows are nowhere.
func TestExpire(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	dir, _ := write(t, blank(), tables, parts)
	if err := capsule.Expire(dir, "anna", taken.AddDate(0, 0, 30)); err != nil {
		t.Fatal(err)
	}
	if err := capsule.Expire(dir, "ben", taken.AddDate(0, 0, 60)); err != nil {
		t.Fatal(err)
	}
	_, err := capsule.Open(dir)
	if !errors.Is(err, capsule.ErrExpired) || !strings.HasSuffix(err.Error(), "it has expired: by anna, at 2026-03-31T02:30:00Z") {
		t.Error(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"expired.json", "manifest.json"}) {
		t.Errorf("left: %v", got)
	}
}

// Wherever a crash interrupts it, the capsule is expired or as it was, and the next
// call does the rest.
func TestExpireIsGoneOnWith(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	whole, _ := write(t, blank(), tables, parts)
	done, _ := write(t, blank(), tables, parts)
	if err := capsule.Expire(done, "anna", taken); err != nil {
		t.Fatal(err)
	}
	stone, err := os.ReadFile(filepath.Join(done, "expired.json"))
	if err != nil {
		t.Fatal(err)
	}
	files := slices.DeleteFunc(names(t, whole), func(n string) bool { return n == "manifest.json" })
	for n := -1; n <= len(files); n++ { // how many are removed; at -1 the tombstone is half written
		dir, _ := write(t, blank(), tables, parts)
		if n < 0 {
			put(t, dir, "expired.json.tmp", stone[:10])
		} else {
			put(t, dir, "expired.json", stone)
			for _, name := range files[:n] {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err := capsule.Open(dir)
		if (n < 0) != (err == nil) || n >= 0 && !errors.Is(err, capsule.ErrExpired) {
			t.Errorf("%d removed: %v", n, err)
		}
		if n >= 0 && strings.Contains(err.Error(), "files of it are left: expire it again") != (n < len(files)) {
			t.Errorf("%d removed: %v", n, err)
		}
		if err := capsule.Expire(dir, "anna", taken); err != nil {
			t.Errorf("%d removed: %v", n, err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"expired.json", "manifest.json"}) {
			t.Errorf("%d removed: left %v", n, got)
		}
	}
}

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatExpireLeavesAlone(t *testing.T) {
	t.Parallel()
	// One that may still be written.
	dir := filepath.Join(t.TempDir(), "c")
	w, err := capsule.Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream(t, w, capsule.Gone, "1\n")
	if err := capsule.Expire(dir, "anna", taken); !errors.Is(err, capsule.ErrUnfinished) {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
	// Rows that are elsewhere, which it tells; and files of others, but no decrypted ones.
	tables, parts := sample()
	dir, _ = write(t, blank(), tables, parts)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(filepath.Join(dir, "1.dat.gz"), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "1.dat.gz")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "notes.txt", nil)
	put(t, dir, "2.old", nil)
	err = capsule.Expire(dir, "anna", taken)
	if err == nil || !strings.Contains(err.Error(), "1.dat.gz is no file: remove it and what it leads to by hand") {
		t.Error(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"1.dat.gz", "expired.json", "manifest.json", "notes.txt"}) {
		t.Errorf("left: %v", got)
	}
}

// Remove takes nothing that is not a capsule's, and is no matter twice.
func TestRemove(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	dir, _ := write(t, blank(), tables, parts)
	put(t, dir, "notes.txt", nil)
	err := capsule.Remove(dir)
	if err == nil || !strings.Contains(err.Error(), "what is left in it is of others") {
		t.Error(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"notes.txt"}) {
		t.Errorf("left: %v", got)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "notes.txt")), capsule.Remove(dir), capsule.Remove(dir)); err != nil {
		t.Error(err)
	}
	dead, _ := write(t, blank(), tables, parts)
	if err := errors.Join(capsule.Expire(dead, "anna", taken), capsule.Remove(dead)); err != nil {
		t.Error(err)
	}
	for _, d := range []string{dir, dead} {
		if _, err := os.Lstat(d); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("still there: %v", err)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	tables, parts := sample()
	dir, sum := write(t, blank(), tables, parts)
	run := filepath.Dir(dir)
	copied := func(name string) string {
		to := filepath.Join(run, name)
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		return to
	}
	if err := capsule.Expire(copied("b.1"), "anna", taken); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(copied("c.1"), "manifest.json")); err != nil {
		t.Fatal(err)
	}
	put(t, copied("d.1"), "manifest.json", []byte(`{"format": 2, "rows": []}`))
	put(t, copied("e.1"), "manifest.json", []byte(`{"format": 1, "tables`))
	half := copied("f.1")
	if err := capsule.Expire(half, "anna", taken); err != nil {
		t.Fatal(err)
	}
	put(t, half, "1.dat.gz", nil) // which a crash left
	put(t, run, "a file", nil)
	all, err := capsule.List(run)
	if err != nil || len(all) != 6 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for i, want := range []error{nil, capsule.ErrExpired, capsule.ErrUnfinished, capsule.ErrLater, capsule.ErrDamaged, capsule.ErrExpired} {
		if e := all[i]; !errors.Is(e.Err, want) || e.Dir != filepath.Join(run, e.Name) || e.Remains != (e.Name == "f.1") {
			t.Errorf("%+v, want %v", e, want)
		}
	}
	if e := all[0]; e.Name != "accounts.1" || e.SHA256 != sum || e.Manifest.Phase != "accounts" || e.Tombstone != nil {
		t.Errorf("%+v", e)
	}
	if e := all[1]; e.SHA256 != sum || e.Manifest.Phase != "accounts" || e.Tombstone == nil || e.Tombstone.By != "anna" || e.Tombstone.Manifest != sum {
		t.Errorf("%+v", e)
	}
	if _, err := capsule.List(filepath.Join(run, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
