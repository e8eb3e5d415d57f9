package outside

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"tminus/phases/runbook"
)

func TestSSHReachable(t *testing.T) {
	server, edOne := sshServer(t, &ssh.ServerConfig{NoClientAuth: true, ServerVersion: "SSH-2.0-shop"})
	both := &ssh.ServerConfig{NoClientAuth: true, ServerVersion: "SSH-2.0-shop"}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	both.AddHostKey(signer(t, ec))
	two, edTwo := sshServer(t, both)
	c := reachable(t, server)
	finds(t, c, true, "SSH-2.0-shop")
	c.Fingerprint = edOne
	finds(t, c, true, "SSH-2.0-shop, with the key as given")
	c.Fingerprint = edTwo
	finds(t, c, false, server+" has not the key "+edTwo+"; it has "+edOne+" (ssh-ed25519)")

	// Each of a host's keys is its key.
	c = reachable(t, two)
	for _, c.Fingerprint = range []string{edTwo, ssh.FingerprintSHA256(signer(t, ec).PublicKey())} {
		finds(t, c, true, "with the key as given")
	}
	c.Fingerprint = edOne
	finds(t, c, false, "(ssh-ed25519), SHA256:")

	// Lines may come before, and others are not SSH.
	c = reachable(t, says(t, "Welcome\r\nto the shop\r\nSSH-2.0-late\r\n"))
	finds(t, c, true, "SSH-2.0-late")
	finds(t, reachable(t, says(t, "SSH-1.5-old\n")), false, "does not speak SSH 2, it says: SSH-1.5-old")
	finds(t, reachable(t, says(t, "220 mail\r\nSSH-2.0-cut")), false, "does not speak SSH 2, it says: 220 mail")
	finds(t, reachable(t, says(t, strings.Repeat("all and more\n", maxGreeting))), false, "it says: all and more")
	c = reachable(t, says(t, "SSH-2.0-alone\r\n"))
	c.Fingerprint = edOne
	unknown(t, c, "ended the connection before it had answered")
	nothing := says(t, "")
	unknown(t, reachable(t, nothing), nothing+" ended the connection before it had answered")
	unknown(t, runbook.Check{Name: "ssh.reachable", Host: "127.0.0.1", Port: 1}, "nobody listens at 127.0.0.1:1")
	unknown(t, runbook.Check{Name: "ssh.reachable", Host: "nowhere.invalid", Port: 22}, "nowhere.invalid")
	unknown(t, runbook.Check{Name: "ssh.reachable", Port: 22}, "name the host")
}

// What keeps the connection and does not go on is left when time is up. What a
// pipe was told has been read.
func TestSSHThatHangs(t *testing.T) {
	for said, want := range map[string]string{
		"":                  "h:22 took the connection and says nothing",
		"220 mail\r\n":      "h:22 does not speak SSH, it says: 220 mail",
		"SSH-2.0-stuck\r\n": "h:22 does not tell its keys",
	} {
		here, there := net.Pipe()
		ctx, cut := context.WithCancelCause(t.Context())
		go func() { // ends with the connection
			go func() { // ends once it is read
				_, _ = there.Write([]byte(said))
				cut(errLate)
			}()
			_, _ = io.Copy(io.Discard, there)
		}()
		var err error
		if strings.HasPrefix(said, "SSH") {
			_, err = hostKey(ctx, here, "h:22", keyKinds[0])
		} else {
			_, err = greeting(ctx, here, "h:22")
		}
		if !errors.Is(err, errLate) || err.Error() != "no answer within 10s: "+want {
			t.Errorf("%q: %v", said, err)
		}
	}
	// The same over a network, from the check's name on.
	ctx, cut := context.WithCancelCause(t.Context())
	c := reachable(t, listen(t, func(conn net.Conn) {
		cut(errLate)
		_, _ = io.Copy(io.Discard, conn) // ends when the check does
	}))
	if a, err := Check(ctx, &c); !errors.Is(err, errLate) || a.Pass {
		t.Errorf("%+v, %v", a, err)
	}
}

func reachable(t *testing.T, at string) runbook.Check {
	t.Helper()
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return runbook.Check{Name: "ssh.reachable", Host: host, Port: n}
}

// says tells each connection the same, and ends it.
func says(t *testing.T, text string) string {
	return listen(t, func(conn net.Conn) { _, _ = conn.Write([]byte(text)) })
}

func signer(t *testing.T, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sshServer speaks SSH until the test has ended, and lets in whom its settings
// let in. It gives its address and its key's fingerprint.
func sshServer(t *testing.T, config *ssh.ServerConfig) (address, fingerprint string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	config.AddHostKey(signer(t, key))
	l := listen(t, func(conn net.Conn) { _, _, _, _ = ssh.NewServerConn(conn, config) })
	return l, ssh.FingerprintSHA256(signer(t, key).PublicKey())
}

// listen serves each connection by itself until the test has ended.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the connection
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}
