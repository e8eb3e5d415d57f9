package sandbox

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
)

// BinDirEnv names the environment variable that says where initdb and
// postgres are.
const BinDirEnv = "TMINUS_PG_BIN"

const wayOut = "install PostgreSQL (Debian: apt-get install postgresql), or set " + BinDirEnv +
	" to a directory with initdb and postgres"

// binaries is a directory with a server that runs.
type binaries struct {
	dir     string
	version string
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

// findBinaries gives the named binaries, or local ones, or downloaded ones. A
// directory that somebody named is used or an error, never passed over.
func findBinaries(ctx context.Context, opts *Options, a *account) (binaries, error) {
	named, by := opts.BinDir, "the directory given"
	if named == "" {
		named, by = os.Getenv(BinDirEnv), "$"+BinDirEnv
	}
	if named != "" {
		bin, err := tryBinaries(ctx, named, a)
		if err != nil {
			return bin, fmt.Errorf("PostgreSQL binaries in %s (%s): %w; %s", named, by, err, wayOut)
		}
		return bin, nil
	}
	local := LocalDirs
	if opts.localDirs != nil {
		local = opts.localDirs
	}
	for _, dir := range local() {
		if bin, err := tryBinaries(ctx, dir, a); err == nil {
			return bin, nil
		}
	}
	return download(ctx, opts, a)
}

// LocalDirs gives the places where distributions and Homebrew put servers:
// PATH first, then each place's newest first.
func LocalDirs() []string {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/usr/local/pgsql/bin",
	} {
		found, _ := filepath.Glob(pattern)
		newestFirst(found)
		dirs = append(dirs, found...)
	}
	return dirs
}

// newestFirst orders by the first number in a path.
func newestFirst(dirs []string) {
	digits := regexp.MustCompile(`[0-9]+`)
	major := func(dir string) int {
		n, _ := strconv.Atoi(digits.FindString(dir))
		return n
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return major(b) - major(a) })
}

// tryBinaries asks both programs for their version, as the account that will
// run them: it may not get at them, or they may be for another machine.
func tryBinaries(ctx context.Context, dir string, a *account) (binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return binaries{}, err
	}
	bin := binaries{dir: dir}
	if bin.version, err = askVersion(ctx, bin.path("postgres"), a); err != nil {
		return bin, err
	}
	initdb, err := askVersion(ctx, bin.path("initdb"), a)
	if err != nil {
		return bin, err
	}
	if initdb != bin.version {
		return bin, fmt.Errorf("postgres is %s, but initdb is %s", bin.version, initdb)
	}
	return bin, nil
}

func askVersion(ctx context.Context, path string, a *account) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	out, err := runBounded(ctx, shortLimit, a.command(path, "--version"))
	if err != nil {
		return "", fmt.Errorf("run %s as %s: %w %s", path, a.name, err, lastLines(out))
	}
	match := regexp.MustCompile(`PostgreSQL\) ([0-9]+[0-9a-z.]*)`).FindSubmatch(out)
	if match == nil {
		return "", errors.New(path + " does not say a PostgreSQL version: " + lastLines(out))
	}
	return string(match[1]), nil
}
