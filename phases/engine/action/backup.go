package action

import (
	"context"
	"errors"
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

	// VerifyBackup reads a backup that TakeBackup took to its end. What is wrong
	// with it is in Problems; an error means that nobody knows. It gives no Item.
	VerifyBackup(ctx context.Context, b phases.Backup, how BackupPlan, progress func(phases.ActionProgress)) (phases.BackupVerified, error)

	// TryBackup restores a backup that TakeBackup took, compares what came back
	// with what it should hold, and takes away what it made for that. An error
	// means that nobody knows. It gives no Item.
	TryBackup(ctx context.Context, b phases.Backup, how TryPlan, progress func(phases.ActionProgress)) (phases.BackupProven, error)

	// SchemaPrint gives what the tables are like now that the runbook concerns,
	// with the triggers among off that are disabled as they were before.
	SchemaPrint(ctx context.Context, off []phases.Trigger) (phases.SchemaPrint, error)
}

// BackupPlan is how a backup is taken, and what is looked at in one.
type BackupPlan struct {
	Directory          string   // an absolute path
	Jobs               int      // at least 1
	Changes, Protected []string // tables to count; tables to fingerprint

	Triggers []phases.Trigger // that the run has recorded: what it disabled is no change of a table
	Opened   time.Time        // of the run: what was taken since is its own

	// To take one: the run that does, and the triggers that it has switched off.
	Environment phases.Environment
	RunID       string
	Off         []phases.Trigger
}

// TryPlan is how a restore is tried: Directory and Jobs are the restore's.
type TryPlan struct {
	BackupPlan
	Database string // of the run's own server; empty: a throwaway server
}

func tryBackup(ctx context.Context, r Run) error {
	if r.Stands.At.IsZero() {
		return errNoBackup
	}
	var proven phases.BackupProven
	var err error
	how := r.Backup.Try
	if argv := how.Command; len(argv) > 0 {
		print, printErr := r.schemaOf(ctx)
		if printErr != nil {
			return printErr
		}
		began := time.Now()
		proven = phases.BackupProven{Backup: r.Stands, How: argv[0], Into: "a place of its own", Schema: print}
		_, err = command(ctx, argv, about(r.Stands))
		if exit := (*exitError)(nil); errors.As(err, &exit) {
			proven.Differences, err = []string{phases.Clean(err.Error())}, nil
		}
		proven.Restore = time.Since(began)
	} else {
		proven, err = r.Target.TryBackup(ctx, r.Stands, TryPlan{
			Database:   how.Database,
			BackupPlan: BackupPlan{Directory: how.Directory, Jobs: how.Jobs, Changes: r.Changes, Protected: r.Protected, Triggers: r.Recorded},
		}, r.Progress)
	}
	if err != nil {
		return err
	}
	proven.Item = r.Item
	if err := r.Record(proven); err != nil {
		return err
	}
	if len(proven.Differences) > 0 {
		return fmt.Errorf("what came back is not what the backup should hold: %s", proven.Differences[0])
	}
	return nil
}

// schemaOf is what the tables were like when the recorded backup was taken; where
// nobody knows, what they are like now.
func (r Run) schemaOf(ctx context.Context) (*phases.SchemaPrint, error) {
	if r.StandsSchema != nil {
		return r.StandsSchema, nil
	}
	now, err := r.Target.SchemaPrint(ctx, r.Recorded)
	return &now, err
}

func (r Run) plan() BackupPlan {
	return BackupPlan{
		Directory: r.Backup.Take.Directory, Jobs: r.Backup.Take.Jobs, Changes: r.Changes, Protected: r.Protected,
		Triggers: r.Recorded, Opened: r.Opened,
		Environment: r.Environment, RunID: r.RunID, Off: r.Off,
	}
}

// errNoBackup says that there is none to look at.
var errNoBackup = errors.New("no backup is recorded: take one, or record the time of its snapshot")

func verifyBackup(ctx context.Context, r Run) error {
	if r.Stands.At.IsZero() {
		return errNoBackup
	}
	var found phases.BackupVerified
	var err error
	if argv := r.Backup.Verify.Command; len(argv) > 0 {
		began := time.Now()
		found = phases.BackupVerified{Backup: r.Stands, How: argv[0]}
		_, err = command(ctx, argv, about(r.Stands))
		if exit := (*exitError)(nil); errors.As(err, &exit) {
			found.Problems, err = []string{phases.Clean(err.Error())}, nil
		}
		found.Took = time.Since(began)
	} else if r.Backup.Verify.Keeper.Some() {
		found, err = r.verifyKept(ctx)
	} else {
		found, err = r.Target.VerifyBackup(ctx, r.Stands, r.plan(), r.Progress)
	}
	if err != nil {
		return err
	}
	found.Item = r.Item
	if err := r.Record(found); err != nil {
		return err
	}
	if len(found.Problems) > 0 {
		return fmt.Errorf("%s; take another backup", found.Problems[0])
	}
	return nil
}

// about is what a command finds of a backup in its environment.
func about(b phases.Backup) []string {
	return []string{"TMINUS_BACKUP_ID=" + b.ID, "TMINUS_BACKUP_TIME=" + b.At.UTC().Format(time.RFC3339), "TMINUS_BACKUP_LOCATION=" + b.Location}
}

func takeBackup(ctx context.Context, r Run) error {
	how := r.Backup.Take
	if how.Keeper.Some() {
		return r.takeKept(ctx, how.Command)
	}
	if len(how.Command) > 0 {
		return r.takeByCommand(ctx, how.Command)
	}
	taken, err := r.Target.TakeBackup(ctx, r.plan(), r.Progress)
	if err != nil {
		return err
	}
	return r.Taken(taken)
}

// takeByCommand has a program of the operator's own take it. What that does not
// say of its snapshot is no older than the command's start.
func (r Run) takeByCommand(ctx context.Context, argv []string) error {
	print, err := r.Target.SchemaPrint(ctx, r.Recorded)
	if err != nil {
		return fmt.Errorf("take the backup: %w", err)
	}
	began := time.Now()
	said, err := command(ctx, argv, nil)
	if err != nil {
		return fmt.Errorf("take the backup: %w", err)
	}
	taken := phases.BackupTaken{
		Backup: phases.Backup{ID: said.ID, Location: said.Location, At: began.UTC().Truncate(time.Second)},
		How:    argv[0], Bytes: said.Bytes, Took: time.Since(began), Schema: &print,
	}
	if said.Bytes < 0 {
		return fmt.Errorf("take the backup: %s gives a negative number of bytes: correct what it prints", argv[0])
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
		if at.Before(began.Add(-time.Second)) { // it names one that was there: nobody knows what the tables were like then
			taken.Schema = nil
		}
	}
	return r.Taken(taken)
}
