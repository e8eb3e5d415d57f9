package mirror

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// stallConn is a connection whose reader can be made to stop.
type stallConn struct {
	net.Conn
	mu      sync.Mutex
	stopped chan struct{} // nil while it reads
}

func (c *stallConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	stopped := c.stopped
	c.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	return c.Conn.Read(p)
}

func (c *stallConn) stop() { c.mu.Lock(); c.stopped = make(chan struct{}); c.mu.Unlock() }
func (c *stallConn) goOn() { c.mu.Lock(); close(c.stopped); c.stopped = nil; c.mu.Unlock() }

func TestStalledViewerIsDroppedAndDelaysNobody(t *testing.T) {
	// Somebody's laptop goes to sleep, or they hold their terminal's output with
	// ctrl+s: their ssh takes no byte any more, its window and every buffer on
	// the way run full. A program that wrote to it would hang for as long as
	// that lasts, with all that waits for the program.
	t.Parallel()
	r := newRig(t, func(o *Options) { o.Behind = 10 * time.Second })
	raw := r.rawDial()
	if err := raw.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	conn := &stallConn{Conn: raw}
	c, chans, reqs, err := gossh.NewClientConn(conn, "mirror", r.config(r.key))
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.join(gossh.NewClient(c, chans, reqs), 200, 60)
	if err != nil {
		t.Fatal(err)
	}
	v.sees("READ-ONLY")
	other := r.watch(100, 30)
	other.sees("READ-ONLY")
	conn.stop()
	t.Cleanup(conn.goOn)
	n := 0
	eventually(t, func() bool {
		n++
		// What it still sends asks for whole screens, which fills the buffers.
		_ = v.sess.WindowChange(60+n%2, 200)
		return r.m.Watching() == 1
	}, func() string { return "the stalled viewer was never dropped; log:\n" + r.log.String() })
	r.note("nobody waited")
	other.press("5")
	other.sees("nobody waited")
	if !strings.Contains(r.log.String(), "your terminal has not taken a frame for") {
		t.Errorf("why it was dropped is not in the log:\n%s", r.log.String())
	}
}

