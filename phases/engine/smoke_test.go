package engine_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/report"
)

const probeSchema = smallSchema + `
CREATE TABLE late (id int PRIMARY KEY, other int REFERENCES late DEFERRABLE INITIALLY DEFERRED);
CREATE SEQUENCE numbers;
CREATE PROCEDURE leave() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS $$ INSERT INTO keep VALUES (900, 'x') RETURNING id $$;
CREATE FUNCTION unpins() RETURNS text LANGUAGE sql AS $$ SELECT set_config('transaction_read_only', 'off', true) $$;
`

// statements is an item with SQL; each is a statement with the other keys of a probe.
func statements(id string, writes bool, all ...string) string {
	out := fmt.Sprintf("- id: %s\n  text: %s\n  action:\n    rolled_back: %v\n    timeout: 5s\n    sql:\n", id, id, writes)
	for _, s := range all {
		out += "      - {" + s + "}\n"
	}
	return out
}

// Nothing of what an item's statements do stays, whatever they do.
func TestStatementsOfAnItem(t *testing.T) {
	t.Parallel()
	r := newRig(t, probeSchema, actionBook(
		statements("chain", true,
			`sql: "INSERT INTO keep VALUES (1000, 'it''s') RETURNING note", as: note`,
			`sql: "UPDATE keep SET note = {{note}} || '!' WHERE id < 3", rows: 2`,
			`sql: "SELECT count(*) FROM keep WHERE note LIKE {{note}} || '%'", expect: "= 3"`,
			`sql: "SELECT nullif({{note}}, {{note}})", as: nothing`,
			`sql: "SELECT {{nothing}}::text IS NULL", expect: "t"`,
			`sql: "SELECT i FROM generate_series(1, 100000) i", rows: 100000`)+
			statements("truncate", true, "sql: 'TRUNCATE child'", `sql: "SELECT count(*) FROM child", expect: "= 0"`)+
			statements("session", true, "sql: 'SELECT pg_advisory_lock(77)'", "sql: 'SELECT nextval(''numbers'')'", "sql: 'DO $$ BEGIN RAISE NOTICE ''hello''; RAISE WARNING ''there''; END $$'")+
			statements("reads", false, "sql: 'SELECT count(*) FROM keep', expect: '= 50'")+
			statements("fails", true, "sql: 'INSERT INTO keep VALUES (1001)'", "sql: 'INSERT INTO keep VALUES (1)'", "sql: 'SELECT 1'")+
			statements("unlike", true, "sql: 'INSERT INTO keep VALUES (1002)'", "sql: 'SELECT 1', expect: '= 2'")+
			statements("many", false, "sql: 'SELECT id FROM keep', as: id")+
			statements("number", true, "sql: 'DELETE FROM child', rows: 3")+
			statements("block", true, "sql: 'INSERT INTO keep VALUES (1003)'", "sql: 'DO $$ BEGIN COMMIT; END $$'")+
			statements("procedure", true, "sql: 'INSERT INTO keep VALUES (1004)'", "sql: 'CALL leave()'")+
			statements("deferred", true, "sql: 'INSERT INTO late VALUES (1, 2)'")+
			statements("hidden", false, "sql: 'SELECT writes()'")+
			statements("unpinned", false, "sql: 'SELECT unpins()'", "sql: 'SELECT writes()'")+
			statements("endless", true, "sql: 'SELECT pg_sleep(1000)'"), ""))
	r.open(engine.Settings{})
	r.untilReady()
	for item, want := range map[string]string{
		"chain": "", "truncate": "", "session": "", "reads": "",
		"fails":     "statement 2 of 3: duplicate key",
		"unlike":    `statement 2 of 2: it gives 1, and "= 2" is expected`,
		"many":      "it gives 50 rows, and must give one",
		"number":    "20,000 rows, and 3 expected",
		"block":     "invalid transaction termination",
		"procedure": "invalid transaction termination",
		"deferred":  "deferred constraints: ",
		"hidden":    "cannot execute INSERT in a read-only transaction",
		"unpinned":  "read-",
		"endless":   "not done within its limit of 5.0 s",
	} {
		got := r.acts(item)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", item, got, want)
		}
	}
	if keep, child, late := r.rows("keep"), r.rows("child"), r.rows("late"); keep != 50 || child != 20000 || late != 0 {
		t.Errorf("keep has %d rows, child %d, late %d", keep, child, late)
	}
	var locks int
	var next int64
	if err := r.conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77), nextval('numbers')`).Scan(&locks, &next); err != nil {
		t.Fatal(err)
	}
	if locks != 0 || next != 2 { // a sequence is never rolled back
		t.Errorf("%d locks are left, the next number is %d", locks, next)
	}
	got := r.result("chain").Result
	if got.Value != "6 statements, rolled back" || !strings.HasPrefix(got.Output, "INSERT: 1 row\nUPDATE: 2 rows\nSELECT: 1 row: 3\n") {
		t.Errorf("chain: %+v", got)
	}
	if strings.Contains(got.Output, "it's") {
		t.Error("a value that nobody compares is recorded")
	}
}

// One that waits for a lock says so, and keeps nobody waiting.
func TestStatementsWaitForALock(t *testing.T) {
	t.Parallel()
	r := newRig(t, smallSchema, actionBook(statements("blocked", true, "sql: 'UPDATE keep SET note = id'"), ""))
	r.open(engine.Settings{})
	r.untilReady()
	tx, err := r.conn.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK keep"); err != nil {
		t.Fatal(err)
	}
	if got := r.acts("blocked"); !strings.Contains(got, "lock") && !strings.Contains(got, "limit") {
		t.Errorf("blocked: %q", got)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// toAfter takes a run of smallBook to behind its last phase.
func (r *rig) toAfter() {
	r.t.Helper()
	r.toHold()
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
}

// The smoke tests begin by themselves, one after the other, when their stage
// does; one that fails holds the others, until somebody has decided.
func TestSmokeTestsBeginByThemselves(t *testing.T) {
	t.Parallel()
	var well atomic.Bool
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if !well.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	book := actionBook("", statements("rows", true, "sql: 'INSERT INTO parent VALUES (1) RETURNING id', as: id", "sql: 'SELECT count(*) FROM parent WHERE id = {{id}}', expect: '= 1'")+
		fmt.Sprintf(`
