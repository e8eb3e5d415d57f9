package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/runbook"
)

// large are four tables that are worth a session each.
const large = `CREATE TABLE a AS SELECT g AS id, repeat('x', 400) AS pad FROM generate_series(1, 24000) g; CREATE TABLE b AS SELECT * FROM a;
	CREATE TABLE c AS SELECT * FROM a; CREATE TABLE d AS SELECT * FROM a; CREATE TABLE small AS SELECT 1 AS id;`

// analyzed has the server know how large the tables are.
func analyzed(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn := connect(t, dsn)
	exec(t, conn, `VACUUM (ANALYZE)`)
	return conn
}

// A fingerprint is of the journals and backups of all ages: another way to read
// the rows gives the same, on each session and in a transaction that has written.
func TestFingerprintsStayWhatTheyWere(t *testing.T) {
	dsn := database(t, `CREATE TYPE mood AS ENUM ('good', 'bad');
		CREATE TABLE t (tminus_row int, content text, m mood, at timestamptz, f float8, j jsonb, n numeric, b bytea);
		INSERT INTO t SELECT g, 'a,"' || g, 'good', '2026-01-01 00:00Z', 0.1, '{"a": [1]}', g / 7.0, '\x00ff' FROM generate_series(1, 100) g; CREATE TABLE none (id int)`)
	target := open(t, dsn, &runbook.Runbook{Schema: "public", Protected: []string{"t"}, Phases: book().Phases})
	got, err := target.Fingerprints(limited(t), []string{"t", "none"}, nil)
	want := []phases.Fingerprint{
		{Table: "t", Rows: 100, Hash: "8d524bdbb7f56e40dbb2dc4fbf8d98d0adfe34db876878b748e2f23feb0bfc94"},
		{Table: "none", Hash: "53bdc49a85684cf82849e9de84ec99baa0064476c7922e725d3ec61a8299ed83"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// All that is read is of one moment, whoever writes meanwhile, and it is told of
// once each.
func TestReadAsOfOneMomentOnSeveralSessions(t *testing.T) {
	dsn := database(t, large)
	conn := analyzed(t, dsn)
	b := book("a", "b", "c", "d")
	b.Counting.Sessions = 3
	target := open(t, dsn, b)
	var mu sync.Mutex
	seen := map[uint32]bool{}
	together := make(chan struct{})
	arrive := func(pid uint32) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[pid] {
			return nil
		}
		if seen[pid] = true; len(seen) == 3 {
			close(together)
		}
		_, err := conn.Exec(limited(t), `DELETE FROM a WHERE id % 7 = 1; DELETE FROM b WHERE id % 7 = 1; DELETE FROM c; DELETE FROM d`)
		return err
	}
	var all []reading
	for _, table := range []string{"a", "b", "c", "d", "a", "b"} {
		all = append(all, reading{worthPages, func(ctx context.Context, s *session) error {
			if err := arrive(s.pid); err != nil {
				return err
			}
			select { // until all that may are at work
			case <-together:
			case <-ctx.Done():
			}
			var n int64
			if err := s.QueryRow(ctx, `SELECT count(*) FROM public.`+table).Scan(&n); err != nil || n != 24000 {
				return fmt.Errorf("%s has %d rows: %w", table, n, err)
			}
			return nil
		}})
	}
	err := target.checks.with(limited(t), func(s *session) error {
		exec(t, s.conn, oneMoment)
		defer rollback(limited(t), s)
		exec(t, s.conn, `SELECT count(*) FROM public.a`)
		return target.readAll(limited(t), s, all)
	})
	if err != nil || len(seen) != 3 {
		t.Errorf("%d sessions, %v", len(seen), err)
	}
}

// The baseline of several sessions is the one of a single one.
func TestBaselineIsTheSameOnSeveralSessions(t *testing.T) {
	dsn := database(t, large+`CREATE SCHEMA own; CREATE FUNCTION own.odd(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 % 2 = 1'`)
	analyzed(t, dsn)
	counted := []phases.Counted{{Table: "small"}, {Table: "a"}, {Table: "b"}, {Table: "c", Where: "odd(id)"}, {Table: "d"}}
	var bases []phases.Baseline
	for _, n := range []int{1, 4} {
		b := book("a")
		b.Schema, b.Counting.Sessions = "own", n
		for i := range counted {
			counted[i].Table = "public." + strings.TrimPrefix(counted[i].Table, "public.")
		}
		var told []string
		base, err := open(t, dsn, b).Baseline(limited(t), counted, []string{"public.d", "public.a"}, func(c phases.TableCount) { told = append(told, c.Table) })
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(told)
		if got := strings.Join(told, " "); got != "public.a public.a public.b public.c public.d public.d public.small" {
			t.Errorf("told of %s", got)
		}
		bases = append(bases, base)
	}
	if got := fmt.Sprint(bases[0]); got != fmt.Sprint(bases[1]) || bases[0].Counts[3].Rows != 12000 || bases[0].Counts[0].Rows != 1 || bases[0].Protected[0].Rows != 24000 {
		t.Errorf("alone %v, by several %v", bases[0], bases[1])
	}
}

// Who has no room for more sessions counts on one: a limit is never touched, and
// nothing fails.
func TestCountingLeavesSessionsToOthers(t *testing.T) {
	dsn, admin := narrow(t, "counting")
	conn := connect(t, admin)
	exec(t, conn, large+`GRANT SELECT ON ALL TABLES IN SCHEMA public TO counting; `)
	analyzed(t, admin)
	b := book("a")
	all := []reading{{pages: worthPages}, {pages: worthPages}, {pages: worthPages}, {pages: worthPages - 1}}
	for most, want := range map[int]int{-1: 2, 100: 2, 0: 0, 6: 1, 5: 0} {
		target := open(t, dsn, b)
		if most > 0 && most < 100 {
			most += target.widest()
		}
		if most != 0 {
			exec(t, conn, fmt.Sprintf(`ALTER ROLE counting CONNECTION LIMIT %d`, most))
			if got := target.helpers(limited(t), all); got != want {
				t.Errorf("of %d sessions %d help, want %d", most, got, want)
			}
		}
		base, err := target.Baseline(limited(t), []phases.Counted{{Table: "a"}, {Table: "b"}}, []string{"c"}, nil)
		if err != nil || base.Counts[1].Rows != 24000 {
			t.Errorf("%+v, %v", base, err)
		}
		exec(t, conn, `ALTER ROLE counting CONNECTION LIMIT -1`)
		closeAndWait(t, target)
	}
}

// A session that is refused all the same is no failure either.
func TestCountingWithoutTheSessionsThatAreRefused(t *testing.T) {
	dsn, admin := narrow(t, "alone")
	conn := connect(t, admin)
	target := open(t, dsn, book("a"))
	exec(t, conn, `ALTER ROLE alone CONNECTION LIMIT 1`)
	taken := false
	target.help(limited(t), "none", func(*session) { taken = true })
	exec(t, conn, `ALTER ROLE alone CONNECTION LIMIT -1`)
	target.help(limited(t), "00000000-0-0", func(*session) { taken = true }) // no such snapshot
	if taken {
		t.Error("it reads without the moment of the others")
	}
}

// The first failure ends all others, and is the one that is told.
func TestReadingEndsWithItsFirstFailure(t *testing.T) {
	dsn := database(t, large)
	b := book("a")
	target := open(t, dsn, b)
	broken := errors.New("broken")
	begun := make(chan struct{})
	slow := reading{worthPages + 1, func(ctx context.Context, s *session) error {
		close(begun)
		return target.long(ctx, s, func(ctx context.Context, l long) error {
			_, err := l.exec(ctx, `SELECT pg_sleep(60)`)
			return err
		})
	}}
	fails := reading{worthPages, func(context.Context, *session) error { <-begun; return broken }}
	never := reading{0, func(context.Context, *session) error { t.Error("it goes on"); return nil }}
	err := target.checks.with(limited(t), func(s *session) error {
		exec(t, s.conn, oneMoment)
		defer rollback(limited(t), s)
		return target.readAll(limited(t), s, []reading{slow, fails, never})
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

// The server adds up in several processes, also in a transaction that has written.
func TestFingerprintInParallel(t *testing.T) {
	dsn := database(t, large)
	conn := analyzed(t, dsn)
	exec(t, conn, `BEGIN; DELETE FROM b; SET LOCAL parallel_setup_cost = 0; SET LOCAL min_parallel_table_scan_size = 0`)
	target := open(t, dsn, book("a"))
	found, err := resolveAll(limited(t), &session{conn: conn, exchange: exchangeLimit}, target.book, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `EXPLAIN SELECT count(*), sum(hashtextextended(content, 0)) FROM `+contents(found[0]))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if plan := strings.Join(lines, "\n"); err != nil || !strings.Contains(plan, "Partial Aggregate") || !strings.Contains(plan, "Parallel Seq Scan") {
		t.Errorf("%v\n%s", err, plan)
	}
}
