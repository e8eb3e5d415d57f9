package db

import (
	"context"
	"errors"
	"fmt"

	"tminus/phases"
	"tminus/phases/runbook"
)

// checkWALRoom counts files that the server keeps to write over them, and what the
// run will write into them again: it finds too much rather than too little.
func (t *Target) checkWALRoom(ctx context.Context, s *session, check *runbook.Check, f phases.Facts) (phases.Answer, error) {
	var sees bool
	if err := s.QueryRow(ctx, `SELECT has_function_privilege('pg_ls_waldir()', 'EXECUTE')`).Scan(&sees); err != nil {
		return phases.Answer{}, err
	}
	if !sees {
		return phases.Answer{}, failf("look at", "pg_ls_waldir", "grant pg_monitor to the role",
			errors.New("the role may not see how much WAL there is"))
	}
	var files, held int64
	if err := s.QueryRow(ctx, `SELECT count(*), coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()`).Scan(&files, &held); err != nil {
		return phases.Answer{}, err
	}
	found := fmt.Sprintf("WAL %s in %s", phases.Bytes(held), phases.Plural(files, "file"))
	if f.WALToCome == nil {
		return phases.Answer{Value: found + ", and nobody knows what the run will write: its phases have no price yet"}, nil
	}
	found += ", the run's expected up to " + phases.Bytes(*f.WALToCome)
	if f.WALGuessed {
		found += ", in part a guess"
	}
	if held+*f.WALToCome >= most(check)*megabyte {
		return phases.Answer{Value: fmt.Sprintf("%s, together less than %d MB wanted", found, most(check))}, nil
	}
	return phases.Answer{Pass: true, Value: found}, nil
}
