package outside

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"tminus/phases"
	"tminus/phases/runbook"
)

// inTree is a line of git ls-tree.
var inTree = regexp.MustCompile(`(?m)^[0-7]{6} [a-z]+ [0-9a-f]{40,64}\t`)

// checkFileAbsent looks in both places: a file that is only moved away here
// still runs from where it is committed, and one that is not committed any more
// may come back with the next commit.
func checkFileAbsent(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	if !filepath.IsLocal(filepath.FromSlash(c.Path)) {
		return phases.Answer{}, fmt.Errorf("%q is no path below the folder: correct the runbook", c.Path)
	}
	g, err := openCheckout(ctx, c.Dir)
	if err != nil {
		return phases.Answer{}, err
	}
	hash, err := g.tip(ctx, c.Remote, c.Branch)
	if err != nil {
		return phases.Answer{}, err
	}
	out, err := g.git(ctx, "ls-tree", "--full-tree", hash, "--", c.Path)
	if err != nil {
		return phases.Answer{}, err
	}
	there, err := inFolder(ctx, c.Dir, c.Path)
	if err != nil {
		return phases.Answer{}, err
	}
	branch := c.Branch
	if c.Remote != "" {
		branch += " of " + c.Remote
	}
	switch committed := inTree.MatchString(out); {
	case there && committed:
		return phases.Answer{Value: fmt.Sprintf("%s is in the folder, and in %s (%.12s)", c.Path, branch, hash)}, nil
	case committed:
		return phases.Answer{Value: fmt.Sprintf("%s is in %s (%.12s), though not in the folder: commit that it is gone", c.Path, branch, hash)}, nil
	case there:
		return phases.Answer{Value: fmt.Sprintf("%s is in the folder, though not in %s (%.12s)", c.Path, branch, hash)}, nil
	}
	return phases.Answer{Pass: true, Value: fmt.Sprintf("%s is neither in the folder nor in %s (%.12s)", c.Path, branch, hash)}, nil
}

// inFolder reports whether there is anything at a path below a folder.
func inFolder(ctx context.Context, dir, path string) (bool, error) {
	path = filepath.Join(dir, filepath.FromSlash(path))
	return patiently(ctx, path, func() (bool, error) {
		_, err := os.Lstat(path)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return false, nil
		}
		return false, fmt.Errorf("look at %q: %s", path, systemSays(err))
	})
}
