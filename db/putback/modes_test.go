package putback_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tminus/db/putback"
)

// asEach runs a test as a superuser, as the tables' owner, and with rights alone.
func asEach(t *testing.T, sql string, do func(t *testing.T, dsn, role string, mode putback.Mode)) {
	for mode, right := range ways {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			dsn, role := with(t, sql), ""
			if right != "" {
				role = member(t, dsn, right)
			}
			do(t, dsn, role, mode)
		})
	}
}

const triggered = `CREATE TABLE people (id int PRIMARY KEY, n int); CREATE TABLE log (what text);
	INSERT INTO people SELECT i, 0 FROM generate_series(1, 9) i;
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (TG_NAME); RETURN NULL; END $$;
	CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n = 77; RETURN NEW; END $$;
	CREATE TRIGGER origin AFTER INSERT OR UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION note();
	CREATE TRIGGER always AFTER INSERT OR UPDATE OR DELETE ON people FOR EACH STATEMENT EXECUTE FUNCTION note(); ALTER TABLE people ENABLE ALWAYS TRIGGER always;
	CREATE TRIGGER replica BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION spoil(); ALTER TABLE people ENABLE REPLICA TRIGGER replica;
	CREATE TRIGGER "Off" BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION spoil(); ALTER TABLE people DISABLE TRIGGER "Off";
	CREATE TABLE days (id int, n int) PARTITION BY LIST (id);
	CREATE TABLE days_1 PARTITION OF days FOR VALUES IN (1); CREATE TABLE days_2 PARTITION OF days DEFAULT;
	INSERT INTO days SELECT i, 0 FROM generate_series(1, 9) i;
	CREATE TRIGGER every AFTER INSERT ON days FOR EACH ROW EXECUTE FUNCTION note(); ALTER TABLE days_1 ENABLE ALWAYS TRIGGER every; ALTER TABLE days_2 DISABLE TRIGGER every`

// Users' triggers do not act, whatever their state, and have it afterwards.
func TestTriggersStaySilentAndAsTheyWere(t *testing.T) {
	const states = `SELECT tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal OR tgparentid <> 0 ORDER BY 1`
	asEach(t, triggered, func(t *testing.T, dsn, role string, mode putback.Mode) {
		public(t, dsn, `SELECT pg_stat_reset()`)
		was := rows(t, dsn, states)
		c := phase(t, dsn, `DELETE FROM people WHERE id < 4; UPDATE people SET n = 1 WHERE id = 4; INSERT INTO people VALUES (10, 0); DELETE FROM days`)
		if mode == putback.RowByRow {
			if err := refused(t, dsn, role, c, putback.Options{}); !errors.Is(err, putback.ErrRefused) || !strings.Contains(err.Error(), "its trigger origin would act") || strings.Contains(err.Error(), "replica") {
				t.Errorf("refused by %v", err)
			}
			return
		}
		logged := rows(t, dsn, `SELECT count(*)::text FROM log`)
		public(t, dsn, `DELETE FROM log WHERE what = 'x'`)
		s := connect(t, dsn, role)
		exec(t, s, "BEGIN")
		// The phase's own lines are among what is put back.
		r, err := putback.Run(limited(t), s, c, putback.Options{})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, s, "COMMIT")
		if r.Mode != mode {
			t.Errorf("done by %s", r.Mode)
		}
		if got := rows(t, dsn, states); got != was {
			t.Errorf("triggers are %s\nand were %s", got, was)
		}
		if got := rows(t, dsn, `SELECT count(*) || ' ' || sum(n) FROM people`) + rows(t, dsn, `SELECT ' ' || count(*) FROM days`) + rows(t, dsn, `SELECT ' ' || count(*) FROM log`); got != "9 0 9 0" {
			t.Errorf("there are %s, and %s lines had been logged", got, logged)
		}
	})
}

const keyed = `CREATE TABLE parents (id int PRIMARY KEY, code text UNIQUE);
	CREATE TABLE people (id int PRIMARY KEY, parent int, code text, a int, b int);
	CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
	ALTER TABLE people ADD CONSTRAINT "The Key" FOREIGN KEY (parent) REFERENCES parents DEFERRABLE INITIALLY DEFERRED,
		ADD CONSTRAINT half FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL,
		ADD CONSTRAINT by_code FOREIGN KEY (code) REFERENCES parents (code) ON UPDATE CASCADE ON DELETE SET NULL NOT VALID;
	COMMENT ON CONSTRAINT "The Key" ON people IS 'it''s a \key';
	INSERT INTO parents SELECT i, 'c' || i FROM generate_series(1, 9) i;
	INSERT INTO pairs SELECT i, i FROM generate_series(1, 9) i;
	INSERT INTO people SELECT i, i, 'c' || i, i, i FROM generate_series(1, 9) i`

