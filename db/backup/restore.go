package backup

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"

	"tminus/phases"
)

// Restore is one run of pg_restore.
type Restore struct {
	Program    Program
	Connection Connection
	Location   string // of the backup
	Jobs       int
	Tables     int // how many there are
}

// Run restores, and says how far it is, from one goroutine, until it returns.
// The first error ends it. Owners and rights stay out: the roles may not be there.
func (r Restore) Run(ctx context.Context, progress func(phases.ActionProgress)) error {
	argv := append([]string{
		r.Program.Path, "--format=directory", "--jobs=" + strconv.Itoa(r.Jobs), "--exit-on-error", "--verbose",
		"--no-owner", "--no-privileges", "--no-tablespaces", "--no-publications", "--no-subscriptions", "--no-security-labels",
	}, r.Connection.arguments()...)
	argv = append(argv, dumpOf(r.Location))
	var done, begun atomic.Int64
	each := func(line string) {
		switch {
		case strings.Contains(line, "finished item ") && strings.Contains(line, " "+rows):
			done.Add(1)
		case strings.Contains(line, "processing data for table "):
			begun.Add(1)
		}
	}
	over := watch(func() {
		n := max(done.Load(), begun.Load()-int64(r.Jobs))
		progress(phases.ActionProgress{What: "restore", Tables: int(min(n, int64(r.Tables))), Of: r.Tables})
	})
	defer over()
	return run(ctx, "pg_restore", argv, r.Connection.env, each)
}
