package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

func (t *Target) checkZero(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	return t.eachTable(ctx, s, check, "empty", func(r *schema.Relation) (bool, string, error) {
		var n int64
		err := t.countAll(ctx, s, []counting{{relation: r}}, func(rows int64) { n = rows })
		return n == 0, count(int(n), "row"), err
	})
}

func (t *Target) checkFilled(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	return t.eachTable(ctx, s, check, "with rows", func(r *schema.Relation) (bool, string, error) {
		var filled bool
		err := t.long(ctx, s, func(ctx context.Context, l long) error {
			return l.scan(ctx, `SELECT EXISTS (SELECT FROM `+sqlName(r)+`)`, &filled)
		})
		return filled, "no row", err
	})
}

// eachTable asks the same of all tables of a check.
func (t *Target) eachTable(ctx context.Context, s *session, check *runbook.Check, good string, ask func(*schema.Relation) (bool, string, error)) (phases.Answer, error) {
	if len(check.Tables) == 0 {
		return phases.Answer{}, errors.New("the runbook names no table for it")
	}
	var wrong []string
	for _, table := range check.Tables {
		r, err := resolve(ctx, s, t.book, table)
		if err != nil {
			return phases.Answer{}, err
		}
		ok, found, err := ask(r)
		if err != nil {
			return phases.Answer{}, fail(ctx, "look at table", table, err)
		}
		if !ok {
			wrong = append(wrong, table+" has "+found)
		}
	}
	value := fmt.Sprintf("%d of %d %s", len(check.Tables)-len(wrong), len(check.Tables), good)
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: value}, nil
}
