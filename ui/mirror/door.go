package mirror

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// sendBuffer is how much of a connection's output the kernel may hold: little,
// so that a viewer who takes nothing is noticed soon, and costs little.
const sendBuffer = 64 << 10

// door keeps the connections that have no session yet. When they are too many
// an old one goes: whoever means to watch has a session within a second, and is
// not kept out by connections that only sit there.
type door struct {
	limit int
	grace time.Duration

	mu      sync.Mutex
	waiting []*arrival // oldest first
}

// arrival is one connection. Its first session seats it; until then its time is short.
type arrival struct {
	conn  *guarded
	timer *time.Timer // closes the connection at the end of its grace

	mu    sync.Mutex
	taken bool // a session channel was opened on it
}

// enter lets a connection in, and closes the one that makes too many.
func (d *door) enter(c *guarded) *arrival {
	a := &arrival{conn: c}
	a.timer = time.AfterFunc(d.grace, func() { c.Close() })
	c.closed = func() { d.remove(a) }
	d.mu.Lock()
	d.waiting = append(d.waiting, a)
	var out *arrival
	if len(d.waiting) > d.limit {
		out = d.leastLikely()
		d.strike(out) // now: the next to enter must not find it again
	}
	d.mu.Unlock()
	if out != nil {
		out.conn.Close()
	}
	return a
}

// leastLikely is the connection that least looks like somebody who means to
// watch: the oldest that has never said anything, or else the oldest. The
// caller holds the lock.
func (d *door) leastLikely() *arrival {
	for _, a := range d.waiting[:len(d.waiting)-1] {
		if !a.conn.heard.Load() {
			return a
		}
	}
	return d.waiting[0]
}

// remove takes a connection off the list: it is closed, or has a session.
func (d *door) remove(a *arrival) {
	a.timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.strike(a)
}

// strike takes a connection off the list. The caller holds the lock.
func (d *door) strike(a *arrival) {
	for i, w := range d.waiting {
		if w == a {
			d.waiting = append(d.waiting[:i], d.waiting[i+1:]...)
			return
		}
	}
}

// claim gives a connection's one session away; false when it is gone.
func (a *arrival) claim() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken {
		return false
	}
	a.taken = true
	return true
}

// guarded is a connection on which nothing waits for ever.
type guarded struct {
	net.Conn
	idle   time.Duration // for a read
	behind time.Duration // for a write
	closed func()        // once, at Close
	once   sync.Once
	heard  atomic.Bool // the client has said something
}

func (g *guarded) Read(p []byte) (int, error) {
	if err := g.SetReadDeadline(time.Now().Add(g.idle)); err != nil {
		return 0, err
	}
	n, err := g.Conn.Read(p)
	if n > 0 {
		g.heard.Store(true)
	}
	return n, err
}

func (g *guarded) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(g.behind)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// SetDeadline does nothing: the deadlines are set by Read and Write, and the
// time for the handshake is the door's.
func (g *guarded) SetDeadline(time.Time) error { return nil }

func (g *guarded) Close() error {
	if g.closed != nil {
		g.once.Do(g.closed)
	}
	return g.Conn.Close()
}
