package db

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// foreignTo has tables whose rows are other ones by the settings of odd.
const foreignTo = `CREATE TABLE events (id int PRIMARY KEY, at timestamptz, day date, pause interval, note text, fill text);
	INSERT INTO events SELECT g, '2023-12-31 20:00+00'::timestamptz + g * interval '1 minute', '2024-01-01'::date + g % 45,
		CASE WHEN g % 3 = 0 THEN '-1 day -02:00:00'::interval ELSE '-1 day +02:00:00' END, CASE WHEN g % 3 > 0 THEN 'x' END, repeat('f', 500) FROM generate_series(1, 600) g;
	CREATE TABLE log (local timestamp, at timestamptz);
	CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (now(), now()); RETURN NULL; END $$;
	CREATE TRIGGER logs AFTER DELETE ON events EXECUTE FUNCTION logs()`

// odd gives a database's sessions settings that no program's statements expect.
func odd(t *testing.T, dsn string) {
	t.Helper()
	conn, name := connect(t, dsn), databaseName(t, dsn)
	for _, set := range []string{`TimeZone = 'Europe/Berlin'`, `DateStyle = 'German, DMY'`, `IntervalStyle = 'sql_standard'`, `transform_null_equals = on`} {
		exec(t, conn, `ALTER DATABASE `+name+` SET `+set)
	}
}

// A condition, a statement and a query mean what they mean in psql, whatever the
// database's settings are, and wherever they are asked.
func TestStatementsMeanWhatTheyMeanInPsql(t *testing.T) {
	t.Parallel()
	for _, where := range []string{
		`at < '2024-01-01'`, `day = '01/02/2024'`, `day::text = '01.02.2024'`, `pause = '-1 2:00'`, `note = NULL`,
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dsn := database(t, foreignTo)
			plain := query[int64](t, connect(t, dsn), `SELECT count(*) FROM events WHERE `+where)
			odd(t, dsn)
			psql := connect(t, dsn)
			want := query[int64](t, psql, `SELECT count(*) FROM events WHERE `+where)
			if want == plain || want == 0 {
				t.Fatalf("the settings make no difference: %d rows", want)
			}
			b := book()
			b.Phases[0].Steps = []runbook.Step{{Delete: "events", Where: where}}
			target := open(t, dsn, b)
			if got, err := target.Query(limited(t), `SELECT count(*) FROM events WHERE `+where); err != nil || got != fmt.Sprint(want) {
				t.Errorf("a query gives %s, %v; psql's gives %d", got, err, want)
			}
			base, err := target.Baseline(limited(t), []phases.Counted{{Table: "events", Where: where}}, nil, nil)
			if err != nil || base.Counts[0].Rows != want {
				t.Errorf("the baseline counts %+v, %v; psql %d", base.Counts, err, want)
			}
			x := begin(t, target)
			n, seen := remove(t, x, b.Phases[0].Steps[0])
			if n != want {
				t.Errorf("deleted %d rows; psql would delete %d", n, want)
			}
			if len(seen) == 0 {
				t.Error("no progress was told")
			}
			if n, err := countOf(limited(t), x, "events", where); n != 0 || err != nil {
				t.Errorf("%d rows are left, %v", n, err)
			}
			if res := x.Commit(limited(t)); res.Err != nil {
				t.Fatal(res.Err)
			}
			if n := query[int](t, psql, `SELECT count(*) FROM log WHERE local = at AT TIME ZONE 'Europe/Berlin'`); n == 0 {
				t.Error("the trigger's now() was not of the database's time zone")
			}
		})
	}
}

