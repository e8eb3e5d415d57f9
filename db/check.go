package db

import (
	"context"
	"errors"

	"tminus/phases"
	"tminus/phases/runbook"
)

// asking is what a check asks of the database: on a session that is kept for
// checks, in a read-only transaction that sees one moment.
type asking func(t *Target, ctx context.Context, s *session, c *runbook.Check, f phases.Facts) (phases.Answer, error)

// checks are the queries behind the checks that package check declares, each in
// a file with its like.
var checks = map[string]asking{
	"archiver.healthy":           (*Target).checkArchiver,
	"backup.readable":            (*Target).checkBackupReadable,
	"backup.restored":            (*Target).checkBackupRestored,
	"clock.close":                (*Target).checkClock,
	"database.connections":       (*Target).checkConnections,
	"database.long_transactions": (*Target).checkLongTransactions,
	"database.prepared":          (*Target).checkPrepared,
	"database.size":              (*Target).checkSize,
	"database.tables":            (*Target).checkTables,
	"database.transactions":      (*Target).checkTransactions,
	"database.writable":          (*Target).checkWritable,
	"jobs.due":                   (*Target).checkJobs,
	"protected.intact":           (*Target).checkProtected,
	"replication.lag":            (*Target).checkLag,
	"replication.slots":          (*Target).checkSlots,
	"tables.filled":              (*Target).checkFilled,
	"tables.zero":                (*Target).checkZero,
	"triggers.disabled":          (*Target).checkDisabled,
	"triggers.restored":          (*Target).checkRestored,
	"wal.room":                   (*Target).checkWALRoom,
}

// alone are the checks that need no kept session: they ask whether there is one to
// be had, or take another.
var alone = map[string]func(*Target, context.Context) (phases.Answer, error){
	"capsule.clear":     (*Target).checkCapsuleClear,
	"capsule.whole":     (*Target).checkCapsuleWhole,
	"database.connects": (*Target).checkConnects,
}

// Check asks one database check by name.
func (t *Target) Check(ctx context.Context, c *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	if c.Named().OfRun {
		return phases.Answer{}, failf("check", c.Name, "", ErrEngineCheck)
	}
	if ask, ok := alone[c.Name]; ok {
		return ask(t, ctx)
	}
	ask, ok := checks[c.Name]
	if !ok {
		return phases.Answer{}, failf("check", c.Name, "correct the runbook", errors.New("there is no such check"))
	}
	var out phases.Answer
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, oneMoment); err != nil {
			return err
		}
		defer rollback(ctx, s)
		var err error
		out, err = ask(t, ctx, s, c, facts)
		return err
	})
	if err != nil {
		return phases.Answer{}, fail(ctx, "check", c.Name, err)
	}
	out.Value = cut(clean(out.Value), 200)
	return out, nil
}
