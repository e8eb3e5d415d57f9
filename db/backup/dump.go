package backup

import (
	"context"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tminus/phases"
)

// progressEvery is how often it is looked how far a program is.
const progressEvery = 250 * time.Millisecond

// Dump is one run of pg_dump.
type Dump struct {
	Program    Program
	Connection Connection
	Directory  string // that pg_dump makes
	Snapshot   string // as another session exported it
	Jobs       int
	Tables     int // how many there are
}

// Run dumps, and says how far it is, from one goroutine, until it returns.
func (d Dump) Run(ctx context.Context, progress func(phases.ActionProgress)) error {
	argv := append([]string{
		d.Program.Path, "--format=directory", "--file=" + d.Directory, "--jobs=" + strconv.Itoa(d.Jobs),
		"--snapshot=" + d.Snapshot, "--lock-wait-timeout=30s", "--verbose",
	}, d.Connection.arguments()...)
	var done, begun atomic.Int64
	// With one job no line says that a table is done: the next one's begin does.
	each := func(line string) {
		switch {
		case strings.Contains(line, "finished item ") && strings.Contains(line, " TABLE DATA "):
			done.Add(1)
		case strings.Contains(line, "dumping contents of table "):
			begun.Add(1)
		}
	}
	over := watch(func() {
		n := max(done.Load(), begun.Load()-int64(d.Jobs))
		progress(phases.ActionProgress{What: "dump", Tables: int(min(n, int64(d.Tables))), Of: d.Tables, Bytes: Size(d.Directory)})
	})
	defer over()
	return run(ctx, "pg_dump", argv, d.Connection.env, each)
}

// watch calls look from time to time, on a goroutine that ends with over.
func watch(look func()) (over func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				look()
			}
		}
	}()
	return func() {
		close(stop)
		<-ended
	}
}

// Size is how many bytes the files below a directory have. What cannot be
// looked at, or is gone by then, is not counted.
func Size(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			//lint:ignore nilerr a size on the way is no more than that
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