// Foreign keys are as they were, and a row that refers to nothing is not put back.
func TestKeysHoldAndAreAsTheyWere(t *testing.T) {
	const keys = `SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) || convalidated || condeferrable || condeferred || coalesce(obj_description(oid, 'pg_constraint'), '') FROM pg_constraint WHERE contype = 'f' ORDER BY 1`
	asEach(t, keyed, func(t *testing.T, dsn, role string, mode putback.Mode) {
		was, before := rows(t, dsn, keys), prints(t, dsn)
		c := phase(t, dsn, `DELETE FROM people; DELETE FROM pairs; DELETE FROM parents`)
		run(t, dsn, role, c, putback.Options{})
		same(t, dsn, before)
		if got := rows(t, dsn, keys); got != was {
			t.Errorf("keys are %s\nand were %s", got, was)
		}
		for _, gone := range []string{`DELETE FROM parents WHERE id = 3`, `DELETE FROM pairs WHERE a = 3`} {
			c = phase(t, dsn, `DELETE FROM people WHERE id < 5`)
			public(t, dsn, gone)
			err := refused(t, dsn, role, c, putback.Options{})
			name := map[bool]string{true: "The Key", false: "half"}[strings.Contains(gone, "parents")]
			if mode == putback.RowByRow && name != "half" { // the server asks a key that is NOT VALID, too, and at once
				name = "by_code"
			}
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", gone, err)
			}
			if mode == putback.AsReplica && (!errors.Is(err, putback.ErrKeys) || !strings.Contains(err.Error(), "1 rows")) || strings.Contains(err.Error(), "(3") {
				t.Errorf("%s: %v", gone, err)
			}
			public(t, dsn, `INSERT INTO parents VALUES (3, 'c3') ON CONFLICT DO NOTHING; INSERT INTO pairs VALUES (3, 3) ON CONFLICT DO NOTHING`)
			run(t, dsn, role, c, putback.Options{})
			same(t, dsn, before)
		}
	})
}

// What a phase added does not go where others refer to it by now.
func TestAddedRowsThatOthersReferTo(t *testing.T) {
	asEach(t, keyed+`; CREATE TABLE others (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE)`, func(t *testing.T, dsn, role string, mode putback.Mode) {
		public(t, dsn, `ALTER TABLE people DROP CONSTRAINT by_code`)
		c := phase(t, dsn, `INSERT INTO parents VALUES (20, 'c20')`)
		public(t, dsn, `INSERT INTO others VALUES (1, 20)`)
		before := prints(t, dsn)
		err := refused(t, dsn, role, c, putback.Options{})
		want := map[putback.Mode]error{putback.AsReplica: putback.ErrKeys, putback.WithoutKeys: putback.ErrKeys, putback.RowByRow: putback.ErrProof}[mode]
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "others") {
			t.Errorf("refused by %v", err)
		}
		same(t, dsn, before)
		public(t, dsn, `DELETE FROM others`)
		run(t, dsn, role, c, putback.Options{})
	})
}

// A row that takes another's place must serve those who refer to it.
func TestReplacedRowsThatOthersReferTo(t *testing.T) {
	t.Parallel()
	dsn := with(t, people+`; CREATE TABLE letters (id int PRIMARY KEY, person int REFERENCES people, email text REFERENCES people (email))`)
	c := phase(t, dsn, `DELETE FROM people WHERE id < 4`)
	public(t, dsn, `INSERT INTO people VALUES (3, 'other', 1); INSERT INTO letters VALUES (1, 3, NULL), (2, NULL, 'other')`)
	err := refused(t, dsn, "", c, choose(putback.Replace))
	if !errors.Is(err, putback.ErrKeys) || !strings.Contains(err.Error(), "letters_email_fkey") || strings.Contains(err.Error(), "letters_person_fkey") {
		t.Errorf("refused by %v", err)
	}
	public(t, dsn, `DELETE FROM letters WHERE id = 2`)
	run(t, dsn, "", c, choose(putback.Replace))
}

// Circles of keys: what is asked at the end is no obstacle, what takes NULL is set
// last, and what does neither needs a role that may do more.
func TestCirclesOfKeys(t *testing.T) {
	const circle = `CREATE TABLE a (id int PRIMARY KEY, b int %s); CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a %s);
		ALTER TABLE a ADD CONSTRAINT to_b FOREIGN KEY (b) REFERENCES b %s;
		BEGIN; SET CONSTRAINTS ALL DEFERRED; SET session_replication_role = replica; INSERT INTO a SELECT i, i FROM generate_series(1, 5) i; INSERT INTO b SELECT i, i FROM generate_series(1, 5) i; COMMIT`
	for name, sql := range map[string]string{
		"nullable":   fmt.Sprintf(circle, "", "", ""),
		"deferrable": fmt.Sprintf(circle, "NOT NULL", "DEFERRABLE", ""),
		"neither":    fmt.Sprintf(circle, "NOT NULL", "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			asEach(t, sql, func(t *testing.T, dsn, role string, mode putback.Mode) {
				before := prints(t, dsn)
				c := phase(t, dsn, `SET session_replication_role = replica; DELETE FROM a; DELETE FROM b; SET session_replication_role = origin`)
				if name == "neither" && mode == putback.RowByRow {
					if err := refused(t, dsn, role, c, putback.Options{}); !errors.Is(err, putback.ErrRefused) || !strings.Contains(err.Error(), "to_b") {
						t.Errorf("refused by %v", err)
					}
					return
				}
				if r := run(t, dsn, role, c, putback.Options{}); r.Mode != mode {
					t.Errorf("done by %s", r.Mode)
				}
				same(t, dsn, before)
			})
		})
	}
}

// A role that was given the parameter puts back as a superuser does.
func TestARoleWithTheParameter(t *testing.T) {
	t.Parallel()
	dsn := with(t, keyed)
	s := connect(t, dsn, "")
	if query[int](t, s, "SELECT current_setting('server_version_num')::int") < 150000 {
		t.Skip("this server has no such grant")
	}
	role := member(t, dsn, ways[putback.RowByRow])
	public(t, dsn, `GRANT SET ON PARAMETER session_replication_role TO `+role)
	before := prints(t, dsn)
	c := phase(t, dsn, `DELETE FROM people; DELETE FROM parents`)
	if r := run(t, dsn, role, c, putback.Options{}); r.Mode != putback.AsReplica {
		t.Errorf("done by %s", r.Mode)
	}
	same(t, dsn, before)
}
