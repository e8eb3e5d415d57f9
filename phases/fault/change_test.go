package fault

import (
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/journal"
)

const (
	kindChanged = "a trigger, rule or function changes what the runbook does not name"
	kindSession = "a trigger or function changes the session's settings"
)

// bystanders are what the runbook does not speak of.
const bystanders = `
CREATE TABLE public.other (id int PRIMARY KEY, note text);
INSERT INTO public.other SELECT i, 'row ' || i FROM generate_series(1, 20) i;
COMMENT ON TABLE public.other IS 'as it was';
GRANT SELECT ON public.other TO pg_monitor;
CREATE TABLE public.other_note (id int PRIMARY KEY, other_id int REFERENCES public.other);
INSERT INTO public.other_note SELECT i, i FROM generate_series(1, 20) i;
CREATE FUNCTION public.helper() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER watch AFTER INSERT ON public.other FOR EACH ROW EXECUTE FUNCTION public.nothing();
CREATE MATERIALIZED VIEW public.summary AS SELECT count(*) AS n FROM public.child;
CREATE TABLE public.diary (day int) PARTITION BY RANGE (day);
CREATE TABLE public.diary_1 PARTITION OF public.diary FOR VALUES FROM (1) TO (2);
INSERT INTO public.diary VALUES (1);
CREATE SEQUENCE public.numbers;
SELECT lo_from_bytea(4711, 'kept');
CREATE TABLE public.audit (at timestamptz DEFAULT now(), what text);
CREATE FUNCTION public.mischief() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION public.aside() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN PERFORM public.mischief(); IF TG_LEVEL = ''ROW'' THEN RETURN OLD; END IF; RETURN NULL; END';
CREATE FUNCTION public.aside_once() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN IF EXISTS (SELECT FROM gone WHERE id = 7) THEN PERFORM public.mischief(); END IF; RETURN NULL; END';
`

// mischief is what a phase's statement does beside rows, in PL/pgSQL, and what
// the reason of its rollback has to name.
type mischief struct{ name, body, names string }

func mischiefs() []mischief {
	return []mischief{
		{"TRUNCATE", `TRUNCATE public.other_note`, "other_note"},
		{"TRUNCATE … CASCADE", `TRUNCATE public.other CASCADE`, "other_note"},
		{"TRUNCATE of an empty table", `TRUNCATE public.audit`, "audit"},
		{"DROP TABLE", `DROP TABLE public.other CASCADE`, "other"},
		{"DROP and CREATE TABLE", `DROP TABLE public.audit; CREATE TABLE public.audit (at timestamptz DEFAULT now(), what text)`, "audit"},
		{"DROP and CREATE TABLE, filled again", `CREATE TABLE public.swap AS SELECT * FROM public.other_note; DROP TABLE public.other_note; ALTER TABLE public.swap RENAME TO other_note`, "other_note"},
		{"ALTER TABLE … ADD COLUMN", `ALTER TABLE public.other ADD COLUMN more int`, "other"},
		{"ALTER TABLE … TYPE", `ALTER TABLE public.other ALTER COLUMN note TYPE varchar(99)`, "other"},
		{"ALTER TABLE … RENAME", `ALTER TABLE public.other RENAME TO another`, "other"},
		{"ALTER TABLE … SET SCHEMA", `ALTER TABLE public.other_note SET SCHEMA tminus`, "other_note"},
		{"DISABLE TRIGGER", `ALTER TABLE public.other DISABLE TRIGGER watch`, "other"},
		{"REVOKE", `REVOKE SELECT ON public.other FROM pg_monitor`, "other"},
		{"COMMENT", `COMMENT ON TABLE public.other IS 'changed'`, "other"},
		{"COMMENT taken away", `COMMENT ON TABLE public.other IS NULL`, "other"},
		{"CREATE TABLE", `CREATE TABLE public.fresh (n int)`, "fresh"},
		{"LOCK TABLE", `LOCK TABLE public.other IN ACCESS EXCLUSIVE MODE`, "other"},
		{"CREATE OR REPLACE FUNCTION", `CREATE OR REPLACE FUNCTION public.helper() RETURNS int LANGUAGE sql AS 'SELECT 2'`, "helper"},
		{"DROP FUNCTION", `DROP FUNCTION public.helper()`, "helper"},
		{"REFRESH MATERIALIZED VIEW", `REFRESH MATERIALIZED VIEW public.summary`, "summary"},
		{"DETACH PARTITION", `ALTER TABLE public.diary DETACH PARTITION public.diary_1`, "diary"},
		{"lo_unlink", `PERFORM lo_unlink(4711)`, "4711"},
		{"DDL after one that an exception took back", `BEGIN TRUNCATE public.other CASCADE; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END; TRUNCATE public.audit`, "audit"},
	}
}

// way is how a mischief is set off by what phase first does.
type way struct {
	name   string
	sql    string // what is planted beside the function
	source func(book string) string
}

