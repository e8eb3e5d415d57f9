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
	var names []string
	for _, was := range facts.Protected {
		names = append(names, was.Table)
	}
	all, err := t.fingerprints(ctx, s, names, nil)
	if err != nil {
		return phases.Answer{}, err
	}
	var wrong []string
	for i, was := range facts.Protected {
		switch now := all[i]; {
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
