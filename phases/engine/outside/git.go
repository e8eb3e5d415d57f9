package outside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// checkout is the top folder of a git checkout. It is asked by git itself, as
// a command: what a hook or a network does to it is ended like any other.
type checkout struct {
	dir string
	env []string
}

// openCheckout holds that dir is the top of a checkout. Anything below it would
// be answered for the checkout above, which nobody may have meant.
func openCheckout(ctx context.Context, dir string) (*checkout, error) {
	if dir == "" {
		return nil, errors.New("name the folder as `dir`")
	}
	g := &checkout{dir: dir, env: gitEnvironment(os.Environ())}
	out, err := g.git(ctx, "rev-parse", "--is-inside-work-tree", "--show-prefix")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(out) != "true" {
		return nil, fmt.Errorf("%q is not the top folder of a git checkout: name that one as `dir`", dir)
	}
	return g, nil
}

// leading are the variables that lead git to another repository, have it write
// more than it is asked for, or have it ask somebody.
var leading = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_NAMESPACE", "GIT_PREFIX", "GIT_ASKPASS", "SSH_ASKPASS", "LC_ALL", "DISPLAY", "WAYLAND_DISPLAY",
}

// gitEnvironment is env for a git that asks nobody, and says what it says in
// English.
func gitEnvironment(env []string) []string {
	out := slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(leading, name) || strings.HasPrefix(name, "GIT_TRACE")
	})
	return append(out,
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "GIT_ASKPASS=", "SSH_ASKPASS_REQUIRE=never",
		"GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_LITERAL_PATHSPECS=1",
	)
}

// errExit is wrapped by the error of a git that ended with an exit code.
var errExit = errors.New("git failed")

// run runs git in the checkout.
func (g *checkout) run(ctx context.Context, args ...string) (Done, error) {
	done, err := Command{Argv: append([]string{"git", "--no-pager", "-C", g.dir}, args...), Env: g.env, Alone: true}.Run(ctx)
	if err != nil {
		err = spared{err}
	}
	return done, err
}

// spared is an error whose text has no secret of a URL.
type spared struct{ error }

// Error implements error.
func (s spared) Error() string { return bare(s.error.Error()) }

// Unwrap gives what is wrapped.
func (s spared) Unwrap() error { return s.error }

// git gives what a git says that succeeds.
func (g *checkout) git(ctx context.Context, args ...string) (string, error) {
	done, err := g.run(ctx, args...)
	switch {
	case err != nil:
		return "", err
	case done.Exit != 0:
		return "", fmt.Errorf("%w: %s", errExit, reason(done))
	}
	return done.Output, nil
}

// reason is the line of a git's output that says why it did not succeed.
func reason(done Done) string {
	for line := range strings.Lines(done.Output) {
		line = strings.TrimSpace(line)
		lower := strings.ToLower(line)
		if line == "" || strings.HasPrefix(lower, "warning:") || strings.HasPrefix(lower, "hint:") || strings.HasPrefix(line, "To ") {
			continue
		}
		return FirstLine(bare(line))
	}
	return fmt.Sprintf("exit code %d, and it says nothing", done.Exit)
}

// secrets are what a URL may hold beside its scheme, its host and its path.
var secrets = regexp.MustCompile(`(://)[^\s'"]*@|\?[^\s'"]*=[^\s'"]*`)

// bare is text without the users, passwords and queries of its URLs.
func bare(text string) string { return secrets.ReplaceAllString(text, "$1") }

// tip gives the commit of a branch: as the checkout has it, or, with a remote,
// as that has it now. One that the checkout does not have is an error: nothing
// is fetched, and nothing is known of it.
func (g *checkout) tip(ctx context.Context, remote, branch string) (string, error) {
	if remote == "" {
		return g.here(ctx, branch)
	}
	name := "refs/heads/" + branch
	if branch == "HEAD" {
		name = branch
	}
	far, err := g.silent(ctx)
	if err != nil {
		return "", err
	}
	out, err := far.git(ctx, "ls-remote", "--", remote, name)
	if err != nil {
		return "", err
	}
	hash := ""
	for _, at := range regexp.MustCompile(`(?m)^([0-9a-f]{40,64})\t(\S+)$`).FindAllStringSubmatch(out, -1) {
		if at[2] == name {
			hash = at[1]
		}
	}
	if hash == "" {
		return "", fmt.Errorf("%s has no branch %s: correct the runbook", remote, branch)
	}
	if _, err := g.git(ctx, "cat-file", "-e", hash+"^{commit}"); errors.Is(err, errExit) {
		return "", fmt.Errorf("%s of %s is at %.12s, which is not in %q: fetch it (git fetch %s)", branch, remote, hash, g.dir, remote)
	} else if err != nil {
		return "", err
	}
	return hash, nil
}

// here is a branch of the checkout, or one that was fetched: a tag by the same
// name is not meant.
func (g *checkout) here(ctx context.Context, branch string) (string, error) {
	names := []string{"refs/heads/" + branch, "refs/remotes/" + branch}
	if branch == "HEAD" {
		names = []string{branch}
	}
	for _, name := range names {
		done, err := g.run(ctx, "rev-parse", "--verify", "--quiet", name+"^{commit}")
		if err != nil {
			return "", err
		}
		if done.Exit > 1 {
			return "", fmt.Errorf("%w: %s", errExit, reason(done))
		}
		if hash := regexp.MustCompile(`(?m)^[0-9a-f]{40,64}$`).FindString(done.Output); done.Exit == 0 && hash != "" {
			return hash, nil
		}
	}
	return "", fmt.Errorf("there is no commit on %s in %q: correct `branch`, or fetch it", branch, g.dir)
}

// silent is the checkout for what asks a remote: an ssh fails where it would ask
// for a passphrase, a password, or whether an unknown host is right. The command
// for ssh that the checkout or the environment names is kept.
func (g *checkout) silent(ctx context.Context) (*checkout, error) {
	ssh := os.Getenv("GIT_SSH_COMMAND")
	if ssh == "" {
		done, err := g.run(ctx, "config", "--get", "core.sshCommand")
		if err != nil {
			return nil, err
		}
		if done.Exit == 0 {
			ssh = strings.TrimSpace(done.Output)
		}
	}
	if program := os.Getenv("GIT_SSH"); ssh == "" && program != "" {
		ssh = "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	}
	if ssh == "" {
		ssh = "ssh"
	}
	// Of two values of a variable, the last counts.
	return &checkout{g.dir, append(slices.Clone(g.env), "GIT_SSH_COMMAND="+ssh+" -o BatchMode=yes")}, nil
}
