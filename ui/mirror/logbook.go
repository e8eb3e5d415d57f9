package mirror

import (
	"context"
	"fmt"
	"io"
	"time"

	"tminus/phases"
)

// logbook writes the mirror's own log from one goroutine, so that a slow disk
// holds up no session. What does not fit is left out.
type logbook struct {
	lines chan string
	stop  chan struct{}
	done  chan struct{}
}

// newLogbook starts the goroutine; close ends it.
func newLogbook(w io.Writer) *logbook {
	b := &logbook{lines: make(chan string, 256), stop: make(chan struct{}), done: make(chan struct{})}
	go b.run(w)
	return b
}

// say adds a line. It never waits.
func (b *logbook) say(format string, args ...any) {
	line := time.Now().UTC().Format(time.RFC3339) + " " + phases.Clean(fmt.Sprintf(format, args...)) + "\n"
	select {
	case b.lines <- line:
	default:
	}
}

// run ends when stop is closed and what was said before is written.
func (b *logbook) run(w io.Writer) {
	defer close(b.done)
	for {
		select {
		case line := <-b.lines:
			_, _ = io.WriteString(w, line) // there is nowhere to complain to
		case <-b.stop:
			for {
				select {
				case line := <-b.lines:
					_, _ = io.WriteString(w, line)
				default:
					return
				}
			}
		}
	}
}

// close waits until all is written, as long as ctx allows.
func (b *logbook) close(ctx context.Context) {
	close(b.stop)
	select {
	case <-b.done:
	case <-ctx.Done():
	}
}
