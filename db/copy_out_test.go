package db

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
)

// slow is a connection of which a write, once it is to wait, ends when its answer was
// read and somebody reads on: the driver's second goroutine then does.
type slow struct {
	net.Conn
	mu    sync.Mutex
	reads chan struct{} // one for each; nil while no write waits
}

func (s *slow) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = make(chan struct{}, 100)
}

func (s *slow) waiting() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *slow) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	if reads := s.waiting(); reads != nil {
		<-reads
		<-reads
		s.mu.Lock()
		s.reads = nil
		s.mu.Unlock()
	}
	return n, err
}

func (s *slow) Read(p []byte) (int, error) {
	if reads := s.waiting(); reads != nil {
		reads <- struct{}{}
	}
	return s.Conn.Read(p)
}

// A copy gets its answer also where the driver still reads on a goroutine of its own,
// as it does after a write that took long.
func TestACopyAfterASlowWrite(t *testing.T) {
	t.Parallel()
	target := open(t, database(t, `CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 1000)`), book("t"))
	var conn *slow
	dial := target.conn.DialFunc
	target.conn.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		conn = &slow{Conn: c}
		return conn, err
	}
	s, err := target.open(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	conn.wait()
	if _, err := s.Exec(limited(t), `SELECT 1`); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := s.copyOut(limited(t), &text, `COPY public.t TO STDOUT`); err != nil || bytes.Count(text.Bytes(), []byte("\n")) != 1000 {
		t.Errorf("%d bytes, %v", text.Len(), err)
	}
	if err := s.Ping(limited(t)); err != nil {
		t.Error(err)
	}
}
