package catalog

import (
	"context"

	"tminus/phases/schema"
)

func readServer(ctx context.Context, q Querier, s *schema.Schema) error {
	v := &s.Server
	return q.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_user::text, current_database()::text,
			pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool,
			pg_has_role('pg_read_all_stats', 'USAGE') OR current_setting('is_superuser')::bool,
			current_setting('fsync')::bool, current_setting('track_counts')::bool`).
		Scan(&v.Version, &v.Role, &v.Database, &v.InRecovery, &v.ReadOnly, &v.SeesOthers, &v.Fsync, &v.TrackCounts)
}

func readSlots(ctx context.Context, q Querier, s *schema.Schema) error {
	v := &s.Replication
	err := q.QueryRow(ctx, `SELECT current_setting('max_slot_wal_keep_size') <> '-1'`).Scan(&v.KeepLimit)
	if err != nil {
		return err
	}
	var slot schema.Slot
	return each(ctx, q, `SELECT slot_name::text, coalesce(database::text, ''), active, coalesce(wal_status = 'unreserved', false)
		FROM pg_replication_slots WHERE NOT temporary AND restart_lsn IS NOT NULL AND wal_status IS DISTINCT FROM 'lost' ORDER BY slot_name`,
		[]any{&slot.Name, &slot.Database, &slot.Active, &slot.Expiring}, func() { v.Slots = append(v.Slots, slot) })
}

func readStandbys(ctx context.Context, q Querier, s *schema.Schema) error {
	v := &s.Replication
	err := q.QueryRow(ctx, `SELECT current_setting('synchronous_standby_names')`).Scan(&v.SyncNames)
	if err != nil {
		return err
	}
	var one schema.Standby
	return each(ctx, q, `SELECT coalesce(application_name, ''), coalesce(sync_state IN ('sync', 'quorum'), false),
			coalesce(pg_wal_lsn_diff(CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END, coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn)), -1)::bigint
		FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY application_name, pid`,
		[]any{&one.Name, &one.Sync, &one.Behind}, func() { v.Standbys = append(v.Standbys, one) })
}

func readArchiver(ctx context.Context, q Querier, s *schema.Schema) error {
	v := &s.Replication
	return q.QueryRow(ctx, `SELECT current_setting('archive_mode') <> 'off',
			coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver`).
		Scan(&v.Archiving, &v.Unstored)
}
