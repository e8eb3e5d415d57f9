package engine_test

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
)

// others are tables that no runbook of these tests names.
const others = `
CREATE TABLE other (id serial PRIMARY KEY, note text); INSERT INTO other (note) SELECT 'row ' || i FROM generate_series(1, 100) i;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM other;
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'DELETE' AND OLD.id = 7 THEN %s; END IF; RETURN OLD; END $$;
`

const meddler = `CREATE TRIGGER meddles BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION meddle()`

func planted(does string) string { return strings.Replace(others, "%s", does, 1) }

func TestWhatNobodyDeclaredIsRolledBack(t *testing.T) {
	for name, c := range map[string]struct{ does, want string }{
		"truncate":       {`TRUNCATE other`, "table other was truncated"},
		"drop":           {`DROP TABLE other CASCADE`, "other was dropped"},
		"make anew":      {`DROP TABLE other CASCADE; CREATE TABLE public.other (id int)`, "other was"},
		"rename":         {`ALTER TABLE other RENAME TO another`, "was renamed"},
		"alter":          {`ALTER TABLE other ADD COLUMN more int`, "column more of table other was created"},
		"replace":        {`EXECUTE 'CREATE OR REPLACE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN OLD; END'''`, "function meddle() was altered"},
		"grant":          {`GRANT SELECT ON other TO PUBLIC`, "other was altered"},
		"refresh":        {`REFRESH MATERIALIZED VIEW totals`, "totals was"},
		"in the ledger":  {`INSERT INTO tminus.ledger (run_id, phase, attempt, nonce, xid, operator, runbook_sha256) VALUES ('x', 'y', 1, '', '', '', '')`, "tminus.ledger (1 inserted"},
		"lock":           {`LOCK TABLE other IN ACCESS EXCLUSIVE MODE`, "other was locked"},
		"in a block":     {`BEGIN TRUNCATE other; EXCEPTION WHEN division_by_zero THEN NULL; END`, "table other was truncated"},
		"not durable":    {`PERFORM set_config('synchronous_commit', 'off', true)`, "synchronous_commit"},
		"as the replica": {`PERFORM set_config('session_replication_role', 'replica', true)`, "session_replication_role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, smallSchema+planted(c.does)+meddler, twoBook)
			r.opened.Unattended = true
			r.open(engine.Settings{})
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			p := r.phaseOf(r.state(), "one")
			if p.Status != phases.PhaseIsRolledBack || !strings.Contains(p.Reason, c.want) {
				t.Fatalf("one is %s: %s\n%s", p.Status, p.Reason, r.log())
			}
			if n := r.rows("child") + r.rows("other") + r.rows("keep"); n != 20150 {
				t.Errorf("%d rows are there", n)
			}
		})
	}
}

func TestWhatChangesNothingElseCommits(t *testing.T) {
	for name, does := range map[string]string{
		"nothing":             `NULL`,
		"a notice":            `RAISE NOTICE 'gone'`,
		"a number":            `PERFORM nextval('other_id_seq')`,
		"a temporary table":   `CREATE TEMP TABLE scratch (id int PRIMARY KEY, note text) ON COMMIT DROP; INSERT INTO scratch VALUES (1, 'x'); DROP TABLE scratch; CREATE TEMP TABLE scratch (id int)`,
		"what is taken back":  `BEGIN TRUNCATE other; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END`,
		"a notification":      `NOTIFY gone`,
		"a look at its table": `PERFORM count(*) FROM other`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, smallSchema+planted(does)+meddler, twoBook)
			r.opened.Unattended = true
			r.open(engine.Settings{})
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			if s := r.state(); s.Outcome != phases.Completed || r.rows("other") != 100 {
				t.Fatalf("the run is %s, other has %d rows\n%s", s.Outcome, r.rows("other"), r.log())
			}
		})
	}
}

