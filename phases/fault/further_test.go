package fault

import (
	"strings"

	"tminus/phases"
)

const kindFurther = "a trigger changes what no table's rows show"

// further are what the catalogs and the large objects hold beside tables, and
// ways to change rows that look like none. What no ROLLBACK takes back, or
// nobody can see, is in the safety model: a sequence's number, a file, NOTIFY.
func further() []mischief {
	return []mischief{
		{"SET NULL on a table outside", `UPDATE public.other_note SET other_id = NULL`, "other_note"},
		{"ALTER SEQUENCE", `ALTER SEQUENCE public.numbers INCREMENT BY 5`, "numbers"},
		{"ALTER SEQUENCE … RESTART", `ALTER SEQUENCE public.numbers RESTART WITH 7`, "numbers"},
		{"CREATE EVENT TRIGGER", `CREATE FUNCTION public.ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER seen ON sql_drop EXECUTE FUNCTION public.ev()`, "seen"},
		{"CREATE PUBLICATION", `CREATE PUBLICATION pub FOR TABLE public.other`, "pub"},
		{"identity column", `ALTER TABLE public.other ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY`, "other"},
		{"ALTER DATABASE … SET", `EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database())`, "database"},
		{"ALTER ROLE … SET", `ALTER ROLE pg_monitor SET work_mem = '5MB'`, "pg_monitor"},
		{"CREATE ROLE", `EXECUTE 'CREATE ROLE ' || quote_ident('r_' || current_database())`, "r_fault"},
		{"GRANT of a role", `EXECUTE 'GRANT pg_read_all_stats TO pg_monitor'; GRANT pg_signal_backend TO pg_monitor`, "pg_"},
		{"CREATE EXTENSION", `CREATE EXTENSION tablefunc SCHEMA public`, "tablefunc"},
		{"ALTER DEFAULT PRIVILEGES", `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor`, "default"},
		{"CREATE POLICY", `CREATE POLICY p ON public.other USING (false)`, "other"},
		{"ENABLE ROW LEVEL SECURITY", `ALTER TABLE public.other ENABLE ROW LEVEL SECURITY`, "other"},
		{"CREATE INDEX", `CREATE INDEX another ON public.other (note)`, "other"},
		{"CREATE STATISTICS", `CREATE STATISTICS public.st ON id, note FROM public.other`, "st"},
		{"CREATE TYPE", `CREATE TYPE public.mood AS ENUM ('sad')`, "mood"},
		{"GRANT on a schema", `GRANT ALL ON SCHEMA public TO pg_monitor`, "public"},
		{"OWNER TO", `ALTER TABLE public.other OWNER TO pg_monitor`, "other"},
		{"lo_put", `PERFORM lo_put(4711, 0, 'lost')`, "large objects"},
		{"lo_create", `PERFORM lo_create(4712)`, "4712"},
		{"SET storage parameter", `ALTER TABLE public.other SET (fillfactor = 50)`, "other"},
		{"CLUSTER order", `ALTER TABLE public.other CLUSTER ON other_pkey`, "other"},
		{"update of pg_class itself", `UPDATE pg_class SET relpages = 1000 WHERE relname = 'other'`, "other"},
		{"deletes a row of pg_description", `DELETE FROM pg_description WHERE objoid = 'public.other'::regclass`, "other"},
		{"session_replication_role set, used and reset", `PERFORM set_config('session_replication_role', 'replica', true); DELETE FROM public.other WHERE id = 1; PERFORM set_config('session_replication_role', 'origin', true)`, "other"},
		{"rename a column of a declared table", `ALTER TABLE public.tally RENAME COLUMN n TO m; ALTER TABLE public.tally RENAME COLUMN m TO n`, "tally"},
	}
}

// furtherFaults let a trigger that was made after the survey do them.
func furtherFaults() []fault {
	var out []fault
	for _, m := range further() {
		out = append(out, fault{kind: kindFurther, name: m.name, smoke: m.name == "lo_put", run: func(c *trial) {
			w := ways()[0]
			c.undeclared(w.source(book), planted(m, w), m.names, true)
		}})
	}
	out = append(out, fault{kind: kindFurther, name: "deletes what the ledger has of the phase before", run: (*trial).wipedLedger})
	for _, m := range []mischief{
		{name: "NOTIFY", body: `NOTIFY deleted`},
		{name: "ANALYZE", body: `ANALYZE public.other`},
		{name: "setval", body: `PERFORM setval('public.numbers', 900)`},
		{name: "an advisory lock", body: `PERFORM pg_advisory_xact_lock(99)`},
	} {
		out = append(out, fault{kind: kindFurther, name: "honest: " + m.name, run: honest{sql: planted(m, ways()[0])}.run})
	}
	return out
}

// wipedLedger lets phase second take away the proof of phase first.
func (c *trial) wipedLedger() {
	c.attended = false
	err := c.ask(c.ctx, `CREATE FUNCTION public.wipe() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM tminus.ledger; RETURN OLD; END';
		CREATE TRIGGER wipe BEFORE DELETE ON public.parent FOR EACH ROW EXECUTE FUNCTION public.wipe()`)
	if err != nil {
		c.fail("plant it: %w", err)
		return
	}
	c.direct()
	s := c.said()
	if s == nil {
		c.fail("no run")
		return
	}
	if p := phaseOf(s, "second"); p.Status != phases.PhaseIsRolledBack || p.Intent != nil || !strings.Contains(p.Reason, "ledger") {
		c.fail("second is %s: %s", p.Status, p.Reason)
	}
	if err := c.ask(c.ctx, `DROP TRIGGER wipe ON public.parent`); err != nil {
		c.fail("%w", err)
	}
	c.recover(c.rerun)
}
