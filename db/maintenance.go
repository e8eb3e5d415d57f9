package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// maintenances are how the server is made to do what follows a COMMIT, by the
// names of package step: each in a file of its own.
var maintenances = map[string]func(context.Context, *Target, long, runbook.Maintenance) error{
	"vacuum": vacuum,
	"index":  index,
}

// Maintain does one piece of maintenance, on the phases' session and outside of
// any transaction: no phase begins meanwhile. What ends it early ends the
// statement too. Locks are waited for without a limit of their own.
func (t *Target) Maintain(ctx context.Context, m runbook.Maintenance) error {
	do := maintenances[m.Kind]
	if do == nil {
		return failf("run", m.Name(), "take a kind that docs/runbook.md has", fmt.Errorf("this program knows no maintenance %q", m.Kind))
	}
	err := t.phase.with(ctx, func(s *session) error {
		if err := s.patience(ctx, s.runbooks(t.book), 0); err != nil {
			return err
		}
		defer func() { // a session that is not as it was is none for a phase
			if s.patience(context.WithoutCancel(ctx), programs, shortWait) != nil {
				closeConn(s.conn)
			}
		}()
		s.warned = nil
		err := t.long(ctx, s, func(ctx context.Context, l long) error { return do(ctx, t, l, m) })
		if err == nil && len(s.warned) > 0 { // VACUUM skips what it may not, and calls that a success
			err = fmt.Errorf("the server warns: %s", strings.Join(s.warned, "; "))
		}
		return err
	})
	return fail(ctx, "run", m.Name(), err)
}

// patience sets a session's surroundings, and how long it waits for a lock; 0 is
// without a limit.
func (s *session) patience(ctx context.Context, in surroundings, wait time.Duration) error {
	_, err := s.Exec(ctx, `SELECT (SELECT pg_catalog.count(pg_catalog.set_config(name, setting, false)) FROM `+surroundingItems+`), pg_catalog.set_config('lock_timeout', $3, false),
			pg_catalog.set_config('client_min_messages', 'notice', false)`,
		surroundingNames, []string(in), fmt.Sprintf("%dms", wait.Milliseconds()))
	return err
}
