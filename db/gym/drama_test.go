package gym_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/backup"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
)

// What a drama does to the demo's database can be mended, and leaves nothing of
// its own behind.
func TestDramaInTheDatabase(t *testing.T) {
	server := gym.NewServer(sandbox.ForTest(t))
	dsn, err := server.Fill(t.Context(), gym.MinUsers, 0, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const payments = `SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM public.payments p`
	const sessions = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'gym %'`
	const lock = `BEGIN; LOCK TABLE public.payments IN SHARE ROW EXCLUSIVE MODE NOWAIT; ROLLBACK`
	before := one[string](t, conn, payments)
	for _, end := range []string{"let go", "ended"} {
		let, err := server.HoldLock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), lock); err == nil {
			t.Error("nothing is in the way of a phase")
		}
		exec(t, conn, "ROLLBACK")
		if end == "ended" {
			exec(t, conn, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'gym back office'")
			exec(t, conn, lock)
		}
		let()
		// Its session has got the message, and may need a moment to be gone.
		exec(t, conn, "SET lock_timeout = '30s'")
		exec(t, conn, "BEGIN; LOCK TABLE public.payments IN SHARE ROW EXCLUSIVE MODE; ROLLBACK")
		if after := one[string](t, conn, payments); after != before {
			t.Errorf("%s, it has changed the payments", end)
		}
	}
	exec(t, conn, "ALTER TABLE public.memberships DISABLE TRIGGER "+gym.Triggers()[0])
	if err := server.EnableTrigger(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, conn, "SELECT tgenabled::text FROM pg_trigger WHERE tgname = $1", gym.Triggers()[0]); got != "O" {
		t.Errorf("the trigger is %q", got)
	}
	for one[int](t, conn, sessions) > 0 && t.Context().Err() == nil { // they are closing
		exec(t, conn, "SELECT pg_stat_clear_snapshot()")
	}
}

// A backup that is dated back says the same everywhere, and nothing else of it
// has changed.
func TestABackupIsDatedBack(t *testing.T) {
	at := time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)
	place, err := backup.Begin(t.TempDir(), "gym", at, 0)
	if err != nil {
		t.Fatal(err)
	}
	was := backup.Manifest{ID: place.ID, At: at, Database: "gym", Tables: 57, Held: []backup.Held{{Table: "lessons", Rows: 600, Hash: "00ff"}}}
	if err := place.Finish(was); err != nil {
		t.Fatal(err)
	}
	aged, err := (&gym.Server{}).AgeBackup(phases.Backup{ID: place.ID, Location: place.Location(), At: at}, 14*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if !aged.At.Equal(at.Add(-14*time.Minute)) || aged.ID != "gym-20260130T014600Z" || filepath.Base(aged.Location) != aged.ID {
		t.Errorf("it is %+v", aged)
	}
	got, err := backup.ReadManifest(aged.Location)
	if err != nil {
		t.Fatal(err)
	}
	was.ID, was.At, was.Format = aged.ID, aged.At, got.Format
	gotText, _ := json.Marshal(got)
	if wantText, err := json.Marshal(was); err != nil || string(gotText) != string(wantText) {
		t.Errorf("it says\n%s\nand should\n%s", gotText, wantText)
	}
	if _, err := os.Stat(place.Location()); err == nil {
		t.Error("it is still at its old place too")
	}
	if _, err := os.Stat(filepath.Join(aged.Location, "tminus.json.anew")); err == nil {
		t.Error("something is left behind")
	}
	// Where another has the name already, it stays as it is.
	took := phases.Backup{ID: aged.ID, Location: aged.Location, At: aged.At}
	taken := filepath.Join(filepath.Dir(aged.Location), "gym-20260130T013200Z", "full")
	if err := os.MkdirAll(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := (&gym.Server{}).AgeBackup(took, 14*time.Minute); err == nil {
		t.Error("it took the place of another")
	}
	if got, err := backup.ReadManifest(aged.Location); err != nil || got.ID != aged.ID {
		t.Errorf("it is %+v, %v", got, err)
	}
	if _, err := (&gym.Server{}).AgeBackup(phases.Backup{Location: t.TempDir(), At: at}, time.Hour); err == nil {
		t.Error("no backup is there, and none is missed")
	}
}
