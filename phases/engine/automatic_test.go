package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
)

// lacks reports whether an item of the backup's lacks what is said; with
// nothing, whether it lacks nothing.
func lacks(s *phases.State, item int, what string) bool {
	got := s.ItemLacks(s.Runbook.Checklist[0].Items[item])
	return what == "" && got == "" || what != "" && strings.Contains(got, what)
}

// A backup that nobody asked for is taken, read and restored, one after the
// other, and once.
func TestBackupBeginsByItself(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	book := backupBook(take(t.TempDir()),
		"      - {id: read, text: It is read, action: {name: backup.verify, follows: taken}, check: {database: backup.readable, remedy: R}}",
		"      - {id: tried, text: It is tried, action: {name: backup.try, follows: read}, check: {database: backup.restored, remedy: R}}")
	book = strings.Replace(book, "action: {name: backup.take}", "action: {name: backup.take, starts: T-30m}\n        check: {database: backup.age, remedy: R}", 1)
	r := newRig(t, smallSchema, book)
	r.opened.Environment = phases.Demo
	r.open(engine.Settings{})
	r.until("the proof", func(s *phases.State) bool {
		return s.ItemLacks(s.Runbook.Checklist[0].Items[2]) == "" && s.Acting() == nil
	})
	s := r.state()
	if s.Proven == nil || len(s.Proven.Differences) > 0 || !s.Proven.Backup.Same(s.Taken.Backup) {
		t.Fatalf("proven: %+v", s.Proven)
	}
	for _, it := range s.Runbook.Checklist[0].Items {
		if lacks := s.ItemLacks(it); lacks != "" {
			t.Errorf("%s: %s", it.ID, lacks)
		}
	}
	if n := strings.Count(r.log(), phases.Itself); n < 3 {
		t.Errorf("%d lines say that it began by itself:\n%s", n, r.log())
	}
	if got := s.Due(s.At); got != "" {
		t.Errorf("%q is due again", got)
	}
	// A copy in another place is not what was looked at.
	r.do(phases.Record{Item: "taken", Field: "backup_place", Value: "/yesterday"})
	r.until("the copy is not proven", func(s *phases.State) bool {
		return lacks(s, 1, "the copy at /yesterday is not verified") && lacks(s, 2, "the copy at /yesterday is not restored") && strings.Contains(s.Proof(s.At).Lacks, "nobody has restored it from there")
	})
	r.do(phases.Record{Item: "taken", Field: "backup_place", Value: s.Taken.Backup.Location})
	r.until("the proof again", func(s *phases.State) bool { return lacks(s, 1, "") && lacks(s, 2, "") })
	// Who shortens a file afterwards takes the proof away.
	files, err := filepath.Glob(filepath.Join(s.Taken.Backup.Location, "dump", "*.dat.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the dump has %v, %v", files, err)
	}
	if err := os.Truncate(files[0], 20); err != nil {
		t.Fatal(err)
	}
	r.do(phases.Recheck{})
	r.until("the files were touched", func(s *phases.State) bool {
		return lacks(s, 1, "somebody has touched its files") && lacks(s, 2, "somebody has touched its files") && strings.Contains(s.Proof(s.At).Lacks, "touched")
	})
	// Another backup is read and restored as well.
	r.do(phases.Act{Item: "taken"})
	r.until("the second proof", func(s *phases.State) bool {
		return s.Taken != nil && s.Proven != nil && s.Acting() == nil && s.Proven.Backup.Same(s.Taken.Backup) && s.Due(s.At) == ""
	})
}
