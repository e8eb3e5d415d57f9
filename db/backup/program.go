package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tminus/db/sandbox"
	"tminus/phases/engine/outside"
)

// Program is one of PostgreSQL's client programs.
type Program struct {
	Path    string
	Version string // "15.14"
	Major   int    // 15
}

// ErrNoProgram says that a client program is not on this machine.
var ErrNoProgram = errors.New("it is not on this machine")

const wayOut = "install PostgreSQL's client programs (Debian: apt-get install postgresql-client), or set " + sandbox.BinDirEnv + " to the directory that they are in"

// versionLimit is how long a program may take to say its version.
const versionLimit = 20 * time.Second

// Find finds a program in $TMINUS_PG_BIN, or else on PATH, or, where that
// variable is not set, with a server that is installed. It is the first that is
// not older than the server's major version: an older one refuses to work with
// it. The error is about the first that is there.
func Find(ctx context.Context, name string, serverMajor int) (Program, error) {
	var first error
	for _, path := range places(name) {
		p, err := look(ctx, path, name, serverMajor)
		if err == nil {
			return p, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("find %s: %w; %s", name, ErrNoProgram, wayOut)
	}
	return Program{Path: name}, first
}

// places are the paths at which the program is.
func places(name string) []string {
	var out []string
	add := func(path string) {
		if found, err := exec.LookPath(path); err == nil && !slices.Contains(out, found) {
			out = append(out, found)
		}
	}
	named := os.Getenv(sandbox.BinDirEnv)
	if named != "" {
		add(filepath.Join(named, name))
	}
	if len(out) == 0 {
		add(name)
	}
	if named != "" { // whoever names a directory means that one
		return out
	}
	for _, dir := range sandbox.LocalDirs() {
		add(filepath.Join(dir, name))
	}
	return out
}

// look asks a program for its version.
func look(ctx context.Context, path, name string, serverMajor int) (Program, error) {
	p := Program{Path: path}
	ctx, cancel := context.WithTimeoutCause(ctx, versionLimit, errors.New("it does not say its version"))
	defer cancel()
	done, err := outside.Run(ctx, []string{p.Path, "--version"})
	if err != nil {
		return p, fmt.Errorf("ask %s for its version: %w", name, err)
	}
	found := regexp.MustCompile(`PostgreSQL\) ([0-9]+[0-9a-z.]*)`).FindStringSubmatch(done.Output)
	if found == nil {
		return p, fmt.Errorf("ask %s for its version: it says %q; %s", name, outside.FirstLine(done.Output), wayOut)
	}
	p.Version, p.Major = found[1], Major(found[1])
	if p.Major < serverMajor {
		return p, fmt.Errorf("%s is of version %s, and the server of version %d: it does not work with a newer server; %s", name, p.Version, serverMajor, wayOut)
	}
	return p, nil
}

// Major is the number that a version begins with: 15 of "15.14 (Debian …)" and
// of "15beta1". It is 0 where there is none.
func Major(version string) int {
	n, _ := strconv.Atoi(regexp.MustCompile(`^[0-9]*`).FindString(version))
	return n
}
