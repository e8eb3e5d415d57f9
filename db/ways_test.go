package db

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// A shape is all that a database holds beside its rows, a line each, and without
// the numbers that the server gives.
const shape = `
SELECT regexp_replace(line, 'pg_toast_\d+', 'pg_toast', 'g') FROM (WITH r AS (SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname NOT IN ('information_schema', 'tminus') AND n.nspname !~ '^pg_')
SELECT concat_ws(' ', 'relation', name, relkind, relpersistence, relacl, relrowsecurity, relforcerowsecurity, relispartition, reloptions, relowner, relam, relreplident, relchecks, relhasrules, relhassubclass, relhastriggers, relispopulated, reltablespace, obj_description(r.oid, 'pg_class')) AS line FROM r
UNION ALL SELECT concat_ws(' ', 'column', name, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attacl, attstattarget, attstorage, col_description(r.oid, attnum)) FROM r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0
UNION ALL SELECT concat_ws(' ', 'trigger', name, tgenabled, tgtype, tgfoid::regproc, tgdeferrable, tginitdeferred, tgconstrrelid::regclass, CASE WHEN NOT tgisinternal THEN pg_get_triggerdef(t.oid) END) FROM r JOIN pg_trigger t ON tgrelid = r.oid
UNION ALL SELECT concat_ws(' ', 'constraint', name, conname, convalidated, pg_get_constraintdef(k.oid), conislocal, coninhcount, connoinherit, conparentid <> 0, obj_description(k.oid, 'pg_constraint')) FROM r JOIN pg_constraint k ON conrelid = r.oid
UNION ALL SELECT concat_ws(' ', 'index', name, pg_get_indexdef(indexrelid), indisvalid, indisready, indisclustered, indisreplident, indisprimary) FROM r JOIN pg_index ON indrelid = r.oid
UNION ALL SELECT concat_ws(' ', 'rule', name, pg_get_ruledef(w.oid)) FROM r JOIN pg_rewrite w ON ev_class = r.oid
UNION ALL SELECT concat_ws(' ', 'policy', name, polname, polcmd, polroles) FROM r JOIN pg_policy ON polrelid = r.oid
UNION ALL SELECT concat_ws(' ', 'depends', pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype) FROM pg_depend
	WHERE objid >= 16384 AND refobjid >= 16384 AND classid <> 'pg_trigger'::regclass AND NOT (classid = 'pg_constraint'::regclass AND objid NOT IN (SELECT oid FROM pg_constraint))
) s (line) ORDER BY 1`

func shapeOf(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), shape)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// way is one in which a phase's rows go, in a test.
type way struct {
	name    string
	steps   string // the way of its delete steps
	indexed bool   // an index is made for each key of the reach that has none
	before  bool   // and that before the phase, beside its transaction
	ahead   bool   // rows go before those that they refer to, however few
}

var allWays = []way{
	{name: "delete", steps: "delete"},
	{name: "statement", steps: "statement"},
	{name: "an index for the phase", steps: "delete", indexed: true},
	{name: "an index before", steps: "delete", indexed: true, before: true},
	{name: "auto", steps: "auto"},
	{name: "truncate", steps: "truncate"},
	{name: "children first", steps: "delete", ahead: true},
}

// wayCalled is one of them.
func wayCalled(name string) way {
	return allWays[slices.IndexFunc(allWays, func(w way) bool { return w.name == name })]
}

// outcome is what a phase came to.
type outcome struct {
	rows   map[string]lines
	shape  []string
	rowsOf map[string]int64 // that went, by table
	beside []phases.Change  // what was done beside rows
	chosen []string
	built  []string
	err    error
	folder string
	kept   phases.Capsule
	target *Target
}

