package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
	"tminus/phases"
	"tminus/phases/engine/action"
	"tminus/phases/schema"
)

// exported is a snapshot that other sessions may take, as long as its own
// session's transaction is open.
type exported struct {
	s        *session
	id       string // as pg_export_snapshot gives it
	manifest backup.Manifest
	sized    bool // the manifest's bytes are of all tables
}

// TakeBackup dumps the database by pg_dump, as of a snapshot that a session of
// its own holds, in which the run's tables are counted meanwhile.
func (t *Target) TakeBackup(ctx context.Context, how action.BackupPlan, progress func(phases.ActionProgress)) (phases.BackupTaken, error) {
	began := time.Now()
	var out phases.BackupTaken
	program, err := backup.Find(ctx, "pg_dump", t.version/10000)
	if err != nil {
		return out, fmt.Errorf("take the backup: %w", err)
	}
	s, err := t.open(ctx)
	if err != nil {
		return out, fmt.Errorf("take the backup: %w", err)
	}
	defer t.release(s)
	e, err := t.export(ctx, s, how.Triggers)
	if err != nil {
		return out, fail(ctx, "export a snapshot of", t.host(), err)
	}
	e.manifest.Dumped = program.Version
	if err := t.noteOutside(ctx, s, how, &e.manifest); err != nil {
		return out, fail(ctx, "look at the triggers and roles of", t.host(), err)
	}
	place, err := backup.Begin(how.Directory, e.manifest.Database, e.manifest.At, e.manifest.Bytes)
	if err != nil {
		return out, fmt.Errorf("take the backup: %w", err)
	}
	e.manifest.ID = place.ID
	before, err := backup.Before(how.Directory, e.manifest, how.Opened)
	if err != nil {
		return out, errors.Join(fmt.Errorf("take the backup: %w", err), place.Abandon())
	}
	dump := backup.Dump{
		Program: program, Directory: place.Dump(), Snapshot: e.id, Jobs: how.Jobs, Tables: e.manifest.Tables,
		Connection: backup.NewConnection(t.conn, s.conn.Config().Host, s.conn.Config().Port, t.conn.Database),
	}
	err = t.dumpAndCount(ctx, dump, e, how, progress)
	if err == nil && !e.sized {
		err = e.size(ctx) // pg_dump had the locks that were in the way
	}
	if err == nil {
		err = place.Finish(e.manifest)
	}
	if err != nil {
		return out, errors.Join(fmt.Errorf("take the backup: %w", err), place.Abandon())
	}
	out = phases.BackupTaken{
		Backup: phases.Backup{ID: place.ID, Location: place.Location(), At: e.manifest.At},
		How:    "pg_dump " + program.Version, Tables: e.manifest.Tables, Bytes: backup.Size(place.Location()), Took: time.Since(began),
		Before: before, Schema: e.manifest.Schema,
	}
	if e.sized {
		out.TablesBytes = &e.manifest.Bytes
	}
	return out, nil
}

// export opens the transaction that the dump and the counts are of; off are the
// triggers that the run itself has disabled.
func (t *Target) export(ctx context.Context, s *session, off []phases.Trigger) (*exported, error) {
	e := &exported{s: s}
	// Before the transaction: what the role may not ask would end it.
	id, err := t.identify(ctx, s)
	if err != nil {
		return nil, err
	}
	if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return nil, err
	}
	m := &e.manifest
	m.System = id.SystemIdentifier
	// The statement's time is before its snapshot's: the backup is never said to
	// be younger than it is.
	err = s.QueryRow(ctx, `SELECT pg_export_snapshot(), date_trunc('second', statement_timestamp()), current_database()::text,
			pg_encoding_to_char(d.encoding)::text, current_setting('server_version_num')::int,
			coalesce(to_jsonb(d) ->> 'datlocprovider', ''), d.datcollate::text, d.datctype::text,
			coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''), coalesce(to_jsonb(d) ->> 'daticurules', '')
		FROM pg_database d WHERE d.datname = current_database()`).
		Scan(&e.id, &m.At, &m.Database, &m.Encoding, &m.VersionNum, &m.Locale.Provider, &m.Locale.Collate, &m.Locale.Ctype, &m.Locale.Name, &m.Locale.Rules)
	if err != nil {
		return nil, err
	}
	m.At = m.At.UTC()
	print, err := t.print(ctx, s, off)
	if err != nil {
		return nil, err
	}
	m.Schema, m.Named = &print.backup, t.book.Tables()
	return e, e.size(ctx)
}

