package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

const (
	// activityLimit is how long the server may work on one look at the activity.
	activityLimit = 2 * time.Second
	// activityNames is how much of a name is shown: as many as PostgreSQL keeps.
	activityNames = 63
	// activityAsked is of how many waiting sessions it is asked who blocks them: each
	// question stops all locks of the server for a moment.
	activityAsked = 20
)

// activitySQL gives the sessions of this database: $1 is the phase's, $2 are this
// program's. pg_locks is masked for nobody. The text of statements is not read.
const activitySQL = `WITH waits AS MATERIALIZED (
	SELECT DISTINCT ON (l.pid) l.pid, l.mode, l.locktype, l.relation
	FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
	WHERE NOT l.granted ORDER BY l.pid, l.relation
), asked AS MATERIALIZED (
	SELECT w.*, pg_blocking_pids(w.pid) AS by FROM (SELECT * FROM waits ORDER BY pid <> $1::int, pid LIMIT $4) w
), held AS MATERIALIZED (
	SELECT DISTINCT ON (h.pid) h.pid, h.mode, h.relation
	FROM asked w CROSS JOIN LATERAL unnest(w.by) AS b(pid) JOIN pg_locks h ON h.pid = b.pid AND h.relation = w.relation
	WHERE h.granted ORDER BY h.pid, h.mode
), blocking AS MATERIALIZED (
	SELECT DISTINCT unnest(by) AS pid FROM asked
), sessions AS (
	SELECT a.pid, coalesce(a.usename, '')::text AS usename,
		coalesce(nullif(a.application_name, ''), CASE WHEN a.backend_type <> 'client backend' THEN a.backend_type END, '')::text AS application,
		coalesce(a.state, CASE WHEN a.backend_type <> 'client backend' THEN 'active' END, '')::text AS state,
		CASE WHEN a.state = 'active' AND a.wait_event_type <> 'Client' THEN a.wait_event_type || ': ' || a.wait_event ELSE '' END AS wait,
		a.xact_start, a.backend_type IS NULL AS masked, w.mode AS wants, coalesce(w.locktype, '') AS locktype, w.relation AS wanted,
		w.by, h.mode AS holds, h.relation AS held,
		CASE WHEN a.pid = $1::int THEN 0 WHEN w.pid IS NOT NULL THEN 1 WHEN b.pid IS NOT NULL THEN 2 ELSE 3 END AS rank
	FROM pg_stat_activity a LEFT JOIN asked w ON w.pid = a.pid LEFT JOIN held h ON h.pid = a.pid LEFT JOIN blocking b ON b.pid = a.pid
	WHERE a.datname = current_database() AND a.backend_type IS DISTINCT FROM 'parallel worker'
		AND (a.pid = $1::int OR w.pid IS NOT NULL OR b.pid IS NOT NULL OR a.pid <> ALL($2::int[]))
	UNION ALL
	SELECT 0, p.owner::text, 'prepared transaction ' || p.gid, 'prepared', '', p.prepared, false, NULL, '', NULL, NULL, NULL, NULL, 2
	FROM pg_prepared_xacts p WHERE p.database = current_database()
)
SELECT s.pid, s.usename, s.application, s.state, s.wait, s.xact_start, coalesce(s.wants, ''), s.locktype,
	coalesce(wn.nspname, ''), coalesce(wc.relname, ''), s.by, coalesce(s.holds, ''), coalesce(hn.nspname, ''), coalesce(hc.relname, ''),
	count(*) OVER (), count(*) FILTER (WHERE s.masked) OVER (), (SELECT count(*) FROM waits)
FROM sessions s LEFT JOIN pg_class wc ON wc.oid = s.wanted LEFT JOIN pg_namespace wn ON wn.oid = wc.relnamespace
	LEFT JOIN pg_class hc ON hc.oid = s.held LEFT JOIN pg_namespace hn ON hn.oid = hc.relnamespace
ORDER BY s.rank, s.xact_start NULLS LAST, s.pid LIMIT $3`

// Activity looks who is in the database, and who waits for whom, on a session that
// is not the phase's. own is the phase's pid, 0 for none.
func (t *Target) Activity(ctx context.Context, own uint32) (phases.Activity, error) {
	var out phases.Activity
	err := t.control.with(ctx, func(s *session) error {
		// One exchange is one transaction: the limit is the server's own, and ends with it.
		var ask pgx.Batch
		ask.Queue(`SELECT set_config('statement_timeout', $1, true)`, milliseconds(activityLimit))
		ask.Queue(activitySQL, int32(own), t.ownPIDs(), phases.MostSessions, activityAsked).Query(func(rows pgx.Rows) error {
			var err error
			out, err = t.readActivity(rows, own)
			return err
		})
		return s.Batch(ctx, &ask)
	})
	return out, fail(ctx, "look at", "the sessions of the database", err)
}

func (t *Target) readActivity(rows pgx.Rows, own uint32) (phases.Activity, error) {
	var out phases.Activity
	var all, masked, waiting int
	left := 0
	for rows.Next() {
		var s phases.Session
		var since *time.Time
		var mode, locktype, wantedSchema, wanted, holds, heldSchema, held string
		var by []int32
		err := rows.Scan(&s.PID, &s.User, &s.Application, &s.State, &s.Wait, &since, &mode, &locktype,
			&wantedSchema, &wanted, &by, &holds, &heldSchema, &held, &all, &masked, &waiting)
		if err != nil {
			return out, err
		}
		if since != nil {
			s.Since = *since
		}
		for _, pid := range by {
			s.BlockedBy = append(s.BlockedBy, uint32(pid))
		}
		s.User, s.Application = cut(clean(s.User), activityNames), cut(clean(s.Application), activityNames+len("prepared transaction "))
		s.State, s.Wait = clean(s.State), clean(s.Wait)
		s.Wants, s.Holds = t.lockText(mode, wantedSchema, wanted, locktype), t.lockText(holds, heldSchema, held, "")
		s.Own = own != 0 && s.PID == own
		if !s.Own && !s.Waits() && s.Holds == "" && t.isOwn(int32(s.PID), s.Application) {
			left++ // it is of this program, and has come or gone just now
			continue
		}
		out.Sessions = append(out.Sessions, s)
	}
	out.More, out.Masked, out.Waiting = max(0, all-left-len(out.Sessions)), masked, waiting
	return out, rows.Err()
}

// lockText is a lock in the server's words, with the table as the runbook calls it.
func (t *Target) lockText(mode, schema, name, locktype string) string {
	switch {
	case mode == "":
		return ""
	case name != "":
		return clean(mode + " on " + t.book.TableName(schema, name))
	case locktype != "":
		return clean(mode + " on " + locktype)
	}
	return clean(mode)
}
