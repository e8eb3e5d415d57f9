package fault

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"tminus/phases"
)

const (
	kindSwallowed = "ledger swallows or changes the phase's row"
	kindStale     = "an older copy of the journal resumed"
)

// swallows are what somebody makes of the ledger after it was examined.
var swallows = []struct{ name, sql string }{
	{"a trigger returns NULL", `CREATE FUNCTION public.eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER eat BEFORE INSERT ON tminus.ledger FOR EACH ROW EXECUTE FUNCTION public.eat()`},
	{"a trigger changes the random number", `CREATE FUNCTION public.eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.nonce := ''x''; RETURN NEW; END';
		CREATE TRIGGER eat BEFORE INSERT ON tminus.ledger FOR EACH ROW EXECUTE FUNCTION public.eat()`},
	{"a trigger changes the phase", `CREATE FUNCTION public.eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.phase := ''x'' || NEW.phase; RETURN NEW; END';
		CREATE TRIGGER eat BEFORE INSERT ON tminus.ledger FOR EACH ROW EXECUTE FUNCTION public.eat()`},
	{"a trigger deletes it afterwards", `CREATE FUNCTION public.eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM tminus.ledger; RETURN NULL; END';
		CREATE TRIGGER eat AFTER INSERT ON tminus.ledger FOR EACH ROW EXECUTE FUNCTION public.eat()`},
	{"a deferred trigger deletes it in COMMIT", `CREATE FUNCTION public.eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM tminus.ledger; RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER eat AFTER INSERT ON tminus.ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.eat()`},
	{"a rule does nothing instead", `CREATE RULE eat AS ON INSERT TO tminus.ledger DO INSTEAD NOTHING`},
	{"a rule writes elsewhere", `CREATE TABLE tminus.elsewhere (LIKE tminus.ledger);
		CREATE RULE eat AS ON INSERT TO tminus.ledger DO INSTEAD INSERT INTO tminus.elsewhere VALUES (NEW.*)`},
	{"row security", `ALTER TABLE tminus.ledger ENABLE ROW LEVEL SECURITY; ALTER TABLE tminus.ledger FORCE ROW LEVEL SECURITY;
		CREATE POLICY eat ON tminus.ledger USING (false) WITH CHECK (true)`},
	{"an unlogged table in its place", `ALTER TABLE tminus.ledger SET UNLOGGED`},
	{"a view in its place", `ALTER TABLE tminus.ledger RENAME TO stored; CREATE VIEW tminus.ledger AS SELECT * FROM tminus.stored`},
}

// swallowedFaults change the ledger after the survey, and lose COMMIT's answer
// or not.
func swallowedFaults() []fault {
	var out []fault
	for _, s := range swallows {
		for _, phase := range []string{"first", "second"} {
			for _, lost := range []bool{false, true} {
				out = append(out, fault{
					kind: kindSwallowed, name: fmt.Sprintf("%s, in %s, COMMIT's answer lost: %v", s.name, phase, lost),
					smoke: s.name == "a trigger returns NULL" && phase == "first" && lost,
					run:   func(c *trial) { c.swallow(s.sql, phase, lost) },
				})
			}
		}
	}
	// A run whose ledger is as it was made is every other trial. One who may
	// do less than a superuser has the same ledger.
	return append(out, fault{kind: kindSwallowed, name: "honest: an ordinary role's ledger", run: func(c *trial) {
		c.attended = false
		if err := c.employ(0); err != nil {
			c.fail("%w", err)
			return
		}
		c.direct()
		if s := c.said(); s == nil || s.Outcome != phases.Completed {
			c.fail("an ordinary role's run was not completed")
			return
		}
		c.recover(c.rerun)
	}})
}

func (c *trial) swallow(sql, phase string, lost bool) {
	c.attended, c.noLedger = false, true
	if strings.Contains(sql, "ROW LEVEL") { // no superuser is subject to it
		if err := c.employ(0); err != nil {
			c.fail("%w", err)
			return
		}
	}
	in := map[string]int{"first": inFirst, "second": inSecond}[phase]
	if lost {
		c.proxy.arm(func(m message) *order {
			if m.phase == in && m.side == server && m.kind == 'C' && m.sql == "commit" {
				return &order{act: swallowCut}
			}
			return nil
		})
	}
	run, err := c.open(c.through(), onKind("phase_started", phase, func() {
		if err := c.ask(c.ctx, sql); err != nil {
			c.fail("change the ledger: %w", err)
		}
	}))
	if err == nil {
		_ = c.wait(run) // how it ends is the fault's matter; the journal tells
	}
	if c.proxy.fired.Load() {
		c.fail("COMMIT was sent, and nothing proves it")
	}
	if s := c.said(); s == nil || phaseOf(s, phase).Status != phases.PhaseIsRolledBack || s.ExitCode() != 4 {
		c.fail("%s was not rolled back", phase)
	}
	c.recover(c.rerun)
}

