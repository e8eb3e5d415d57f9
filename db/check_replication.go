package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/runbook"
)

const megabyte = 1 << 20

// receiver is one that WAL is sent to.
type receiver struct {
	Name    string
	State   string         // empty when it is masked
	Standby bool           // it replays WAL: neither a subscriber nor one that only receives
	Behind  *int64         // bytes; nil before it has told
	Lag     *time.Duration // until it had replayed, when that was last measured; nil when nothing was to replay
}

// receivers are all that WAL is sent to, base backups aside. One that replays
// nothing is as far as it has received.
func receivers(ctx context.Context, s *session) ([]receiver, error) {
	rows, err := s.Query(ctx, `WITH here AS (SELECT CASE WHEN pg_is_in_recovery()
			THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn)
		SELECT left(coalesce(nullif(r.application_name, ''), 'no name') || coalesce(' from ' || host(r.client_addr), ''), 60) AS name,
			coalesce(r.state, '') AS state, r.replay_lsn IS NOT NULL AND l.slot_name IS NULL AS standby,
			pg_wal_lsn_diff(here.lsn, coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn))::bigint AS behind, r.replay_lag AS lag
		FROM here, pg_stat_replication r LEFT JOIN pg_replication_slots l ON l.active_pid = r.pid AND l.slot_type = 'logical'
		WHERE r.state IS DISTINCT FROM 'backup' ORDER BY 1, r.pid`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[receiver])
}

// wrong says what is the matter with a receiver; empty when nothing is.
func (r receiver) wrong(check *runbook.Check) string {
	switch {
	case r.State != "streaming":
		return fmt.Sprintf("%s is in state %s, not streaming", clean(r.Name), clean(r.State))
	case r.Behind == nil:
		return clean(r.Name) + " has not said how far it is"
	case *r.Behind > most(check)*megabyte:
		return fmt.Sprintf("%s is %s behind, at most %d MB wanted", clean(r.Name), phases.Bytes(*r.Behind), most(check))
	case check.MaxAge > 0 && r.Lag != nil && *r.Lag > check.MaxAge:
		return fmt.Sprintf("%s replays after %s, at most %s wanted", clean(r.Name), phases.Span(*r.Lag), phases.Span(check.MaxAge))
	}
	return ""
}

func (t *Target) checkLag(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	all, err := receivers(ctx, s)
	if err != nil {
		return phases.Answer{}, err
	}
	var standbys int64
	var wrong []string
	for _, r := range all {
		if r.State == "" {
			return phases.Answer{}, failf("look at", "pg_stat_replication", "grant pg_monitor to the role",
				fmt.Errorf("%w: how far standbys are is masked", ErrMasked))
		}
		if r.Standby {
			standbys++
		}
		if w := r.wrong(check); w != "" {
			wrong = append(wrong, w)
		}
	}
	found := count(int(standbys), "standby")
	if standbys < check.Standbys {
		found += fmt.Sprintf(", %d wanted", check.Standbys)
	}
	if others := len(all) - int(standbys); others > 0 {
		found += " and " + count(others, "other receiver")
	}
	if len(wrong) == 0 && len(all) > 0 {
		found += fmt.Sprintf(", at most %d MB behind", most(check))
	}
	return phases.Answer{Pass: len(wrong) == 0 && standbys >= check.Standbys, Value: listed(found, wrong, mostLong)}, nil
}

func (t *Target) checkSlots(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	// Servers before 17 do not tell since when.
	rows, err := s.Query(ctx, `SELECT slot_name, active, coalesce(wal_status, ''), safe_wal_size,
		(to_jsonb(s) ->> 'inactive_since')::timestamptz, clock_timestamp() FROM pg_replication_slots s ORDER BY slot_name`)
	if err != nil {
		return phases.Answer{}, err
	}
	var name, status string
	var active bool
	var safe *int64
	var since *time.Time
	var now time.Time
	n := 0
	var wrong []string
	_, err = pgx.ForEachRow(rows, []any{&name, &active, &status, &safe, &since, &now}, func() error {
		n++
		var is []string
		if !active {
			is = append(is, "is inactive")
			if since != nil {
				is[0] += " since " + moment(*since, now)
			}
		}
		switch {
		case status == "unreserved" || status == "lost":
			is = append(is, "has its WAL "+status)
		case check.Min != nil && safe != nil && *safe < *check.Min*megabyte:
			is = append(is, fmt.Sprintf("has room for %d MB of WAL, %d wanted", *safe/megabyte, *check.Min))
		}
		if len(is) > 0 {
			wrong = append(wrong, clean(name)+" "+strings.Join(is, " and "))
		}
		return nil
	})
	if err != nil {
		return phases.Answer{}, err
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: listed(count(n, "replication slot"), wrong, mostLong)}, nil
}
