package fault

import (
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/journal"
)

const kindVerdict = "verification without an answer"

// verdictFaults lose the line, or the answer, while phase first is verified:
// that is no verdict on what is in the tables.
func verdictFaults(clean cleanRun) []fault {
	var out []fault
	verifying := false
	for _, m := range spots(clean.messages) {
		if m.phase != inFirst || m.sql == "commit" {
			continue
		}
		if strings.Contains(m.sql, "SET CONSTRAINTS") {
			verifying = true
		}
		if strings.Contains(m.sql, "tminus.ledger") {
			break
		}
		if !verifying {
			continue
		}
		for _, o := range []order{{act: swallowCut}, {act: reset}} {
			name := fmt.Sprintf("%s %d (%s, %s) %s", m.side, m.n, letter(m.message), brief(m.sql), map[act]string{swallowCut: "swallowed, cut", reset: "reset"}[o.act])
			out = append(out, fault{kind: kindVerdict, name: name, run: func(c *trial) {
				c.attended = false
				c.onWire(m.message, o)
				c.verdict(false, false)
			}})
		}
	}
	return append(out, errorFaults()...)
}

// errorFaults let a question of the verification fail in the database. What a
// constraint itself says is an answer; all else is none.
func errorFaults() []fault {
	var out []fault
	for _, e := range []struct {
		code     string
		violated bool
	}{{"57014", false}, {"53200", false}, {"55P03", false}, {"23514", true}} {
		name := fmt.Sprintf("a deferred trigger fails with %s, a violation: %v", e.code, e.violated)
		out = append(out, fault{kind: kindVerdict, name: name, smoke: e.code == "57014" || e.code == "23514", run: func(c *trial) {
			c.attended = false
			err := c.ask(c.ctx, `CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'late' USING ERRCODE = '`+e.code+`'; END $$;
				CREATE CONSTRAINT TRIGGER late AFTER DELETE ON public.child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.late()`)
			if err != nil {
				c.fail("%w", err)
				return
			}
			c.direct()
			c.verdict(true, e.violated)
			c.recover(c.rerun)
		}})
	}
	out = append(out, fault{kind: kindVerdict, name: "the right to read a protected table is gone", run: func(c *trial) {
		c.attended = false
		if err := c.employ(0); err != nil {
			c.fail("%w", err)
			return
		}
		c.direct(onKind("step_done", "first", func() {
			if err := c.ask(c.ctx, `REVOKE SELECT ON public.keep FROM `+c.role); err != nil {
				c.fail("%w", err)
			}
		}))
		c.verdict(true, false)
		c.recover(c.rerun)
	}})
	return out
}

// verdict holds that no verification of phase first is recorded as failed
// without an answer. certain says that it was asked, and that its record must
// be there; violated, that it was answered: by no.
func (c *trial) verdict(certain, violated bool) {
	recs, err := journal.Read(c.path)
	if err != nil {
		c.fail("%w", err)
		return
	}
	failed, unknown := "", ""
	for _, r := range recs {
		e, err := phases.Decode(r)
		if err != nil {
			c.fail("%w", err)
			return
		}
		v, ok := e.(phases.PhaseVerified)
		if !ok {
			continue
		}
		for _, res := range v.Results {
			switch {
			case res.Unknown != "" && res.Pass:
				c.fail("%s %s is unknown, and a pass", res.Kind, res.Name)
			case res.Unknown != "":
				unknown = res.Unknown
			case !res.Pass:
				failed = fmt.Sprintf("%s %s: wanted %s, got %s (%s)", res.Kind, res.Name, res.Want, res.Got, res.Detail)
			}
		}
	}
	if violated != (failed != "") {
		c.fail("recorded as failed: %q, and something was violated: %v", failed, violated)
	}
	if certain && !violated && unknown == "" {
		c.fail("a verification without an answer is not recorded as unknown")
	}
}
