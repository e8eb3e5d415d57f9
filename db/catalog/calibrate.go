package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tminus/phases/schema"
)

// calibration takes the two things that a run's time is made of, a row in a scan
// and a query by an index, on catalogs that every server has, and keeps the
// quickest of its rounds. It writes nothing, and hands over what it found in a
// setting of the transaction. pg_operator is of the same size everywhere, and
// oprcanmerge in no index.
const calibration = `DO $tminus$
DECLARE
	began timestamptz;
	held bigint;
	query float8 := 'Infinity';
	held_row float8 := 'Infinity';
BEGIN
	FOR round IN 1..5 LOOP
		began := clock_timestamp();
		FOR i IN 1..400 LOOP
			PERFORM 1 FROM pg_catalog.pg_class c WHERE c.oid = i::oid;
		END LOOP;
		query := least(query, extract(epoch FROM clock_timestamp() - began) / 400);
		began := clock_timestamp();
		FOR i IN 1..20 LOOP
			SELECT count(*) INTO held FROM pg_catalog.pg_operator o WHERE o.oprcanmerge IS NOT NULL;
		END LOOP;
		held_row := least(held_row, extract(epoch FROM clock_timestamp() - began) / 20 / greatest(held, 1));
	END LOOP;
	PERFORM pg_catalog.set_config('tminus.costs', pg_catalog.json_build_object('query', query * 1e9, 'row', held_row * 1e9)::text, true);
END $tminus$`

// exchanges is how often the way to the server is measured: the quickest counts,
// for where machines are busy one in a few takes ten times as long.
const exchanges = 8

// readCosts measures what the server takes. Where the role may not use
// PL/pgSQL, usual costs stand in.
func readCosts(ctx context.Context, q Querier, s *schema.Schema) error {
	c := schema.UsualCosts()
	var able bool
	began := time.Now()
	err := q.QueryRow(ctx, `SELECT current_setting('block_size')::bigint, pg_size_bytes(current_setting('shared_buffers')), current_setting('full_page_writes')::bool,
			current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint),
			EXISTS (SELECT FROM pg_language WHERE lanname = 'plpgsql' AND has_language_privilege(oid, 'USAGE'))`).
		Scan(&c.Block, &c.Buffers, &c.FullPages, &c.LockSlots, &able)
	c.Exchange = time.Since(began)
	if err != nil {
		return err
	}
	if !able {
		s.Costs = c
		return nil
	}
	if err := each(ctx, q, calibration, nil, func() {}); err != nil {
		return err
	}
	var text string
	for i := range exchanges {
		// Each is a statement of its own, prepared first, as those of a run are.
		began = time.Now()
		if err := q.QueryRow(ctx, fmt.Sprintf(`SELECT current_setting('tminus.costs') AS costs_%d`, i)).Scan(&text); err != nil {
			return err
		}
		c.Exchange = min(c.Exchange, time.Since(began))
	}
	var found struct{ Query, Row float64 }
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return err
	}
	c.Query, c.Row, c.Measured = time.Duration(found.Query), time.Duration(found.Row), true
	s.Costs = c
	return nil
}
