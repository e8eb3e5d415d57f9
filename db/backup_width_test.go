package db

import (
	"errors"
	"fmt"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// backingUp is a runbook with a backup and an item that acts on it.
func backingUp(action string, backup runbook.Backup) *runbook.Runbook {
	b := book("t")
	b.Backup = backup
	b.Checklist = []runbook.Group{{ID: "g", Items: []runbook.Item{{ID: "i", Action: &runbook.Action{Name: action}}}}}
	return b
}

func TestSessionsOfABackup(t *testing.T) {
	for name, c := range map[string]struct {
		book *runbook.Runbook
		want int
	}{
		"none":                {book("t"), 0},
		"pg_dump":             {backingUp(runbook.TakeBackup, runbook.Backup{Take: runbook.Take{Directory: "/b", Jobs: 4}}), 6},
		"a command":           {backingUp(runbook.TakeBackup, runbook.Backup{Take: runbook.Take{Command: []string{"barman"}, Jobs: 4}}), 0},
		"read through":        {backingUp(runbook.VerifyBackup, runbook.Backup{Take: runbook.Take{Directory: "/b", Jobs: 4}}), 0},
		"a throwaway server":  {backingUp(runbook.TryBackup, runbook.Backup{Try: runbook.Try{Jobs: 4}}), 0},
		"a scratch database":  {backingUp(runbook.TryBackup, runbook.Backup{Try: runbook.Try{Jobs: 4, Database: "scratch"}}), 5},
		"tried by a command":  {backingUp(runbook.TryBackup, runbook.Backup{Try: runbook.Try{Jobs: 4, Command: []string{"x"}}}), 0},
		"nobody has it taken": {backingUp(runbook.VerifyBackup, runbook.Backup{Take: runbook.Take{Directory: "/b", Jobs: 4}, Try: runbook.Try{Database: "s", Jobs: 9}}), 0},
	} {
		if got := backupSessions(c.book); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// What the survey was granted is enough for a backup while the run uses all that
// it can; with one less the survey says so.
func TestSurveyCountsWhatABackupTakes(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	dsn, admin := narrow(t, "dumping")
	conn := connect(t, admin)
	dir := t.TempDir()
	b := backingUp(runbook.TakeBackup, runbook.Backup{Take: runbook.Take{Directory: dir, Jobs: 3}})
	exec(t, conn, `ALTER ROLE dumping CONNECTION LIMIT 13`)
	target := open(t, dsn, b)
	_, err := target.Survey(limited(t))
	if _, ok := errors.AsType[*SurveyError](err); !ok {
		t.Fatalf("with 13 sessions: %v", err)
	}
	wantError(t, err, "the run needs 14 sessions at its widest, and the server granted 13")
	closeAndWait(t, target)
	exec(t, conn, `ALTER ROLE dumping CONNECTION LIMIT 14`)
	target = open(t, dsn, b)
	if s, err := target.Survey(limited(t)); err != nil || s.Sessions != 14 {
		t.Fatalf("exactly enough: %d sessions, %v", s.Sessions, err)
	}
	if err := target.Lock(limited(t)); err != nil {
		t.Fatal(err)
	}
	all := []*pool{target.guests}
	for _, p := range target.kept() {
		if p != target.control { // identify asks there
			all = append(all, p)
		}
	}
	for _, p := range all {
		for range cap(p.slots) {
			s, err := p.take(limited(t))
			if err != nil {
				t.Fatal(err)
			}
			defer p.give(s)
		}
	}
	if got := fmt.Sprint(takes(t, target, action.BackupPlan{Directory: dir, Jobs: 3, Changes: []string{"t"}}).Tables); got != "1" {
		t.Errorf("it holds %s tables", got)
	}
	closeAndWait(t, target)
}
