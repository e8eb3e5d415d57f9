package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// sessions counts the client sessions of this database that the condition
// picks, this program's own left out. Rows that the role may not see are an
// error: they may be what is looked for.
func (t *Target) sessions(ctx context.Context, s *session, where string) (int64, []string, error) {
	if err := t.unmasked(ctx, s); err != nil {
		return 0, nil, err
	}
	rows, err := s.Query(ctx, `SELECT `+whoColumn+`, count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
		AND pid <> ALL($1::int[]) AND `+where+` GROUP BY 1 ORDER BY 2 DESC, 1`, t.ownPIDs())
	if err != nil {
		return 0, nil, err
	}
	var total, n int64
	var name string
	var who []string
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		total += n
		if n > 1 {
			name += fmt.Sprintf(" ×%d", n)
		}
		who = append(who, clean(name))
		return nil
	})
	return total, who, err
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
	n, who, err := t.sessions(ctx, s, `true`)
	return phases.Answer{Pass: err == nil && atMost(n, check), Value: among(n, "connection", who)}, err
}

func (t *Target) checkTransactions(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	n, who, err := t.sessions(ctx, s, `xact_start IS NOT NULL`)
	if err != nil {
		return phases.Answer{}, err
	}
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
	return phases.Answer{Pass: err == nil && atMost(n, check), Value: among(n, "transaction", who)}, err
}