// employ makes an ordinary role that owns all it needs, with at most so many
// connections unless that is 0, and lets it run the trial.
func (c *trial) employ(limit int) error {
	c.role = "worker_" + c.name
	if limit == 0 {
		limit = -1
	}
	return c.ask(c.ctx, fmt.Sprintf(`DO $$ BEGIN IF to_regrole('%[1]s') IS NULL THEN CREATE ROLE %[1]s LOGIN; END IF; END $$;
		ALTER ROLE %[1]s CONNECTION LIMIT %[2]d;
		GRANT CREATE ON DATABASE %[3]s TO %[1]s; ALTER SCHEMA public OWNER TO %[1]s;
		ALTER TABLE public.child OWNER TO %[1]s; ALTER TABLE public.parent OWNER TO %[1]s;
		ALTER TABLE public.keep OWNER TO %[1]s; ALTER TABLE public.tally OWNER TO %[1]s`, c.role, limit, c.name))
}

// staleFaults take a run up by a copy of its journal from before phase first's
// COMMIT, after the run went on.
func (h *harness) staleFaults(clean cleanRun) []fault {
	var out []fault
	for i, r := range clean.records {
		if r.Kind == "commit_intended" {
			break // from there on the copy knows of the COMMIT
		}
		n := i + 1
		if n < 2 {
			continue
		}
		for _, phase := range []string{"first", "second"} {
			out = append(out, fault{
				kind: kindStale, name: fmt.Sprintf("%s, the run went on to %s's COMMIT", recordName(clean, n), phase),
				smoke: r.Kind == "gate_passed" && phase == "first",
				run:   func(c *trial) { h.resumeStale(c, n, phase) },
			})
		}
	}
	out = append(out, fault{kind: kindStale, name: "honest: a copy of all of it", run: func(c *trial) {
		c.leaveAt(committed("first"), "")
		c.copyJournal(len(c.lines()), false)
		h.finish(c)
	}})
	return out
}

// copyJournal goes on with a copy of the journal's first records; a stale one
// has none of phase first's COMMIT.
func (c *trial) copyJournal(records int, stale bool) {
	text, err := os.ReadFile(c.path)
	if err != nil {
		c.fail("%w", err)
		return
	}
	lines := strings.SplitAfter(string(text), "\n")
	c.path += ".copy"
	lines = lines[:min(records, len(lines))]
	if i := slices.IndexFunc(lines, func(l string) bool { return speaks([]byte(l), "commit_intended", "first") }); i >= 0 && stale {
		lines = lines[:i] // this run had fewer records than the clean one
	}
	if err := os.WriteFile(c.path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		c.fail("%w", err)
	}
}

func (h *harness) resumeStale(c *trial, n int, phase string) {
	c.leaveAt(committed(phase), "")
	before, ledger := c.picture(), c.ledgerText()
	path := c.path
	c.copyJournal(n, true)
	out, code, err := h.resumeOn(c, c.dsn())
	if s := c.said(); err != nil || code != 5 || s == nil || s.Outcome != "" || slices.ContainsFunc(s.Phases, func(p phases.PhaseState) bool { return p.Status == phases.PhaseIsRolledBack && p.Intent != nil }) {
		c.fail("a journal from before first's COMMIT was resumed: exit code %d, %v: %s", code, err, out)
	}
	if !strings.Contains(out, "first") {
		c.fail("the refusal does not name phase first: %s", out)
	}
	c.pictureIs(before)
	if now := c.ledgerText(); now != ledger {
		c.fail("the ledger was %q, and is %q", ledger, now)
	}
	c.path = path
	h.finish(c)
}

func (c *trial) ledgerText() string {
	text := ""
	if err := c.ask(c.ctx, `SELECT coalesce(string_agg(l::text, ' ' ORDER BY l::text), '') FROM tminus.ledger l`, &text); err != nil {
		c.fail("read the ledger: %w", err)
	}
	return text
}
