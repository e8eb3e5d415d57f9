package db

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
)

func TestRunNotes(t *testing.T) {
	dsn, admin := ledgerOwner(t)
	exec(t, connect(t, admin), `CREATE ROLE visitor LOGIN`)
	dropRole(t, admin, "visitor")
	target := open(t, dsn, book("t"))
	if notes, err := target.RunNotes(limited(t)); err != nil || notes != nil {
		t.Errorf("before any: %v, %v", notes, err)
	}
	if err := target.Lock(limited(t)); err != nil {
		t.Fatal(err)
	}
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	id, err := target.Identity(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	n := phases.RunNote{
		RunID: "run-1", Journal: "/j/it's here", Host: "ops1", Operator: "ada@ops1", Title: "Small", Environment: phases.Production,
		SHA256: "f00d", Target: id, OpenedAt: time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC),
	}
	if err := target.NoteRun(limited(t), n); err != nil {
		t.Fatal(err)
	}
	n.Journal, n.StillOff = "/j/moved", "the guards"
	if err := target.NoteRun(limited(t), n); err != nil {
		t.Fatal(err)
	}
	notes, err := target.RunNotes(limited(t))
	if err != nil || len(notes) != 1 {
		t.Fatalf("%+v, %v", notes, err)
	}
	got := notes[0]
	if got.Journal != n.Journal || got.Host != n.Host || got.StillOff != n.StillOff || got.SHA256 != n.SHA256 || !got.OpenedAt.Equal(n.OpenedAt) || !got.Target.Same(id) {
		t.Errorf("%+v, of %+v", got, n)
	}

	// Another operator is told which run it is that holds the lock.
	err = open(t, dsn, book("t")).Lock(limited(t))
	locked, ok := errors.AsType[*engine.LockedError](err)
	if !ok || locked.Run == nil || !strings.Contains(err.Error(), "it drives the run of Small, whose journal is /j/moved on ops1") {
		t.Errorf("the second operator got %v", err)
	}
	wantError(t, open(t, asUser(t, admin, "visitor"), book("t")).NoteRun(limited(t), n), "no USAGE on schema tminus")

	// What has ended, and left nothing off, is no news.
	n.Outcome, n.StillOff = phases.Completed, ""
	if err := target.NoteRun(limited(t), n); err != nil {
		t.Fatal(err)
	}
	if notes, err := target.RunNotes(limited(t)); err != nil || len(notes) != 0 {
		t.Errorf("ended: %+v, %v", notes, err)
	}

	// Whatever else stands at the table's place is neither read nor written.
	exec(t, connect(t, dsn), `DROP TABLE tminus.run; CREATE VIEW tminus.run AS SELECT 1 AS run_id`)
	_, err = target.RunNotes(limited(t))
	wantError(t, err, "not an ordinary, logged table")
	wantError(t, err, "--new")
	wantError(t, target.NoteRun(limited(t), n), "not an ordinary, logged table")
	without := book("t")
	without.Ledger = false
	if err := open(t, dsn, without).NoteRun(limited(t), n); err != nil {
		t.Errorf("ledger: none: %v", err)
	}
}
