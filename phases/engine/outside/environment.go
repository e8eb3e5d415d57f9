package outside

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Command is a program to run, with more than its name and arguments.
type Command struct {
	Argv   []string
	Env    []string  // NAME=value, beside the program's own environment; these win
	Dir    string    // where it is run; empty: where the program is
	Alone  bool      // Env is all of the environment
	Input  string    // what it reads; empty: nothing
	Output io.Writer // gets all that it prints, from one goroutine; nil: only the first MaxOutput bytes are kept
	Apart  bool      // what it prints as errors is no output: a warning there is no part of an answer

	// Secrets are what it is given: an error holds none of them, also where the
	// line of its output that the error ends with had to be cut.
	Secrets Secrets
}

// environment is nil, which is the program's own, where nothing is added; and
// never nil where there is to be none.
func (c Command) environment() []string {
	switch {
	case c.Alone:
		return append([]string{}, c.Env...)
	case len(c.Env) == 0:
		return nil
	}
	return append(os.Environ(), c.Env...)
}

// from makes sure of the folder that a command is run in, and gives the path of
// its program as seen from there.
func (c Command) from(ctx context.Context, path string) (string, error) {
	if c.Dir == "" {
		return path, nil
	}
	isDir, err := patiently(ctx, c.Dir, func() (bool, error) {
		info, err := os.Stat(c.Dir)
		return err == nil && info.IsDir(), err
	})
	switch {
	case ctx.Err() != nil:
		return "", err
	case err != nil:
		return "", fmt.Errorf("the folder %q cannot be looked at: %s", c.Dir, systemSays(err))
	case !isDir:
		return "", fmt.Errorf("%q is no folder", c.Dir)
	}
	return filepath.Abs(path)
}

func (c Command) input() io.Reader {
	if c.Input == "" {
		return nil
	}
	return strings.NewReader(c.Input)
}

func (c Command) tee(kept io.Writer) io.Writer {
	if c.Output == nil {
		return kept
	}
	return io.MultiWriter(kept, c.Output)
}
