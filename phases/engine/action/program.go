package action

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"time"

	"tminus/phases"
	"tminus/phases/engine/outside"
)

// ownVariables are those of tminus's own environment that every command gets.
var ownVariables = []string{"PATH", "HOME", "LANG"}

// runCommand runs the item's command in an environment that the runbook lists.
func runCommand(ctx context.Context, r Run) error {
	p := r.Action.Program
	var secrets outside.Secrets
	var env []string
	for _, name := range ownVariables {
		if v, set := os.LookupEnv(name); set {
			env = append(env, name+"="+v)
		}
	}
	for _, name := range p.Env {
		v, err := secrets.Value(name)
		if err != nil {
			return err
		}
		env = append(env, name+"="+v)
	}
	matches, err := pattern(p.Output)
	if err != nil {
		return err
	}
	var end tail
	began := time.Now()
	done, err := outside.Command{Argv: p.Argv, Dir: p.Dir, Env: env, Alone: true, Output: &end, Secrets: secrets}.Run(ctx)
	said := secrets.Mask(end.text())
	out := phases.ActionResult{Took: time.Since(began), Output: phases.Tail(said)}
	if err != nil {
		r.Result(out)
		return err
	}
	line := outside.FirstLine(out.Output)
	if line != "" {
		line = ": " + line
	}
	out.Exit, out.Value = &done.Exit, fmt.Sprintf("exit code %d", done.Exit)+line
	r.Result(out)
	switch {
	case done.Exit != p.Exit:
		return fmt.Errorf("exit code %d, and %d is expected%s", done.Exit, p.Exit, line)
	case !matches.MatchString(end.text()):
		return fmt.Errorf("its output does not match %s%s", p.Output, line)
	}
	return nil
}

// pattern is a regular expression of the runbook's; an empty one accepts all.
func pattern(text string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no regular expression: correct the runbook", text)
	}
	return re, nil
}
