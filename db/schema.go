package db

import (
	"context"

	"tminus/db/catalog"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// ReadSchema connects, reads what a database holds beside its rows, as of one
// moment, and leaves. It changes nothing, and takes no lock that anybody waits
// for. Config.Runbook may be nil: else the
// planner is asked about its conditions.
func ReadSchema(ctx context.Context, cfg Config) (*schema.Schema, error) {
	conn, err := parseConfig(cfg)
	if err != nil {
		return nil, err
	}
	t := &Target{book: &runbook.Runbook{}, operator: cfg.Operator, conn: conn, exchange: cfg.exchange(), live: map[*session]struct{}{}}
	defer t.Close()
	t.control = newPool(1, t.open)
	t.checks, t.phase, t.guests = newPool(0, t.open), newPool(0, t.open), newPool(0, t.open)
	var out *schema.Schema
	err = t.control.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		var err error
		if out, err = catalog.Read(ctx, s, ""); err != nil || cfg.Runbook == nil {
			return err
		}
		return catalog.Estimate(ctx, s, schema.Name(out, cfg.Runbook), s.searchPath(cfg.Runbook))
	})
	return out, fail(ctx, "read the schema", t.host(), err)
}
