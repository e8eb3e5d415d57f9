package engine_test

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
)

const triggerBook = twoBook + `
checklist:
  - id: before
    title: Before
    items:
      - id: off
        text: Triggers are off
        action: {name: triggers.disable, triggers: [noted], text: disable them}
        check: {database: triggers.disabled, remedy: Disable them.}
      - id: like
        text: The tables are as they were rehearsed
        check: {database: rehearsal.schema, every: 1h, remedy: Rehearse again.}
after:
  - id: after
    title: After
    items:
      - {id: on, text: Triggers are on, action: {name: triggers.restore, text: enable them}, check: {database: triggers.restored, remedy: Enable them.}}
`

const withTrigger = smallSchema + `
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER noted AFTER DELETE ON child FOR EACH ROW EXECUTE FUNCTION note();
`

// A migration while the checklist is open takes back that the tables are as they
// were rehearsed, and the GO with it; what the run itself switches off does not.
func TestASchemaThatChangesBeforeTheFirstPhase(t *testing.T) {
	t.Parallel()
	rehearsed := rehearseOpen(t, withTrigger, triggerBook)
	r := newRig(t, withTrigger, triggerBook)
	r.opened.Environment = phases.Production
	found, err := engine.ReadRehearsal(rehearsed, r.opened)
	if err != nil {
		t.Fatal(err)
	}
	r.opened.Rehearsed = &found
	r.open(engine.Settings{LookAgain: 10 * time.Millisecond})
	r.untilReady()
	r.acts("off")
	passes := func(want bool) func(*phases.State) bool {
		return func(s *phases.State) bool { c := s.Item("like").Check; return c != nil && c.Pass == want }
	}
	r.until("like the rehearsal's", passes(true))
	r.until("the triggers are off", off)
	r.exec("CREATE TABLE IF NOT EXISTS elsewhere (id int)")
	r.passGate()
	r.exec("ALTER TABLE child ADD note text")
	r.until("another column is found", passes(false))
	r.until("the gate is closed again", func(s *phases.State) bool { return s.Gate.Decision != phases.Go })
	r.refused(r.pass(), "child differs")
	r.exec("ALTER TABLE child DROP note")
	r.until("it is gone again", passes(true))
	r.passGate()
	r.commit("one")
	if n := strings.Count(r.log(), "somebody has changed the schema: child differs"); n != 2 {
		t.Errorf("the change was told %d times:\n%s", n, r.log())
	}
}

func off(s *phases.State) bool { c := s.Item("off").Check; return c != nil && c.Pass }

// rehearseOpen rehearses as rehearse does, with a checklist that nobody need answer.
func rehearseOpen(t *testing.T, schema, book string) string {
	t.Helper()
	r := newRig(t, schema, book)
	r.opened.Environment = phases.Rehearsal
	r.open(engine.Settings{})
	r.untilReady()
	r.acts("off")
	r.until("the triggers are off", off)
	r.passGate()
	r.commit("one")
	r.commit("two")
	r.acts("on")
	r.until("the triggers are on", func(s *phases.State) bool { c := s.Item("on").Check; return c != nil && c.Pass })
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil || r.state().Outcome != phases.Completed {
		t.Fatalf("the rehearsal: %v\n%s", err, r.log())
	}
	return r.path
}
