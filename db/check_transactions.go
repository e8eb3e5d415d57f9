package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/runbook"
)

// mostLong is how many are named where each takes much of a line.
const mostLong = 2

// moment is when something of the server's happened, with the day where that is
// not the last twelve hours'. It is no age: what time alone changes is no other
// answer.
func moment(at, now time.Time) string {
	form := time.DateTime
	if now.Sub(at).Abs() < 12*time.Hour {
		form = time.TimeOnly
	}
	return at.UTC().Format(form) + " UTC"
}

// checkLongTransactions looks at every transaction that has a session, also
// that of a background worker. Autovacuum gives way by itself, and a parallel
// worker is part of another session's transaction.
func (t *Target) checkLongTransactions(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	if err := t.unmasked(ctx, s); err != nil {
		return phases.Answer{}, err
	}
	rows, err := s.Query(ctx, `SELECT `+blockerColumns+`, left(`+whoColumn+`, 60), clock_timestamp()
		FROM pg_stat_activity a WHERE datname = current_database() AND pid <> ALL($1::int[])
		AND backend_type NOT IN ('autovacuum worker', 'parallel worker')
		AND xact_start < clock_timestamp() - $2::interval`+oldestFirst, t.ownPIDs(), check.MaxAge)
	if err != nil {
		return phases.Answer{}, err
	}
	var now time.Time
	sessions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o seen, err error) {
		o.Blocker, err = scanBlocker(row, &o.who, &now)
		return o, err
	})
	if err != nil {
		return phases.Answer{}, err
	}
	var long []string
	for _, o := range sessions {
		long = append(long, fmt.Sprintf("pid %d %s %s since %s", o.PID, clean(o.who), o.State, moment(o.Since, now)))
	}
	prepared, err := preparedSince(ctx, s, check.MaxAge)
	long = append(long, prepared...)
	if err != nil || len(long) == 0 {
		return phases.Answer{Pass: err == nil, Value: "no transaction older than " + phases.Span(check.MaxAge)}, err
	}
	found := count(len(long), "transaction") + " older than " + phases.Span(check.MaxAge)
	return phases.Answer{Value: listed(found, long, mostLong), InTheWay: inTheWay(false, sessions)}, nil
}

func (t *Target) checkPrepared(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	prepared, err := preparedSince(ctx, s, 0)
	if err != nil {
		return phases.Answer{}, err
	}
	found, pass := count(len(prepared), "prepared transaction"), atMost(int64(len(prepared)), check)
	if !pass {
		found += fmt.Sprintf(", at most %d wanted", most(check))
	}
	return phases.Answer{Pass: pass, Value: listed(found, prepared, mostLong)}, nil
}

// preparedSince are the prepared transactions of this database that are older
// than age, the oldest first. They belong to no session, and keep their locks
// for ever.
func preparedSince(ctx context.Context, s *session, age time.Duration) ([]string, error) {
	rows, err := s.Query(ctx, `SELECT left(gid, 40), left(owner, 40), prepared, clock_timestamp() FROM pg_prepared_xacts
		WHERE database = current_database() AND prepared < clock_timestamp() - $1::interval ORDER BY prepared, gid`, age)
	if err != nil {
		return nil, err
	}
	var gid, owner string
	var at, now time.Time
	var out []string
	_, err = pgx.ForEachRow(rows, []any{&gid, &owner, &at, &now}, func() error {
		out = append(out, fmt.Sprintf("prepared %s by %s at %s", clean(gid), clean(owner), moment(at, now)))
		return nil
	})
	return out, err
}
