package mirror

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"tminus/phases"
)

// The log's pace: a scanner that knocks a thousand times a second must not fill
// the disk that the journal is on.
const (
	linesPerSecond = 5
	linesBurst     = 200
)

// logbook writes the mirror's own log from one goroutine, so that a slow disk
// holds up no session. What comes too fast is left out, and counted.
type logbook struct {
	lines chan string
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	room    float64 // lines that may still come now
	last    time.Time
	leftOut int
}

// newLogbook starts the goroutine; close ends it.
func newLogbook(w io.Writer) *logbook {
	b := &logbook{lines: make(chan string, 2*linesBurst), stop: make(chan struct{}), done: make(chan struct{}), room: linesBurst, last: time.Now()}
	go b.run(w)
	return b
}

// say adds a line. It never waits.
func (b *logbook) say(format string, args ...any) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room = min(linesBurst, b.room+now.Sub(b.last).Seconds()*linesPerSecond)
	b.last = now
	if b.room < 1 {
		b.leftOut++
		return
	}
	b.room--
	if n := b.leftOut; n > 0 {
		b.leftOut = 0
		b.put(now, fmt.Sprintf("lines that came too fast and were left out: %d", n))
	}
	b.put(now, fmt.Sprintf(format, args...))
}

func (b *logbook) put(at time.Time, text string) {
	select {
	case b.lines <- at.UTC().Format(time.RFC3339) + " " + phases.Clean(text) + "\n":
	default:
		b.leftOut++
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
