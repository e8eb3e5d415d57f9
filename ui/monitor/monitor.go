package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// The rhythm.
const (
	lookEvery  = 100 * time.Millisecond // at the journal
	takeEvery  = time.Second            // a picture, while nothing happens: what holds depends on the time too
	takeAtOnce = 2000                   // records folded between two pictures
	partWithin = 2 * time.Second        // how long a disk, or a collector, is waited for at the end
)

// Monitor tells other programs of one run. New gives one.
type Monitor struct {
	metrics *metrics // nil for what was not asked for
	status  *status
	traces  *traces
	note    string

	latest atomic.Pointer[Picture] // nil before the first record
	cancel context.CancelFunc      // nil until Follow
	done   chan struct{}
}

// New claims the address and the file, and makes ready to send traces where the
// environment asks for them. Nothing is followed yet. Without anything to do it
// gives nil, which is a Monitor that does nothing.
func New(opts Options) (*Monitor, error) {
	m := &Monitor{}
	if opts.Status != "" {
		s, err := newStatus(opts.Status)
		if err != nil {
			return nil, err
		}
		m.status = s
	}
	m.traces, m.note = newTraces(opts.Environ, opts.Version)
	if opts.Metrics != "" {
		served, err := serveMetrics(opts.Metrics, m.latest.Load)
		if err != nil {
			return nil, errors.Join(err, m.Close())
		}
		m.metrics = served
	}
	if m.status == nil && m.traces == nil && m.metrics == nil && m.note == "" {
		return nil, nil
	}
	return m, nil
}

// Notes are what whoever starts the run should know: where the metrics are, and
// why traces that were asked for are not sent.
func (m *Monitor) Notes() []string {
	if m == nil {
		return nil
	}
	var out []string
	if m.metrics != nil {
		out = append(out, m.metrics.note())
	}
	if m.note != "" {
		out = append(out, m.note)
	}
	return out
}

// Address is where metrics are served; nil when they are not.
func (m *Monitor) Address() net.Addr {
	if m == nil || m.metrics == nil {
		return nil
	}
	return m.metrics.listener.Addr()
}

// Follow begins to tell of the run of a journal, which must exist, until Close.
// It is called once.
func (m *Monitor) Follow(path string) error {
	if m == nil || m.metrics == nil && m.status == nil && m.traces == nil {
		return nil
	}
	if m.status.is(path) {
		return fmt.Errorf("status file %s is the journal, which nothing overwrites; name another file", path)
	}
	follower, err := journal.Follow(path)
	if err != nil {
		return fmt.Errorf("tell of the run: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.done = cancel, make(chan struct{})
	r := &reader{monitor: m, path: path, follower: follower, fresh: true}
	go r.run(ctx) // ends with Close
	return nil
}

// Close tells the end, and waits for that as long as the slowest of them may
// take. Its error says what did not get through; the run is not touched by it.
func (m *Monitor) Close() error {
	if m == nil {
		return nil
	}
	if m.cancel != nil {
		m.cancel()
		<-m.done
	}
	return errors.Join(m.metrics.close(), m.status.close(), m.traces.close())
}

// reader folds the journal in one goroutine.
type reader struct {
	monitor  *Monitor
	path     string
	follower *journal.Follower
	state    phases.State
	fault    error
	fresh    bool // what the journal held at the start is still being read
	taken    time.Time
	asked    time.Time // when it was last looked whether the journal has a writer
	alive    bool      // it has
	held     time.Time // since when something has held, as seen here; zero when nothing does
}

// run ends with ctx, after a last look: whoever closes has written before.
func (r *reader) run(ctx context.Context) {
	defer close(r.monitor.done)
	defer r.follower.Close()
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		ended := ctx.Err() != nil
		if ended {
			r.asked = time.Time{} // the last picture says whether anybody still has the run
		}
		r.look(time.Now())
		if ended {
			return
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// look folds what came, and publishes a picture of it.
func (r *reader) look(now time.Time) {
	for r.fault == nil {
		recs, err := r.follower.Next(takeAtOnce)
		milestone := r.fold(recs)
		if err != nil && r.fault == nil {
			r.fault = err
		}
		if len(recs) == 0 && r.fresh {
			r.fresh = false
			r.monitor.traces.live()
		}
		if len(recs) > 0 || r.fault != nil {
			r.publish(now, milestone || r.fault != nil)
		}
		if len(recs) == 0 {
			break
		}
	}
	if now.Sub(r.asked) >= takeEvery {
		r.askWriter(now)
	}
	if now.Sub(r.taken) >= takeEvery {
		r.publish(now, false)
	}
}

// askWriter looks whether a program has the journal, to go on with the run.
func (r *reader) askWriter(now time.Time) {
	r.asked = now
	inUse, err := journal.InUse(r.path)
	if err != nil || inUse == r.alive {
		return // what is wrong with the file, the follower says
	}
	r.alive = inUse
	r.publish(now, true)
}

// fold takes records in, and tells whether one of them was a milestone.
func (r *reader) fold(recs []journal.Record) (milestone bool) {
	for _, rec := range recs {
		lines := len(r.state.Log)
		e, err := phases.Decode(rec)
		if err == nil {
			err = r.state.ApplyDecoded(rec, e)
		}
		if err != nil {
			r.fault = err
			return true
		}
		if _, answer := e.(phases.CheckAnswered); !answer && len(r.state.Log) > lines {
			milestone = true
		}
		r.monitor.traces.take(rec, e, &r.state)
	}
	return milestone
}

func (r *reader) publish(now time.Time, milestone bool) {
	if r.state.Seq == 0 {
		return
	}
	p := take(&r.state, r.path, r.fault, now)
	switch {
	case p.holding == 0:
		r.held = time.Time{}
	case r.held.IsZero():
		r.held = r.state.At
	}
	p.HeldSince, p.Alive = r.held, r.alive
	r.taken = now
	r.monitor.latest.Store(p)
	r.monitor.status.offer(p, milestone)
}
