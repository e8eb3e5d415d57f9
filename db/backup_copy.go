package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
	"tminus/phases"
	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// CopyPlan is of which backup a copy of a database is made, and how.
type CopyPlan struct {
	Location string                      // of one backup; empty: the newest below the runbook's backup.take.directory
	Say      func(string)                // is told a line on what is done
	Progress func(phases.ActionProgress) // is told how far it is, from one goroutine
}

// Copy is a database in a throwaway server, as a backup had it.
type Copy struct {
	DSN string
	Of  phases.Copy
}

// elsewhere is the way out where this machine cannot have the copy.
const elsewhere = "or make the copy where one is, and rehearse there with --dsn"

// CopyBackup restores a backup that TakeBackup took into a server that it starts
// by cfg.Sandbox, with the triggers as they were before the run that took it, and
// compares what came back with what the backup's snapshot held. On an error
// nothing is left behind; else the server is the caller's to stop.
func CopyBackup(ctx context.Context, cfg Config, how CopyPlan) (out Copy, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil { // whatever it broke off is not the reason
			err = context.Cause(ctx)
		}
		if err != nil {
			err = fmt.Errorf("make a copy of a backup: %w", err)
		}
	}()
	found, err := findBackup(cfg.Runbook.Backup, how.Location)
	if err != nil {
		return out, err
	}
	m, try := found.Manifest, cfg.Runbook.Backup.Try
	change, protected := (&phases.State{Runbook: cfg.Runbook}).BackupTables()
	plan := action.BackupPlan{Directory: try.Directory, Jobs: try.Jobs, Changes: change, Protected: protected}
	out.Of = phases.Copy{
		Backup:   phases.Backup{ID: m.ID, Location: found.Location, At: m.At},
		Database: m.Database, System: m.System, Server: fmt.Sprint(m.VersionNum / 10000),
		Environment: m.Environment, RunID: m.RunID, Unknown: uncounted(m, cfg.Runbook, plan),
	}
	program, err := backup.Find(ctx, "pg_restore", backup.Major(m.Dumped))
	if err != nil {
		return out, err
	}
	sayFound(how.Say, found, &out.Of)
	server, conn, unlike, err := throwaway(ctx, cfg, m, try.Directory, nameOfCopy(m), elsewhere)
	if err != nil {
		return out, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Stop())
		}
	}()
	out.DSN, out.Of.Into, out.Of.How = server.DSN(conn.Database), into(server), "pg_restore "+program.Version
	began := time.Now()
	err = backup.Restore{
		Program: program, Location: found.Location, Jobs: try.Jobs, Tables: m.Tables,
		Connection: backup.NewConnection(conn, conn.Host, conn.Port, conn.Database),
	}.Run(ctx, how.Progress)
	if err != nil {
		return out, fmt.Errorf("restore %s: %w; look at the backup with backup.verify, or name another one with --from-backup=LOCATION%s", found.Location, err, because(unlike, ""))
	}
	out.Of.Restore = time.Since(began)
	if err = finishCopy(ctx, cfg, conn, m, how, &out.Of); err != nil && unlike != "" {
		err = fmt.Errorf("%w%s", err, because(unlike, ""))
	}
	return out, err
}

// findBackup is the backup to make a copy of.
func findBackup(book runbook.Backup, location string) (backup.Found, error) {
	switch {
	case location != "":
		path, err := filepath.Abs(location)
		if err != nil {
			return backup.Found{}, fmt.Errorf("look at the backup: %w", err)
		}
		return backup.At(path)
	case len(book.Take.Command) > 0:
		return backup.Found{}, fmt.Errorf("the runbook's backups are taken by a command, %s, and a copy can be made of those alone that backup.take took by pg_dump: restore one yourself and rehearse on it with --dsn, or name a backup by pg_dump with --from-backup=LOCATION", clean(book.Take.Command[0]))
	case book.Take.Directory == "":
		return backup.Found{}, errors.New("the runbook has no backup.take.directory to look for backups in: name one with --from-backup=LOCATION, or rehearse on a copy of your own with --dsn")
	}
	return backup.Newest(book.Take.Directory)
}

// nameOfCopy is what the copy's database is called: as the one that it is of, so
// that whoever rehearses types what they will type in production. Databases that
// every server has are the exception.
func nameOfCopy(m backup.Manifest) string {
	switch m.Database {
	case "postgres", "template0", "template1":
		return restored
	}
	return m.Database
}

// sayFound says which backup it is, of what, how old, and what speaks against it.
func sayFound(say func(string), found backup.Found, of *phases.Copy) {
	m := found.Manifest
	server := "a server of PostgreSQL " + of.Server
	if m.System != "" {
		server += ", system identifier " + m.System
	}
	by := "by a run in " + string(m.Environment)
	switch m.Environment {
	case "":
		by = "by an older version, which does not say whether in production or in a rehearsal"
	case phases.Production:
	default:
		by += ", not in production: it is a copy's backup"
	}
	say(phases.Clean(fmt.Sprintf("backup %s, at %s", of.Backup, found.Location)))
	say(phases.Clean(fmt.Sprintf("  of the database %s of %s", m.Database, server)))
	say(phases.Clean(fmt.Sprintf("  taken %s ago, %s", phases.Span(time.Since(m.At)), by)))
	if found.Passed != nil {
		say("  passed over: " + strings.Join(found.Passed, ", "))
	}
	if of.Unknown != nil {
		say("  not to be compared, since they were not counted when it was taken: " + phases.Clean(strings.Join(of.Unknown, ", ")))
	}
}

// finishCopy compares what came back, and makes of it what the rehearsal wants.
func finishCopy(ctx context.Context, cfg Config, conn *pgx.ConnConfig, m backup.Manifest, how CopyPlan, of *phases.Copy) error {
	there := newTarget(cfg, conn)
	defer there.Close()
	how.Progress(phases.ActionProgress{What: "compare"})
	var proven phases.BackupProven
	// What was not counted is told, and is no difference.
	if err := compareRestored(ctx, there, m, action.BackupPlan{}, &proven); err != nil {
		return err
	}
	if proven.Differences != nil {
		return fmt.Errorf("what came back is not what the backup should hold: %s; name another backup with --from-backup=LOCATION", strings.Join(proven.Differences, "; "))
	}
	of.Counted, of.Compared = proven.Counted, proven.Compared
	how.Progress(phases.ActionProgress{What: "switch on the triggers that the run had off, and gather statistics"})
	if err := there.switchOn(ctx, m.Off); err != nil {
		return err
	}
	for _, t := range m.Off {
		of.Triggers = append(of.Triggers, t.Table+"."+t.Name)
	}
	return there.control.with(ctx, func(s *session) error {
		// A restore leaves no statistics, and no checkpoint after which pages are
		// written whole: without both, no price and no time says much.
		for _, sql := range []string{"ANALYZE", "CHECKPOINT"} {
			if err := there.statement(ctx, s, sql); err != nil {
				return fail(ctx, strings.ToLower(sql), "the copy", err)
			}
		}
		return nil
	})
}

// switchOn gives triggers the state that they had before. What they do is in the
// dump, and is not looked at.
func (t *Target) switchOn(ctx context.Context, was []phases.Trigger) error {
	if len(was) == 0 {
		return nil
	}
	return t.alter(ctx, "switch on the triggers of", func(s *session) error {
		for _, tr := range was {
			if err := setTrigger(ctx, s, tr, tr.Enabled); err != nil {
				return err
			}
		}
		return nil
	})
}
