package db

import "tminus/phases/runbook"

// backupSessions is how many sessions an action on the backup has open at its
// widest, beside those of the run: one action at a time. What a command opens
// nobody knows.
//
// A restore's are in another database, whose own limit is another; they count
// here all the same, as against the limits of the role and of the server.
func backupSessions(book *runbook.Runbook) int {
	if book == nil {
		return 0
	}
	most := 0
	for _, g := range book.Groups() {
		for _, it := range g.Items {
			if it.Action == nil {
				continue
			}
			b := book.Backup
			switch {
			case it.Action.Name == runbook.TakeBackup && len(b.Take.Command) == 0:
				most = max(most, 1+b.Take.Jobs+1) // who holds the snapshot, and pg_dump's leader
			case it.Action.Name == runbook.TryBackup && len(b.Try.Command) == 0 && b.Try.Database != "":
				most = max(most, b.Try.Jobs+1) // pg_restore's leader leaves before its workers come, and the server is slow to notice
			}
		}
	}
	return most
}
