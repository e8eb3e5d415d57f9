package mirror

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// What a viewer's keyboard may send. More is read and thrown away, slowly, so
// that a paste of megabytes costs neither time nor memory.
const (
	typedPerSecond = 256
	typedBurst     = 1024
	thrownPerSec   = 1 << 20
)

// intake is what a viewer types, metered. Reads are the program's alone.
type intake struct {
	from  io.Reader
	ended <-chan struct{} // the session's: no read outlives it

	allowance float64
	last      time.Time
	buf       [32 << 10]byte
}

func newIntake(from io.Reader, ended <-chan struct{}) *intake {
	return &intake{from: from, ended: ended, allowance: typedBurst, last: time.Now()}
}

// Read gives what there is an allowance for. It blocks until the viewer types
// or goes.
func (in *intake) Read(p []byte) (int, error) {
	for {
		n, err := in.from.Read(in.buf[:])
		now := time.Now()
		in.allowance = min(typedBurst, in.allowance+now.Sub(in.last).Seconds()*typedPerSecond)
		in.last = now
		take := min(n, len(p), int(in.allowance))
		copy(p, in.buf[:take])
		in.allowance -= float64(take)
		if thrown := n - take; thrown > 0 && !in.pause(time.Duration(thrown)*time.Second/thrownPerSec) {
			return 0, io.EOF
		}
		if take > 0 || err != nil {
			return take, err
		}
	}
}

func (in *intake) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-in.ended:
		return false
	}
}

// outlet is a viewer's terminal. It knows since when a write has been waiting.
type outlet struct {
	to     io.Writer
	failed func() // once a write has failed: the viewer is gone

	mu    sync.Mutex
	since time.Time // of the write that waits; zero when none does
}

// Write blocks until the terminal has taken all. A program without a terminal
// device of its own writes a bare line feed for a new line, as if a device made
// the carriage return; here that is the outlet's part.
func (o *outlet) Write(p []byte) (int, error) {
	o.set(time.Now())
	_, err := o.to.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	o.set(time.Time{})
	if err != nil {
		o.failed()
		return 0, err
	}
	return len(p), nil
}

func (o *outlet) set(t time.Time) {
	o.mu.Lock()
	o.since = t
	o.mu.Unlock()
}

// waits is for how long a write has been waiting.
func (o *outlet) waits(now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0
	}
	return now.Sub(o.since)
}
