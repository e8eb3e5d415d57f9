package gym

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
)

const (
	// dramaLimit bounds what the drama asks of the server.
	dramaLimit = 10 * time.Second
	// heldAtMost bounds the planted lock on the server itself, whatever becomes of
	// this program.
	heldAtMost = 15 * time.Minute
	// backupFile is where a backup of tminus's says when it was taken.
	backupFile = "tminus.json"
)

// AgeBackup gives a backup of the demo's another age, as if it had been taken so
// long before: its name, and what it says of its time. It says which one it is now.
func (s *Server) AgeBackup(b phases.Backup, by time.Duration) (phases.Backup, error) {
	aged := phases.Backup{At: b.At.Add(-by).Truncate(time.Second)}
	aged.ID = database + "-" + aged.At.UTC().Format("20060102T150405Z")
	aged.Location = filepath.Join(filepath.Dir(b.Location), aged.ID)
	path := filepath.Join(b.Location, backupFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return b, fmt.Errorf("age the demo's backup: %w", err)
	}
	var says map[string]json.RawMessage
	if err := json.Unmarshal(text, &says); err != nil {
		return b, fmt.Errorf("age the demo's backup: read %s: %w", path, err)
	}
	id, idErr := json.Marshal(aged.ID)
	at, atErr := json.Marshal(aged.At)
	says["id"], says["at"] = id, at
	text, err = json.MarshalIndent(says, "", "  ")
	if err = errors.Join(idErr, atErr, err); err != nil {
		return b, fmt.Errorf("age the demo's backup: %w", err)
	}
	// Until the last step the backup is as it was: its folder gets its name first,
	// and then the file in one step.
	if err := os.Rename(b.Location, aged.Location); err != nil {
		return b, fmt.Errorf("age the demo's backup: %w", err)
	}
	if err := replace(filepath.Join(aged.Location, backupFile), text); err != nil {
		return b, errors.Join(fmt.Errorf("age the demo's backup: %w", err), os.Rename(aged.Location, b.Location))
	}
	return aged, nil
}

// replace gives a file another text in one step.
func replace(path string, text []byte) error {
	anew := path + ".anew"
	err := os.WriteFile(anew, text, 0o600)
	if err == nil {
		err = os.Rename(anew, path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(anew))
	}
	return nil
}

// EnableTrigger enables one of the triggers that a reset has disabled, as somebody
// does who doesn't know of it.
func (s *Server) EnableTrigger(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dramaLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN(database)+" application_name='gym migration'")
	if err != nil {
		return fmt.Errorf("enable a trigger of the demo's: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return ReenableTrigger(ctx, conn, Triggers()[0])
}

// HoldLock has a session of the gym's back office leave a transaction open in which
// it has changed a payment, so that no phase gets its lock on them. let ends it,
// where nobody has: then its change is taken back.
func (s *Server) HoldLock(ctx context.Context) (let func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, dramaLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN(database)+" application_name='gym back office'")
	if err != nil {
		return nil, fmt.Errorf("hold a lock in the demo: %w", err)
	}
	let = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dramaLimit)
		defer cancel()
		_ = conn.Close(ctx) // somebody may have ended it, and its end is all that counts
	}
	for _, sql := range []string{
		fmt.Sprintf("SET idle_in_transaction_session_timeout = '%ds'", int(heldAtMost.Seconds())), "BEGIN",
		"UPDATE public.payments SET method = 'transfer' WHERE id = (SELECT min(id) FROM public.payments)",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			let()
			return nil, fmt.Errorf("hold a lock in the demo: %w", err)
		}
	}
	return let, nil
}
