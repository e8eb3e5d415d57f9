package action

import (
	"context"
	"fmt"
	"time"

	"tminus/phases"
)

// Backups is what takes backups of the run's database.
type Backups interface {
	// TakeBackup dumps the database into a new directory below how.Directory, as
	// of one snapshot, and keeps with it what the tables hold in that snapshot.
	// With an error nothing of it is left, or the error says what is. progress
	// is called from one goroutine. It gives no Item.
	TakeBackup(ctx context.Context, how BackupPlan, progress func(phases.ActionProgress)) (phases.BackupTaken, error)
}

// BackupPlan is how a backup is taken.
type BackupPlan struct {
	Directory          string   // an absolute path
	Jobs               int      // at least 1
	Changes, Protected []string // tables to count; tables to fingerprint
}

func takeBackup(ctx context.Context, r Run) error {
	how := r.Backup.Take
	if len(how.Command) > 0 {
		return r.takeByCommand(ctx, how.Command)
	}
	taken, err := r.Target.TakeBackup(ctx, BackupPlan{Directory: how.Directory, Jobs: how.Jobs, Changes: r.Changes, Protected: r.Protected}, r.Progress)
	if err != nil {
		return err
	}
	return r.Taken(taken)
}

// takeByCommand has a program of the operator's own take it. What that does not
// say of its snapshot is no older than the command's start.
func (r Run) takeByCommand(ctx context.Context, argv []string) error {
	began := time.Now()
	said, err := command(ctx, argv, nil)
	if err != nil {
		return fmt.Errorf("take the backup: %w", err)
	}
	taken := phases.BackupTaken{
		Backup: phases.Backup{ID: said.ID, Location: said.Location, At: began.UTC().Truncate(time.Second)},
		How:    argv[0], Took: time.Since(began),
	}
	if said.Time != "" {
		at, err := time.Parse(time.RFC3339, said.Time)
		switch {
		case err != nil:
			return fmt.Errorf("take the backup: %s gives a time that is not RFC 3339, such as 2026-01-30T14:05:00Z: correct what it prints", argv[0])
		case at.After(time.Now().Add(time.Minute)):
			return fmt.Errorf("take the backup: %s gives a time that lies in the future: correct what it prints, or the clocks", argv[0])
		}
		taken.Backup.At = at.UTC().Truncate(time.Second)
	}
	return r.Taken(taken)
}
