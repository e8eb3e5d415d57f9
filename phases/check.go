package phases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// maxOutput is how much of a command's output or a response's body is read, in bytes.
const maxOutput = 64 << 10

// ask answers one check. An error means that it could not be answered, which
// is never a pass.
func ask(ctx context.Context, target Target, c *runbook.Check, facts Facts) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no answer within %s", c.Timeout))
	defer cancel()
	a, err := askKind(ctx, target, c, facts)
	if err != nil && ctx.Err() != nil {
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
		return askBackup(c, facts), nil
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
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // a child that keeps the pipe open does not keep us
	var out limited
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Answer{}, fmt.Errorf("run %s: %w", argv[0], err)
	}
	code := cmd.ProcessState.ExitCode()
	matched, err := regexp.MatchString(c.Output, out.String())
	if err != nil {
		return Answer{}, err
	}
	value := fmt.Sprintf("exit code %d", code)
	if line := firstLine(out.String()); line != "" {
		value += ": " + line
	}
	return Answer{Pass: code == c.Exit && matched, Value: value}, nil
}

// errNoURL stands for the parser's error, which repeats the URL as it is.
var errNoURL = errors.New("method or URL is not valid: correct the runbook")

// limited keeps the first maxOutput bytes of what is written to it.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxOutput - l.Len(); room > 0 {
		l.Builder.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(line); len(r) > 120 {
		line = string(r[:119]) + "…"
	}
	return line
}

func askHTTP(ctx context.Context, c *runbook.Check) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, c.Method, c.URL, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("%s of the check's URL, which is not shown, since it may hold a password: %w", c.Method, errNoURL)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	if err != nil {
		return Answer{}, fmt.Errorf("read the body of %s: %w", req.URL.Redacted(), err)
	}
	matched, err := regexp.Match(c.Body, body)
	if err != nil {
		return Answer{}, err
	}
	value := fmt.Sprintf("status %d", resp.StatusCode)
	if !matched {
		value += ", body does not match"
	}
	return Answer{Pass: resp.StatusCode == c.Status && matched, Value: value}, nil
}

func askBackup(c *runbook.Check, f Facts) Answer {
	limit := f.BackupMax
	if c.MaxAge > 0 {
		limit = c.MaxAge
	}
	return backupAge(f.BackupTime, limit+f.BackupExtra, time.Now())
}

// backupAge passes a backup whose snapshot at now is at most limit old.
func backupAge(taken time.Time, limit time.Duration, now time.Time) Answer {
	if taken.IsZero() {
		return Answer{Value: "no backup time recorded"}
	}
	age := now.Sub(taken).Round(time.Second)
	switch {
	case age > limit:
		return Answer{Value: fmt.Sprintf("%s old, over the limit of %s", age, limit)}
	case age < -clockSlack:
		return Answer{Value: clockSetBack}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s old, stale in %s", age, limit-age)}
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