func ways() []way {
	// The delete is the phase's last statement: nobody looks again for another's sake.
	same := func(s string) string {
		return strings.Replace(s, "      - delete: child\n"+tallyStep, tallyStep+"      - delete: child\n", 1)
	}
	return []way{
		{"a row trigger", `CREATE TRIGGER aside BEFORE DELETE ON public.child FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION public.aside()`, same},
		{"a statement trigger", `CREATE TRIGGER aside AFTER DELETE ON public.child REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.aside_once()`, same},
		{"a rule", `CREATE RULE aside AS ON DELETE TO public.child DO ALSO SELECT public.mischief() WHERE EXISTS (SELECT FROM public.child WHERE id = 7)`, same},
		{"a step's function", ``, func(s string) string {
			return strings.Replace(s, tallyStep, tallyStep+"      - {sql: \"SELECT public.mischief()\", rows: 1}\n", 1)
		}},
		{"a deferred trigger", `CREATE CONSTRAINT TRIGGER aside AFTER DELETE ON public.child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION public.aside()`, same},
	}
}

// planted makes mischief happen in a way.
func planted(m mischief, w way) string {
	return `CREATE OR REPLACE FUNCTION public.mischief() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN ` + m.body + `; RETURN 1; END $body$;` + w.sql
}

// changeFaults let statements of phase first do more than they say, planted
// before the survey, which sees no more than a trigger or a rule, or after it.
func changeFaults() []fault {
	var out []fault
	for _, m := range mischiefs() {
		for _, w := range ways() {
			for _, late := range []bool{false, true} {
				name := fmt.Sprintf("%s in %s, made before the survey: %v", m.name, w.name, !late)
				smoke := m.name == "TRUNCATE" && w.name == "a row trigger" && late || m.name == "DROP and CREATE TABLE, filled again" && w.name == "a step's function" && !late
				out = append(out, fault{kind: kindChanged, name: name, smoke: smoke, run: func(c *trial) {
					c.undeclared(w.source(book), planted(m, w), m.names, late)
				}})
			}
		}
	}
	return append(out, honestChangeFaults()...)
}

// undeclared holds that phase first is rolled back, before COMMIT, for what was
// planted, and that nothing of it is left.
func (c *trial) undeclared(source, sql, names string, late bool) {
	c.attended, c.source = false, source
	plant := sql
	if late {
		plant = ""
	}
	if err := c.ask(c.ctx, bystanders+plant); err != nil {
		c.fail("plant it: %w", err)
		return
	}
	before := c.picture()
	c.direct(onKind("survey_taken", "", func() {
		if late {
			if err := c.ask(c.ctx, sql); err != nil {
				c.fail("plant it: %w", err)
			}
			before = c.picture()
		}
	}))
	s := c.said()
	if s == nil || len(c.wrong) > 0 {
		c.fail("no run")
		return
	}
	p := phaseOf(s, "first")
	switch {
	case p.Status != phases.PhaseIsRolledBack || s.ExitCode() != 4 || p.Intent != nil:
		c.fail("first is %s, exit code %d", p.Status, s.ExitCode())
	case !strings.Contains(p.Reason, names):
		c.fail("the reason does not name %s: %s", names, p.Reason)
	}
	c.pictureIs(before)
	c.recover(c.rerun)
}

// honest is something that looks like an undeclared change, and is none.
type honest struct {
	name  string
	sql   string // planted beside the bystanders
	steps string // in the place of phase first's
	holds string // what is true afterwards
	on    string // the record at which meanwhile is done by another session
	doing string
}

const tallyStep = "      - {sql: \"UPDATE public.tally SET n = n + 1 WHERE phase = 'first'\", touch: [tally], rows: 1}\n"