- {id: health, text: Health, action: {http: '%[1]s/'}}
- {id: never, text: Never waived, never_waive: true, action: {http: '%[1]s/', follows: rows}}
- {id: late, text: Late, action: {http: '%[1]s/', follows: never}}
- {id: seen, text: Somebody looked}
`, server.URL))
	book = strings.Replace(book, "    timeout: 5s\n", "    timeout: 5s\n          starts: now\n", 1)
	book = strings.Replace(book, "action: {http: '"+server.URL+"/'}", "action: {http: '"+server.URL+"/', starts: now}", 1)
	r := newRig(t, smallSchema, book)
	r.open(engine.Settings{})
	r.toAfter()
	r.until("the first failure", func(s *phases.State) bool {
		_, failed := s.SmokeFailed()
		return failed && s.Acting() == nil
	})
	s := r.state()
	if it, _ := s.SmokeFailed(); it.ID != "health" || s.Item("never").Action != nil || s.Item("rows").Action.Error != "" {
		t.Fatalf("%s failed, never is %+v, rows %+v", it.ID, s.Item("never").Action, s.Item("rows").Action)
	}
	if n := s.Next(s.At); n.Wait != phases.WaitSmoke || n.Item.ID != "health" {
		t.Errorf("it waits for %q of %q", n.Wait, n.Item.ID)
	}
	r.refused(phases.CloseRun{}, "held by a smoke test that failed: Health: go on, or restore or undo?")
	r.refused(phases.Tick{Item: "health"}, "its action answers this item")
	r.refused(phases.DecideSmoke{Item: "health", Verdict: "maybe", Who: "W", Reason: "R"}, "decide to go on, restore or undo")
	r.refused(phases.DecideSmoke{Item: "health", Verdict: phases.GoOn, Reason: "R"}, "name and role of who decides is needed")
	r.refused(phases.DecideSmoke{Item: "late", Verdict: phases.GoOn, Who: "W", Reason: "R"}, "nothing is known of it yet")
	r.refused(phases.DecideSmoke{Item: "said", Verdict: phases.GoOn, Who: "W", Reason: "R"}, "first comes")
	r.do(phases.DecideSmoke{Item: "health", Verdict: phases.Restore, Who: "client", Reason: "not acceptable"})
	r.refused(phases.CloseRun{}, `after the smoke test "Health" it was decided to restore: abort the run`)
	r.do(phases.DecideSmoke{Item: "health", Verdict: phases.GoOn, Who: "A., \x1b[31mclient", Reason: "known, ticket 7"})
	r.until("the next failure", func(s *phases.State) bool {
		it, failed := s.SmokeFailed()
		return failed && it.ID == "never" && s.Acting() == nil
	})
	r.refused(phases.Waive{Item: "never", Who: "W", Reason: "R"}, "never_waive: after the point of no return nobody may waive it")
	well.Store(true)
	r.do(phases.Act{Item: "never"})
	r.until("the last", func(s *phases.State) bool { return s.Item("late").Action != nil && s.Acting() == nil })
	// A human's test fails where somebody says so.
	r.do(phases.DecideSmoke{Item: "seen", Verdict: phases.UndoIt, Who: "W", Reason: "it looks odd"})
	r.refused(phases.CloseRun{}, "it was decided to undo")
	r.refused(phases.Waive{Item: "seen", Who: " ", Reason: "R"}, "name and role of who takes it on is needed")
	r.refused(phases.Waive{Item: "seen", Who: "W", Reason: ""}, "a reason is needed")
	r.do(phases.Waive{Item: "seen", Who: "B., manager", Reason: "no browser here"})
	r.refused(phases.Tick{Item: "seen"}, "it is waived")
	r.do(phases.TakeBackWaiver{Item: "seen"})
	r.refused(phases.TakeBackWaiver{Item: "seen"}, "it is not waived")
	r.do(phases.Waive{Item: "seen", Who: "B., manager", Reason: "no browser here"})
	r.do(phases.Tick{Item: "said"})
	if n := asked.Load(); n != 4 {
		t.Errorf("the server was asked %d times", n)
	}
	r.do(phases.CloseRun{})
	r.wait()
	r.reports("waived by B., manager", "decided to go on: known, ticket 7", "decided to restore: not acceptable", "waiver taken back")
}

// reports holds that the deviations of the report say all of it.
func (r *rig) reports(all ...string) {
	r.t.Helper()
	recs, err := journal.Read(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	rep, err := report.Build(recs)
	if err != nil {
		r.t.Fatal(err)
	}
	var text strings.Builder
	for _, d := range rep.Deviations {
		text.WriteString(d.Text + "\n")
	}
	for _, want := range all {
		if !strings.Contains(strings.ToLower(text.String()), strings.ToLower(want)) {
			r.t.Errorf("no deviation says %q:\n%s", want, text.String())
		}
	}
}

// What was cut off is not begun again: not by itself, nor by an unattended run.
func TestCutActionIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{}, 9)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		hanging <- struct{}{}
		<-q.Context().Done()
	}))
	defer server.Close()
	r := newRig(t, smallSchema, actionBook("", fmt.Sprintf("- {id: health, text: Health, action: {http: '%s/', starts: now, timeout: 1h}}\n- {id: next, text: Next, action: {http: '%[1]s/', follows: health}}\n", server.URL)))
	r.open(engine.Settings{})
	r.toAfter()
	<-hanging
	r.refused(phases.Act{Item: "next"}, "wait for its end, or cancel it")
	// As it is on disk when the program is killed now.
	cut, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	// Who leaves cancels it: that is recorded, and is no failed test.
	if err := r.leave(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if a := s.Item("health").Action; a.Cut || !a.Cancelled || a.Running {
		t.Errorf("left: %+v", a)
	}
	if it, failed := s.SmokeFailed(); failed {
		t.Errorf("%s failed, and was only left", it.ID)
	}
	r.path = filepath.Join(t.TempDir(), "cut.journal")
	if err := os.WriteFile(r.path, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	r.resume(engine.Settings{})
	r.untilReady()
	s = r.state()
	if a := s.Item("health").Action; !a.Cut || a.Running || !strings.Contains(a.Error, "the program ended before its end was recorded") {
		t.Errorf("resumed: %+v", a)
	}
	if due := s.Due(s.At); due != "" || s.Acting() != nil {
		t.Errorf("%q is due", due)
	}
	if _, failed := s.SmokeFailed(); failed {
		t.Error("what was cut off is no failed test")
	}
	r.do(phases.Act{Item: "health"})
	<-hanging
	r.do(phases.CancelAction{Item: "health"})
	r.untilActed("health")
	if a := r.result("health"); !a.Cancelled || !strings.Contains(a.Error, "cancelled by dba@here") {
		t.Errorf("cancelled: %+v", a)
	}
}

// An unattended run runs what it can, and answers no question that a failed test asks.
func TestUnattendedStopsAtASmokeTest(t *testing.T) {
	t.Parallel()
	book := actionBook("", statements("wrong", true, "sql: 'SELECT 1', expect: '= 2'")+statements("right", false, "sql: 'SELECT 1', expect: '= 1'"))
	book = strings.Replace(book, "fields: [{id: who, label: Who}]", "fields: [{id: who, label: Who, example: all}]", 1)
	r := newRig(t, smallSchema, book)
	r.opened.Unattended = true
	r.open(engine.Settings{Patience: 1})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	s := r.state()
	if s.Outcome != "" || !strings.Contains(s.Interrupted, "held by a smoke test that failed: wrong: go on, or restore or undo?") {
		t.Errorf("outcome %q, left since %q", s.Outcome, s.Interrupted)
	}
	if it, failed := s.SmokeFailed(); !failed || it.ID != "wrong" || s.Item("wrong").Decided != nil {
		t.Errorf("%q failed", it.ID)
	}
}