func TestWhatStepsDeclareCommits(t *testing.T) {
	for name, step := range map[string]string{
		"truncate":               `{sql: TRUNCATE other, touch: [other], rows: any}`,
		"truncate with identity": `{sql: TRUNCATE other RESTART IDENTITY, touch: [other], rows: any}`,
		"refresh":                `{sql: REFRESH MATERIALIZED VIEW totals, rows: any}`,
		"sequence":               `{sql: ALTER SEQUENCE other_id_seq RESTART, rows: any}`,
		"sequence by full name":  `{sql: ALTER SEQUENCE public.other_id_seq RESTART WITH 5, rows: any}`,
		"schema written out":     `{delete: public.other}`,
		"a subquery":             `{delete: other, where: "id IN (SELECT id FROM parent WHERE id <= 50)"}`,
		"marked, then deleted":   `{sql: "UPDATE other SET note = 'gone' WHERE id > 90", touch: [other], rows: any}, {delete: other, where: "note = 'gone'"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := strings.Replace(twoBook, "delete: [child]}", "steps: [{delete: child}, "+step+"]}", 1)
			r := newRig(t, smallSchema+planted(`NULL`), book)
			r.opened.Unattended = true
			r.open(engine.Settings{})
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			if s := r.state(); s.Outcome != phases.Completed {
				t.Fatalf("the run is %s\n%s", s.Outcome, r.log())
			}
		})
	}
}

func TestATruncateBeyondTouchIsRolledBack(t *testing.T) {
	book := strings.Replace(twoBook, "delete: [child]}", "steps: [{sql: SELECT empties(), touch: [other], rows: any}]}", 1)
	r := newRig(t, smallSchema+planted(`NULL`)+`CREATE FUNCTION empties() RETURNS int LANGUAGE sql AS 'TRUNCATE other; TRUNCATE parent CASCADE; SELECT 1'`, book)
	r.opened.Unattended = true
	r.open(engine.Settings{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	p := r.phaseOf(r.state(), "one")
	if p.Status != phases.PhaseIsRolledBack || !strings.Contains(p.Reason, "table parent was truncated") || strings.Contains(p.Reason, "table other") {
		t.Fatalf("one is %s: %s\n%s", p.Status, p.Reason, r.log())
	}
	if n := r.rows("other") + r.rows("child"); n != 20100 {
		t.Errorf("%d rows are there", n)
	}
}

func TestNoPhaseTouchesWhatProvesTheOthers(t *testing.T) {
	for _, does := range []string{
		`DELETE FROM tminus.ledger`, `UPDATE tminus.ledger SET nonce = 'x'`, `UPDATE tminus.ledger SET operator = 'x'`,
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, smallSchema+planted(does), twoBook)
			r.open(engine.Settings{})
			r.commitFirst()
			r.exec(strings.Replace(meddler, "ON child", "ON parent", 1))
			r.resume(engine.Settings{})
			r.untilReady()
			r.do(phases.StartPhase{Phase: "two"})
			r.untilStatus("two", phases.PhaseIsRolledBack)
			if p := r.phaseOf(r.state(), "two"); !strings.Contains(p.Reason, "tminus.ledger (0 inserted") {
				t.Errorf("two was rolled back for another reason: %s", p.Reason)
			}
			if n := r.rows("parent"); n != 5000 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

func TestNoRunbookNamesTheLedger(t *testing.T) {
	r := newRig(t, smallSchema, strings.Replace(twoBook, "delete: [child]}", `steps: [{sql: DELETE FROM tminus.ledger, touch: [tminus.ledger], rows: any}]}`, 1))
	r.open(engine.Settings{})
	if err := r.wait(); err == nil || !strings.Contains(err.Error(), "tminus.ledger is tminus's own") {
		t.Fatalf("got %v", err)
	}
}

// What a delete's triggers write is declared beside it: rows, and nothing else;
// their tables stay open to everybody.
func TestTouchOfADelete(t *testing.T) {
	for name, c := range map[string]struct{ does, want string }{
		"an audit log":    {`INSERT INTO other (note) VALUES ('gone')`, ""},
		"a counter":       {`UPDATE other SET note = 'fewer' WHERE id = 1`, ""},
		"a queue":         {`DELETE FROM other WHERE id = 1`, ""},
		"emptied instead": {`TRUNCATE other`, "table other was truncated"},
		"another table":   {`UPDATE keep SET note = 'x' WHERE id = 1`, "keep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book := strings.Replace(twoBook, "delete: [child]}", "steps: [{delete: child, touch: [other]}]}", 1)
			r := newRig(t, smallSchema+planted(c.does)+meddler, book)
			r.exec(`BEGIN`)
			if c.want == "" { // the application goes on meanwhile
				r.exec(`INSERT INTO other (note) VALUES ('by the application')`)
			}
			r.opened.Unattended = true
			r.open(engine.Settings{LockDeadline: 2 * time.Second})
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			r.exec(`ROLLBACK`)
			p := r.phaseOf(r.state(), "one")
			if c.want == "" && p.Status != phases.PhaseIsCommitted || c.want != "" && (p.Status != phases.PhaseIsRolledBack || !strings.Contains(p.Reason, c.want)) {
				t.Errorf("one is %s: %s\n%s", p.Status, p.Reason, r.log())
			}
		})
	}
}