func TestSilentClientIsDroppedWithASentence(t *testing.T) {
	// A client's process is stopped: its kernel still takes bytes, nobody reads
	// them, and nothing ever answers.
	t.Parallel()
	r := newRig(t, func(o *Options) { o.Idle = 10 * time.Second })
	conn := &stallConn{Conn: r.rawDial()}
	c, chans, reqs, err := gossh.NewClientConn(conn, "mirror", r.config(r.key))
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.join(gossh.NewClient(c, chans, reqs), 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	v.sees("READ-ONLY")
	other := r.watch(100, 30)
	conn.stop()
	eventually(t, func() bool { return strings.Contains(r.log.String(), "your ssh has not answered") },
		func() string { return "the silent client was never dropped" })
	other.sees("READ-ONLY")
	conn.goOn()
	v.sees("The mirror let you go: your ssh has not answered")
	restored(t, v)
}

func TestResizeStorm(t *testing.T) {
	// A client sends sizes as fast as it can. Each would repaint a screen: ten
	// thousand a second would leave the others no time.
	t.Parallel()
	r := newRig(t, nil)
	v, other := r.watch(100, 30), r.watch(100, 30)
	v.sees("READ-ONLY")
	for i := range 20_000 {
		if err := v.sess.WindowChange(20+i%40, 60+i%100); err != nil {
			t.Fatal(err)
		}
	}
	r.note("after the storm")
	other.press("5")
	other.sees("after the storm")
	v.resize(90, 28)
	v.press("5")
	v.sees("after the storm")
}

func TestPasteOfMegabytes(t *testing.T) {
	// Somebody pastes a log of megabytes into the mirror, or pipes a disk into
	// it. As keys that would be millions of frames; as one paste, that memory.
	t.Parallel()
	r := newRig(t, nil)
	v, other := r.watch(100, 30), r.watch(100, 30)
	v.sees("READ-ONLY")
	pasted := make(chan error, 1)
	go func() { // ends when all is pasted, or the connection is closed
		_, err := io.Copy(v.keys, io.MultiReader(strings.NewReader("\x1b[200~"), bytes.NewReader(bytes.Repeat([]byte("jk?5G"), 600_000))))
		pasted <- err
	}()
	r.note("seen during the paste")
	other.press("5")
	other.sees("seen during the paste")
	if err := <-pasted; err != nil {
		t.Fatalf("paste: %v", err)
	}
	if n := r.m.Watching(); n != 2 {
		t.Errorf("%d watch", n)
	}
}

func TestForgedTerminalAnswers(t *testing.T) {
	// A client types what only a terminal says: a size of a hundred million
	// cells, a focus, a clipboard, a keyboard, a pasted text without an end, and
	// bytes that are no text at all.
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	v.press("\x1b[48;9999;9999;99999;99999t\x1b[I\x1b[O\x1b]52;c;cm0gLXJm\a\x1b[?2026;1$y\x1bP1+r524742\x1b\\\xff\xfe\x00\x1b[<0;1;1M")
	v.press("?")
	v.sees("Moving about")
	if out := v.output(); len(out) > 1<<20 {
		t.Errorf("%d bytes were sent", len(out))
	}
}

func TestChannelClosedConnectionKept(t *testing.T) {
	// OpenSSH's ControlMaster closes the session and keeps the connection for
	// the next one. A handler that goes on reading the closed channel's sizes
	// spins at full speed, for ever.
	t.Parallel()
	r := newRig(t, nil)
	conn := r.dial()
	v, err := r.join(conn, 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	v.sees("READ-ONLY")
	if err := v.sess.Close(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { defer close(gone); _ = conn.Wait() }() // ends with the connection
	if !waitFor(gone, patience) {
		t.Fatal("the connection is still open")
	}
	eventually(t, func() bool { return r.m.Watching() == 0 && strings.HasSuffix(r.presence.String(), "left ann@ops") },
		func() string { return "it still watches: " + r.presence.String() })
}

func TestHalfOpenConnections(t *testing.T) {
	// Two hundred connections are opened and say nothing, to use up the places
	// of those who mean to watch.
	t.Parallel()
	r := newRig(t, nil)
	var closed atomic.Int32
	for range 200 {
		c := r.rawDial()
		go func() { _, _ = io.Copy(io.Discard, c); closed.Add(1) }() // ends with its connection
	}
	limit := r.m.opts.MaxHalfOpen
	eventually(t, func() bool { return int(closed.Load()) == 200-limit }, func() string {
		return fmt.Sprintf("of 200 silent connections %d were closed, not %d", closed.Load(), 200-limit)
	})
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	r.note("still shown")
	v.press("5")
	v.sees("still shown")
}

func TestSilenceIsClosedAtTheEndOfTheGrace(t *testing.T) {
	// One connection never begins to speak, one logs in and asks for nothing
	// (ssh -N), one opens a channel and never asks for a shell. Each would stay
	// for ever.
	t.Parallel()
	r := newRig(t, func(o *Options) { o.Grace = 10 * time.Second })
	silent := r.rawDial()
	loggedIn := r.dial()
	opened := r.dial()
	if _, err := opened.NewSession(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 3)
	go func() { _, err := io.Copy(io.Discard, silent); ended <- err }() // these three end with their connections
	go func() { ended <- loggedIn.Wait() }()
	go func() { ended <- opened.Wait() }()
	for range 3 {
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("a silent connection is still open")
		}
	}
}

func TestGarbageBeforeTheHandshake(t *testing.T) {
	// What scanners send: noise, a web request, a version without an end, a
	// packet that says it is four gigabytes long.
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	noise := make([]byte, 64<<10)
	_, _ = rand.Read(noise)
	for _, junk := range [][]byte{
		noise,
		[]byte("GET / HTTP/1.1\r\nHost: mirror\r\n\r\n"),
		bytes.Repeat([]byte("SSH-2.0-"), 100_000),
		[]byte("SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff"),
		[]byte("SSH-1.5-old\r\n"),
		nil,
	} {
		c := r.rawDial()
		_, _ = c.Write(junk) // the mirror may be gone before it is all written
		c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	r.note("still there")
	v.press("5")
	v.sees("still there")
	r.watch(80, 24).sees("READ-ONLY")
}

func TestNothingButATerminal(t *testing.T) {
	// A viewer's key is used for what a mirror is not: commands, files, ports of
	// the host's network, somebody's agent, a screen that takes gigabytes.
	t.Parallel()
	r := newRig(t, nil)
	says := func(what, sentence string, ask func(*gossh.Client, *gossh.Session) error) {
		t.Helper()
		conn := r.dial()
		sess, err := conn.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		var stderr, stdout bytes.Buffer
		sess.Stderr, sess.Stdout = &stderr, &stdout
		if err := ask(conn, sess); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var exit *gossh.ExitError
		if err := sess.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 1 {
			t.Errorf("%s: %v", what, err)
		}
		if !strings.Contains(stderr.String(), sentence) || stdout.Len() > 0 {
			t.Errorf("%s: stderr %q, stdout %q", what, stderr.String(), stdout.String())
		}
	}
	says("exec", "it runs no commands", func(_ *gossh.Client, s *gossh.Session) error { return s.Start("id") })
	says("exec with a terminal", "it runs no commands", func(_ *gossh.Client, s *gossh.Session) error {
		return errors.Join(s.RequestPty("xterm", 24, 80, nil), s.Start("id"))
	})
	says("no terminal", "needs a terminal", func(_ *gossh.Client, s *gossh.Session) error { return s.Shell() })
	says("dumb terminal", "TERM=dumb cannot", func(_ *gossh.Client, s *gossh.Session) error {
		return errors.Join(s.RequestPty("dumb", 24, 80, nil), s.Shell())
	})
	says("2000 x 2000", "2000 x 2000 is too large", func(_ *gossh.Client, s *gossh.Session) error {
		if s.RequestPty("xterm", 2000, 2000, nil) == nil {
			t.Error("a terminal of 2000 x 2000 was given")
		}
		return s.Shell()
	})
}

func TestNothingIsForwarded(t *testing.T) {
	// The mirror's host reaches the database's network, which the viewer's does
	// not: every way to borrow its connections is tried.
	t.Parallel()
	r := newRig(t, nil)
	conn := r.dial()
	for _, kind := range []string{"direct-tcpip", "forwarded-tcpip", "direct-streamlocal@openssh.com", "auth-agent@openssh.com", "x11", "tun@openssh.com"} {
		_, _, err := conn.OpenChannel(kind, nil)
		var refused *gossh.OpenChannelError
		if !errors.As(err, &refused) || refused.Reason != gossh.Prohibited || !strings.Contains(refused.Message, "forwards nothing") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, kind := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "hostkeys-prove-00@openssh.com"} {
		if ok, _, err := conn.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("%s: %t, %v", kind, ok, err)
		}
	}
	sess, err := conn.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req", "break", "signal"} {
		if ok, err := sess.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("%s: %t, %v", kind, ok, err)
		}
	}
	if err := sess.Setenv("LD_PRELOAD", "/tmp/x.so"); err == nil {
		t.Error("any variable is taken")
	}
	_, _, err = conn.OpenChannel("session", nil)
	var refused *gossh.OpenChannelError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "one terminal a connection") {
		t.Errorf("a second session: %v", err)
	}
}

