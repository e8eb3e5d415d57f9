package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PoolPaused tells whether a database of a PgBouncer's is paused. dsn leads to its
// admin console, which speaks the simple protocol alone.
func (t *Target) PoolPaused(ctx context.Context, dsn, database string) (bool, error) {
	rows, err := consoled(ctx, dsn, "SHOW DATABASES")
	if err != nil {
		return false, err
	}
	var known []string
	for _, r := range rows {
		if r["name"] == database {
			return r["paused"] == "1", nil
		}
		known = append(known, clean(r["name"]))
	}
	return false, failf("look for", clean(database), "correct its name: PgBouncer has "+strings.Join(known[:min(len(known), 10)], ", "), errors.New("PgBouncer has no such database"))
}

// PausePool pauses it, which waits for its transactions' end.
func (t *Target) PausePool(ctx context.Context, dsn, database string) error {
	_, err := consoled(ctx, dsn, "PAUSE "+pgx.Identifier{database}.Sanitize())
	return err
}

// ResumePool has it go on.
func (t *Target) ResumePool(ctx context.Context, dsn, database string) error {
	_, err := consoled(ctx, dsn, "RESUME "+pgx.Identifier{database}.Sanitize())
	return err
}

// consoled sends one command to an admin console, over a connection of its own.
func consoled(ctx context.Context, dsn, command string) (out []map[string]string, err error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, failf("reach", "PgBouncer's admin console", "write host=… port=… user=… dbname=pgbouncer, or service=…; the password is in a password file",
			errors.New("the dsn cannot be understood; it is not shown here, since it may hold a password"))
	}
	config.ConnectTimeout = connectTimeout
	host := fmt.Sprintf("PgBouncer at %s:%d", config.Host, config.Port)
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, failf("reach", host, "look at its address, at admin_users and at the password file", errors.New(plain(err)))
	}
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
		defer cancel()
		_ = conn.Close(bye) // whatever was asked has been answered, or never will be
	}()
	results, err := conn.Exec(ctx, command).ReadAll()
	if err != nil {
		verb, _, _ := strings.Cut(command, " ")
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, failf(verb, host, "", err)
	}
	for _, r := range results {
		for _, row := range r.Rows {
			named := map[string]string{}
			for i, f := range r.FieldDescriptions {
				named[f.Name] = string(row[i])
			}
			out = append(out, named)
		}
	}
	return slices.Clip(out), nil
}
