package engine

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// ask answers one check. An error means that it could not be answered, which
// is never a pass.
func ask(ctx context.Context, target Checker, c *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no answer within %s", c.Timeout))
	defer cancel()
	a, err := askKind(ctx, target, c, facts)
	// What a time-out broke off may say anything. A command says what it said.
	if err != nil && ctx.Err() != nil && c.Kind != runbook.CheckCommand && c.Kind != runbook.CheckOutside {
		return phases.Answer{}, context.Cause(ctx)
	}
	return a, err
}

func askKind(ctx context.Context, target Checker, c *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	switch c.Kind {
	case runbook.CheckSQL:
		got, err := target.Query(ctx, c.SQL)
		if err != nil {
			return phases.Answer{}, err
		}
		return phases.Answer{Pass: phases.AsExpected(c.Expect, got), Value: got}, nil
	case runbook.CheckCommand:
		return askCommand(ctx, c)
	case runbook.CheckHTTP:
		return askHTTP(ctx, c)
	case runbook.CheckOutside:
		return outside.Check(ctx, c)
	}
	if answer, ofRun := phases.OfRun(c, facts, time.Now()); ofRun {
		return answer, nil
	}
	return target.Check(ctx, c, facts)
}

// askCommand runs a command without a shell, unless the runbook asked for one.
func askCommand(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	argv := c.Command
	if c.Shell != "" {
		argv = []string{"/bin/sh", "-c", c.Shell}
	}
	done, err := outside.Run(ctx, argv)
	if err != nil {
		return phases.Answer{}, err
	}
	matched, err := matches(c.Output, done.Output)
	if err != nil {
		return phases.Answer{}, err
	}
	value := fmt.Sprintf("exit code %d", done.Exit)
	if line := outside.FirstLine(done.Output); line != "" {
		value += ": " + line
	}
	return phases.Answer{Pass: done.Exit == c.Exit && matched, Value: value}, nil
}

func matches(pattern, text string) (bool, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false, fmt.Errorf("%q is no regular expression: correct the runbook", pattern)
	}
	return re.MatchString(text), nil
}

func askHTTP(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	page, err := outside.Ask(ctx, c.Method, c.URL)
	if err != nil {
		return phases.Answer{}, err
	}
	matched, err := matches(c.Body, string(page.Body))
	if err != nil {
		return phases.Answer{}, err
	}
	value := fmt.Sprintf("status %d", page.Status)
	if !matched {
		value += ", body does not match"
	}
	return phases.Answer{Pass: page.Status == c.Status && matched, Value: value}, nil
}
