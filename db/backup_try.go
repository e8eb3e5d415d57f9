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
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// scratch is a database that a backup is restored into.
type scratch struct {
	conn   *pgx.ConnConfig
	into   string       // what a line of text calls it
	unlike string       // as of createDatabase; empty where it is like the backup's
	drop   func() error // takes away what was made for it
}

// cleanPatience bounds what takes a scratch database away.
const cleanPatience = time.Minute

// TryBackup restores a backup that TakeBackup took, and compares what came back
// with what its snapshot held.
func (t *Target) TryBackup(ctx context.Context, b phases.Backup, how action.TryPlan, progress func(phases.ActionProgress)) (out phases.BackupProven, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("try the backup: %w", err)
		}
	}()
	out.Backup = b
	m, problem, err := t.manifest(ctx, b)
	if err != nil {
		return out, err
	}
	if problem != "" {
		out.Differences = []string{problem}
		return out, nil
	}
	if out.Files, err = backup.Files(b.Location); err != nil { // before it is restored
		return out, err
	}
	program, err := backup.Find(ctx, "pg_restore", backup.Major(m.Dumped))
	if err != nil {
		return out, err
	}
	progress(phases.ActionProgress{What: "make room for a restore"})
	to, err := t.scratch(ctx, m, how)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, to.drop()) }()
	began := time.Now()
	err = backup.Restore{
		Program: program, Location: b.Location, Jobs: how.Jobs, Tables: m.Tables,
		Connection: backup.NewConnection(to.conn, to.conn.Host, to.conn.Port, to.conn.Database),
	}.Run(ctx, progress)
	took := time.Since(began)
	switch {
	case ctx.Err() != nil:
		return out, err
	case err != nil: // it may be this place's fault, and is no proof all the same
		out.Differences = []string{because(to.unlike, err.Error())}
		return out, nil
	}
	progress(phases.ActionProgress{What: "compare"})
	if err := t.compareIn(ctx, to, m, how.BackupPlan, &out); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out, err
	}
	for i, d := range out.Differences {
		out.Differences[i] = because(to.unlike, d)
	}
	if out.Schema, err = t.snapshotSchema(ctx, m, how.Triggers); err != nil {
		return out, err
	}
	out.Into, out.How, out.From, out.Restore = to.into, "pg_restore "+program.Version, fmt.Sprint(m.VersionNum/10000), took
	return out, nil
}

// scratch makes the database to restore into.
func (t *Target) scratch(ctx context.Context, m backup.Manifest, how action.TryPlan) (*scratch, error) {
	if how.Database != "" {
		return t.scratchDatabase(ctx, m, how.Database)
	}
	server, conn, unlike, err := throwaway(ctx, t.config(), m, how.Directory, restored, "or name a database of the run's server, try: {database: …}")
	if err != nil {
		return nil, err
	}
	return &scratch{conn: conn, into: into(server), unlike: unlike, drop: server.Stop}, nil
}

// restored is the name of the database in a throwaway server.
const restored = "restored"

// compareIn does it in a scratch database.
func (t *Target) compareIn(ctx context.Context, to *scratch, m backup.Manifest, how action.BackupPlan, out *phases.BackupProven) error {
	there := newTarget(t.config(), to.conn)
	defer there.Close()
	return compareRestored(ctx, there, m, how, out)
}

// compareRestored holds what came back against what the snapshot held.
func compareRestored(ctx context.Context, there *Target, m backup.Manifest, how action.BackupPlan, out *phases.BackupProven) error {
	s, err := there.open(ctx)
	if err != nil {
		return err
	}
	defer there.release(s)
	for _, h := range m.Held {
		found, err := resolveAll(ctx, s, there.book, []string{h.Table})
		if errors.Is(err, errMissing) {
			out.Differences = append(out.Differences, h.Table+": it is not there")
			continue
		}
		if err != nil {
			return err
		}
		difference, err := there.differs(ctx, s, found[0], h)
		if err != nil {
			return err
		}
		out.Counted++
		if h.Hash != "" {
			out.Compared++
		}
		if difference != "" {
			out.Differences = append(out.Differences, h.Table+": "+difference)
		}
	}
	for _, table := range uncounted(m, there.book, how) {
		out.Differences = append(out.Differences, table+": it was not counted when the backup was taken; take another one with this runbook")
	}
	return nil
}

// uncounted are the tables of which a manifest does not say what they held.
func uncounted(m backup.Manifest, book *runbook.Runbook, how action.BackupPlan) (out []string) {
	known := map[string]bool{}
	for _, h := range m.Held {
		known[book.FullName(h.Table)] = true
	}
	for _, table := range append(append([]string{}, how.Protected...), how.Changes...) {
		if !known[book.FullName(table)] {
			out = append(out, table)
		}
	}
	return out
}

// differs says how a restored table differs from what it was; empty for not at all.
func (t *Target) differs(ctx context.Context, s *session, r *schema.Relation, h backup.Held) (string, error) {
	got, hash := int64(0), ""
	if h.Hash != "" {
		f, err := t.fingerprint(ctx, s, r, h.Table)
		if err != nil {
			return "", err
		}
		got, hash = f.Rows, f.Hash
	} else {
		err := t.countAll(ctx, s, []counting{{relation: r, name: h.Table}}, func(rows int64) { got = rows })
		if err != nil {
			return "", err
		}
	}
	switch {
	case got != h.Rows:
		return fmt.Sprintf("%s came back, and its snapshot had %s", phases.Rows(got), phases.Digits(h.Rows)), nil
	case hash != h.Hash:
		return "its rows came back with another content", nil
	}
	return "", nil
}
