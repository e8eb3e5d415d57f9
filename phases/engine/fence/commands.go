package fence

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// commands are programs of the operator's own. What the state means they alone
// know: another one than recorded is off.
type commands struct{ plan *runbook.Fence }

func newCommands(f *runbook.Fence, _ Place) Kind { return commands{f} }

// Read takes any other state than the recorded one for off once the command that
// switches it off has ended well; what it then was, it is while it is off. Until it
// was seen off, and until it was seen back, another state is what a command has left
// that failed, or was cut off: it may be half off.
func (c commands) Read(ctx context.Context, k Known) (phases.FenceFound, error) {
	said, err := c.run(ctx, c.plan.State)
	if err != nil {
		return phases.FenceFound{}, err
	}
	text := strings.TrimSpace(phases.Clean(said))
	if text == "" {
		return phases.FenceFound{}, fmt.Errorf("%q prints no state", c.plan.State[0])
	}
	mark := phases.FenceMark{Text: text}
	open := (k.Step == phases.FenceBeingTaken || k.Step == phases.FenceBeingLifted) && !mark.Same(*k.Recorded)
	return phases.FenceFound{Mark: mark, Off: open && k.Switched, Ours: open}, nil
}

// still is longer than a second: what prints a time prints another one then, and
// would be off by itself and never be back. A short limit leaves less.
func (c commands) still() time.Duration { return min(1100*time.Millisecond, c.plan.Limit/4) }

func (c commands) Off(ctx context.Context, _ Known) (string, error) {
	_, err := c.run(ctx, c.plan.Off)
	return "", err
}

func (c commands) On(ctx context.Context, _ Known) (string, error) {
	_, err := c.run(ctx, c.plan.On)
	return "", err
}

// plainEnv is what every command is given of the environment.
var plainEnv = []string{"PATH", "HOME", "LANG", "TMPDIR"}

func (c commands) run(ctx context.Context, argv []string) (string, error) {
	var secrets outside.Secrets
	var env []string
	for _, name := range slices.Concat(plainEnv, c.plan.Env) {
		value, set := os.LookupEnv(name)
		if !set && slices.Contains(c.plan.Env, name) {
			return "", fmt.Errorf("the environment has no variable %s, which the runbook gives to %q", name, argv[0])
		}
		if set {
			env = append(env, name+"="+value)
		}
		if slices.Contains(c.plan.Env, name) {
			secrets.Keep(value)
		}
	}
	done, err := outside.Command{Argv: argv, Dir: c.plan.Dir, Env: env, Alone: true, Secrets: secrets}.Run(ctx)
	said := secrets.Mask(done.Output)
	switch {
	case err != nil:
		return "", err
	case done.Exit != 0:
		return "", fmt.Errorf("%q ended with exit code %d%s", argv[0], done.Exit, behind(outside.FirstLine(phases.Clean(said))))
	case len(done.Output) >= outside.MaxOutput:
		return "", errTooLong
	}
	return said, nil
}

// behind is what a command said, behind how it ended; nothing where it said
// nothing.
func behind(line string) string {
	if line == "" {
		return ""
	}
	return ": " + line
}