// goes runs a phase of these steps to its COMMIT, as the engine does.
func goes(t *testing.T, dsn string, w way, steps ...runbook.Step) (out outcome) {
	t.Helper()
	b := book()
	for _, s := range steps {
		if s.Delete != "" && s.Where == "" {
			s.Way = w.steps
		}
		b.Phases[0].Steps = append(b.Phases[0].Steps, s)
	}
	target := open(t, dsn, b)
	spec := engine.TxSpec{RunID: "20260102T150405Z-abcdef12", Phase: &b.Phases[0], Attempt: 1, LockDeadline: 2 * time.Second, LockTables: locksOf(b)}
	spec.Capsule = filepath.Join(t.TempDir(), "run.capsule", "phase-1.1")
	spec.Ways = foreseen(t, dsn, b, w)
	after := func() {}
	if w.before {
		after = madeBefore(t, target, spec.RunID, spec.Ways.Indexes)
		spec.Ways.Indexes = nil
	}
	for _, l := range spec.Ways.Locks() {
		if !slices.Contains(spec.LockTables, l) {
			spec.LockTables = append(spec.LockTables, l)
		}
	}
	out.folder, out.target = spec.Capsule, target
	onlyOurs(t, dsn, target)
	out.err = through(t, target, spec, &out)
	after()
	end := holds(t, dsn)
	out.rows, out.shape = end.rows, end.shape
	return out
}

// onPurpose is the application of a session that is there to be seen.
const onPurpose = "the application"

// onlyOurs waits until the sessions of others, which have ended, are gone; one in a
// transaction is there on purpose, as onPurpose's is. It asks from another database:
// whoever asks is no session of this one.
func onlyOurs(t *testing.T, dsn string, target *Target) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, sandbox.ForTest(t).DSN("postgres"))
	defer conn.Close(t.Context())
	for query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND pid <> ALL($2::int[])
		AND state IS DISTINCT FROM 'idle in transaction' AND application_name <> $3`, config.Database, target.ownPIDs(), onPurpose) > 0 {
	}
}

// holds is what a database holds now. Nobody is connected to it afterwards.
func holds(t *testing.T, dsn string) outcome {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(t.Context())
	return outcome{rows: rowsOf(t, conn), shape: shapeOf(t, conn)}
}

// foreseen is what a survey finds for the first phase.
func foreseen(t *testing.T, dsn string, b *runbook.Runbook, w way) *phases.PhaseWays {
	t.Helper()
	s, err := ReadSchema(limited(t), Config{DSN: dsn, Operator: operator, Runbook: b})
	if err != nil {
		t.Fatal(err)
	}
	v := lint.New(b, s)
	out := phases.PhaseWays{Phase: b.Phases[0].ID}
	for _, found := range v.Ways() {
		out = found
	}
	for i := range b.Phases[0].Steps {
		for _, k := range v.Ahead(0, i, nil) {
			if w.ahead {
				out.Ahead = append(out.Ahead, phases.Ahead{Step: i, Table: v.Plain(s.Relation(k.From)), Constraint: k.Name})
			}
		}
	}
	if !w.indexed {
		return &out
	}
	for i := range s.Keys {
		k := &s.Keys[i]
		if r := s.Relation(k.From); !k.Indexed && r.Kind == schema.Ordinary && v.Reach().Emptied[k.To] {
			out.Indexes = append(out.Indexes, phases.PhaseIndex{Table: v.Plain(r), Columns: k.Referring, Constraint: k.Name})
		}
	}
	return &out
}

func through(t *testing.T, target *Target, spec engine.TxSpec, out *outcome) error {
	x, err := target.Begin(limited(t), spec)
	if err != nil {
		return err
	}
	defer func() { _ = x.Rollback(t.Context()) }()
	if err := x.Lock(limited(t), nil); err != nil {
		return err
	}
	for _, s := range spec.Phase.Steps {
		_, err := x.Run(limited(t), s, func(p engine.Progress) {
			if p.Chosen != nil {
				out.chosen = append(out.chosen, p.Chosen.Way+p.Chosen.Why)
			}
			if p.Built != nil {
				out.built = append(out.built, p.Built.Name)
			}
		})
		if err != nil {
			return err
		}
	}
	if err := x.SettleConstraints(limited(t)); err != nil {
		return err
	}
	did, err := x.Effects(limited(t))
	if err != nil {
		return err
	}
	out.rowsOf, out.beside = map[string]int64{}, did.Changes
	for name, n := range did.Rows {
		out.rowsOf[name] = n.Deleted - n.Inserted
	}
	if spec.Capsule != "" {
		if out.kept, err = x.Keep(limited(t), did, nil); err != nil {
			return err
		}
	}
	names, err := x.DropIndexes(limited(t), nil)
	if err != nil {
		return err
	}
	if !slices.Equal(names, out.built) {
		t.Errorf("dropped %q of %q", names, out.built)
	}
	if did, err = x.Effects(limited(t)); err != nil {
		return err
	}
	for _, c := range did.Changes {
		if strings.Contains(c.Object, "tminus_") {
			t.Errorf("at the end: %s", c)
		}
	}
	return x.Commit(limited(t)).Err
}

// sameEnd holds what a way came to against what one DELETE a step did.
func sameEnd(t *testing.T, got, want outcome) {
	t.Helper()
	if (got.err == nil) != (want.err == nil) {
		t.Fatalf("it ended with %v, and by DELETE with %v", got.err, want.err)
	}
	for _, table := range slices.Sorted(maps.Keys(want.rows)) {
		if fmt.Sprint(got.rows[table]) != fmt.Sprint(want.rows[table]) {
			t.Errorf("%s has\n%.600v, and by DELETE\n%.600v", table, got.rows[table], want.rows[table])
		}
	}
	for _, line := range got.shape {
		if !slices.Contains(want.shape, line) {
			t.Errorf("this is there alone: %s", line)
		}
	}
	for _, line := range want.shape {
		if !slices.Contains(got.shape, line) {
			t.Errorf("this is not there: %s", line)
		}
	}
	if len(got.shape) != len(want.shape) {
		t.Errorf("%d lines, and by DELETE %d", len(got.shape), len(want.shape))
	}
	if got.err == nil && fmt.Sprint(got.rowsOf) != fmt.Sprint(want.rowsOf) {
		t.Errorf("rows that went: %v, and by DELETE %v", got.rowsOf, want.rowsOf)
	}
}

// cleared are the steps that empty each of the awkward schemas.
var cleared = map[string]string{
	"columns":     `bookings; rooms`,
	"composite":   `members; accounts; tenants`,
	"cycles":      `=UPDATE teams SET captain = NULL|teams; players; teams; =SET CONSTRAINTS ALL DEFERRED|; left_hand; right_hand; orders; tree`,
	"inheritance": `trips; vehicles`,
	"leaves":      `visits; kinds`,
	"names":       `"App"."a_name_that_is_as_long_as_a_name_in_postgresql_may_be_63_bytes"; "πελάτες"."παραγγελίες"; "App"."Users"`,
	"nulls":       `labels; claims; parcels; tickets; guides; seats; tours; =DELETE FROM stops WHERE day < '2026-01-01'|stops; trips_2025`,
	"partitions":  `notes; events`,
	"rights":      `backroom.notes; backroom.invoices; visits; customers`,
	"rows":        `lockers; members`,
}

func stepsFor(text string) []runbook.Step {
	var out []runbook.Step
	for _, part := range strings.Split(text, "; ") {
		if sql, statement := strings.CutPrefix(part, "="); statement {
			sql, touch, _ := strings.Cut(sql, "|")
			s := runbook.Step{SQL: sql}
			if touch != "" {
				s.Touch = []string{touch}
			}
			out = append(out, s)
			continue
		}
		out = append(out, runbook.Step{Delete: part})
	}
	return out
}

const noTriggers = `DO $$ DECLARE r record; BEGIN FOR r IN SELECT tgrelid, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE tgparentid = 0 AND NOT tgisinternal LOOP
	EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', r.tgrelid::regclass, r.tgname); END LOOP; END $$;`

