package db

import (
	"context"
	"errors"
	"fmt"
)

// pool hands out a few sessions, one user each, and opens them when needed.
type pool struct {
	open  func(context.Context) (*session, error)
	slots chan *session // one entry a place; nil where no session is open
}

func newPool(places int, open func(context.Context) (*session, error)) *pool {
	p := &pool{open: open, slots: make(chan *session, places)}
	for range places {
		p.slots <- nil
	}
	return p
}

// take waits for a place, and fills it with a live session: one that died
// while nobody used it is replaced. The caller gives it back.
func (p *pool) take(ctx context.Context) (*session, error) {
	select {
	case s := <-p.slots:
		return p.fill(ctx, s)
	case <-ctx.Done():
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) && !errors.Is(cause, ErrNoAnswer) {
			return nil, fmt.Errorf("wait for a session: %w", cause)
		}
		return nil, fmt.Errorf("wait for a session: all %d are in use, and none became free in time", cap(p.slots))
	}
}

// takeFree is take without the wait: it gives nil when others use all places.
func (p *pool) takeFree(ctx context.Context) (*session, error) {
	select {
	case s := <-p.slots:
		return p.fill(ctx, s)
	default:
		return nil, nil
	}
}

// takeOpen is takeFree for a session that is open: it gives nil where none is.
func (p *pool) takeOpen() *session {
	for range cap(p.slots) {
		select {
		case s := <-p.slots:
			if s != nil && s.usable() {
				return s
			}
			p.slots <- s
		default:
			return nil
		}
	}
	return nil
}

func (p *pool) fill(ctx context.Context, s *session) (*session, error) {
	if s != nil && s.usable() {
		// A context that has ended says nothing of the session: the caller's own
		// statement will tell.
		if alive := s.Ping(ctx) == nil; alive || ctx.Err() != nil {
			//lint:ignore nilerr see above
			return s, nil
		}
	}
	if s != nil {
		closeConn(s.conn)
	}
	s, err := p.open(ctx)
	if err != nil {
		p.slots <- nil
		return nil, err
	}
	return s, nil
}

// give puts a session back; one that is broken or in a transaction is closed.
func (p *pool) give(s *session) {
	if !s.usable() {
		closeConn(s.conn)
		s = nil
	}
	p.slots <- s
}

// with lends a live session to use.
func (p *pool) with(ctx context.Context, use func(*session) error) error {
	s, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.give(s)
	return use(s)
}

// drain ends the sessions nobody uses.
func (p *pool) drain(release func(*session)) {
	for range cap(p.slots) {
		select {
		case s := <-p.slots:
			if s != nil {
				release(s)
			}
			p.slots <- nil
		default:
			return
		}
	}
}