// size counts the database's tables, and how large they are without their indexes.
// The size of one that somebody else has locked is waited for: of such a one, what
// the planner knows has to do, which is nothing where it was never analyzed.
func (e *exported) size(ctx context.Context) error {
	return e.s.QueryRow(ctx, `WITH locked AS (SELECT relation FROM pg_locks
			WHERE locktype = 'relation' AND granted AND mode = 'AccessExclusiveLock' AND pid <> pg_backend_pid() AND relation IS NOT NULL)
		SELECT count(*), coalesce(sum(CASE WHEN free THEN coalesce(pg_relation_size(c.oid), 0) + coalesce(pg_relation_size(toast.oid), 0)
				ELSE (c.relpages + coalesce(toast.relpages, 0))::bigint * current_setting('block_size')::int END), 0)::bigint, coalesce(bool_and(free), true)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
			CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM locked WHERE locked.relation IN (c.oid, toast.oid)) AS free) others
		WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`).
		Scan(&e.manifest.Tables, &e.manifest.Bytes, &e.sized)
}

// dumpAndCount does both at the same time; the first to fail ends the other.
func (t *Target) dumpAndCount(ctx context.Context, dump backup.Dump, e *exported, how action.BackupPlan, progress func(phases.ActionProgress)) error {
	both, end := context.WithCancelCause(ctx)
	defer end(nil)
	dumped := make(chan error, 1)
	go func() { // ends with the dump
		err := dump.Run(both, progress)
		if err != nil {
			end(err)
		}
		dumped <- err
	}()
	held, err := t.held(both, e.s, how)
	if err != nil {
		end(err)
	}
	e.manifest.Held = held
	dumpErr := <-dumped
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil, errors.Is(context.Cause(both), dumpErr):
		return dumpErr
	}
	return err
}

// held is what the tables hold, as the session's transaction sees them.
func (t *Target) held(ctx context.Context, s *session, how action.BackupPlan) ([]backup.Held, error) {
	var out []backup.Held
	found, err := resolveAll(ctx, s, t.book, append(append([]string{}, how.Protected...), how.Changes...))
	if err != nil {
		return nil, err
	}
	for i, table := range how.Protected {
		f, err := t.fingerprint(ctx, s, found[i], table)
		if err != nil {
			return nil, err
		}
		out = append(out, backup.Held{Table: table, Rows: f.Rows, Hash: f.Hash})
	}
	var ask []counting
	for i, table := range how.Changes {
		ask = append(ask, counting{relation: found[len(how.Protected)+i], name: table})
	}
	if len(ask) > 0 {
		names := how.Changes
		err := t.countAll(ctx, s, ask, func(rows int64) {
			out = append(out, backup.Held{Table: names[0], Rows: rows})
			names = names[1:]
		})
		if err != nil {
			return nil, err
		}
	}
	for i := range out {
		if out[i].Parts, err = parts(ctx, s, found[i]); err != nil {
			return nil, fail(ctx, "look up the partitions of", out[i].Table, err)
		}
	}
	return out, nil
}

// parts are where a table's rows are: itself, its partitions and its heirs.
func parts(ctx context.Context, s *session, r *schema.Relation) ([]backup.Part, error) {
	rows, err := s.Query(ctx, `WITH RECURSIVE tree AS (SELECT $1::oid AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid)
		SELECT c.oid, n.nspname::text, c.relname::text FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' ORDER BY c.oid`, r.OID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p backup.Part, err error) {
		err = row.Scan(&p.OID, &p.Schema, &p.Name)
		return p, err
	})
}
