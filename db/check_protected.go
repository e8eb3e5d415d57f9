package db

import (
	"context"
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
)

func (t *Target) checkProtected(ctx context.Context, s *session, _ *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	if len(facts.Protected) == 0 {
		return phases.Answer{Value: "no baseline was taken yet"}, nil
	}
	var wrong []string
	for _, was := range facts.Protected {
		r, err := resolve(ctx, s, t.book, was.Table)
		if err != nil {
			return phases.Answer{}, err
		}
		now, err := t.fingerprint(ctx, s, r, was.Table)
		switch {
		case err != nil:
			return phases.Answer{}, err
		case now.Rows != was.Rows:
			wrong = append(wrong, fmt.Sprintf("%s has %d rows, had %d", was.Table, now.Rows, was.Rows))
		case now.Hash != was.Hash:
			wrong = append(wrong, was.Table+" has other content")
		}
	}
	value := fmt.Sprintf("%d of %d intact", len(facts.Protected)-len(wrong), len(facts.Protected))
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: value}, nil
}
