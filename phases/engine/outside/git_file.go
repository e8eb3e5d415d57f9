package outside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// GitFile is a file that has one of two names on a branch of a remote.
type GitFile struct {
	Dir            string // the top folder of a checkout
	Branch, Remote string
	Path, To       string // the two names, below the folder
}

// Names tells which of the two the remote's branch has now. Like tip, it fetches
// nothing.
func (f GitFile) Names(ctx context.Context) (path, to bool, err error) {
	g, hash, err := f.open(ctx)
	if err != nil {
		return false, false, err
	}
	out, err := g.git(ctx, "ls-tree", "--full-tree", "--name-only", "-z", hash, "--", f.Path, f.To)
	if err != nil {
		return false, false, err
	}
	names := strings.Split(out, "\x00")
	return slices.Contains(names, f.Path), slices.Contains(names, f.To), nil
}

func (f GitFile) open(ctx context.Context) (*checkout, string, error) {
	for _, p := range []string{f.Path, f.To} {
		if !filepath.IsLocal(filepath.FromSlash(p)) {
			return nil, "", fmt.Errorf("%q is no path below the folder: correct the runbook", p)
		}
	}
	g, err := openCheckout(ctx, f.Dir)
	if err != nil {
		return nil, "", err
	}
	hash, err := g.tip(ctx, f.Remote, f.Branch)
	return g, hash, err
}

// treeLine is what git ls-tree says of one file.
var treeLine = regexp.MustCompile(`^([0-7]{6}) (blob) ([0-9a-f]{40,64})\t`)

// fenceTrailer tells a run's own commit from others.
const fenceTrailer = "Tminus-Fence: "

// Rename commits on top of the remote's branch that one name is the other, pushes
// that, and then brings the checkout up to it. The commit is made beside the
// checkout's index and files, and the push is the one thing that changes
// anything: cut off anywhere, the file has one name or the other. It is never
// forced. What it gives says what was done.
func (f GitFile) Rename(ctx context.Context, from, to, message string) (string, error) {
	g, hash, err := f.open(ctx)
	if err != nil {
		return "", err
	}
	if err := f.clean(ctx, g, hash); err != nil {
		return "", err
	}
	// Nothing is to be deployed because a file has another name for a while.
	commit, err := g.renaming(ctx, hash, from, to, message+" [skip ci]\n\n"+fenceTrailer+f.Path+"\n")
	if err != nil {
		return "", err
	}
	far, err := g.silent(ctx)
	if err != nil {
		return "", err
	}
	done, err := far.run(ctx, "push", "--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", "--", f.Remote, commit+":refs/heads/"+f.Branch)
	if err != nil {
		return "", err
	}
	if no := refused.FindStringSubmatch(done.Output); no != nil {
		return "", fmt.Errorf("%s would not take %s: %s", f.Remote, f.Branch, FirstLine(bare(no[1])))
	}
	if done.Exit != 0 {
		return "", fmt.Errorf("%w: %s", errExit, reason(done))
	}
	note := fmt.Sprintf("%s on %s of %s, by commit %.12s", to, f.Branch, f.Remote, commit)
	if _, err := g.git(ctx, "-c", "core.hooksPath="+os.DevNull, "merge", "--ff-only", "--no-verify", commit); err != nil {
		note += "; the checkout was not brought up to it: " + err.Error()
	}
	return note, nil
}

// clean holds that the checkout can be brought up to what is to be pushed, before
// that is: it is on the branch, has no commit of its own, and nobody works on the
// two files.
func (f GitFile) clean(ctx context.Context, g *checkout, tip string) error {
	on, err := g.git(ctx, "symbolic-ref", "--short", "HEAD")
	if err != nil {
		return fmt.Errorf("%q is on no branch: check %s out", f.Dir, f.Branch)
	}
	if on = strings.TrimSpace(on); on != f.Branch {
		return fmt.Errorf("%q is on the branch %s: check %s out", f.Dir, FirstLine(on), f.Branch)
	}
	dirty, err := g.git(ctx, "status", "--porcelain", "--untracked-files=all", "--", f.Path, f.To)
	if err != nil {
		return err
	}
	if line := FirstLine(dirty); line != "" {
		return fmt.Errorf("somebody works on the file in %q (%s): commit that, or take it back", f.Dir, line)
	}
	done, err := g.run(ctx, "merge-base", "--is-ancestor", "HEAD", tip)
	switch {
	case err != nil:
		return err
	case done.Exit == 1:
		return fmt.Errorf("%q has commits that %s of %s has not: push them, or take them back", f.Dir, f.Branch, f.Remote)
	case done.Exit != 0:
		return fmt.Errorf("%w: %s", errExit, reason(done))
	}
	return nil
}

// renaming makes a commit upon another, in which a file has another name, and
// gives its hash. It uses an index of its own.
func (g *checkout) renaming(ctx context.Context, upon, from, to, message string) (string, error) {
	said, err := g.git(ctx, "ls-tree", "--full-tree", upon, "--", from)
	if err != nil {
		return "", err
	}
	is := treeLine.FindStringSubmatch(said)
	if is == nil {
		return "", fmt.Errorf("%s is no file of commit %.12s", from, upon)
	}
	folder, err := os.MkdirTemp("", "tminus-index-")
	if err != nil {
		return "", fmt.Errorf("make a folder for an index of git's: %w", err)
	}
	defer os.RemoveAll(folder)
	own := &checkout{g.dir, append(slices.Clone(g.env), "GIT_INDEX_FILE="+filepath.Join(folder, "index"))}
	for _, args := range [][]string{
		{"read-tree", upon},
		{"update-index", "--add", "--cacheinfo", is[1] + "," + is[3] + "," + to},
		{"update-index", "--force-remove", "--", from},
	} {
		if _, err := own.git(ctx, args...); err != nil {
			return "", err
		}
	}
	tree, err := own.git(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	hash, err := own.git(ctx, "commit-tree", "-p", upon, "-m", message, strings.TrimSpace(tree))
	if err != nil {
		return "", err
	}
	if hash = strings.TrimSpace(hash); !regexp.MustCompile(`^[0-9a-f]{40,64}$`).MatchString(hash) {
		return "", errors.New("git says no commit's hash where it made one")
	}
	return hash, nil
}
