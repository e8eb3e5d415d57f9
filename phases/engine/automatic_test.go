package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
)

// A backup that nobody asked for is taken, read and restored, one after the
// other, and once.
func TestBackupBeginsByItself(t *testing.T) {
	withClients(t)
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
	// Another backup is read and restored as well.
	r.do(phases.Act{Item: "taken"})
	r.until("the second proof", func(s *phases.State) bool {
		return s.Taken != nil && s.Proven != nil && s.Acting() == nil && s.Proven.Backup.Same(s.Taken.Backup) && s.Due(s.At) == ""
	})
}