// Each way ends as one DELETE a step does, rows and catalog, on every awkward
// schema, or says why it cannot and changes nothing.
func TestWaysEndAlike(t *testing.T) {
	files, err := filepath.Glob("../testdata/schemas/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(filepath.Base(file), ".sql")
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			steps := stepsFor(cleared[base])
			sql := string(src) + ";\n" + noTriggers
			if base == "rights" {
				sql += `GRANT ALL ON backroom.lines TO runner_owner`
			}
			waysEndAlike(t, sql, steps, allWays...)
		})
	}
}

func waysEndAlike(t *testing.T, sql string, steps []runbook.Step, of ...way) map[string]outcome {
	t.Helper()
	out := map[string]outcome{}
	for _, w := range of {
		dsn := database(t, sql)
		before := holds(t, dsn)
		got := goes(t, dsn, w, steps...)
		out[w.name] = got
		switch {
		case got.err != nil && strings.Contains(got.err.Error(), "not proven to end as deletes would"):
			if w.steps != "truncate" {
				t.Errorf("%s: %v", w.name, got.err)
			}
			got.err, before.rowsOf = nil, got.rowsOf
			got.target.Close()
			sameEnd(t, got, before)
			t.Logf("%s: %v", w.name, out[w.name].err)
			continue
		case w.name != "delete":
			sameEnd(t, got, out["delete"])
		}
		t.Logf("%s: %d indexes, %q, %v", w.name, len(got.built), got.chosen, got.err)
		if got.err != nil {
			got.target.Close()
			continue
		}
		if _, err := got.target.PutBack(limited(t), runbook.Step{PutBack: got.folder, SHA256: got.kept.SHA256}, nil); err != nil {
			t.Errorf("%s: put it back: %v", w.name, err)
			continue
		}
		got.target.Close()
		sameEnd(t, holds(t, dsn), before)
	}
	return out
}