func honests() []honest {
	body := func(b string) string {
		return planted(mischief{body: b}, ways()[0])
	}
	out := []honest{
		{name: "nothing beside the rows"},
		{
			name: "a trigger writes into a table that is declared", sql: body(`INSERT INTO public.audit (what) VALUES ('deleted')`),
			steps: strings.Replace("      - delete: child\n"+tallyStep, "[tally]", "[tally, audit]", 1), holds: `SELECT count(*) = 1 FROM public.audit`,
		},
		{name: "a trigger raises a notice", sql: body(`RAISE NOTICE 'deleted'`)},
		{name: "a trigger makes and drops a temporary table", sql: body(`CREATE TEMP TABLE mine (n int PRIMARY KEY, t text); INSERT INTO mine VALUES (1, 'x'); TRUNCATE mine; DROP TABLE mine`)},
		{name: "a trigger leaves a temporary table", sql: body(`CREATE TEMP TABLE mine ON COMMIT DROP AS SELECT 1 AS n`)},
		{name: "a trigger takes a number", sql: body(`PERFORM nextval('public.numbers')`)},
		{
			name: "a trigger's TRUNCATE is taken back by its exception block", sql: body(`BEGIN TRUNCATE public.other CASCADE; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END`),
			holds: `SELECT count(*) = 20 FROM public.other`,
		},
		{name: "a trigger's table is taken back by its exception block", sql: body(`BEGIN CREATE TABLE public.fresh (n int); RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END`)},
		{name: "a trigger reads", sql: body(`PERFORM count(*) FROM public.other, public.diary`)},
		{name: "a trigger takes an advisory lock", sql: body(`PERFORM pg_advisory_xact_lock(4711)`)},
		{
			name: "a statement truncates what it declares", steps: "      - delete: child\n      - {sql: \"TRUNCATE public.other, public.other_note\", touch: [other, other_note], rows: any}\n" + tallyStep,
			holds: `SELECT count(*) = 0 FROM public.other`,
		},
		{
			name: "a statement truncates a table with an owned sequence", sql: `CREATE TABLE public.numbered (id serial PRIMARY KEY, t text); INSERT INTO public.numbered (t) VALUES ('a'); CREATE INDEX ON public.numbered (t);`,
			steps: "      - delete: child\n      - {sql: \"TRUNCATE public.numbered RESTART IDENTITY\", touch: [numbered], rows: any}\n" + tallyStep, holds: `SELECT count(*) = 0 FROM public.numbered`,
		},
		{
			name: "a statement refreshes a materialized view", steps: "      - delete: child\n      - {sql: \"REFRESH MATERIALIZED VIEW public.summary\", rows: any}\n" + tallyStep,
			holds: `SELECT n = 0 FROM public.summary`,
		},
		{
			name: "a statement restarts a sequence", sql: `SELECT setval('public.numbers', 500);`,
			steps: "      - delete: child\n      - {sql: \"ALTER SEQUENCE public.numbers RESTART WITH 1\", rows: any}\n" + tallyStep, holds: `SELECT last_value = 1 FROM public.numbers`,
		},
	}
	for _, on := range []string{"step_started", "step_done", "phase_verified", "hold_opened"} {
		out = append(out, honest{
			name: "another session's DDL at " + on, on: on,
			doing: `CREATE TABLE public.strangers (n int); ALTER TABLE public.other ADD COLUMN more int; DROP FUNCTION public.helper(); TRUNCATE public.audit; COMMENT ON TABLE public.other IS NULL; ANALYZE public.other`,
			holds: `SELECT to_regclass('public.strangers') IS NOT NULL`,
		})
	}
	return out
}

func honestChangeFaults() []fault {
	var out []fault
	for _, n := range honests() {
		out = append(out, fault{kind: kindChanged, name: "honest: " + n.name, smoke: strings.Contains(n.name, "temporary table") || n.on == "step_done", run: n.run})
	}
	return out
}

func (n honest) run(c *trial) {
	c.attended = false
	if n.steps != "" {
		c.source = strings.Replace(book, "      - delete: child\n"+tallyStep, n.steps, 1)
	}
	if err := c.ask(c.ctx, bystanders+n.sql); err != nil {
		c.fail("plant it: %w", err)
		return
	}
	var opts []journal.Option
	if n.on != "" {
		opts = append(opts, onKind(n.on, "first", func() {
			if err := c.ask(c.ctx, n.doing); err != nil {
				c.fail("another session: %w", err)
			}
		}))
	}
	c.direct(opts...)
	if s := c.said(); s == nil || s.Outcome != phases.Completed {
		c.fail("an honest run was not completed")
		return
	}
	if n.holds != "" {
		held := false
		if err := c.ask(c.ctx, n.holds, &held); err != nil || !held {
			c.fail("%s: %v, %v", n.holds, held, err)
		}
	}
	c.recover(c.rerun)
}

// sessionFaults take the armour off the phase's session.
func sessionFaults() []fault {
	var out []fault
	for _, m := range []mischief{
		{"session_replication_role, for the session", `PERFORM set_config('session_replication_role', 'replica', false)`, "session_replication_role"},
		{"session_replication_role, for the transaction", `SET LOCAL session_replication_role = replica`, "session_replication_role"},
		{"row_security", `SET row_security = on`, "row_security"},
	} {
		for _, w := range ways() {
			if w.name == "a rule" {
				continue // it is a function's doing, as in a step
			}
			for _, late := range []bool{false, true} {
				out = append(out, fault{
					kind: kindSession, name: fmt.Sprintf("%s in %s, made before the survey: %v", m.name, w.name, !late),
					smoke: late && w.name == "a row trigger" && m.name == "session_replication_role, for the session",
					run:   func(c *trial) { c.undeclared(w.source(book), planted(m, w), m.names, late) },
				})
			}
		}
	}
	// A function that puts back what it changed, as pg_dump's scripts do.
	back := mischief{body: `PERFORM set_config('row_security', 'on', true); PERFORM set_config('row_security', 'off', true)`}
	return append(out, fault{kind: kindSession, name: "honest: set, and put back", run: honest{sql: planted(back, ways()[0])}.run})
}
