package db

import (
	"context"

	"tminus/db/catalog"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// ReadSchema connects, reads what a database holds beside its rows, as of one
// moment, and leaves. It changes nothing, and takes no lock that anybody waits
// for. With Config.Runbook it looks as well for what that runbook's findings
// rest on beside the catalog; nil leaves that out.
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
		_, err = view(ctx, s, cfg.Runbook, out)
		return err
	})
	return out, fail(ctx, "read the schema", t.host(), err)
}

// view holds a runbook against a snapshot, and asks in the snapshot's
// transaction for what the catalog does not tell.
func view(ctx context.Context, s *session, book *runbook.Runbook, snapshot *schema.Schema) (*lint.View, error) {
	if err := catalog.Estimate(ctx, s, schema.Name(snapshot, book), s.searchPath(book)); err != nil {
		return nil, err
	}
	v := lint.New(book, snapshot)
	return v, catalog.ReadUnused(ctx, s, snapshot, v.Doubtful())
}
