package db

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
)

// Sandbox is a throwaway server that a backup is restored into.
type Sandbox interface {
	DSN(database string) string // as its superuser
	Version() string
	Stop() error // removes it
}

// into is what a sentence calls such a server.
func into(s Sandbox) string { return "a throwaway server of PostgreSQL " + s.Version() }

// config is how the target was opened, but for where.
func (t *Target) config() Config {
	return Config{Operator: t.operator, Runbook: t.book, Exchange: t.exchange, Sandbox: t.sandbox}
}

// throwaway starts a server with a database for what a backup holds. otherwise is
// the way out where the machine's server is too old for it; unlike is as of
// createDatabase. The caller stops it.
func throwaway(ctx context.Context, cfg Config, m backup.Manifest, directory, database, otherwise string) (server Sandbox, conn *pgx.ConnConfig, unlike string, err error) {
	dir := directory
	if dir == "" {
		dir = os.TempDir()
	}
	if err := backup.Room(dir, m.Bytes); err != nil {
		return nil, nil, "", err
	}
	if cfg.Sandbox == nil {
		return nil, nil, "", errors.New("no throwaway server can be started here: install PostgreSQL's server, " + otherwise)
	}
	server, err = cfg.Sandbox(ctx, directory)
	if err != nil {
		return nil, nil, "", fmt.Errorf("start a throwaway server: %w", err)
	}
	if want := m.VersionNum / 10000; backup.Major(server.Version()) < want {
		err = fmt.Errorf("the newest server on this machine is of version %s, and the backup of version %d: install that one, %s", server.Version(), want, otherwise)
	}
	if err == nil {
		unlike, err = makeDatabase(ctx, server.DSN("postgres"), database, m)
	}
	if err == nil {
		cfg.DSN = server.DSN(database)
		conn, err = parseConfig(cfg)
	}
	if err != nil {
		return nil, nil, "", errors.Join(err, server.Stop())
	}
	return server, conn, unlike, nil
}

// makeDatabase makes a database whose text is stored and compared as the backup's
// was, and the roles that its dump names. unlike is as of createDatabase.
func makeDatabase(ctx context.Context, dsn, name string, m backup.Manifest) (unlike string, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", fmt.Errorf("connect to the throwaway server: %w", err)
	}
	defer closeConn(conn)
	unlike, err = createDatabase(name, m, func(sql string) error {
		_, err := conn.Exec(ctx, sql)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make a database in the throwaway server: %w", err)
	}
	for _, role := range m.Roles {
		var there bool
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&there)
		if err == nil && !there {
			_, err = conn.Exec(ctx, "CREATE ROLE "+pgx.Identifier{role}.Sanitize()+" NOLOGIN")
		}
		if err != nil {
			return "", fmt.Errorf("make the role %s in the throwaway server: %w", clean(role), err)
		}
	}
	return unlike, nil
}
