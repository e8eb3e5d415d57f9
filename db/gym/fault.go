package gym

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// SetNullOnProtected gives the protected table lessons a column created_by
// with a foreign key to user_profiles, ON DELETE SET NULL: deleting users
// changes lessons, though not their number.
func SetNullOnProtected(ctx context.Context, conn *pgx.Conn) error {
	return plant(ctx, conn, "set null on lessons", `
ALTER TABLE public.lessons ADD COLUMN created_by uuid REFERENCES public.user_profiles ON DELETE SET NULL;
UPDATE public.lessons SET created_by = (SELECT u.id FROM public.user_profiles AS u ORDER BY u.id LIMIT 1);`)
}

// Resurrect has every DELETE on a table put one of its rows back. The table
// must have rows.
func Resurrect(ctx context.Context, conn *pgx.Conn, table string) error {
	replace := strings.NewReplacer(
		"TABLE_NAME", pgx.Identifier{"public", table}.Sanitize(),
		"KEPT_ROW", pgx.Identifier{"fault", "kept_" + table}.Sanitize(),
		"FUNCTION_NAME", pgx.Identifier{"fault", "resurrect_" + table}.Sanitize())
	return plant(ctx, conn, "resurrect a row of "+table, replace.Replace(`
CREATE SCHEMA IF NOT EXISTS fault;
CREATE TABLE KEPT_ROW AS SELECT * FROM TABLE_NAME LIMIT 1;
CREATE FUNCTION FUNCTION_NAME() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO TABLE_NAME SELECT * FROM KEPT_ROW ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER trigger_resurrect AFTER DELETE ON TABLE_NAME
  FOR EACH STATEMENT EXECUTE FUNCTION FUNCTION_NAME();`))
}

// ReenableTrigger enables a trigger on every table that has one of that name,
// as somebody does who doesn't know of the maintenance.
func ReenableTrigger(ctx context.Context, conn *pgx.Conn, name string) error {
	rows, err := conn.Query(ctx, `SELECT c.relname FROM pg_catalog.pg_trigger AS t
		JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
		WHERE t.tgname = $1 AND c.relnamespace = 'public'::regnamespace ORDER BY 1`, name)
	if err != nil {
		return fmt.Errorf("enable trigger %s: %w", name, err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("enable trigger %s: %w", name, err)
	}
	if len(tables) == 0 {
		return fmt.Errorf("enable trigger %s: no table in schema public has it", name)
	}
	var sql strings.Builder
	for _, table := range tables {
		fmt.Fprintf(&sql, "ALTER TABLE %s ENABLE TRIGGER %s;\n",
			pgx.Identifier{"public", table}.Sanitize(), pgx.Identifier{name}.Sanitize())
	}
	return plant(ctx, conn, "enable trigger "+name, sql.String())
}

func plant(ctx context.Context, conn *pgx.Conn, what, sql string) error {
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
