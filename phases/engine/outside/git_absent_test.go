package outside

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tminus/phases/runbook"
)

func TestGitFileAbsent(t *testing.T) {
	const path = ".github/workflows/weekly-refill.yml"
	r := newRepository(t)
	r.commit(path, time.Hour)
	far := r.clone()
	c := runbook.Check{Name: "git.file_absent", Dir: r.dir, Branch: "main", Path: path}
	file := filepath.Join(r.dir, path)
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	finds(t, c, false, path+" is in the folder, and in main (")
	move(file, file+".disabled")
	finds(t, c, false, path+" is in main (")
	r.commit("b", time.Hour) // with all that has changed
	finds(t, c, true, path+" is neither in the folder nor in main (")

	// What the remote runs is what was pushed to it.
	c.Remote = "origin"
	finds(t, c, false, path+" is in main of origin (")
	r.git("push", "--quiet", "origin", "main")
	finds(t, c, true, path+" is neither in the folder nor in main of origin ("+far.git("rev-parse", "main")[:12]+")")
	move(file+".disabled", file)
	finds(t, c, false, path+" is in the folder, though not in main of origin (")

	// A name is no pattern; a folder is as much there as a file is; what is
	// below a file is not.
	c.Remote = ""
	for path, pass := range map[string]bool{"*": true, ":/": true, "a": false, ".github": false, "a/b": true} {
		c.Path = path
		finds(t, c, pass, path)
	}
	if err := os.Symlink("nowhere", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	c.Path = "link"
	finds(t, c, false, "link is in the folder")
	for _, path := range []string{"../a", "/etc/passwd", ""} {
		c.Path = path
		unknown(t, c, "is no path below the folder")
	}
}

func TestAFolderThatMayNotBeRead(t *testing.T) {
	r := newRepository(t)
	if err := os.Mkdir(filepath.Join(r.dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root may look into every folder")
	}
	unknown(t, runbook.Check{Name: "git.file_absent", Dir: r.dir, Branch: "main", Path: "closed/a"}, "permission denied")
}

// A file system that does not answer holds up one goroutine, and no check.
func TestAFileSystemThatDoesNotAnswer(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	hang := func() (int, error) {
		asked <- struct{}{}
		<-answer
		return 7, nil
	}
	ctx, cut := context.WithCancelCause(t.Context())
	go func() { // ends once it was asked
		<-asked
		cut(errLate)
	}()
	const want = `no answer within 10s: the file system of "/dead" does not answer, look at its disk or its server`
	if got, err := patiently(ctx, "/dead", hang); got != 0 || !errors.Is(err, errLate) || err.Error() != want {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := patiently(ctx, "/dead", func() (int, error) { t.Error("it is asked meanwhile"); return 0, nil }); got != 0 || err == nil || err.Error() != want {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := patiently(t.Context(), "/other", func() (int, error) { return 8, nil }); got != 8 || err != nil {
		t.Errorf("another one: %d, %v", got, err)
	}
	close(answer)
	if got, err := patiently(t.Context(), "/dead", func() (int, error) { return 9, nil }); got != 9 || err != nil {
		t.Errorf("once it answers: %d, %v", got, err)
	}
}
