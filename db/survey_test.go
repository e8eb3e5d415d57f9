package db

import (
	"slices"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/runbook"
)

func TestSurveyNamesAllThatIsWrongAtOnce(t *testing.T) {
	dsn := database(t, `CREATE TABLE "Users" (id int); CREATE VIEW v AS SELECT 1; CREATE SCHEMA secret;
		CREATE TABLE secret.t (id int); CREATE TABLE readable (id int); CREATE ROLE weak LOGIN; GRANT SELECT ON readable TO weak;
		CREATE TABLE empty (id int); GRANT SELECT ON empty TO weak;
		CREATE TABLE parent (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parent DEFAULT; GRANT ALL ON parent, part TO weak`)
	dropRole(t, dsn, "weak")
	b := book("users", "v", "secret.t", "readable", "parent")
	b.Phases[0].Zero = []string{"nowhere", "empty"}
	b.Phases[0].Steps = append(b.Phases[0].Steps, runbook.Step{SQL: "UPDATE gone SET x = 1", Touch: []string{"gone"}})
	b.Protected = []string{"part"}
	_, err := open(t, asUser(t, dsn, "weak"), b).Survey(limited(t))
	for _, want := range []string{
		"table public.users does not exist, Users does", "public.v is a view, not a table", "table public.nowhere does not exist",
		"table public.gone does not exist", "may not use the schema of secret.t", "weak lacks DELETE on public.readable",
		"weak lacks DELETE on public.empty",
		"deleting from parent deletes from the protected part", "problems",
	} {
		wantError(t, err, want)
	}
}

const family = `CREATE TABLE users (id int PRIMARY KEY, boss int);
	CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
	CREATE INDEX ON notes (user_id);
	CREATE TABLE lines (id int, note_id int CONSTRAINT lines_note REFERENCES notes ON DELETE CASCADE);
	CREATE TABLE lessons (id int, made_by int REFERENCES users ON DELETE SET NULL);
	CREATE INDEX ON lessons (made_by) WHERE made_by > 0;
	CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, user_id int DEFAULT 1 REFERENCES users ON DELETE SET DEFAULT);
	CREATE INDEX ON shop.orders (user_id, id);
	CREATE TABLE invoices (id int, user_id int CONSTRAINT invoices_user REFERENCES users);
	CREATE TABLE far (id int, made_by int REFERENCES lessons_pk ON DELETE CASCADE);`

