package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases/engine"
)

// commitPatience is how long COMMIT's answer is waited for. It may have to
// check deferred constraints, and to wait for a standby.
const commitPatience = 30 * time.Second

// errRolledBack is the cause when COMMIT was answered with ROLLBACK: an earlier
// statement had failed.
var errRolledBack = errors.New("the server answered COMMIT with ROLLBACK: an earlier statement had failed")

// commit sends COMMIT once, and says what came of it. The caller's context
// does not reach it: what was sent can't be unsent.
func commit(ctx context.Context, s *session) engine.CommitResult {
	if s.IsClosed() {
		return engine.CommitResult{
			Outcome: engine.NotCommitted,
			Err:     errors.New("the connection was lost before COMMIT was sent: the server rolls back by itself"),
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	s.warned = nil
	// Not through pgx's Exec: it reports a lost answer as "conn closed" and
	// safe to try again, which it is not.
	result := s.PgConn().ExecParams(ctx, "commit", nil, nil, nil, nil).Read()
	out := commitOutcome(result.CommandTag.String(), result.Err, s.usable())
	switch out.Outcome {
	case engine.Committed: // a standby that did not answer in time is no error
		out.Warnings = s.warned
	case engine.CommitInDoubt:
		closeConn(s.conn)
	}
	return out
}

// commitOutcome reads the answer to a COMMIT. over tells whether the server said
// at its end that no transaction is open: an answer without that is half of one.
func commitOutcome(tag string, err error, over bool) engine.CommitResult {
	switch {
	case err == nil && tag == "COMMIT":
		return engine.CommitResult{Outcome: engine.Committed}
	case err == nil && tag == "ROLLBACK":
		return engine.CommitResult{Outcome: engine.NotCommitted, Err: failf("commit", "the phase", "", errRolledBack)}
	case err == nil:
		return engine.CommitResult{Outcome: engine.CommitInDoubt, Err: fmt.Errorf("commit: the answer %q is not known", clean(tag))}
	case over && definite(err):
		return engine.CommitResult{Outcome: engine.NotCommitted, Err: fail(context.Background(), "commit", "the phase", err)}
	}
	return engine.CommitResult{
		Outcome: engine.CommitInDoubt,
		Err:     failf("commit", "the phase", "its outcome is being settled, do not start it again", err),
	}
}

// definite reports whether an error is the server's word that the transaction
// is rolled back. A session that is ended, a crash, or an internal error can
// come after the commit has become durable.
func definite(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.SeverityUnlocalized == "FATAL" || pg.SeverityUnlocalized == "PANIC" {
		return false
	}
	for _, class := range []string{"08", "57P", "58", "XX", "F0"} {
		if strings.HasPrefix(pg.Code, class) {
			return false
		}
	}
	return pg.Code != "40003" // statement_completion_unknown
}
