package outside

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"tminus/phases/runbook"
)

func TestGitPush(t *testing.T) {
	r := newRepository(t)
	far := r.clone()
	c := runbook.Check{Name: "git.push", Dir: r.dir, Branch: "main", Remote: "origin"}
	finds(t, c, true, "origin would take main")
	r.commit("b", time.Minute)
	before := far.git("rev-parse", "main")
	finds(t, c, true, "origin would take main")
	c.Branch = "HEAD"
	finds(t, c, true, "origin would take HEAD")
	if after := far.git("rev-parse", "main"); after != before {
		t.Errorf("the check has pushed %s", after)
	}

	// A hook would act as if it were a push.
	trace := filepath.Join(t.TempDir(), "trace")
	hook := filepath.Join(r.dir, ".git/hooks/pre-push")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ntouch "+trace+"\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	finds(t, c, true, "origin would take HEAD")
	if _, err := os.Stat(trace); err == nil {
		t.Error("the check has run a hook")
	}

	other := repository{t, filepath.Join(t.TempDir(), "other")}
	r.git("clone", "--quiet", far.dir, other.dir)
	other.commit("c", time.Minute)
	other.git("push", "--quiet", "origin", "main")
	c.Branch = "main"
	finds(t, c, false, "origin would not take main: [rejected] (fetch first)")

	c.Branch = "nowhere"
	unknown(t, c, "src refspec refs/heads/nowhere does not match any")
	c.Branch, c.Remote = "main", "elsewhere"
	unknown(t, c, "'elsewhere' does not appear to be a git repository")
	c.Remote = "origin"
	r.git("config", "remote.origin.receivepack", script(t, "refuse", "#!/bin/sh\necho 'https://me:s3cr3t@shop.example/ may not be written' >&2\nexit 1\n", 0o755))
	unknown(t, c, "git failed: https://shop.example/ may not be written")
}

// A remote that wants to know who it is gets no answer, and nobody is asked.
func TestGitAsksNobody(t *testing.T) {
	r := newRepository(t)
	// Whatever would ask leaves a trace, and gives an answer.
	trace := filepath.Join(t.TempDir(), "trace")
	asking := script(t, "ask", "#!/bin/sh\ntouch "+trace+"\necho yes\n", 0o755)
	for _, name := range []string{"GIT_ASKPASS", "SSH_ASKPASS"} {
		t.Setenv(name, asking)
	}
	t.Setenv("SSH_ASKPASS_REQUIRE", "force")
	r.git("config", "core.askPass", asking)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	r.git("remote", "add", "origin", server.URL+"/shop.git")
	r.git("remote", "add", "named", "http://me:s3cr3t@"+host+"/shop.git")
	for _, name := range []string{"git.push", "git.quiet"} {
		c := runbook.Check{Name: name, Dir: r.dir, Branch: "main", Remote: "origin", MinAge: time.Minute}
		unknown(t, c, "could not read Username for '"+server.URL+"': terminal prompts disabled")
		c.Remote = "named"
		unknown(t, c, "Authentication failed for '"+server.URL+"/shop.git/'")
	}
	if _, err := os.Stat(trace); err == nil {
		t.Error("somebody was asked")
	}
}

func TestGitAsksNobodyByssh(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("here is no ssh")
	}
	r := newRepository(t)
	server, _ := sshServer(t, &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
		t.Error("a password was tried")
		return &ssh.Permissions{}, nil
	}})
	_, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	own := "ssh -F none -o UserKnownHostsFile=" + os.DevNull + " -o GlobalKnownHostsFile=" + os.DevNull
	r.git("remote", "add", "origin", "ssh://git@127.0.0.1:"+port+"/shop.git")
	c := runbook.Check{Name: "git.push", Dir: r.dir, Branch: "main", Remote: "origin"}
	r.git("config", "core.sshCommand", own)
	unknown(t, c, "Host key verification failed")
	r.git("config", "core.sshCommand", own+" -o StrictHostKeyChecking=no")
	unknown(t, c, "Permission denied (password)")
	// The environment's comes before the checkout's, as for git.
	t.Setenv("GIT_SSH_COMMAND", own)
	unknown(t, c, "Host key verification failed")
	// A program by its name alone takes the same options; -G is how git asks
	// whether it takes any.
	t.Setenv("GIT_SSH_COMMAND", "")
	r.git("config", "--unset", "core.sshCommand")
	t.Setenv("GIT_SSH", script(t, "it's ssh", "#!/bin/sh\ncase \"$*\" in *-G*) exit 0;; esac\necho \"options: $*\" >&2\nexit 1\n", 0o755))
	unknown(t, c, "options: -o BatchMode=yes")
}
