package db

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// keeper is a phase that keeps what it takes.
type keeper struct {
	target *Target
	x      *tx
	folder string
}

// lines are rows as COPY writes them, and how many times each.
type lines map[string]int

func beginKeeping(t *testing.T, dsn string, steps ...runbook.Step) *keeper {
	t.Helper()
	b := book()
	b.Phases[0].Steps = steps
	k := &keeper{target: open(t, dsn, b), folder: filepath.Join(t.TempDir(), "run.capsule", "phase-1.1")}
	spec := engine.TxSpec{RunID: "run-1", Phase: &b.Phases[0], Attempt: 1, LockDeadline: 10 * time.Second, Capsule: k.folder, LockTables: locksOf(b)}
	x, err := k.target.Begin(limited(t), spec)
	if err != nil {
		t.Fatal(err)
	}
	k.x = x.(*tx)
	t.Cleanup(func() { _ = x.Rollback(t.Context()) })
	if err := x.Lock(limited(t), nil); err != nil {
		t.Fatal(err)
	}
	return k
}

// run does the phase's steps.
func (k *keeper) run(t *testing.T) {
	t.Helper()
	for _, s := range k.x.spec.Phase.Steps {
		if _, err := k.x.Run(limited(t), s, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.x.SettleConstraints(limited(t)); err != nil {
		t.Fatal(err)
	}
}

func (k *keeper) keep(t *testing.T) (phases.Capsule, error) {
	t.Helper()
	did, err := k.x.Effects(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	return k.x.Keep(limited(t), did, nil)
}

// rowsOf reads all tables that are not the server's or the ledger's.
func rowsOf(t *testing.T, conn *pgx.Conn) map[string]lines {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT n.nspname::text, c.relname::text,
			ARRAY(SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tminus') AND c.relpersistence <> 't'`)
	if err != nil {
		t.Fatal(err)
	}
	type table struct {
		Schema, Name string
		Columns      []string
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]lines{}
	for _, r := range tables {
		var text bytes.Buffer
		sql := "COPY (SELECT " + strings.Join(r.Columns, ", ") + " FROM ONLY " + pgx.Identifier{r.Schema, r.Name}.Sanitize() + ") TO STDOUT"
		if _, err := conn.PgConn().CopyTo(t.Context(), &text, sql); err != nil {
			t.Fatal(err)
		}
		out[r.Schema+"."+r.Name] = linesIn(text.Bytes())
	}
	return out
}

func linesIn(text []byte) lines {
	out := lines{}
	for line := range bytes.Lines(text) {
		out[string(line)]++
	}
	return out
}

// less is what one has beyond the other.
func (l lines) less(other lines) lines {
	out := lines{}
	for row, n := range l {
		if n > other[row] {
			out[row] = n - other[row]
		}
	}
	return out
}

// read gives the rows of a table's parts together.
func readKept(t *testing.T, c *capsule.Capsule, of capsule.Table, parts ...capsule.Part) lines {
	t.Helper()
	var all bytes.Buffer
	for _, part := range parts {
		if of.Streams[part].Rows == 0 {
			continue
		}
		r, err := c.Read(of, part)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return linesIn(all.Bytes())
}

// awkward are phases whose effect on rows is not what their statements say.
var awkward = map[string]struct {
	sql   string
	steps []runbook.Step
	want  string // gone, changed and added, by table
}{
	"cascade and SET NULL": {
		sql: `CREATE TABLE users (id int PRIMARY KEY, name text);
			CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
			CREATE TABLE lessons (id int PRIMARY KEY, made_by int REFERENCES users ON DELETE SET NULL, title text);
			INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 300) g;
			INSERT INTO notes SELECT g, 1 + g % 300 FROM generate_series(1, 900) g;
			INSERT INTO lessons SELECT g, CASE WHEN g % 3 = 0 THEN g END, E'tab\tnewline\n\\back' FROM generate_series(1, 90) g`,
		steps: []runbook.Step{{Delete: "users", Where: "id <= 150"}},
		want:  "public.lessons 0 30 0, public.notes 450 0 0, public.users 150 0 0",
	},
	"changed twice, and changed then deleted": {
		sql: `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);
			CREATE TABLE c (id int PRIMARY KEY, a int REFERENCES a ON DELETE SET NULL, b int REFERENCES b ON DELETE SET NULL);
			INSERT INTO a SELECT generate_series(1, 50); INSERT INTO b SELECT generate_series(1, 50);
			INSERT INTO c SELECT g, g, g FROM generate_series(1, 50) g`,
		steps: []runbook.Step{{Delete: "a"}, {Delete: "b"}, {Delete: "c", Where: "id > 40"}},
		want:  "public.a 50 0 0, public.b 50 0 0, public.c 10 40 0",
	},
	"a trigger that writes a log, and takes back some of it": {
		sql: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what int);
			CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO log (what) VALUES (OLD.id); DELETE FROM log WHERE what = OLD.id - 5; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
			INSERT INTO t SELECT generate_series(1, 40); INSERT INTO log (what) VALUES (-4), (0), (1000)`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.log 2 0 5, public.t 40 0 0",
	},
	"a trigger that deletes within an exception block": {
		sql: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, v int); CREATE TABLE w (v text);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				BEGIN DELETE FROM u WHERE id = OLD.id; INSERT INTO w VALUES ('x'); UPDATE u SET v = v + 1 WHERE id = OLD.id + 100;
					IF OLD.id % 7 = 0 THEN RAISE 'no'; END IF;
				EXCEPTION WHEN others THEN NULL; END; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 21); INSERT INTO u SELECT g, g FROM generate_series(1, 200) g`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.t 21 0 0, public.u 18 18 0, public.w 0 0 18",
	},
	"a trigger that changes rows within an exception block": {
		sql: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE stats (id int PRIMARY KEY, n int); CREATE TABLE bare (id int, n int);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				BEGIN UPDATE stats SET n = n - 1 WHERE id = OLD.id; UPDATE bare SET n = n - 1 WHERE id = OLD.id; EXCEPTION WHEN others THEN NULL; END; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 7); INSERT INTO stats SELECT g, 5 FROM generate_series(1, 20) g; INSERT INTO bare SELECT g, 5 FROM generate_series(1, 20) g`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.bare 7 0 7, public.stats 0 7 0, public.t 7 0 0",
	},
	"a trigger that replaces rows within an exception block": {
		sql: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, n int);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				BEGIN DELETE FROM u WHERE id = OLD.id; INSERT INTO u VALUES (-OLD.id, 0); EXCEPTION WHEN others THEN NULL; END; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 7); INSERT INTO u SELECT g, 5 FROM generate_series(1, 20) g`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.t 7 0 0, public.u 7 0 7",
	},
	"a trigger that locks as many rows as it deletes within an exception block": {
		sql: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY, n int);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				PERFORM FROM u WHERE id = OLD.id + 10 FOR UPDATE;
				BEGIN DELETE FROM u WHERE id = OLD.id; EXCEPTION WHEN others THEN NULL; END; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 7); INSERT INTO u SELECT g, 5 FROM generate_series(1, 20) g`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.t 7 0 0, public.u 7 0 0",
	},
	"a trigger that locks what it has changed": {
		sql: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY, n int); CREATE TABLE c (id int, p int REFERENCES p);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				PERFORM FROM p WHERE id = OLD.id % 5 FOR UPDATE; UPDATE p SET n = n + 1 WHERE id = OLD.id % 5;
				INSERT INTO c VALUES (OLD.id, OLD.id % 5); PERFORM FROM p WHERE id = 9 FOR SHARE; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 30); INSERT INTO p SELECT g, g FROM generate_series(0, 9) g`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.c 0 0 30, public.p 0 5 0, public.t 30 0 0",
	},
	"a trigger that keeps rows": {
		sql: `CREATE TABLE t (id int PRIMARY KEY);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.id % 3 = 0 THEN RETURN NULL; END IF; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 30)`,
		steps: []runbook.Step{{Delete: "t", Where: "id <= 15"}},
		want:  "public.t 10 0 0",
	},
	"a circle": {
		sql: `CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
			ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON DELETE CASCADE;
			CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
			INSERT INTO a SELECT g FROM generate_series(1, 20) g; INSERT INTO b SELECT g, g FROM generate_series(1, 20) g; UPDATE a SET b = 1 + id % 20;
			INSERT INTO tree SELECT g, nullif(g / 2, 0) FROM generate_series(1, 100) g`,
		steps: []runbook.Step{{Delete: "a", Where: "id = 3"}, {Delete: "tree", Where: "id = 2"}},
		want:  "public.a 20 0 0, public.b 20 0 0, public.tree 63 0 0",
	},
	"rows that are locked and left": {
		sql: `CREATE TABLE p (id int PRIMARY KEY, n int); CREATE TABLE t (id int PRIMARY KEY);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				PERFORM FROM p WHERE id = OLD.id FOR UPDATE; UPDATE p SET n = 0 WHERE id = OLD.id AND id % 2 = 0; DELETE FROM p WHERE id = OLD.id AND id % 5 = 0; RETURN OLD; END $$;
			CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();
			INSERT INTO t SELECT generate_series(1, 30); INSERT INTO p SELECT g, g FROM generate_series(1, 30) g`,
		steps: []runbook.Step{{Delete: "t"}},
		want:  "public.p 6 12 0, public.t 30 0 0",
	},
	"no key": {
		sql: `CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (p int REFERENCES p ON DELETE SET NULL, v text);
			INSERT INTO p SELECT generate_series(1, 10); INSERT INTO t SELECT 1 + g % 10, 'same' FROM generate_series(1, 40) g`,
		steps: []runbook.Step{{Delete: "p", Where: "id < 4"}},
		want:  "public.p 3 0 0, public.t 12 0 12",
	},
	"partitions, and a row that moves": {
		sql: `CREATE TABLE c (id int PRIMARY KEY); CREATE TABLE p (id int, c int DEFAULT 0 REFERENCES c ON DELETE SET DEFAULT, PRIMARY KEY (id, c)) PARTITION BY LIST (c);
			CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
			INSERT INTO c VALUES (0), (1), (2); INSERT INTO p SELECT g, g % 3 FROM generate_series(1, 30) g`,
		steps: []runbook.Step{{Delete: "p", Where: "id <= 3"}, {Delete: "c", Where: "id = 1"}},
		want:  "public.c 1 0 0, public.p0 1 0 9, public.p1 10 0 0, public.p2 1 0 0",
	},
	"names, computed columns and values": {
		sql: `CREATE SCHEMA "Sch""ema"; CREATE TABLE "Sch""ema"."Ta ble" ("order" int GENERATED ALWAYS AS IDENTITY, "Key" text, "dou""ble" float8, twice float8 GENERATED ALWAYS AS ("dou""ble" * 2) STORED,
				b bytea, d date, ts timestamptz, n numeric, a int[], j jsonb, PRIMARY KEY ("Key", "order"));
			INSERT INTO "Sch""ema"."Ta ble" ("Key", "dou""ble", b, d, ts, n, a, j) VALUES ('a', 0.1, '\x00ff', 'infinity', '-infinity', 'NaN', '{1,NULL}', '{"a": "\n"}'),
				('\N', 'Infinity', NULL, '0044-03-15 BC', '2024-02-29 12:00+05:30', 1e-300, '{}', 'null'), ('', '-0', '', NULL, NULL, NULL, NULL, NULL);
			CREATE TABLE big (id int PRIMARY KEY, v text, b bytea); ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
			INSERT INTO big VALUES (1, repeat('x', 3000000), decode(repeat('00ff', 1000000), 'hex'))`,
		steps: []runbook.Step{{Delete: `"Sch""ema"."Ta ble"`}, {Delete: "big"}},
		want:  `Sch"ema.Ta ble 3 0 0, public.big 1 0 0`,
	},
	"TRUNCATE, after a delete and before an insert": {
		sql: `CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE p (id int, k int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
			INSERT INTO t SELECT g, 'v' FROM generate_series(1, 10) g; INSERT INTO p SELECT g, 1 + g % 2 FROM generate_series(1, 10) g`,
		steps: []runbook.Step{{Delete: "t", Where: "id = 3"}, {SQL: "TRUNCATE t, p", Touch: []string{"t", "p"}}, {SQL: "INSERT INTO t VALUES (3, 'new')", Touch: []string{"t"}}},
		want:  "public.p1 5 0 0, public.p2 5 0 0, public.t 10 0 1",
	},
	"a statement that moves keys": {
		sql:   `CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g`,
		steps: []runbook.Step{{SQL: "UPDATE t SET id = -id WHERE id > 5", Touch: []string{"t"}}, {SQL: "UPDATE t SET v = 0 WHERE id < -8", Touch: []string{"t"}}},
		want:  "public.t 5 0 5",
	},
}

func TestKeepHasExactlyWhatThePhaseDid(t *testing.T) {
	for name, c := range awkward {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t, c.sql)
			before := rowsOf(t, connect(t, dsn))
			k := beginKeeping(t, dsn, c.steps...)
			k.run(t)
			after := rowsOf(t, k.x.s.conn)
			kept, err := k.keep(t)
			if err != nil {
				t.Fatal(err)
			}
			cap, err := capsule.Open(k.folder)
			if err != nil {
				t.Fatal(err)
			}
			if cap.SHA256() != kept.SHA256 {
				t.Error("another manifest")
			}
			if err := cap.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
			var said []string
			for _, r := range cap.Manifest().Tables {
				full := r.Schema + "." + r.Name
				gone, is := before[full].less(after[full]), after[full].less(before[full])
				had, has := readKept(t, cap, r, capsule.Gone, capsule.Old), readKept(t, cap, r, capsule.New, capsule.Added)
				if a, b := fmt.Sprintf("%.9000v", had.less(has)), fmt.Sprintf("%.9000v", gone); a != b {
					t.Errorf("%s: taken away is\n%.1000s, want\n%.1000s", full, a, b)
				}
				if a, b := fmt.Sprintf("%.9000v", has.less(had)), fmt.Sprintf("%.9000v", is); a != b {
					t.Errorf("%s: put there is\n%.1000s, want\n%.1000s", full, a, b)
				}
				delete(before, full)
				said = append(said, fmt.Sprintf("%s %d %d %d", full, r.Streams[capsule.Gone].Rows, r.Streams[capsule.Old].Rows, r.Streams[capsule.Added].Rows))
			}
			for full, rows := range before { // in no capsule: as they were
				if len(rows.less(after[full]))+len(after[full].less(rows)) > 0 {
					t.Errorf("%s changed, and is not kept", full)
				}
			}
			said = sorted(said)
			if got := strings.Join(said, ", "); got != c.want {
				t.Errorf("kept %s, want %s", got, c.want)
			}
		})
	}
}

