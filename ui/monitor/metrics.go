package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What one client, and all of them together, may take.
const (
	scrapeLimit  = 10 * time.Second
	scrapesMost  = 4
	connsMost    = 32
	headersMost  = 8 << 10
	leaveScrapes = 500 * time.Millisecond // at the end, for scrapes that are under way
)

// metrics serves the latest picture as a page for Prometheus.
type metrics struct {
	listener net.Listener
	server   *http.Server
	served   chan error
}

// serveMetrics takes the address and starts to serve; close ends it.
func serveMetrics(address string, latest func() *Picture) (*metrics, error) {
	address, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: another program has %s; name another with --metrics", ErrAddress, address)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(collector{latest: latest, now: time.Now}); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	m := &metrics{listener: listener, served: make(chan error, 1), server: &http.Server{
		Handler: pages(registry), ReadTimeout: scrapeLimit, WriteTimeout: scrapeLimit, IdleTimeout: time.Minute, MaxHeaderBytes: headersMost,
		ErrorLog: log.New(io.Discard, "", 0), // it would be written over the operator's screen
	}}
	go func() { m.served <- m.server.Serve(&limited{Listener: listener, room: make(chan struct{}, connsMost)}) }() // ends with close
	return m, nil
}

func pages(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesMost, Timeout: scrapeLimit, ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "a run of tminus; its metrics are at /metrics\n") // who went away needs no answer
	})
	return mux
}

// note says where the metrics are, and whether others than this host reach them.
func (m *metrics) note() string {
	text := fmt.Sprintf("metrics on http://%s/metrics", m.listener.Addr())
	if tcp, ok := m.listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		text += ", open to the network"
	}
	return text
}

// close lets scrapes that are under way end, for a moment, and then the rest go.
func (m *metrics) close() error {
	if m == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveScrapes)
	defer cancel()
	err := m.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = m.server.Close()
	}
	if served := <-m.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// limited is a listener with room for so many connections: one more is closed.
type limited struct {
	net.Listener
	room chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &counted{Conn: c, leave: func() { <-l.room }}, nil
		default:
			_ = c.Close() // a client too many learns it by this
		}
	}
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