func TestReach(t *testing.T) {
	sql := strings.Replace(family, "CREATE TABLE lessons (id int,", "CREATE TABLE lessons (id int PRIMARY KEY,", 1)
	sql = strings.Replace(sql, "REFERENCES lessons_pk", "REFERENCES lessons", 1)
	sql += `INSERT INTO users SELECT generate_series(1, 10000); INSERT INTO lessons SELECT i, 1 FROM generate_series(1, 10000) i;
		INSERT INTO invoices SELECT i, 1 FROM generate_series(1, 10000) i; INSERT INTO shop.orders VALUES (1, 1); ANALYZE`
	b := book("users")
	b.Protected = []string{"lessons"}
	s, err := open(t, database(t, sql), b).Survey(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []phases.Reach{
		{From: "notes", Table: "lines", Constraint: "lines_note", Action: phases.ReachCascade},
		{From: "users", Table: "lessons", Constraint: "lessons_made_by_fkey", Action: phases.ReachSetNull, Protected: true},
		{From: "users", Table: "notes", Constraint: "notes_user_id_fkey", Action: phases.ReachCascade, Indexed: true},
		{From: "users", Table: "shop.orders", Constraint: "orders_user_id_fkey", Action: phases.ReachSetDefault, Indexed: true},
	}
	if !slices.Equal(s.Reach, want) {
		t.Errorf("reach\n%+v\nwant\n%+v", s.Reach, want)
	}
	all := found(s)
	for _, want := range []string{
		"deleting from users changes rows of the protected table lessons", "fails while rows of invoices refer to it (invoices_user, ON DELETE NO ACTION)",
		"makes an index on lessons (made_by)", "makes an index on invoices (user_id)",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "index on notes") || strings.Contains(all, "far") {
		t.Errorf("a warning too many in\n%s", all)
	}
}

// A table that somebody else is altering keeps nobody from looking at the rest.
func TestSurveyWaitsForNobodysLock(t *testing.T) {
	dsn := database(t, `CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE other (id int); INSERT INTO other VALUES (1)`)
	c, target := connect(t, dsn), open(t, dsn, book("t"))
	exec(t, c, `BEGIN; LOCK TABLE t, other IN ACCESS EXCLUSIVE MODE`)
	s, err := target.Survey(limited(t))
	if err != nil || len(s.Sizes) != 1 || s.Sizes[0].Rows != -1 {
		t.Errorf("sizes %+v, %v", s.Sizes, err)
	}
	exec(t, c, `ROLLBACK`)
}

func TestReachGoesThroughPartitions(t *testing.T) {
	s, err := open(t, database(t, `CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
		CREATE TABLE c (id int, p_id int CONSTRAINT c_p REFERENCES p ON DELETE CASCADE) PARTITION BY RANGE (id);
		CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (0) TO (10); CREATE TABLE c2 PARTITION OF c FOR VALUES FROM (10) TO (20);
		CREATE INDEX ON c1 (p_id); CREATE TABLE g (p_id int CONSTRAINT g_p REFERENCES p ON DELETE CASCADE); CREATE INDEX ON g (p_id)`), book("p1")).Survey(limited(t))
	want := []phases.Reach{
		{From: "p1", Table: "c", Constraint: "c_p", Action: phases.ReachCascade}, // c2 has no index
		{From: "p1", Table: "g", Constraint: "g_p", Action: phases.ReachCascade, Indexed: true},
	}
	if err != nil || !slices.Equal(s.Reach, want) {
		t.Errorf("reach %+v, %v", s.Reach, err)
	}
}

func TestSurveyWarnsOfTriggersThatFire(t *testing.T) {
	dsn := database(t, `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c (id int REFERENCES t ON DELETE SET NULL);
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER fires AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TRIGGER inserts AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TRIGGER off AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER off;
		CREATE TRIGGER planned AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
		CREATE TRIGGER nulls BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f();`)
	b := book("t")
	b.Checklist = []runbook.Group{{Items: []runbook.Item{{Action: &runbook.Action{Name: "triggers.disable", Triggers: []string{"planned"}}}}}}
	s, err := open(t, dsn, b).Survey(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range s.Findings {
		if f.Code == "trigger-fires" {
			got = append(got, strings.Fields(f.Text)[1])
		}
	}
	if slices.Sort(got); !slices.Equal(got, []string{"fires", "nulls"}) || len(s.Triggers) != 5 {
		t.Errorf("warned of %v in %q, %d triggers", got, s.Findings, len(s.Triggers))
	}
}

func TestSurveyWarnsOfWhatTheRoleCannotSee(t *testing.T) {
	dsn := database(t, `CREATE ROLE blind LOGIN; CREATE TABLE t (id int); ALTER TABLE t OWNER TO blind;
		CREATE SCHEMA tminus AUTHORIZATION blind; DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO blind', current_database()); END $$`)
	dropRole(t, dsn, "blind")
	s, err := open(t, asUser(t, dsn, "blind"), book("t")).Survey(limited(t))
	if err != nil || !strings.Contains(found(s), "blind may not see what other users do") {
		t.Errorf("findings %q, %v", s.Findings, err)
	}
}

func TestSizes(t *testing.T) {
	s, err := open(t, database(t, bulk+`CREATE TABLE fresh (id int); ALTER TABLE fresh SET (autovacuum_enabled = off); INSERT INTO fresh VALUES (1)`), book("t", "fresh")).Survey(limited(t))
	if err != nil || len(s.Sizes) != 2 || s.Sizes[0].Table != "fresh" || s.Sizes[0].Rows != -1 || s.Sizes[1].Rows != 5000 || s.Sizes[1].Bytes < 2_000_000 {
		t.Errorf("sizes %+v, %v", s.Sizes, err)
	}
}

// found are the survey's findings, a line each.
func found(s phases.Survey) string {
	var lines []string
	for _, f := range s.Findings {
		lines = append(lines, f.Text)
	}
	return strings.Join(lines, "\n")
}
