package outside

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/phases/runbook"
)

// repository is a git repository of the test's own.
type repository struct {
	t   *testing.T
	dir string
}

// newRepository makes a checkout with one commit on main, of an hour ago. git
// knows nothing of this machine's settings.
func newRepository(t *testing.T) repository {
	t.Helper()
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": t.TempDir(),
		"GIT_AUTHOR_NAME": "Ada Author", "GIT_AUTHOR_EMAIL": "ada@shop.example",
		"GIT_COMMITTER_NAME": "Ada Author", "GIT_COMMITTER_EMAIL": "ada@shop.example",
	} {
		t.Setenv(name, value)
	}
	r := repository{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	r.commit("a", time.Hour)
	return r
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", r.dir}, args...)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit adds a file, so long ago.
func (r repository) commit(path string, ago time.Duration) {
	r.t.Helper()
	file := filepath.Join(r.dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(path), 0o644); err != nil {
		r.t.Fatal(err)
	}
	at := time.Now().Add(-ago).Format(time.RFC3339)
	r.t.Setenv("GIT_COMMITTER_DATE", at)
	r.t.Setenv("GIT_AUTHOR_DATE", at)
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message=a secret message")
}

// clone gives a bare repository that the checkout has as origin.
func (r repository) clone() repository {
	r.t.Helper()
	far := repository{r.t, filepath.Join(r.t.TempDir(), "far.git")}
	r.git("clone", "--quiet", "--bare", r.dir, far.dir)
	r.git("remote", "add", "origin", far.dir)
	r.git("fetch", "--quiet", "origin")
	return far
}

// finds asks a check, and holds its answer against what is wanted.
func finds(t *testing.T, c runbook.Check, pass bool, value string) {
	t.Helper()
	a, err := Check(t.Context(), &c)
	if err != nil || a.Pass != pass || !strings.Contains(a.Value, value) {
		t.Errorf("%s: %v %q, %v\nwant %v %q", c.Name, a.Pass, a.Value, err, pass, value)
	}
	if strings.Contains(a.Value, "secret") || strings.Contains(a.Value, "Ada") {
		t.Errorf("%s tells what nobody needs to know: %q", c.Name, a.Value)
	}
}

// unknown asks a check that has no answer.
func unknown(t *testing.T, c runbook.Check, want string) {
	t.Helper()
	a, err := Check(t.Context(), &c)
	if err == nil || !reflect.DeepEqual(a, phases.Answer{}) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %+v, %v\nwant %s", c.Name, a, err, want)
		return
	}
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a secret is in: %v", err)
	}
	wantNoGo(t, err)
}

func TestEveryCheckOutsideIsAnswered(t *testing.T) {
	for _, k := range check.Outside() {
		if checks[k.Name] == nil {
			t.Errorf("nobody answers %s: add it to checks", k.Name)
		}
	}
	for name := range checks {
		if check.Of(name).Name == "" {
			t.Errorf("%s is answered, and no runbook can ask for it: declare it in phases/check", name)
		}
	}
	unknown(t, runbook.Check{Name: "git.happy"}, `there is no check "git.happy"`)
}

func TestGitQuiet(t *testing.T) {
	r := newRepository(t)
	c := runbook.Check{Name: "git.quiet", Dir: r.dir, Branch: "HEAD", MinAge: 30 * time.Minute}
	short := r.git("rev-parse", "--short", "HEAD")
	finds(t, c, true, "the last commit, "+short+", is of ")
	finds(t, c, true, "more than 30 min ago")
	c.MinAge = 2 * time.Hour
	finds(t, c, false, "2 h without one are wanted")
	c.MinAge = 30 * time.Minute

	// A young commit on another branch is that branch's alone.
	r.git("checkout", "--quiet", "-b", "hotfix")
	r.commit("b", time.Minute)
	finds(t, c, false, r.git("rev-parse", "--short", "HEAD"))
	c.Branch = "main"
	finds(t, c, true, short)
	c.Branch = "hotfix"
	finds(t, c, false, "30 min without one are wanted")
	r.git("tag", "hotfix", "main") // a tag by the same name is not meant
	finds(t, c, false, "30 min without one are wanted")
	r.commit("c", -time.Hour)
	finds(t, c, false, "still to come: look at the clocks")
	c.Branch = "nowhere"
	unknown(t, c, "there is no commit on nowhere")
}

