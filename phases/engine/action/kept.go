package action

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/engine/action/keeper"
)

// takeKept has a command add a backup to a keeper's, and takes from the keeper
// which one that is.
func (r Run) takeKept(ctx context.Context, argv []string) error {
	k := keeper.Asked{Keeper: r.Backup.Take.Keeper, Server: r.Server}
	known, err := k.Known(ctx)
	if err != nil {
		return fmt.Errorf("take the backup: %w", err)
	}
	print, err := r.Target.SchemaPrint(ctx, r.Recorded)
	if err != nil {
		return fmt.Errorf("take the backup: %w", err)
	}
	began := time.Now()
	if _, err := command(ctx, argv, nil); err != nil {
		return fmt.Errorf("take the backup: %w", err)
	}
	took := time.Since(began)
	found, err := k.New(ctx, known, time.Now())
	if err != nil {
		return fmt.Errorf("take the backup: %s has ended, and %w", argv[0], err)
	}
	if len(found.Problems) > 0 {
		return fmt.Errorf("take the backup: %s has ended, and %s", argv[0], found.Problems[0])
	}
	return r.Taken(phases.BackupTaken{Backup: found.Backup, How: found.By, Bytes: found.Bytes, Took: took, Schema: &print})
}

// verifyKept asks a keeper for the backup that is recorded.
func (r Run) verifyKept(ctx context.Context) (phases.BackupVerified, error) {
	began := time.Now()
	how := r.Backup.Verify
	found, err := keeper.Asked{Keeper: how.Keeper, Server: r.Server, Files: how.Files}.Find(ctx, r.Stands, time.Now())
	if err != nil {
		return phases.BackupVerified{}, fmt.Errorf("verify the backup: %w", err)
	}
	out := phases.BackupVerified{
		Backup: r.Stands, How: fmt.Sprintf("%s (%s)", found.By, strings.Join(found.Asked, ", ")),
		Bytes: found.Bytes, Problems: found.Problems, Took: time.Since(began),
	}
	// The one that was found, where only its moment is recorded: when another
	// label is recorded later, that one has not been verified.
	if out.Backup.ID == "" {
		out.Backup.ID = found.Backup.ID
	}
	return out, nil
}
