package phases

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tminus/phases/outside"
	"tminus/phases/runbook"
)

// ask answers one check. An error means that it could not be answered, which
// is never a pass.
func ask(ctx context.Context, target Target, c *runbook.Check, facts Facts) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no answer within %s", c.Timeout))
	defer cancel()
	a, err := askKind(ctx, target, c, facts)
	// What a time-out broke off may say anything. A command says what it said.
	if err != nil && ctx.Err() != nil && c.Kind != runbook.CheckCommand {
		return Answer{}, context.Cause(ctx)
	}
	return a, err
}

func askKind(ctx context.Context, target Target, c *runbook.Check, facts Facts) (Answer, error) {
	switch c.Kind {
	case runbook.CheckSQL:
		got, err := target.Query(ctx, c.SQL)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Pass: expected(c.Expect, got), Value: got}, nil
	case runbook.CheckCommand:
		return askCommand(ctx, c)
	case runbook.CheckHTTP:
		return askHTTP(ctx, c)
	}
	switch c.Name {
	case "backup.age":
		return askBackup(c, facts, time.Now()), nil
	case "mirror.present":
		return askMirror(c, facts), nil
	}
	return target.Check(ctx, c, facts)
}

// expected compares a query's answer with what the runbook expects: a
// comparison of numbers such as "<= 5", or a text to equal.
func expected(want, got string) bool {
	want = strings.TrimSpace(want)
	for _, op := range []string{"<=", ">=", "!=", "=", "<", ">"} {
		rest, ok := strings.CutPrefix(want, op)
		if !ok {
			continue
		}
		w, errW := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		g, errG := strconv.ParseFloat(strings.TrimSpace(got), 64)
		return errW == nil && errG == nil && !math.IsNaN(g) && compare(op, g, w)
	}
	return want == got
}

func compare(op string, got, want float64) bool {
	switch op {
	case "<=":
		return got <= want
	case ">=":
		return got >= want
	case "!=":
		return got != want
	case "=":
		return got == want
	case "<":
		return got < want
	}
	return got > want
}

// askCommand runs a command without a shell, unless the runbook asked for one.
func askCommand(ctx context.Context, c *runbook.Check) (Answer, error) {
	argv := c.Command
	if c.Shell != "" {
		argv = []string{"/bin/sh", "-c", c.Shell}
	}
	done, err := outside.Run(ctx, argv)
	if err != nil {
		return Answer{}, err
	}
	matched, err := matches(c.Output, done.Output)
	if err != nil {
		return Answer{}, err
	}
	value := fmt.Sprintf("exit code %d", done.Exit)
	if line := outside.FirstLine(done.Output); line != "" {
		value += ": " + line
	}
	return Answer{Pass: done.Exit == c.Exit && matched, Value: value}, nil
}

func matches(pattern, text string) (bool, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false, fmt.Errorf("%q is no regular expression: correct the runbook", pattern)
	}
	return re.MatchString(text), nil
}

func askHTTP(ctx context.Context, c *runbook.Check) (Answer, error) {
	page, err := outside.Ask(ctx, c.Method, c.URL)
	if err != nil {
		return Answer{}, err
	}
	matched, err := matches(c.Body, string(page.Body))
	if err != nil {
		return Answer{}, err
	}
	value := fmt.Sprintf("status %d", page.Status)
	if !matched {
		value += ", body does not match"
	}
	return Answer{Pass: page.Status == c.Status && matched, Value: value}, nil
}

// askBackup answers with moments, not with an age: what time alone changes is
// no other answer, and nobody reads an age that has grown since. State.Found
// counts it.
func askBackup(c *runbook.Check, f Facts, now time.Time) Answer {
	limit := backupLimit(c, f.BackupMax) + f.BackupExtra
	a := backupAge(f.BackupTime, limit, now)
	if f.BackupTime.IsZero() || a.Value == clockSetBack {
		return a
	}
	stale, word := f.BackupTime.Add(limit).UTC(), "since"
	if a.Pass {
		word = "from"
	}
	form := time.DateTime
	if taken := f.BackupTime.UTC(); taken.YearDay() == stale.YearDay() && limit < 24*time.Hour {
		form = time.TimeOnly
	}
	a.Value = fmt.Sprintf("a backup of %s UTC, stale %s %s UTC", f.BackupTime.UTC().Format(time.DateTime), word, stale.Format(form))
	return a
}

// backupLimit is how old a backup may be for a check.
func backupLimit(c *runbook.Check, general time.Duration) time.Duration {
	if c.MaxAge > 0 {
		return c.MaxAge
	}
	return general
}

// Found is what an item's check has found, as it reads at now: a backup's age
// is counted anew. It is empty where there is no answer.
func (s *State) Found(it runbook.Item, now time.Time) string {
	c := s.Item(it.ID).Check
	if c == nil || it.Check == nil {
		return ""
	}
	if taken := s.BackupTime(); it.Check.Name == "backup.age" && c.Error == "" && !taken.IsZero() {
		return backupAge(taken, backupLimit(it.Check, s.Runbook.Backup.MaxAge)+s.Extra, now).Value
	}
	return c.Value
}

// backupAge passes a backup whose snapshot at now is at most limit old.
func backupAge(taken time.Time, limit time.Duration, now time.Time) Answer {
	if taken.IsZero() {
		return Answer{Value: "no backup time recorded"}
	}
	age := now.Sub(taken).Round(time.Second)
	switch {
	case age > limit:
		return Answer{Value: fmt.Sprintf("%s old, over the limit of %s", Span(age), Span(limit))}
	case age < -clockSlack:
		return Answer{Value: clockSetBack}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s old, stale in %s", Span(age), Span(limit-age))}
}

func askMirror(c *runbook.Check, f Facts) Answer {
	watching := strings.Join(f.Observers, ", ")
	switch {
	case watching == "":
		return Answer{Value: "nobody watches"}
	case c.Observer != "" && !slices.Contains(f.Observers, c.Observer):
		return Answer{Value: c.Observer + " does not watch; " + watching + " does"}
	}
	return Answer{Pass: true, Value: watching}
}