func TestStrangersAreKeptOut(t *testing.T) {
	// Somebody without a listed key tries none, a password, a key of their own,
	// a certificate for themselves, and the public half of a listed key.
	t.Parallel()
	r := newRig(t, nil)
	stranger := r.newKey("stranger")
	cert := &gossh.Certificate{Key: r.key.PublicKey(), CertType: gossh.UserCert, ValidBefore: gossh.CertTimeInfinity, ValidPrincipals: []string{"ann"}}
	if err := cert.SignCert(rand.Reader, stranger); err != nil {
		t.Fatal(err)
	}
	certSigner, err := gossh.NewCertSigner(cert, r.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, auth := range map[string][]gossh.AuthMethod{
		"nothing":     nil,
		"password":    {gossh.Password("secret")},
		"own key":     {gossh.PublicKeys(stranger)},
		"certificate": {gossh.PublicKeys(certSigner)},
		"stolen half": {gossh.PublicKeys(impostor{stranger, r.key})},
	} {
		config := r.config(r.key)
		config.Auth = auth
		c, err := gossh.Dial("tcp", r.m.Addr().String(), config)
		if err == nil {
			c.Close()
			t.Errorf("%s was let in", name)
		}
	}
	if got := r.presence.String(); got != "" {
		t.Errorf("presence was told of %q", got)
	}
}

// impostor offers one key and signs with another.
type impostor struct{ own, other gossh.Signer }

func (i impostor) PublicKey() gossh.PublicKey { return i.other.PublicKey() }
func (i impostor) Sign(rnd io.Reader, data []byte) (*gossh.Signature, error) {
	return i.own.Sign(rnd, data)
}

func TestLimitsOnViewers(t *testing.T) {
	// One key, or many, open terminals until the host has no memory left.
	t.Parallel()
	r := newRig(t, func(o *Options) { o.MaxSessions, o.PerKey = 3, 2 })
	bob := r.newKey("bob")
	r.authorize(bob, "bob@home")
	refusal := func(signer gossh.Signer, sentence string) {
		t.Helper()
		c, err := gossh.Dial("tcp", r.m.Addr().String(), r.config(signer))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		v, err := r.join(c, 100, 30)
		if err != nil {
			t.Fatal(err)
		}
		v.sees(sentence)
		var exit *gossh.ExitError
		if err := v.exit(); !errors.As(err, &exit) {
			t.Errorf("exit: %v", err)
		}
	}
	first := r.watch(100, 30)
	first.sees("READ-ONLY")
	r.watch(100, 30).sees("READ-ONLY")
	refusal(r.key, "your key is at its limit of sessions, 2")
	c, err := gossh.Dial("tcp", r.m.Addr().String(), r.config(bob))
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.join(c, 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	v.sees("READ-ONLY")
	refusal(bob, "the mirror is full")
	first.press("q")
	if err := first.exit(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return r.m.Watching() == 2 }, func() string { return "no place became free" })
	r.watch(100, 30).sees("READ-ONLY")
}

func TestNamesCannotPaintTheScreen(t *testing.T) {
	// A key's comment holds escape sequences, a text that turns its direction,
	// and more letters than any line has.
	t.Parallel()
	r := newRig(t, nil)
	for _, comment := range []string{"\x1b[2Jann", "ann\x1b]0;owned\a", "a\u202enn", strings.Repeat("n", 10_000)} {
		ring := parseKeys([]byte(keyLine(r.key, comment)))
		for _, name := range ring.names {
			if strings.ContainsAny(name, "\x1b\a\u202e") || len([]rune(name)) > 64 {
				t.Errorf("comment %q became the name %q", comment, name)
			}
		}
		if len(ring.names) != 1 {
			t.Errorf("comment %.20q: %v", comment, ring.skipped)
		}
	}
}

func TestManyComeAndGo(t *testing.T) {
	// Twenty viewers join and leave at once, some by the key, some by cutting
	// the line, while the run goes on and the list of keys is written anew.
	t.Parallel()
	r := newRig(t, func(o *Options) { o.PerKey = 50 })
	var all sync.WaitGroup
	for i := range 20 {
		v := r.watch(80+i, 24+i)
		all.Go(func() { // ends when its viewer is gone
			if i%2 == 0 {
				v.conn.Close()
			} else {
				_, _ = io.WriteString(v.keys, "q")
			}
			<-v.ended
		})
		r.note(fmt.Sprint("note ", i))
		if err := os.WriteFile(r.keysPath(), []byte(keyLine(r.key, "ann@ops")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	eventually(t, func() bool { return r.m.Watching() == 0 }, func() string { return fmt.Sprint(r.m.Watching(), " still watch") })
	r.close()
	joined, left := strings.Count(r.presence.String(), "joined"), strings.Count(r.presence.String(), "left")
	if joined != left {
		t.Errorf("%d joined, %d left:\n%s", joined, left, r.presence.String())
	}
}
