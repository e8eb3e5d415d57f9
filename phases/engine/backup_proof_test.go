package engine_test

import (
	"strings"
	"testing"
	"time"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
)

// askedAnew waits for a check's answer to what is so now.
func (r *rig) askedAnew(item string, pass bool, part string) {
	r.t.Helper()
	now := time.Now()
	r.do(phases.Recheck{Item: item})
	r.until(item+" asked anew: "+part, func(s *phases.State) bool {
		c := s.Item(item).Check
		return c.At.After(now) && c.Pass == pass && strings.Contains(c.Value, part)
	})
}

// A proof is of the tables as they were: another schema un-ticks it, and what the
// run itself has disabled does not.
func TestBackupProofDecaysWithTheSchema(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	schema := smallSchema + `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER tells AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION f();`
	r, _ := taken(t, schema, backupBook(take(t.TempDir()), tried("1h"),
		`      - {id: quiet, text: Quiet, action: {name: triggers.disable, triggers: [tells]}}`,
		`      - {id: sized, text: Sized, check: {database: backup.size, every: 50ms, remedy: R}}`))
	r.answers("sized", true, "; there is none before it")
	if got := r.acts("tried"); got != "" {
		t.Fatal(got)
	}
	r.answers("tried", true, "counts until")
	if got := r.acts("quiet"); got != "" {
		t.Fatal(got)
	}
	r.askedAnew("tried", true, "counts until")
	for _, c := range []struct{ sql, want string }{
		{`CREATE INDEX ON parent (keep_id); CREATE TABLE aside (id int); ANALYZE`, ""},
		{`ALTER TABLE child ADD note text`, "the schema has changed since it was taken: child differs"},
		{`ALTER TABLE child DROP note`, ""},
		{`CREATE TABLE late (id int REFERENCES parent ON DELETE CASCADE)`, "late is new, parent differs"},
		{`DROP TABLE late`, ""},
		{`DROP TABLE child`, "child is missing, parent differs"},
	} {
		r.exec(c.sql)
		if c.want == "" {
			r.askedAnew("tried", true, "counts until")
		} else {
			r.askedAnew("tried", false, c.want)
		}
		if got := r.state().Proof(time.Now()).Lacks; (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: not proven: %q, want %q", c.sql, got, c.want)
		}
	}
}

// What a command took and tried has the schema of when it was taken, and no size.
func TestBackupProofByACommandDecaysWithTheSchema(t *testing.T) {
	r := newRig(t, smallSchema, backupBook("  take: {command: [\"true\"]}\n  try: {command: [\"true\"]}", tried("1h"),
		`      - {id: sized, text: Sized, check: {database: backup.size, every: 50ms, remedy: R}}`))
	r.open(engine.Settings{})
	r.untilReady()
	if got := r.acts("taken"); got != "" {
		t.Fatal(got)
	}
	r.answers("sized", false, "nobody knows its size: true took the backup of ")
	r.exec(`ALTER TABLE child ADD note text`)
	if got := r.acts("tried"); got != "" {
		t.Fatal(got)
	}
	r.answers("tried", false, "the schema has changed since it was taken: child differs")
	r.exec(`ALTER TABLE child DROP note`)
	r.answers("tried", true, "counts until")
}
