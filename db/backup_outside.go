package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
	"tminus/phases/engine/action"
)

// noteOutside notes in a manifest what is not in the dump, and what a copy needs
// to be as the database is without the run, in the transaction that is dumped.
func (t *Target) noteOutside(ctx context.Context, s *session, how action.BackupPlan, m *backup.Manifest) error {
	m.Environment, m.RunID = how.Environment, how.RunID
	now, err := t.sameTables(ctx, s, how.Off)
	if err != nil {
		return err
	}
	for _, was := range how.Off {
		for _, is := range now {
			if sameTrigger(is.Trigger, was) && is.Enabled == "D" && was.Enabled != "D" {
				m.Off = append(m.Off, was)
			}
		}
	}
	rows, err := s.Query(ctx, `SELECT r.rolname::text FROM pg_roles r WHERE r.rolname NOT LIKE 'pg\_%' AND (
			r.oid IN (SELECT unnest(polroles) FROM pg_policy) OR r.oid IN (SELECT umuser FROM pg_user_mappings))
		ORDER BY 1`)
	if err != nil {
		return err
	}
	m.Roles, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}
