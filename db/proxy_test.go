package db

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// proxy stands between a Target and its server, and fails as networks do.
type proxy struct {
	t    *testing.T
	l    net.Listener
	to   string
	mu   sync.Mutex
	all  []*proxied
	seen chan struct{} // a swallowed message, for each

	needle []byte // a connection that sends it has what goes one way swallowed
	what   string

	last []byte // an answer that has it is the last: the six bytes that end it never arrive
}

type proxied struct {
	client, server net.Conn
	mu             sync.Mutex
	swallow        string // "", "requests" or "answers"
}

func newProxy(t *testing.T, port int) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, l: l, to: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), seen: make(chan struct{}, 1000)}
	go p.serve() // ends with the listener
	t.Cleanup(func() { l.Close(); p.cut("client"); p.cut("server") })
	return p
}

func (p *proxy) port() int { return p.l.Addr().(*net.TCPAddr).Port }

func (p *proxy) serve() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		server, err := net.DialTimeout("tcp", p.to, 5*time.Second)
		if err != nil {
			client.Close()
			continue
		}
		c := &proxied{client: client, server: server}
		p.mu.Lock()
		p.all = append(p.all, c)
		p.mu.Unlock()
		go p.pump(c, client, server, "requests") // both end when either side is closed
		go p.pump(c, server, client, "answers")
	}
}

func (p *proxy) pump(c *proxied, from, to net.Conn, what string) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		found := ""
		if what == "requests" {
			found = p.found(buf[:n])
		}
		c.mu.Lock()
		if found != "" {
			c.swallow = found
		}
		swallow := c.swallow
		c.mu.Unlock()
		if what == "answers" && p.isLast(buf[:n]) {
			_, _ = to.Write(buf[:n-6])
			to.Close()
			from.Close()
			return
		}
		switch {
		case n > 0 && swallow == what:
			p.seen <- struct{}{}
		case n > 0:
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			if swallow == "" && errors.Is(err, io.EOF) {
				to.Close()
			}
			return
		}
	}
}

// swallowFrom keeps what goes one way on every connection that sends needle
// from now on, that itself included.
func (p *proxy) swallowFrom(needle, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needle, p.what = []byte(needle), what
}

// found is what goes unheard from here on, "" when needle was not sent.
func (p *proxy) found(sent []byte) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.needle) == 0 || !bytes.Contains(sent, p.needle) {
		return ""
	}
	return p.what
}

// cutBehind cuts a connection behind the answer that has needle, and before the
// server's word that it waits for the next query.
func (p *proxy) cutBehind(needle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = []byte(needle)
}

func (p *proxy) isLast(answer []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.last) > 0 && bytes.Contains(answer, p.last)
}

// swallow keeps what goes one way on the connections that are open now.
func (p *proxy) swallow(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		c.mu.Lock()
		c.swallow = what
		c.mu.Unlock()
	}
}

// cut closes one side of all connections that are open now.
func (p *proxy) cut(side string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.all {
		if side == "client" {
			c.client.Close()
		} else {
			c.server.Close()
		}
	}
}