func TestGitQuietAtARemote(t *testing.T) {
	r := newRepository(t)
	far := r.clone()
	c := runbook.Check{Name: "git.quiet", Dir: r.dir, Branch: "origin/main", MinAge: 30 * time.Minute}
	finds(t, c, true, "the last commit")
	c.Branch, c.Remote = "main", "origin"
	finds(t, c, true, "the last commit")
	c.Branch = "HEAD"
	finds(t, c, true, "the last commit")

	// What another one pushed is told, though it was not fetched.
	other := repository{t, filepath.Join(t.TempDir(), "other")}
	r.git("clone", "--quiet", far.dir, other.dir)
	other.commit("b", time.Minute)
	other.git("push", "--quiet", "origin", "main")
	c.Branch = "main"
	unknown(t, c, "which is not in")
	unknown(t, c, "fetch it (git fetch origin)")
	r.git("fetch", "--quiet", "origin")
	finds(t, c, false, other.git("rev-parse", "--short", "HEAD"))
	c.Branch = "nowhere"
	unknown(t, c, "origin has no branch nowhere")
	c.Remote = "elsewhere"
	unknown(t, c, "'elsewhere' does not appear to be a git repository")
}

// What cannot be asked is said, whichever of the checks asks.
func TestNoCheckoutNoAnswer(t *testing.T) {
	r := newRepository(t)
	r.commit("below/a", time.Hour)
	r.clone()
	empty := repository{t, t.TempDir()}
	empty.git("init", "--quiet")
	for _, name := range gitChecks(t) {
		c := runbook.Check{Name: name, Branch: "HEAD", Remote: "origin", MinAge: time.Minute, Path: "b"}
		for dir, want := range map[string]string{
			"":                              "name the folder",
			t.TempDir():                     "not a git repository",
			filepath.Join(r.dir, "nowhere"): "No such file or directory",
			filepath.Join(r.dir, "a"):       "Not a directory",
			filepath.Join(r.dir, "below"):   "is not the top folder of a git checkout",
			filepath.Join(r.dir, ".git"):    "is not the top folder of a git checkout",
			empty.dir:                       "",
		} {
			c.Dir = dir
			unknown(t, c, want)
		}
		// Whatever the environment says, the folder is the one that is asked.
		t.Run("led elsewhere", func(t *testing.T) {
			t.Setenv("GIT_DIR", filepath.Join(r.dir, ".git"))
			t.Setenv("GIT_WORK_TREE", r.dir)
			c.Dir = t.TempDir()
			unknown(t, c, "not a git repository")
		})
		t.Run("without git", func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			c.Dir = r.dir
			unknown(t, c, `there is no command "git"`)
		})
	}
}

func gitChecks(t *testing.T) (names []string) {
	for _, k := range check.Outside() {
		if strings.HasPrefix(k.Name, "git.") {
			names = append(names, k.Name)
		}
	}
	if names == nil {
		t.Fatal("no check of git")
	}
	return names
}

// A git that hangs is ended with what it started, and says what it had said.
func TestAGitThatHangs(t *testing.T) {
	if guardless {
		t.Skip("the processes are counted in /proc")
	}
	r := newRepository(t)
	seconds := mark()
	far := script(t, "far", "#!/bin/sh\necho https://me:s3cr3t@shop.example/ >&2\nexec sleep "+seconds+"\n", 0o755)
	r.git("remote", "add", "origin", "ext::"+far)
	r.git("config", "protocol.ext.allow", "always")
	for _, name := range gitChecks(t) {
		ctx, cut := context.WithCancelCause(t.Context())
		ran := make(chan error, 1)
		go func() { // ends with the check
			a, err := Check(ctx, &runbook.Check{Name: name, Dir: r.dir, Branch: "main", Remote: "origin", MinAge: time.Minute, Path: "b"})
			if !reflect.DeepEqual(a, phases.Answer{}) {
				t.Errorf("%s: %+v", name, a)
			}
			ran <- err
		}()
		until(t, "git that asks its remote", func() bool { return len(marked(t, seconds)) == 1 })
		cut(errLate)
		if err := <-ran; !errors.Is(err, errLate) || err.Error() != "no answer within 10s, it was ended: https://shop.example/" {
			t.Errorf("%s: %v", name, err)
		}
		if left := marked(t, seconds); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

func TestNoSecretOfAURL(t *testing.T) {
	for in, want := range map[string]string{
		"To https://me:pass@host/x.git":                 "To https://host/x.git",
		"fatal: unable to access 'https://me@h/x/': no": "fatal: unable to access 'https://h/x/': no",
		"https://me:p@ss/wo@host/x?token=1&b=2 and on":  "https://host/x and on",
		"git@host:shop.git: Permission denied":          "git@host:shop.git: Permission denied",
	} {
		if got := bare(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
