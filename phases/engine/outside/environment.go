package outside

import (
	"io"
	"os"
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
}

// environment is nil, which is the program's own, where nothing is added.
func (c Command) environment() []string {
	switch {
	case c.Alone:
		return c.Env
	case len(c.Env) == 0:
		return nil
	}
	return append(os.Environ(), c.Env...)
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
