package action

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Prober runs statements that leave nothing behind.
type Prober interface {
	// Probe runs statements in one transaction on a session of its own, and rolls
	// it back whatever comes of it. Without writes it is read-only. each is called
	// after every statement; an error of its own ends the transaction too.
	Probe(ctx context.Context, probes []runbook.Probe, writes bool, each func(Probed) error) error
}

// Probed is what one statement gave.
type Probed struct {
	Command string  // as the server calls it: INSERT
	Rows    int64   // that it gave, or touched
	Value   *string // the first column of its first row; nil for NULL, and without a row
}

// runSQL runs the item's statements.
func runSQL(ctx context.Context, r Run) error {
	began := time.Now()
	probes := r.Action.Probes
	var lines []string
	err := r.Target.Probe(ctx, probes, r.Action.RolledBack, func(p Probed) error {
		at := len(lines)
		line := p.Command + ": " + phases.Rows(p.Rows)
		if p.Value != nil && probes[at].Expect != "" {
			line += ": " + phases.Clean(*p.Value)
		}
		lines = append(lines, line)
		if wrong := unexpected(probes[at], p); wrong != "" {
			return errors.New(wrong)
		}
		r.Progress(phases.ActionProgress{What: fmt.Sprintf("%d of %s", len(lines), phases.Plural(int64(len(probes)), "statement"))})
		return nil
	})
	out := phases.ActionResult{Took: time.Since(began), Output: phases.Tail(strings.Join(lines, "\n"))}
	if err == nil {
		out.Value = phases.Plural(int64(len(probes)), "statement")
		if r.Action.RolledBack {
			out.Value += ", rolled back"
		}
	}
	r.Result(out)
	return err
}

// unexpected says what is wrong with what a statement gave.
func unexpected(want runbook.Probe, got Probed) string {
	switch {
	case want.Rows != nil && (got.Rows < want.Rows.Min || want.Rows.Max >= 0 && got.Rows > want.Rows.Max):
		return fmt.Sprintf("%s, and %s expected", phases.Rows(got.Rows), want.Rows)
	case want.Expect == "" && want.As == "":
	case got.Rows != 1:
		return fmt.Sprintf("it gives %s, and must give one", phases.Rows(got.Rows))
	case want.Expect == "":
	case got.Value == nil:
		return fmt.Sprintf("it gives NULL, and %q is expected", want.Expect)
	case !phases.AsExpected(want.Expect, *got.Value):
		return fmt.Sprintf("it gives %s, and %q is expected", phases.Clean(*got.Value), want.Expect)
	}
	return ""
}
