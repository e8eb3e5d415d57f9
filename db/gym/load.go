package gym

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schemaSQL string

//go:embed config.sql
var configSQL string

//go:embed keys.sql
var keysSQL string

//go:embed triggers.sql
var triggersSQL string

// The number of users that Load takes when none is given, and at least.
const (
	DefaultUsers = 20_000
	MinUsers     = 100
	PacedUsers   = 30_000 // of a paced gym, whose phases last some seconds on two cores
)

// Options say how much to load.
type Options struct {
	// Users is the number of user profiles; each brings some 25 rows. 0:
	// DefaultUsers.
	Users int

	// Seed decides all content. 0: 1.
	Seed int64

	// Paced has the tables of the quick phases hold many times the rows, so that each
	// phase is at work for some seconds.
	Paced bool

	// Progress is called after each step with the rows loaded so far, of how
	// many, and what the step was. Nil: nothing.
	Progress func(done, total int64, what string)
}

// ErrNotEmpty means that the database has tables in schema public.
var ErrNotEmpty = errors.New("the database already has tables in schema public; the gym wants an empty one")

// Load creates and fills the gym's tables in the database of dsn. On error,
// and when ctx ends, nothing of it stays.
func Load(ctx context.Context, dsn string, opts Options) error {
	if opts.Users == 0 {
		opts.Users = DefaultUsers
	}
	if opts.Users < MinUsers {
		return fmt.Errorf("load the gym: %d users are too few; ask for %d at least", opts.Users, MinUsers)
	}
	if opts.Seed == 0 {
		opts.Seed = 1
	}
	if opts.Progress == nil {
		opts.Progress = func(int64, int64, string) {}
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("load the gym: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return load(ctx, tx, opts) })
	if err != nil {
		return fmt.Errorf("load the gym: %w", err)
	}
	// Not in the transaction: VACUUM can't be. It also keeps autovacuum from
	// getting in the way of the run that follows.
	total := totalRows(opts)
	if _, err := conn.Exec(ctx, "VACUUM (ANALYZE) "+qualified(Tables())); err != nil {
		return fmt.Errorf("load the gym: analyze: %w", err)
	}
	opts.Progress(total, total, "statistics")
	return nil
}

func qualified(tables []string) string {
	names := make([]string, len(tables))
	for i, table := range tables {
		names[i] = pgx.Identifier{"public", table}.Sanitize()
	}
	return strings.Join(names, ", ")
}

func load(ctx context.Context, tx pgx.Tx, opts Options) error {
	var occupied bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f'))`).Scan(&occupied)
	if err != nil {
		return err
	}
	if occupied {
		return ErrNotEmpty
	}
	var done int64
	total := totalRows(opts)
	run := func(what, sql string, rows int64) error {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		done += rows
		opts.Progress(done, total, what)
		return nil
	}
	// The session's zone and sizes must not show in the content.
	settings := "SET LOCAL TimeZone = 'UTC'; SET LOCAL search_path = pg_catalog; SET LOCAL maintenance_work_mem = '128MB';"
	if err := run("tables", settings+schemaSQL, 0); err != nil {
		return err
	}
	if err := run("configuration", configSQL, 0); err != nil {
		return err
	}
	if err := run("content", dice(opts), 0); err != nil {
		return err
	}
	for _, f := range fills() {
		rows := f.rows(opts)
		if err := run(f.table, fmt.Sprintf("INSERT INTO public.%s SELECT %s FROM generate_series(1, %d) AS i",
			f.into(), f.values, rows), rows); err != nil {
			return err
		}
	}
	for _, step := range strings.Split(keysSQL, "-- step: ")[1:] {
		what, sql, _ := strings.Cut(step, "\n")
		if err := run(what, sql, 0); err != nil {
			return err
		}
	}
	return run("triggers", triggersSQL+sequencesSQL+dropDice, 0)
}

// sequencesSQL lets new rows follow those that brought their own id.
const sequencesSQL = `
DO $$
DECLARE t text; top bigint;
BEGIN
  FOR t IN SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'public' AND is_identity = 'YES' ORDER BY table_name
  LOOP
    EXECUTE format('SELECT max(id) FROM public.%I', t) INTO top;
    PERFORM setval(pg_get_serial_sequence(format('public.%I', t), 'id'), coalesce(top, 1), top IS NOT NULL);
  END LOOP;
END $$;
`

// dice makes the functions that content comes from. They depend on the seed
// and their arguments alone. The planner inlines them.
func dice(opts Options) string {
	return fmt.Sprintf(`
CREATE FUNCTION pg_temp.pick(i bigint, salt integer, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, %[1]d + salt) & 9223372036854775807) %% n $$;
CREATE FUNCTION pg_temp.uid(i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT md5('user %[1]d ' || i)::uuid $$;
CREATE FUNCTION pg_temp.secret(what text, i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT md5(what || ' %[1]d ' || i) $$;
CREATE FUNCTION pg_temp.ago(i bigint, salt integer, days integer) RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT timestamptz '2026-01-30 00:00Z' - make_interval(secs => pg_temp.pick(i, salt, days * 86400)) $$;
`, opts.Seed)
}

const dropDice = `
DROP FUNCTION pg_temp.pick(bigint, integer, bigint), pg_temp.uid(bigint),
  pg_temp.secret(text, bigint), pg_temp.ago(bigint, integer, integer);
`

func totalRows(opts Options) int64 {
	var total int64
	for _, f := range fills() {
		total += f.rows(opts)
	}
	return total
}