// What a TRUNCATE may stand for, and what stands against it. The table that it is
// about is t; other is beside it.
func TestWhatATruncateStandsFor(t *testing.T) {
	const one = `CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t SELECT g, 'n' FROM generate_series(1, 20) g;`
	const fires = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;`
	for name, c := range map[string]struct {
		sql, steps string
		want       string // what was chosen, as it begins
	}{
		"nothing":                     {one, `t`, "TRUNCATE"},
		"an empty table":              {`CREATE TABLE t (id int)`, `t`, "TRUNCATE"},
		"a child that cascades":       {one + `CREATE TABLE other (id int, t int NOT NULL REFERENCES t ON DELETE CASCADE); INSERT INTO other SELECT g, g FROM generate_series(1, 9) g`, `t`, "TRUNCATE"},
		"rows that refer to nothing":  {one + `CREATE TABLE other (id int, t int REFERENCES t ON DELETE CASCADE); INSERT INTO other VALUES (1, 1), (2, NULL)`, `t`, "DELETE1 row of other would stay"},
		"rows of two keys, half NULL": {one + `CREATE TABLE other (a int, b int, t int REFERENCES t ON DELETE CASCADE, u int REFERENCES t ON DELETE CASCADE); INSERT INTO other VALUES (1, 1, 1, NULL), (2, 2, NULL, 2)`, `t`, "TRUNCATE"},
		"a key of two columns, half NULL": {`CREATE TABLE t (a int, b int, PRIMARY KEY (a, b)); INSERT INTO t VALUES (1, 1);
			CREATE TABLE other (a int, b int, FOREIGN KEY (a, b) REFERENCES t ON DELETE CASCADE); INSERT INTO other VALUES (1, 1), (1, NULL)`, `t`, "DELETE1 row of other would stay"},
		"a circle of cascades":          {one + `CREATE TABLE other (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE, up int REFERENCES other ON DELETE CASCADE); INSERT INTO other VALUES (1, NULL, 1), (2, 2, 1)`, `t`, "DELETE1 row of other would stay"},
		"a table that refers to itself": {`CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t); INSERT INTO t VALUES (1, 1), (2, 1)`, `t`, "TRUNCATE"},
		"a key that sets to NULL": {one + `CREATE TABLE other (id int PRIMARY KEY, t int REFERENCES t ON DELETE SET NULL); INSERT INTO other VALUES (1, 1), (2, NULL), (3, 3);
			COMMENT ON CONSTRAINT other_t_fkey ON other IS 'it''s mine'`, `t`, "TRUNCATE"},
		"a key that sets to NULL, without a key of its own": {one + `CREATE TABLE other (id int, t int REFERENCES t ON DELETE SET NULL); INSERT INTO other VALUES (1, 1), (1, 1), (2, NULL), (3, 3)`, `t`, "TRUNCATE"},
		"a key that sets to NULL what takes none":           {one + `CREATE TABLE other (id int PRIMARY KEY, t int NOT NULL REFERENCES t ON DELETE SET NULL); INSERT INTO other VALUES (1, 1)`, `t`, "!"},
		"a key that sets a default":                         {one + `CREATE TABLE other (id int PRIMARY KEY, t int DEFAULT 7 REFERENCES t ON DELETE SET DEFAULT); INSERT INTO other VALUES (1, 1)`, `t`, "!"},
		"a key that sets a default, unused":                 {one + `CREATE TABLE other (id int PRIMARY KEY, t int DEFAULT 7 REFERENCES t ON DELETE SET DEFAULT); INSERT INTO other VALUES (1, NULL)`, `t`, "TRUNCATE"},
		"a key that refuses":                                {one + `CREATE TABLE other (t int REFERENCES t); INSERT INTO other VALUES (1)`, `t`, "!"},
		"a key that refuses, unused":                        {one + `CREATE TABLE other (t int CONSTRAINT k REFERENCES t ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED); INSERT INTO other VALUES (NULL)`, `t`, "TRUNCATE"},
		"a key that is not valid":                           {one + `CREATE TABLE other (t int); INSERT INTO other VALUES (NULL); ALTER TABLE other ADD CONSTRAINT k FOREIGN KEY (t) REFERENCES t NOT VALID`, `t`, "TRUNCATE"},
		"a key whose trigger is off":                        {one + `CREATE TABLE other (t int REFERENCES t); ALTER TABLE other DISABLE TRIGGER ALL`, `t`, "DELETEforeign key other_t_fkey of other is not as"},
		"children before parents":                           {one + `CREATE TABLE other (t int NOT NULL REFERENCES t); INSERT INTO other VALUES (1)`, `other; t`, "TRUNCATE"},
		"parents before children":                           {one + `CREATE TABLE other (t int NOT NULL REFERENCES t); INSERT INTO other VALUES (1)`, `t; other`, "!"},
		"a trigger per row":                                 {one + fires + `CREATE TRIGGER g AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()`, `t`, "DELETEtrigger g of t is enabled"},
		"a trigger per statement":                           {one + fires + `CREATE TRIGGER g AFTER DELETE ON t EXECUTE FUNCTION f()`, `t`, "DELETEtrigger g of t is enabled"},
		"a trigger on TRUNCATE":                             {one + fires + `CREATE TRIGGER g AFTER TRUNCATE ON t EXECUTE FUNCTION f()`, `t`, "DELETEtrigger g of t is enabled"},
		"a disabled trigger":                                {one + fires + `CREATE TRIGGER g AFTER DELETE ON t EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER g`, `t`, "TRUNCATE"},
		"a trigger of a replica":                            {one + fires + `CREATE TRIGGER g AFTER DELETE ON t EXECUTE FUNCTION f(); ALTER TABLE t ENABLE REPLICA TRIGGER g`, `t`, "TRUNCATE"},
		"a trigger of a child": {one + fires + `CREATE TABLE other (t int NOT NULL REFERENCES t ON DELETE CASCADE); INSERT INTO other VALUES (1);
			CREATE TRIGGER g AFTER DELETE ON other FOR EACH ROW EXECUTE FUNCTION f()`, `t`, "DELETEtrigger g of other is enabled"},
		"a trigger on what is set to NULL": {one + fires + `CREATE TABLE other (id int, t int REFERENCES t ON DELETE SET NULL); INSERT INTO other VALUES (1, 1);
			CREATE TRIGGER g AFTER UPDATE ON other EXECUTE FUNCTION f()`, `t`, "DELETEtrigger g of other is enabled"},
		"a rule":                    {one + `CREATE TABLE other (id int); CREATE RULE r AS ON DELETE TO t DO ALSO INSERT INTO other VALUES (1)`, `t`, "DELETErule r of t would act"},
		"a publication":             {one + `CREATE PUBLICATION ways_one FOR TABLE t`, `t`, "DELETEpublication ways_one publishes t"},
		"a publication of TRUNCATE": {one + `CREATE PUBLICATION ways_two FOR TABLE t WITH (publish = 'truncate')`, `t`, "DELETEpublication ways_two publishes t"},
		"inheritance":               {one + `CREATE TABLE other () INHERITS (t); INSERT INTO other VALUES (99)`, `t`, "DELETEt inherits, or is inherited from"},
		"partitions": {`CREATE TABLE t (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t DEFAULT;
			INSERT INTO t SELECT g, g % 3 FROM generate_series(1, 30) g;
			CREATE TABLE other (id int, t int NOT NULL, k int NOT NULL, FOREIGN KEY (t, k) REFERENCES t ON DELETE CASCADE) PARTITION BY HASH (id);
			CREATE TABLE o1 PARTITION OF other FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE o2 PARTITION OF other FOR VALUES WITH (MODULUS 2, REMAINDER 1);
			INSERT INTO other SELECT id, id, k FROM t`, `t`, "TRUNCATE"},
		"a key into partitions, of a table that stays": {`CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t DEFAULT; INSERT INTO t VALUES (1);
			CREATE TABLE other (t int REFERENCES t ON DELETE SET NULL); INSERT INTO other VALUES (1)`, `t`, "DELETEforeign key other_t_fkey of other is one of parts"},
		"an identity column":                 {`CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, note text); INSERT INTO t (note) SELECT 'x' FROM generate_series(1, 9)`, `t`, "TRUNCATE"},
		"rows that the phase itself made":    {one + `CREATE TABLE other (id int)`, `=INSERT INTO t SELECT g, 'new' FROM generate_series(50, 60) g|t; t`, "TRUNCATE"},
		"rows that the phase itself changed": {one + `CREATE TABLE other (id int)`, `=UPDATE t SET note = 'new' WHERE id < 9|t; t`, "TRUNCATE"},
		"rows that the phase itself took":    {one + `CREATE TABLE other (id int)`, `=DELETE FROM t WHERE id < 9|t; t`, "TRUNCATE"},
		"the same table twice":               {one, `t; t`, "TRUNCATE"},
		"one that stands apart": {one + fires + `CREATE TABLE other (id int); INSERT INTO other VALUES (1); CREATE TRIGGER g AFTER DELETE ON other EXECUTE FUNCTION f();
			CREATE TABLE third (id int); INSERT INTO third VALUES (1)`, `t; other; third`, "TRUNCATE DELETEtrigger g of other is enabled TRUNCATE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			standsFor(t, c.sql, c.steps, c.want)
		})
	}
}

// standsFor runs steps by DELETE and by TRUNCATE, where it chooses and where it has
// to, and holds what was chosen; "!" is for what either way refuses.
func standsFor(t *testing.T, sql, steps, want string) map[string]outcome {
	t.Helper()
	all := waysEndAlike(t, sql, stepsFor(steps), wayCalled("delete"), wayCalled("auto"), wayCalled("truncate"))
	auto, truncate := all["auto"], all["truncate"]
	if got := strings.Join(auto.chosen, " "); want == "!" {
		if auto.err == nil || truncate.err == nil {
			t.Errorf("it ended well, and should not: %s", got)
		}
	} else if auto.err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("it chose %q, want %q; %v", got, want, auto.err)
	}
	if refused := strings.Contains(want, "DELETE") || want == "!"; refused != (truncate.err != nil) {
		t.Errorf("way truncate ended with %v", truncate.err)
	}
	return all
}

// Each phase of the demo's runbook ends alike in each way, one on top of the other.
func TestWaysEndAlikeInTheGym(t *testing.T) {
	t.Parallel()
	book, err := runbook.Parse("guide.yaml", runbook.Guide(runbook.Site{}))
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]outcome{}
	for _, w := range allWays {
		dsn := sandbox.ForTest(t).NewDatabase(t)
		if err := gym.Load(limited(t), dsn, gym.Options{Users: 100}); err != nil {
			t.Fatal(err)
		}
		conn := connect(t, dsn)
		exec(t, conn, noTriggers)
		if err := conn.Close(limited(t)); err != nil {
			t.Fatal(err)
		}
		var last outcome
		var chosen []string
		for _, p := range book.Phases {
			if len(p.Steps) == 0 {
				continue
			}
			if last = goes(t, dsn, w, p.Steps...); last.err != nil {
				t.Fatalf("%s: %s: %v", w.name, p.ID, last.err)
			}
			last.target.Close()
			chosen = append(chosen, last.chosen...)
		}
		if sweeps := w.steps == "auto" || w.steps == "truncate"; sweeps && strings.Join(chosen, " ") != "TRUNCATE TRUNCATE TRUNCATE TRUNCATE" {
			t.Errorf("%s chose %q", w.name, chosen)
		}
		if w.name != "delete" {
			last.rowsOf = ends["delete"].rowsOf // a key that cascades goes by the step of its own
			sameEnd(t, last, ends["delete"])
		}
		ends[w.name] = last
	}
}
