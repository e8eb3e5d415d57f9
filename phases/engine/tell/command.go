package tell

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// run gives a note to a program: its text as input, the facts in the environment.
func run(ctx context.Context, c runbook.Channel, n Note) error {
	env := []string{"TMINUS_MESSAGE=" + n.Message, "TMINUS_SUBJECT=" + n.Title}
	for name, value := range n.Facts {
		env = append(env, "TMINUS_"+strings.Map(inName, name)+"="+value)
	}
	slices.Sort(env)
	if n.Test {
		env = append(env, "TMINUS_TEST=1")
	}
	done, err := outside.Command{Argv: c.Command, Env: env, Input: n.Text + "\n"}.Run(ctx)
	if err != nil {
		return err
	}
	if done.Exit == 0 {
		return nil
	}
	if line := outside.FirstLine(done.Output); line != "" {
		return fmt.Errorf("exit code %d: %s", done.Exit, line)
	}
	return fmt.Errorf("exit code %d", done.Exit)
}

// inName makes a fact's name one of the environment's: it may have a table's in it.
func inName(r rune) rune {
	switch r = unicode.ToUpper(r); {
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return r
	}
	return '_'
}
