package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
)

// Identity asks the server who it is, and how far its WAL is.
func (t *Target) Identity(ctx context.Context) (phases.Identity, error) {
	var id phases.Identity
	err := t.control.with(ctx, func(s *session) error {
		var err error
		id, err = t.identify(ctx, s)
		return err
	})
	return id, err
}

func (t *Target) identify(ctx context.Context, s *session) (phases.Identity, error) {
	// The host that answered, which may be the second of several.
	id := phases.Identity{Host: t.conn.Host, Port: t.conn.Port}
	if cfg := s.conn.Config(); cfg != nil {
		id.Host, id.Port = cfg.Host, cfg.Port
	}
	err := s.QueryRow(ctx, `SELECT current_database(), current_user::text,
			current_setting('server_version'), current_setting('server_version_num')::int,
			(SELECT oid FROM pg_database WHERE datname = current_database()),
			pg_postmaster_start_time(),
			coalesce((SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2), 0)`,
		ledgerSchema, ledgerTable).
		Scan(&id.Database, &id.User, &id.ServerVersion, &id.VersionNum, &id.DatabaseOID, &id.ServerStart, &id.LedgerOID)
	if err != nil {
		return id, fail(ctx, "identify", t.host(), err)
	}
	id.Host, id.User, id.ServerVersion = clean(id.Host), clean(id.User), clean(id.ServerVersion)
	// Hosted servers may keep these from the role: then they stay unknown.
	err = s.QueryRow(ctx, `SELECT system_identifier::text FROM pg_control_system()`).Scan(&id.SystemIdentifier)
	if err != nil && s.IsClosed() {
		return id, fail(ctx, "identify", t.host(), err)
	}
	// The control file's timeline lags behind a promotion; the WAL's does not.
	timeline := `SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int`
	var recovering bool
	if err := s.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering); err != nil {
		return id, fail(ctx, "identify", t.host(), err)
	}
	if recovering {
		timeline = `SELECT timeline_id FROM pg_control_checkpoint()`
	}
	err = s.QueryRow(ctx, timeline).Scan(&id.Timeline)
	if err != nil && s.IsClosed() {
		return id, fail(ctx, "identify", t.host(), err)
	}
	id.WAL, err = flushedWAL(ctx, s)
	return id, fail(ctx, "identify", t.host(), err)
}

// flushedWAL is what the server has of its WAL on disk, and not what it has
// inserted: after a crash it may rightly come back below a position that was
// never flushed, and never below one that was. It is 0 in recovery, where the
// position is another server's, and where the role may not ask.
func flushedWAL(ctx context.Context, s *session) (phases.LSN, error) {
	var text string
	err := s.QueryRow(ctx, `SELECT CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_flush_lsn()::text END`).Scan(&text)
	if _, refused := errors.AsType[*pgconn.PgError](err); refused && !s.IsClosed() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return phases.ParseLSN(text)
}
