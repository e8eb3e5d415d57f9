package catalog

import (
	"context"

	"tminus/phases/schema"
)

func readWatches(ctx context.Context, q Querier, s *schema.Schema) error {
	var w schema.Watch
	return each(ctx, q, `SELECT e.evtname::text, e.evtevent::text, coalesce(e.evttags, '{}'), format('%I.%I', n.nspname, p.proname)
		FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE e.evtenabled IN ('O', 'A') ORDER BY e.evtname`,
		[]any{&w.Name, &w.Event, &w.Tags, &w.Function}, func() { s.Watches = append(s.Watches, w) })
}
