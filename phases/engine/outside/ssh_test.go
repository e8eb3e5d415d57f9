package outside

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshServer speaks SSH until the test has ended, and lets in whom its settings
// let in. It gives its address and its key's fingerprint.
func sshServer(t *testing.T, config *ssh.ServerConfig) (address, fingerprint string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config.AddHostKey(signer)
	l := listen(t, func(conn net.Conn) { _, _, _, _ = ssh.NewServerConn(conn, config) })
	return l, ssh.FingerprintSHA256(signer.PublicKey())
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
