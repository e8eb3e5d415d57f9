package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tminus/db/catalog"
	"tminus/phases"
	"tminus/phases/lint"
)

var errMissing = errors.New("it does not exist")

// Survey resolves every name of the runbook, computes the reach of its
// deletes, and opens the sessions that the run will need. All that is missing or not allowed is in one error.
func (t *Target) Survey(ctx context.Context) (phases.Survey, error) {
	var out phases.Survey
	narrow, err := t.widen(ctx)
	if err != nil {
		return out, fail(ctx, "survey", t.host(), err)
	}
	err = t.control.with(ctx, func(s *session) error {
		// One transaction, so that all of it is the state of one moment.
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		var err error
		out, err = t.survey(ctx, s, narrow)
		return err
	})
	return out, fail(ctx, "survey", t.host(), err)
}

// survey looks in one transaction. narrow is what is missing in sessions.
func (t *Target) survey(ctx context.Context, s *session, narrow []string) (phases.Survey, error) {
	snapshot, err := catalog.Read(ctx, s, "")
	if err != nil {
		return phases.Survey{}, err
	}
	view, err := view(ctx, s, t.book, snapshot)
	if err != nil {
		return phases.Survey{}, err
	}
	stopping, findings := lint.Stopping(view.Findings())
	var problems []string
	for _, f := range stopping {
		problems = append(problems, f.Text+": "+f.Remedy)
	}
	if problems = append(problems, narrow...); len(problems) > 0 {
		return phases.Survey{}, &SurveyError{Problems: problems}
	}
	if err := catalog.Define(ctx, s, snapshot, view.Concerned(), nil); err != nil {
		return phases.Survey{}, err
	}
	print := view.Print()
	out := phases.Survey{Schema: &print, Reach: view.Reach().Edges, Sizes: view.Sizes(), Findings: findings, Prices: view.Prices(), PhaseWays: view.Ways(), Sessions: t.widest()}
	for _, r := range view.Deleted() {
		out.Deletes = append(out.Deletes, view.Plain(r))
	}
	triggers, err := readTriggers(ctx, s, `c.oid = ANY($1::oid[])`, view.Concerned())
	for _, tr := range triggers {
		out.Triggers = append(out.Triggers, tr.Trigger)
	}
	return out, err
}

// SurveyError lists all that stands between the runbook and this database.
type SurveyError struct{ Problems []string }

// Error is one line; Problems has them one by one.
func (e *SurveyError) Error() string {
	return fmt.Sprintf("%s: %s; put the database right, or the runbook and start a run of its own: one that has begun keeps the runbook it began with", count(len(e.Problems), "problem"), strings.Join(e.Problems, "; "))
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
