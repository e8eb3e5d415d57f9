package fence

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// commands are programs of the operator's own. What the state means they alone
// know: another one than recorded is off.
type commands struct{ plan *runbook.Fence }

func newCommands(f *runbook.Fence, _ Place) Kind { return commands{f} }

// Read takes any other state than the recorded one for off, until one was seen
// off: that it is then.
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
	return phases.FenceFound{Mark: mark, Off: k.Recorded != nil && k.Taken == nil && !mark.Same(*k.Recorded)}, nil
}

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
	var env []string
	for _, name := range slices.Concat(plainEnv, c.plan.Env) {
		value, set := os.LookupEnv(name)
		if !set && slices.Contains(c.plan.Env, name) {
			return "", fmt.Errorf("the environment has no variable %s, which the runbook gives to %q", name, argv[0])
		}
		if set {
			env = append(env, name+"="+value)
		}
	}
	done, err := outside.Command{Argv: argv, Dir: c.plan.Dir, Env: env, Alone: true}.Run(ctx)
	switch {
	case err != nil:
		return "", err
	case done.Exit != 0:
		return "", fmt.Errorf("%q ended with exit code %d: %s", argv[0], done.Exit, outside.FirstLine(phases.Clean(done.Output)))
	case len(done.Output) >= outside.MaxOutput:
		return "", errTooLong
	}
	return done.Output, nil
}
