package db

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/runbook"
)

const triggered = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
	CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a);
	CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
	CREATE TRIGGER twice AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER twice AFTER DELETE ON b FOR EACH ROW WHEN (OLD.id > 7) EXECUTE FUNCTION f('x');
	CREATE TRIGGER replica AFTER UPDATE OF id ON a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE a ENABLE REPLICA TRIGGER replica;
	CREATE TRIGGER always AFTER UPDATE ON b FOR EACH STATEMENT EXECUTE FUNCTION f(); ALTER TABLE b ENABLE ALWAYS TRIGGER always;
	CREATE TRIGGER parted AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER "Odd ""name" AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE a DISABLE TRIGGER "Odd ""name";
	CREATE TRIGGER bystander AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();`

var triggerNames = []string{"twice", "replica", "always", "parted", `Odd "name`}

func states(t *testing.T, target *Target) map[string]string {
	t.Helper()
	now, err := target.ReadTriggers(limited(t), append(slices.Clone(triggerNames), "bystander"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, tr := range now {
		out[tr.Name+" on "+tr.Table] = tr.Enabled
	}
	return out
}

func TestTriggersComeBackExactly(t *testing.T) {
	dsn := database(t, triggered)
	target := open(t, dsn, book("a"))
	recorded, err := target.ReadTriggers(limited(t), triggerNames)
	if err != nil {
		t.Fatal(err)
	}
	off := runbook.Check{Name: "triggers.disabled", Triggers: triggerNames}
	back := runbook.Check{Name: "triggers.restored"}
	facts := phases.Facts{Triggers: recorded}
	check(t, target, back, phases.Facts{}, false, "no trigger was recorded in this run")
	before := states(t, target)
	for range 2 { // the second time they are off already
		if err := target.DisableTriggers(limited(t), recorded); err != nil {
			t.Fatal(err)
		}
	}
	for name, state := range states(t, target) {
		if (state == "D") == strings.HasPrefix(name, "bystander") {
			t.Errorf("%s is %s", name, state)
		}
	}
	check(t, target, off, facts, true, "7 of 7 disabled")
	if a, err := target.Check(limited(t), &back, facts); err != nil || a.Pass || !strings.HasPrefix(a.Value, "1 of 7 as they were: ") {
		t.Errorf("triggers.restored while they are off: %+v, %v", a, err)
	}
	conn := connect(t, dsn)
	exec(t, conn, `ALTER TABLE b ENABLE TRIGGER twice`)
	check(t, target, off, facts, false, "6 of 7 disabled: twice on b is enabled")
	exec(t, conn, `DROP TRIGGER twice ON b; DROP TRIGGER parted ON p`)
	a, err := target.Check(limited(t), &off, facts)
	if err != nil || a.Pass || !strings.Contains(a.Value, "twice on b is missing") || !strings.Contains(a.Value, "parted is missing") {
		t.Errorf("a trigger that is gone: %+v, %v", a, err)
	}
	if err := target.RestoreTriggers(limited(t), recorded); err != nil {
		t.Fatal(err)
	}
	after := states(t, target)
	for name, state := range before {
		if after[name] != state {
			t.Errorf("%s is %q, was %q", name, after[name], state)
		}
	}
	check(t, target, back, facts, true, "7 of 7 as they were")
}

func TestTriggersThatCannotBeTrusted(t *testing.T) {
	dsn := database(t, triggered)
	target := open(t, dsn, book("a"))
	_, err := target.ReadTriggers(limited(t), []string{"twice", "nowhere", "neither"})
	wantError(t, err, "nowhere, neither")
	recorded, err := target.ReadTriggers(limited(t), []string{"twice", "replica"})
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	exec(t, conn, `DROP TRIGGER twice ON b; CREATE TRIGGER twice AFTER DELETE ON b FOR EACH ROW EXECUTE FUNCTION f('changed')`)
	wantError(t, target.DisableTriggers(limited(t), recorded), "twice on public.b has another definition")
	wantError(t, target.RestoreTriggers(limited(t), recorded), "another definition")
	if s := states(t, target); s["twice on a"] != "O" || s["replica on a"] != "R" {
		t.Errorf("some were changed: %v", s)
	}
	recorded[0].Enabled = "X'; DROP TABLE a"
	wantError(t, target.RestoreTriggers(limited(t), recorded), "is not one of O, D, R, A")
}

// Foreign keys are triggers too: they keep watch while the named ones are off.
func TestForeignKeysHoldWhileTriggersAreOff(t *testing.T) {
	dsn := database(t, triggered)
	target := open(t, dsn, book("a"))
	recorded, err := target.ReadTriggers(limited(t), triggerNames)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.DisableTriggers(limited(t), recorded); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, dsn).Exec(limited(t), `INSERT INTO b VALUES (99)`); err == nil {
		t.Error("a row of b refers to nothing")
	}
}

// An owner who is no superuser can do all of it, partitions' copies included.
func TestTriggersOfAnOrdinaryOwner(t *testing.T) {
	dsn := database(t, triggered+`CREATE ROLE tables_owner LOGIN; ALTER TABLE a OWNER TO tables_owner;
		ALTER TABLE b OWNER TO tables_owner; ALTER TABLE p OWNER TO tables_owner; ALTER TABLE p1 OWNER TO tables_owner`)
	dropRole(t, dsn, "tables_owner")
	target := open(t, asUser(t, dsn, "tables_owner"), book("a"))
	recorded, err := target.ReadTriggers(limited(t), triggerNames)
	if err != nil {
		t.Fatal(err)
	}
	before := states(t, target)
	if err := target.DisableTriggers(limited(t), recorded); err != nil {
		t.Fatal(err)
	}
	if err := target.RestoreTriggers(limited(t), recorded); err != nil {
		t.Fatal(err)
	}
	if after := states(t, target); !maps.Equal(after, before) {
		t.Errorf("states %v, were %v", after, before)
	}
}
