package gym_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
	"tminus/db/sandbox"
)

func TestMain(m *testing.M) { os.Exit(sandbox.Main(m)) }

const users = 137 // odd: what only works out for round numbers shows

// loaded gives a connection to a gym of the test's own.
func loaded(t *testing.T, opts gym.Options) *pgx.Conn {
	t.Helper()
	dsn := sandbox.ForTest(t).NewDatabase(t)
	if opts.Users == 0 {
		opts.Users = users
	}
	if err := gym.Load(t.Context(), dsn, opts); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

func one[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	values := query[T](t, conn, sql, args...)
	if len(values) != 1 {
		t.Fatalf("%s: %d rows, want one", sql, len(values))
	}
	return values[0]
}

func count(t *testing.T, conn *pgx.Conn, table string) int64 {
	t.Helper()
	return one[int64](t, conn, "SELECT count(*) FROM public."+table)
}

// contents gives the hash of each table.
func contents(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	for _, table := range gym.Tables() {
		hashes[table] = one[string](t, conn, fmt.Sprintf(
			"SELECT coalesce(md5(string_agg(md5(x::text), '' ORDER BY x::text)), '') FROM public.%s AS x", table))
	}
	return hashes
}

func TestTablesAreThoseOfTheCatalog(t *testing.T) {
	conn := loaded(t, gym.Options{})
	tables := query[string](t, conn, `SELECT table_name::text FROM information_schema.tables
		WHERE table_schema = 'public' ORDER BY table_name COLLATE "C"`)
	if !slices.Equal(tables, gym.Tables()) {
		t.Errorf("tables are\n%q, the catalog says\n%q", tables, gym.Tables())
	}
	if len(tables) != 56 { // as doc.go says, and within the 50 to 60 of the guide
		t.Errorf("%d tables, want 56", len(tables))
	}
	named := slices.Concat(slices.Concat(gym.Deletes()...), gym.Cascaded(), gym.Protected())
	if len(named) != 20+13+4 {
		t.Errorf("%d tables named", len(named))
	}
	for _, table := range tables {
		if count(t, conn, table) == 0 {
			t.Errorf("%s is empty", table)
		}
	}
	for _, table := range named {
		if !slices.Contains(tables, table) {
			t.Errorf("no table %s", table)
		}
	}
}

func TestSameSeedSameContent(t *testing.T) {
	first := contents(t, loaded(t, gym.Options{Seed: 7}))
	again := contents(t, loaded(t, gym.Options{Seed: 7}))
	other := contents(t, loaded(t, gym.Options{Seed: 8}))
	grown := slices.Concat(gym.Cascaded(), slices.Concat(gym.Deletes()...))
	for _, table := range gym.Tables() {
		if first[table] != again[table] {
			t.Errorf("%s differs between two loads of one seed", table)
		}
		if slices.Contains(grown, table) == (first[table] == other[table]) && table != "invoices" && table != "announcements" {
			t.Errorf("%s: grown %v, same for another seed %v", table, slices.Contains(grown, table), first[table] == other[table])
		}
	}
}

func TestSizeFollowsTheUsers(t *testing.T) {
	var last [2]int64
	conn := loaded(t, gym.Options{Users: 1000, Progress: func(done, total int64, what string) {
		if done < last[0] || total < done || what == "" {
			t.Errorf("progress %d of %d after %d: %q", done, total, last[0], what)
		}
		last = [2]int64{done, total}
	}})
	if last[0] != last[1] || last[0] < 24_000 || last[0] > 27_000 {
		t.Errorf("%d rows of %d for 1000 users, want some 25,500", last[0], last[1])
	}
	if got := count(t, conn, "user_profiles"); got != 1000 {
		t.Errorf("%d users", got)
	}
	if never := query[string](t, conn, `SELECT c.relname::text FROM pg_class AS c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
		AND NOT EXISTS (SELECT FROM pg_statistic AS s WHERE s.starelid = c.oid)`); len(never) != 0 {
		t.Errorf("never analyzed: %q", never)
	}
}

func TestAPacedGymHasMoreRowsInItsQuickTables(t *testing.T) {
	conn := loaded(t, gym.Options{Users: 100, Paced: true})
	for table, want := range map[string]int64{"user_profiles": 100, "bookings": 100, "audit_logs": 80 * 50, "membership_logs": 135 * 8, "absence_records": 40 * 20} {
		if got := count(t, conn, table); got != want {
			t.Errorf("%s has %d rows, and not %d", table, got, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	conn := loaded(t, gym.Options{})
	dsn := conn.Config().ConnString()
	if err := gym.Load(t.Context(), dsn, gym.Options{Users: users}); !errors.Is(err, gym.ErrNotEmpty) {
		t.Errorf("a database with tables: %v", err)
	}
	if err := gym.Load(t.Context(), dsn, gym.Options{Users: 5}); err == nil {
		t.Error("five users were enough")
	}
}

func TestCancelledLoadLeavesNothing(t *testing.T) {
	dsn := sandbox.ForTest(t).NewDatabase(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := gym.Load(ctx, dsn, gym.Options{Users: users, Progress: func(_, _ int64, what string) {
		if what == "payments" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if left := one[int](t, conn, "SELECT count(*)::int FROM pg_class WHERE relnamespace = 'public'::regnamespace"); left != 0 {
		t.Errorf("%d relations left", left)
	}
}

func TestContentAgreesWithTheTriggers(t *testing.T) {
	conn := loaded(t, gym.Options{})
	if wrong := one[int](t, conn, `SELECT count(*)::int FROM memberships
		WHERE is_active <> (status = 'active' AND current_date BETWEEN start_date AND end_date)`); wrong != 0 {
		t.Errorf("%d memberships with a wrong is_active", wrong)
	}
	if wrong := one[int](t, conn, `SELECT count(*)::int FROM pilates_deposits AS d WHERE deposit_remaining <> deposit_total
		- (SELECT count(*) FROM pilates_bookings AS b WHERE b.deposit_id = d.id AND b.user_id = d.user_id)`); wrong != 0 {
		t.Errorf("%d deposits that don't agree with their bookings", wrong)
	}
	if wrong := one[int](t, conn, `SELECT count(*)::int FROM pilates_deposits AS d
		JOIN memberships AS m ON m.id = d.membership_id WHERE m.user_id <> d.user_id`); wrong != 0 {
		t.Errorf("%d deposits of somebody else's membership", wrong)
	}
	if wrong := one[int](t, conn, `SELECT count(*)::int FROM lesson_attendance AS a
		JOIN lesson_bookings AS b ON b.id = a.booking_id WHERE a.user_id <> b.user_id`); wrong != 0 {
		t.Errorf("%d attendances of somebody else's booking", wrong)
	}
}

// TestForeignKeys walks the keys as a delete does.
func TestForeignKeys(t *testing.T) {
	conn := loaded(t, gym.Options{})
	type key struct{ From, To, Action string }
	rows, err := conn.Query(t.Context(), `SELECT c.relname::text AS "from", p.relname::text AS "to", k.confdeltype::text AS action
		FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_class AS p ON p.oid = k.confrelid
		WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil {
		t.Fatal(err)
	}
	deleted := slices.Concat(gym.Deletes()...)
	emptied := slices.Concat(deleted, gym.Cascaded())
	actions := map[string]int{}
	for _, k := range keys {
		if slices.Contains(emptied, k.To) {
			actions[k.Action]++
			if slices.Contains(gym.Protected(), k.From) {
				t.Errorf("a delete from %s touches the protected table %s", k.To, k.From)
			}
			if k.Action == "c" && !slices.Contains(emptied, k.From) {
				t.Errorf("%s is emptied by a cascade from %s; the catalog doesn't say so", k.From, k.To)
			}
			if k.Action == "a" && !slices.Contains(deleted, k.From) {
				t.Errorf("%s keeps rows that refer to %s", k.From, k.To)
			}
		}
	}
	if actions["c"] < 25 || actions["n"] < 8 || actions["a"] < 8 {
		t.Errorf("too few keys of a kind: %v", actions)
	}
	direct := 0
	for _, table := range gym.Cascaded() {
		if slices.Contains(keys, key{table, "user_profiles", "c"}) {
			direct++
		}
	}
	if direct < 10 || !slices.Contains(keys, key{"membership_logs", "memberships", "c"}) {
		t.Errorf("%d tables by cascade from user_profiles alone", direct)
	}
	unindexed := query[string](t, conn, `SELECT c.relname::text || '.' || a.attname FROM pg_constraint AS k
		JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
		WHERE k.contype = 'f' AND k.confrelid = 'public.user_profiles'::regclass
		AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indkey[0] = k.conkey[1]) ORDER BY 1`)
	want := []string{
		"announcements.created_by", "emergency_contacts.user_id",
		"personal_training_codes.user_id", "referrals.referred_id", "user_group_weekly_presets.user_id",
	}
	if !slices.Equal(unindexed, want) {
		t.Errorf("without an index are %q, want %q", unindexed, want)
	}
}
