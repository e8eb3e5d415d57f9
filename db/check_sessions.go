package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/runbook"
)

// whoColumn says whose a session of pg_stat_activity is: its user, its
// application, and where it comes from when it came over the network.
const whoColumn = `coalesce(usename, '?')::text || '/' || coalesce(nullif(application_name, ''), 'no name') ||
	coalesce(' from ' || host(client_addr), '')`

// unmasked is an error where a session of this database, other than this
// program's own, is masked for the role.
func (t *Target) unmasked(ctx context.Context, s *session) error {
	var masked int64
	err := s.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
		AND backend_type IS NULL AND usesysid IS NOT NULL AND pid <> ALL($1::int[])`, t.ownPIDs()).Scan(&masked)
	if err != nil {
		return err
	}
	if masked > 0 {
		return failf("look at", "pg_stat_activity", "grant pg_read_all_stats to the role",
			fmt.Errorf("%w: %d sessions of this database are masked", ErrMasked, masked))
	}
	return nil
}

// seen is a session as pg_stat_activity shows it, and whose it is.
type seen struct {
	phases.Blocker
	who string
}

// sessions are the client sessions of this database that the condition picks, the
// oldest transactions first, this program's own left out. Rows that the role may not
// see are an error: they may be what is looked for.
func (t *Target) sessions(ctx context.Context, s *session, where string) ([]seen, error) {
	if err := t.unmasked(ctx, s); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		connecting := t.connecting.Load()
		others, err := t.others(ctx, s, where)
		if err != nil {
			return nil, err
		}
		// A session that this program is just opening has its name already, and
		// nobody knows its pid yet: look again when it is there.
		coming := slices.ContainsFunc(others, func(o seen) bool { return o.Application == applicationName(t.operator) })
		if !coming || connecting+t.connecting.Load() == 0 || try == comingTries {
			return others, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(comingWait):
		}
	}
}

// How often, and after how long, a session that is just opened is looked for
// again.
const (
	comingTries = 20
	comingWait  = 50 * time.Millisecond
)

// others are the client sessions of this database that the condition picks and
// that are not this program's.
func (t *Target) others(ctx context.Context, s *session, where string) ([]seen, error) {
	rows, err := s.Query(ctx, `SELECT `+blockerColumns+`, `+whoColumn+` FROM pg_stat_activity a
		WHERE datname = current_database() AND backend_type = 'client backend' AND `+where+oldestFirst)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o seen, err error) {
		o.Blocker, err = scanBlocker(row, &o.who)
		return o, err
	})
	return slices.DeleteFunc(all, func(o seen) bool { return t.isOwn(int32(o.PID), o.Application) }), err
}

// oldestFirst is the order in which sessions are named.
const oldestFirst = ` ORDER BY xact_start NULLS LAST, backend_start, pid`

// inTheWay are the sessions for which a check does not pass, as its answer names
// them: without what they run, whose text may hold what is nobody's business.
func inTheWay(pass bool, sessions []seen) []phases.Blocker {
	if pass {
		return nil
	}
	var out []phases.Blocker
	for _, o := range sessions[:min(len(sessions), phases.MostInTheWay)] {
		o.Query = ""
		out = append(out, o.Blocker)
	}
	return out
}

// byName counts sessions, and says who they are, those of whom there are most
// first.
func byName(sessions []seen) (int64, []string) {
	times := map[string]int{}
	for _, o := range sessions {
		times[clean(o.who)]++
	}
	who := slices.SortedFunc(maps.Keys(times), func(a, b string) int {
		return cmp.Or(cmp.Compare(times[b], times[a]), cmp.Compare(a, b))
	})
	for i, name := range who {
		if n := times[name]; n > 1 {
			who[i] = fmt.Sprintf("%s ×%d", name, n)
		}
	}
	return int64(len(sessions)), who
}

// most is max, whose default is 0.
func most(check *runbook.Check) int64 {
	if check.Max == nil {
		return 0
	}
	return *check.Max
}

// atMost compares with max.
func atMost(n int64, check *runbook.Check) bool {
	return n <= most(check) && (check.Min == nil || n >= *check.Min)
}

// among is a count with who they are, the first few by name.
func among(n int64, noun string, who []string) string {
	return listed(count(int(n), noun), who, 4)
}

// listed is what was found, with the first few that it is about.
func listed(found string, who []string, most int) string {
	if len(who) > most {
		who = append(slices.Clone(who[:most]), fmt.Sprintf("%d more", len(who)-most))
	}
	if len(who) > 0 {
		found += ": " + strings.Join(who, ", ")
	}
	return found
}

func (t *Target) checkConnections(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	sessions, err := t.sessions(ctx, s, `true`)
	if err != nil {
		return phases.Answer{}, err
	}
	n, who := byName(sessions)
	pass := atMost(n, check)
	return phases.Answer{Pass: pass, Value: among(n, "connection", who), InTheWay: inTheWay(pass, sessions)}, nil
}

func (t *Target) checkTransactions(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	sessions, err := t.sessions(ctx, s, `xact_start IS NOT NULL`)
	if err != nil {
		return phases.Answer{}, err
	}
	n, who := byName(sessions)
	// A prepared transaction has no session, and keeps its locks for ever.
	rows, err := s.Query(ctx, `SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY gid`)
	if err != nil {
		return phases.Answer{}, err
	}
	prepared, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, gid := range prepared {
		n++
		who = append(who, "prepared "+clean(gid))
	}
	pass := atMost(n, check)
	return phases.Answer{Pass: err == nil && pass, Value: among(n, "transaction", who), InTheWay: inTheWay(pass, sessions)}, err
}
