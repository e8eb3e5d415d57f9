package mirror

import (
	"context"
	"sync"
)

// register passes on who joined and who left, from one goroutine, so that no
// session waits for it. Somebody who leaves before their coming was passed on
// was never there: therefore what waits is never more than the sessions that
// run and those that were told of.
type register struct {
	to Presence

	mu      sync.Mutex
	waiting []visit
	joined  map[string]bool // whose coming was passed on, and whose leaving was not yet queued
	wake    chan struct{}
	closed  bool
	done    chan struct{}
}

// visit is somebody's coming or leaving.
type visit struct {
	left                       bool
	name, fingerprint, session string
}

// newRegister starts the goroutine; close ends it.
func newRegister(to Presence) *register {
	r := &register{to: to, joined: map[string]bool{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go r.run()
	return r
}

func (r *register) join(name, fingerprint, session string) {
	r.mu.Lock()
	r.waiting = append(r.waiting, visit{name: name, fingerprint: fingerprint, session: session})
	r.mu.Unlock()
	r.nudge()
}

func (r *register) leave(session string) {
	r.mu.Lock()
	defer r.nudge()
	defer r.mu.Unlock()
	for i, v := range r.waiting {
		if v.session == session && !v.left {
			r.waiting = append(r.waiting[:i], r.waiting[i+1:]...)
			return
		}
	}
	if r.joined[session] {
		delete(r.joined, session)
		r.waiting = append(r.waiting, visit{left: true, session: session})
	}
}

func (r *register) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run passes on what waits, and ends once closed and nothing does.
func (r *register) run() {
	defer close(r.done)
	for {
		v, ok, closed := r.next()
		switch {
		case ok && v.left:
			r.to.Left(v.session)
		case ok:
			r.to.Joined(v.name, v.fingerprint, v.session)
		case closed:
			return
		default:
			<-r.wake
		}
	}
}

func (r *register) next() (v visit, ok, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		return visit{}, false, r.closed
	}
	v = r.waiting[0]
	r.waiting = r.waiting[1:]
	if !v.left {
		r.joined[v.session] = true
	}
	return v, true, r.closed
}

// close waits until all is passed on, as long as ctx allows.
func (r *register) close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.nudge()
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}