// Whoever reads the survey, or lint, is told by what times are read.
func TestSurveyNamesTheStyleOfTimes(t *testing.T) {
	t.Parallel()
	dsn := database(t, foreignTo)
	told := func() (out []string) {
		survey, err := open(t, dsn, book("log")).Survey(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range survey.Findings {
			if f.Code == "server-styles" {
				out = append(out, f.Text)
			}
		}
		return out
	}
	if got := told(); got != nil {
		t.Errorf("in UTC: %q", got)
	}
	odd(t, dsn)
	if got := told(); !slices.Equal(got, []string{"statements run with TimeZone Europe/Berlin, DateStyle German, DMY, IntervalStyle sql_standard"}) {
		t.Errorf("%q", got)
	}
}

// What was read of a database once compares with what is read later, and in the
// phase, whatever its settings are by then. What a step sets is there for the next.
func TestFingerprintsRestOnNoSetting(t *testing.T) {
	t.Parallel()
	dsn := database(t, foreignTo)
	read := func(target *Target) string {
		base, err := target.Baseline(limited(t), nil, []string{"events"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return base.Protected[0].Hash
	}
	was := read(open(t, dsn, book("log")))
	odd(t, dsn)
	target := open(t, dsn, book("log"))
	if is := read(target); is != was {
		t.Errorf("the baseline is %s, and was %s", is, was)
	}
	x := begin(t, target)
	zone := runbook.Step{SQL: `SET LOCAL TimeZone = 'Asia/Tokyo'`}
	isTokyo := runbook.Step{SQL: `SELECT 1 / (current_setting('TimeZone') = 'Asia/Tokyo' AND current_setting('DateStyle') = 'German, DMY')::int`}
	for _, do := range []runbook.Step{zone, isTokyo, isTokyo} {
		if _, err := x.Run(limited(t), do, nil); err != nil {
			t.Fatalf("%s: %v", do.SQL, err)
		}
		if changes := words(t, x); len(changes) > 0 {
			t.Errorf("%s: %q", do.SQL, changes)
		}
		if f, err := x.Fingerprint(limited(t), "events"); err != nil || f.Hash != was {
			t.Errorf("the phase reads %s, %v; the baseline was %s", f.Hash, err, was)
		}
	}
}

// What a phase took comes back as it was, also what was written out at other times
// than the rest.
func TestCapsulesRestOnNoSetting(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]runbook.Step{
		"deletes":  {{Delete: "events", Where: `day < '01/02/2024'`}, {SQL: `UPDATE events SET day = '02/01/2024', pause = '-1 2:00'`, Touch: []string{"events"}}},
		"truncate": {{SQL: `TRUNCATE events`, Touch: []string{"events"}}, {SQL: `INSERT INTO events VALUES (1, '02/01/2024', '02/01/2024', '-1 2:00')`, Touch: []string{"events"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t, foreignTo)
			odd(t, dsn)
			wantBack(t, dsn, steps...)
		})
	}
}

// Who holds the lock of phases is told in any style of dates.
func TestWhoHoldsThePhaseLockInAnyDateStyle(t *testing.T) {
	t.Parallel()
	dsn := database(t, foreignTo)
	odd(t, dsn)
	begin(t, open(t, dsn, book("log")))
	target := open(t, dsn, book("log"))
	_, err := target.Begin(limited(t), engine.TxSpec{RunID: "run-2", Phase: &target.book.Phases[0]})
	if locked, held := errors.AsType[*engine.LockedError](err); !held || locked.Holder.Since.IsZero() {
		t.Errorf("%+v", err)
	}
}

// What the connection itself asks for is what psql would have, by the variables too.
func TestTheConnectionsOwnSettings(t *testing.T) {
	dsn := database(t, foreignTo)
	odd(t, dsn)
	t.Setenv("PGTZ", "Asia/Tokyo")
	t.Setenv("PGDATESTYLE", "SQL, MDY")
	t.Setenv("PGOPTIONS", "-c intervalstyle=iso_8601")
	target := open(t, dsn, book())
	want := "Asia/Tokyo, SQL, MDY, iso_8601"
	if got, err := target.Query(limited(t), `SELECT concat_ws(', ', current_setting('TimeZone'), current_setting('DateStyle'), current_setting('IntervalStyle'))`); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	// Whoever takes the run up has them from its journal.
	address, err := AddressOf(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(address.DSN())
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cfg.RuntimeParams["timezone"], cfg.RuntimeParams["datestyle"], cfg.RuntimeParams["options"]}
	if !slices.Equal(got, []string{"Asia/Tokyo", "SQL, MDY", "-c intervalstyle=iso_8601"}) {
		t.Errorf("the address has %q", got)
	}
}
