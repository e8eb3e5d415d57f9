package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tminus/db/backup"
	"tminus/phases"
	"tminus/phases/engine/action"
)

// VerifyBackup reads a backup that TakeBackup took to its end.
func (t *Target) VerifyBackup(ctx context.Context, b phases.Backup, how action.BackupPlan, progress func(phases.ActionProgress)) (phases.BackupVerified, error) {
	began := time.Now()
	out := phases.BackupVerified{Backup: b}
	m, problem, err := t.manifest(ctx, b)
	if err != nil {
		return out, fmt.Errorf("verify the backup: %w", err)
	}
	if problem != "" {
		out.Problems = []string{problem}
		return out, nil
	}
	// Before it is read: who writes to it meanwhile is found out by the check.
	if out.Files, err = backup.Files(b.Location); err != nil {
		return out, fmt.Errorf("verify the backup: %w", err)
	}
	program, err := backup.Find(ctx, "pg_restore", backup.Major(m.Dumped))
	if err != nil {
		return out, fmt.Errorf("verify the backup: %w", err)
	}
	found, err := backup.Verification{
		Program: program, Location: b.Location, Manifest: m, Full: t.book.FullName,
		Tables: append(append([]string{}, how.Protected...), how.Changes...),
	}.Run(ctx, progress)
	if err != nil {
		return out, fmt.Errorf("verify the backup: %w", err)
	}
	out.How, out.Took = "pg_restore "+program.Version, time.Since(began)
	out.Tables, out.Rows, out.Bytes, out.Problems = found.Tables, found.Rows, found.Bytes, found.Problems
	return out, nil
}

// manifest gives what a recorded backup should hold, or what is wrong with it:
// it has to be of the run's database, and the one that is recorded.
func (t *Target) manifest(ctx context.Context, b phases.Backup) (m backup.Manifest, problem string, err error) {
	if b.Location == "" {
		return m, "", errors.New("nobody recorded where the backup is: take it by backup.take, record its location, or give a command")
	}
	m, err = backup.ReadManifest(b.Location)
	switch {
	case err != nil && errors.Is(err, fs.ErrPermission):
		return m, "", err
	case err != nil:
		//lint:ignore nilerr a backup that is not there, or not whole, is found out about
		return m, err.Error(), nil
	case !b.Same(phases.Backup{ID: m.ID, At: m.At}):
		return m, fmt.Sprintf("at %s is %s of %s, and recorded is %s", b.Location, m.ID, m.At.Format(time.DateTime), b), nil
	}
	id, err := t.Identity(ctx)
	if err != nil {
		return m, "", err
	}
	if m.Database != id.Database || m.System != "" && id.SystemIdentifier != "" && m.System != id.SystemIdentifier {
		return m, fmt.Sprintf("it is of the database %s of another server, or of another database: the run's is %s; take one of that", m.Database, id.Database), nil
	}
	return m, "", nil
}