// What is kept of each, put back, leaves every table as it was.
func TestWhatIsKeptComesBack(t *testing.T) {
	for name, c := range awkward {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantBack(t, database(t, c.sql), c.steps...)
		})
	}
}

// wantBack does a phase, and undoes it.
func wantBack(t *testing.T, dsn string, steps ...runbook.Step) {
	t.Helper()
	watcher := connect(t, dsn)
	before := rowsOf(t, watcher)
	k := beginKeeping(t, dsn, steps...)
	k.run(t)
	kept, err := k.keep(t)
	if err != nil {
		t.Fatal(err)
	}
	if res := k.x.Commit(limited(t)); res.Err != nil {
		t.Fatal(res.Err)
	}
	if _, err := k.target.PutBack(limited(t), runbook.Step{PutBack: k.folder, SHA256: kept.SHA256}, nil); err != nil {
		t.Fatal(err)
	}
	after := rowsOf(t, watcher)
	for table, rows := range before {
		if missing, more := rows.less(after[table]), after[table].less(rows); len(missing)+len(more) > 0 {
			t.Errorf("%s lacks %.300v, and has %.300v", table, fmt.Sprint(missing), fmt.Sprint(more))
		}
	}
}

// What a role's settings refuse or read otherwise comes back all the same.
func TestWhatARoleReadsOtherwiseComesBack(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE TABLE t (id int PRIMARY KEY, x xml, a text[]); INSERT INTO t VALUES (1, XMLPARSE(CONTENT 'a<b/>'), ARRAY[NULL, 'NULL', 'c'])`)
	conn, name := connect(t, dsn), databaseName(t, dsn)
	exec(t, conn, `ALTER DATABASE `+name+` SET xmloption = document`)
	exec(t, conn, `ALTER DATABASE `+name+` SET array_nulls = off`)
	wantBack(t, dsn, runbook.Step{Delete: "t"})
	if !query[bool](t, conn, `SELECT a[1] IS NULL AND a[2] = 'NULL' FROM t`) {
		t.Error("the array's NULL came back as a word")
	}
}

// A row that somebody else has locked, and that the phase changes beside that
// lock, bears neither's number: what cannot be told is not kept, and nothing of
// the capsule stays.
func TestKeepRefusesWhatItCannotTell(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p ON DELETE SET NULL);
		INSERT INTO p VALUES (1), (2); INSERT INTO t VALUES (1, 1), (2, 2)`)
	other := connect(t, dsn)
	exec(t, other, `BEGIN`)
	exec(t, other, `SELECT FROM t WHERE id = 1 FOR KEY SHARE`)
	k := beginKeeping(t, dsn, runbook.Step{Delete: "p"})
	k.run(t)
	_, err := k.keep(t)
	if err == nil || !strings.Contains(err.Error(), "holds locks on its rows") {
		t.Errorf("%v", err)
	}
	if err := k.x.Rollback(limited(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(k.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
}

// What others write to a table that is not locked, while it is written out, is
// theirs: an undo must not take it away.
func TestKeepLeavesToOthersWhatTheyWrite(t *testing.T) {
	t.Parallel()
	dsn := database(t, `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE log (id int PRIMARY KEY, what text);
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			BEGIN INSERT INTO log VALUES (OLD.id, 'gone'); UPDATE log SET what = 'changed' WHERE id = 100 + OLD.id; EXCEPTION WHEN others THEN NULL; END; RETURN OLD; END $$;
		CREATE TRIGGER n BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
		INSERT INTO t SELECT generate_series(1, 5); INSERT INTO log SELECT g, 'old' FROM generate_series(100, 110) g`)
	other := connect(t, dsn)
	k := beginKeeping(t, dsn, runbook.Step{Delete: "t"})
	k.run(t)
	keeping := k.x.k
	<-keeping.early.done
	rollback(limited(t), keeping.others)
	if err := keeping.snapshot(limited(t)); err != nil {
		t.Fatal(err)
	}
	if err := keeping.find(limited(t)); err != nil {
		t.Fatal(err)
	}
	exec(t, other, `INSERT INTO log VALUES (1000, 'theirs'), (1001, 'theirs')`)
	for _, table := range keeping.tables {
		if table.Name != "log" {
			continue
		}
		if err := keeping.table(limited(t), table); err != nil {
			t.Fatal(err)
		}
		if added, changed := table.Streams[capsule.Added].Rows, table.Streams[capsule.Old].Rows; added != 5 || changed != 5 {
			t.Errorf("%d added and %d changed, want 5 of each", added, changed)
		}
	}
}

func TestKeepRefusesWhatNobodyCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, step, says string }{
		"TRUNCATE that reaches further": {`CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE TABLE u (t int REFERENCES t)`, "TRUNCATE t CASCADE", "table u was truncated"},
		"DROP":                          {`CREATE TABLE t (id int); INSERT INTO t VALUES (1)`, "DROP TABLE t", "was dropped"},
		"a rewrite": {
			`CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)`, "WITH d AS (DELETE FROM t RETURNING id) SELECT count(*) FROM d", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := beginKeeping(t, database(t, c.sql), runbook.Step{SQL: c.step, Touch: []string{"t"}})
			k.run(t)
			_, err := k.keep(t)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}

// Who begins a sequence anew holds a lock on it that keeps others from reading it.
func TestKeepLeavesOutASequenceThatThePhaseBeganAnew(t *testing.T) {
	t.Parallel()
	k := beginKeeping(t, database(t, `CREATE TABLE t (id serial PRIMARY KEY, n serial); INSERT INTO t DEFAULT VALUES`),
		runbook.Step{Delete: "t"}, runbook.Step{SQL: `ALTER SEQUENCE t_id_seq RESTART`})
	k.run(t)
	if _, err := k.keep(t); err != nil {
		t.Fatal(err)
	}
	c, err := capsule.Open(k.folder)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Manifest().Sequences; len(got) != 1 || got[0].Name != "t_n_seq" {
		t.Errorf("%+v", got)
	}
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// locksOf are the tables that a run would lock for the only phase.
func locksOf(b *runbook.Runbook) []string { return append(b.Phases[0].Locks(), b.Phases[0].Zero...) }
