package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/backup"
)

// scratchMark is the comment of a scratch database that was made for a try: one
// that a program has left which was killed is known by it.
const scratchMark = "made by tminus to try a restore, and to be dropped"

// errNotEmpty refuses a scratch database that somebody uses.
var errNotEmpty = errors.New("it exists and is not empty: nothing is restored over it; name another one, or one that is not there")

// scratchDatabase is a database of the run's own server. It is made, and dropped
// afterwards, unless it is there; then it has to be empty.
func (t *Target) scratchDatabase(ctx context.Context, m backup.Manifest, name string) (*scratch, error) {
	if name == t.conn.Database {
		return nil, fmt.Errorf("the scratch database %s is the run's own: name another one", name)
	}
	to := &scratch{conn: t.conn.Copy(), into: "the database " + name, drop: func() error { return nil }}
	err := t.control.with(ctx, func(s *session) error {
		// The server that has answered: of several, another may be behind the name.
		to.conn.Host, to.conn.Port, to.conn.Fallbacks = s.conn.Config().Host, s.conn.Config().Port, nil
		to.conn.Database = name
		exists, err := t.lookAtScratch(ctx, s, m, name)
		if err != nil || exists {
			return err
		}
		to.unlike, err = createDatabase(name, m, func(sql string) error { return t.statement(ctx, s, sql) })
		if err != nil {
			return err
		}
		to.drop = func() error { return t.dropScratch(name) }
		return t.statement(ctx, s, "COMMENT ON DATABASE "+pgx.Identifier{name}.Sanitize()+" IS '"+scratchMark+"'")
	})
	if err == nil {
		err = t.isEmpty(ctx, to)
	}
	if err != nil {
		return nil, errors.Join(fail(ctx, "make the scratch database", name, err), to.drop())
	}
	return to, nil
}

// lookAtScratch reports whether the database is there. One that a try has left
// behind is dropped.
func (t *Target) lookAtScratch(ctx context.Context, s *session, m backup.Manifest, name string) (exists bool, err error) {
	var encoding, comment string
	err = s.QueryRow(ctx, `SELECT pg_encoding_to_char(encoding)::text, coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1`, name).Scan(&encoding, &comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case comment == scratchMark: // not by force: another run may be using it
		return false, t.statement(ctx, s, "DROP DATABASE "+pgx.Identifier{name}.Sanitize())
	case encoding != m.Encoding:
		return true, fmt.Errorf("its encoding is %s, and the backup's %s: name one that is not there", encoding, m.Encoding)
	}
	return true, nil
}

// isEmpty holds that nobody's objects are in the database.
func (t *Target) isEmpty(ctx context.Context, to *scratch) error {
	there := newTarget(Config{Runbook: t.book, Operator: t.operator, Exchange: t.exchange}, to.conn)
	defer there.Close()
	s, err := there.open(ctx)
	if err != nil {
		return err
	}
	defer there.release(s)
	var used bool
	err = s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'public'))
		OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public')
		OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public')
		OR EXISTS (SELECT FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace WHERE n.nspname = 'public')
		OR EXISTS (SELECT FROM pg_largeobject_metadata)`).Scan(&used)
	if err == nil && used {
		return errNotEmpty
	}
	return err
}

// statement runs what may take its time, outside of any transaction.
func (t *Target) statement(ctx context.Context, s *session, sql string) error {
	return t.long(ctx, s, func(ctx context.Context, l long) error {
		_, err := l.exec(ctx, sql)
		return err
	})
}

// dropScratch drops a database that was made for a try, whatever has become of
// the context: a pg_restore that was just ended may still have its sessions. A
// server that does not answer, as while it restarts, is asked again for a while.
func (t *Target) dropScratch(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanPatience)
	defer cancel()
	drop := func() error {
		return t.control.with(ctx, func(s *session) error {
			return t.statement(ctx, s, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		})
	}
	late := time.Now().Add(awayPatience)
	err := drop()
	for ; err != nil && !refused(err) && time.Now().Before(late); err = drop() {
		time.Sleep(awayEvery)
	}
	if err != nil {
		err = fmt.Errorf("%w; the next try drops it", fail(ctx, "drop the scratch database", name, err))
	}
	return err
}

// How long a server that is away may take to come back, before what was made in
// it is left there, and how often it is asked.
const (
	awayPatience = 20 * time.Second
	awayEvery    = 250 * time.Millisecond
)

// refused reports whether the server has answered, and would so again: it is
// neither gone, nor just coming or going.
func refused(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !strings.HasPrefix(pg.Code, "57P")
}
