package putback_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/db/capsule"
	"tminus/db/putback"
)

// clears are what a phase does to each of the awkward schemas.
var clears = map[string]string{
	"columns":     `DELETE FROM bookings; DELETE FROM rooms`,
	"composite":   `DELETE FROM members; DELETE FROM accounts; DELETE FROM tenants`,
	"cycles":      `UPDATE teams SET captain = NULL; DELETE FROM players; DELETE FROM teams; SET CONSTRAINTS ALL DEFERRED; DELETE FROM left_hand; DELETE FROM right_hand; DELETE FROM orders; DELETE FROM tree; SET CONSTRAINTS ALL IMMEDIATE`,
	"inheritance": `DELETE FROM trips; DELETE FROM vehicles`,
	"leaves":      `DELETE FROM visits; DELETE FROM kinds`,
	"names":       `DELETE FROM "App"."a_name_that_is_as_long_as_a_name_in_postgresql_may_be_63_bytes"; DELETE FROM "πελάτες"."παραγγελίες"; DELETE FROM "App"."Users"`,
	"nulls":       `DELETE FROM labels; DELETE FROM claims; DELETE FROM parcels; DELETE FROM tickets; DELETE FROM guides; DELETE FROM seats; DELETE FROM tours; DELETE FROM stops WHERE day < '2026-01-01'; DELETE FROM trips_2025`,
	"partitions":  `DELETE FROM notes; DELETE FROM events`,
	"rights":      `DELETE FROM backroom.notes; DELETE FROM backroom.invoices; DELETE FROM visits; DELETE FROM customers`,
	"rows":        `DELETE FROM lockers; DELETE FROM members`,
}

// How a role comes by what it may: it is the superuser, it owns the tables, or it
// was given rights on them.
var ways = map[putback.Mode]string{
	putback.AsReplica:   ``,
	putback.WithoutKeys: `EXECUTE format('ALTER TABLE %s OWNER TO %I', r.oid::regclass, who)`,
	putback.RowByRow:    `EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON %s TO %I', r.oid::regclass, who)`,
}

// Each awkward schema comes back as it was, whatever the role may, or is refused
// with a reason.
func TestSchemasComeBack(t *testing.T) {
	files, err := filepath.Glob("../../testdata/schemas/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, file := range files {
		for mode, right := range ways {
			base := strings.TrimSuffix(filepath.Base(file), ".sql")
			t.Run(base+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				src, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				comesBack(t, base, string(src), mode, right)
			})
		}
	}
}

func comesBack(t *testing.T, base, src string, mode putback.Mode, right string) {
	dsn := with(t, src)
	public(t, dsn, `DO $$ DECLARE r record; BEGIN FOR r IN SELECT tgrelid, tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE tgparentid = 0 AND NOT tgisinternal AND '`+base+`' <> 'columns' LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', r.tgrelid::regclass, r.tgname); END LOOP; END $$`)
	if base == "rights" { // without it a delete fails, as one would
		public(t, dsn, `GRANT ALL ON backroom.lines TO runner_owner`)
	}
	role := ""
	if right != "" {
		role = member(t, dsn, right)
	}
	before := prints(t, dsn)
	if clears[base] == "" {
		t.Fatal("nothing is said of what a phase clears in it")
	}
	c := phase(t, dsn, clears[base])
	for _, opt := range []putback.Options{{}} {
		err := refusedOrDone(t, dsn, role, c, opt, mode)
		hides := base == "leaves" || base == "rows" || base == "columns" && mode == putback.RowByRow
		switch {
		case err == nil && hides && role != "":
			t.Fatal("it was put back in spite of what the role may not")
		case err == nil:
		case hides && role != "" && errors.Is(err, putback.ErrRefused):
			t.Log(err)
			run(t, dsn, "", c, opt)
		default:
			t.Fatal(err)
		}
	}
	same(t, dsn, before)
	if p := look(t, dsn, "", c, putback.Options{}); !p.Done {
		t.Errorf("undone, and still to do: %+v", p)
	}
	if r := run(t, dsn, "", c, putback.Options{}); !r.Done {
		t.Errorf("undone, and done again: %+v", r)
	}
	same(t, dsn, before)
}

// refusedOrDone puts back in a mode, or gives why not.
func refusedOrDone(t *testing.T, dsn, role string, c *capsule.Capsule, opt putback.Options, mode putback.Mode) error {
	t.Helper()
	s := connect(t, dsn, role)
	defer s.Close(limited(t))
	exec(t, s, "BEGIN")
	r, err := putback.Run(limited(t), s, c, opt)
	if err != nil {
		exec(t, s, "ROLLBACK")
		return err
	}
	if r.Mode != mode {
		t.Errorf("it was done by %s", r.Mode)
	}
	exec(t, s, "COMMIT")
	return nil
}

// member makes a role with these rights on all tables.
func member(t *testing.T, dsn, right string) string {
	t.Helper()
	s := connect(t, dsn, "")
	role := "member_" + query[string](t, s, "SELECT oid::text FROM pg_database WHERE datname = current_database()")
	s.Close(limited(t))
	public(t, dsn, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN; DO $$ DECLARE r record; who text := '%[1]s'; BEGIN
		FOR r IN SELECT oid::regnamespace AS oid FROM pg_namespace WHERE nspname !~ '^pg_|^information' LOOP EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %%s TO %%I', r.oid, who); END LOOP;
		FOR r IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^information' LOOP %[2]s; END LOOP; END $$`, role, right))
	t.Cleanup(func() { public(t, dsn, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	return role
}
