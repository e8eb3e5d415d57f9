package db

import (
	"context"
	"errors"

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
	t := newTarget(cfg, conn)
	defer t.Close()
	var out *schema.Schema
	err = t.control.with(ctx, func(s *session) error {
		pooled := t.refusePooler(ctx, s)
		if pooled != nil && !errors.Is(pooled, ErrPooler) {
			return pooled
		}
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		// Behind a pooler, what armoured the session may have been another's.
		if err := s.surround(ctx, programs); err != nil {
			return err
		}
		var err error
		if out, err = catalog.Read(ctx, s, ""); err != nil {
			return err
		}
		out.Server.Pooled = pooled != nil
		if cfg.Runbook != nil {
			_, err = view(ctx, s, cfg.Runbook, out)
		}
		return err
	})
	if err == nil && cfg.Runbook != nil {
		err = t.readSessions(ctx, &out.Server)
	}
	return out, fail(ctx, "read the schema", t.host(), err)
}

// readSessions reads how many sessions a run takes, and what limits them. A run's
// own survey does not ask: it opens them.
func (t *Target) readSessions(ctx context.Context, s *schema.Server) error {
	limits, err := t.limits(ctx)
	s.Sessions = t.widest()
	for _, l := range limits {
		if l.most >= 0 {
			s.Limits = append(s.Limits, schema.Limit{Most: l.most, Others: l.others, Raise: l.raise})
		}
	}
	return err
}

// view holds a runbook against a snapshot, and asks in the snapshot's
// transaction for what the catalog does not tell.
func view(ctx context.Context, s *session, book *runbook.Runbook, snapshot *schema.Schema) (*lint.View, error) {
	if err := catalog.Estimate(ctx, s, schema.Name(snapshot, book), func(ctx context.Context) error { return s.surround(ctx, s.runbooks(book)) }); err != nil {
		return nil, err
	}
	snapshot.Server.Styles = s.styles()
	v := lint.New(book, snapshot)
	return v, catalog.ReadUnused(ctx, s, snapshot, v.Doubtful())
}
