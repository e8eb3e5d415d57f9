package tell

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tminus/phases/runbook"
)

// TestMain has this program trust a certificate that the mail servers of its
// tests show: an authority cannot be given to a channel.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tell")
	if err != nil {
		panic(err)
	}
	if shown, err = selfSigned(filepath.Join(dir, "cert.pem")); err != nil {
		panic(err)
	}
	os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "cert.pem"))
	os.Setenv("SSL_CERT_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// shown is the certificate of the tests' mail servers, for 127.0.0.1.
var shown tls.Certificate

func selfSigned(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// postOffice is a mail server on loopback that keeps what it takes.
type postOffice struct {
	t        *testing.T
	starttls bool
	implicit bool
	user     string            // empty: nobody logs in
	password string            // of user
	replies  map[string]string // by the command, in the place of what it would answer
	hangs    string            // the command that it never answers

	mu    sync.Mutex
	mails []string // as they came
	to    []string
	plain []string // commands that came before the connection was encrypted
	tries int      // connections
	port  int
}

func (p *postOffice) start() *postOffice {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	p.t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn) // ends with the connection
		}
	}()
	return p
}

func (p *postOffice) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	p.mu.Lock()
	p.tries++
	p.mu.Unlock()
	secure := p.implicit
	if p.implicit {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{shown}})
	}
	r := bufio.NewReader(conn)
	say := func(lines ...string) {
		for _, l := range lines {
			fmt.Fprintf(conn, "%s\r\n", l)
		}
	}
	say("220 here")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		word := strings.ToUpper(strings.Fields(line + " x")[0])
		if !secure {
			p.mu.Lock()
			p.plain = append(p.plain, word)
			p.mu.Unlock()
		}
		if word == p.hangs {
			_, _ = io.Copy(io.Discard, r) // until the other side gives up
			return
		}
		if reply, ok := p.replies[word]; ok {
			say(reply)
			continue
		}
		switch word {
		case "EHLO":
			lines := []string{"250-here"}
			if p.starttls && !secure {
				lines = append(lines, "250-STARTTLS")
			}
			if p.user != "" {
				lines = append(lines, "250-AUTH PLAIN LOGIN")
			}
			say(append(lines, "250 8BITMIME")...)
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{shown}})
			r, secure = bufio.NewReader(conn), true
		case "AUTH":
			_, given, _ := strings.Cut(line, "PLAIN ")
			if raw, err := base64.StdEncoding.DecodeString(given); err != nil || string(raw) != "\x00"+p.user+"\x00"+p.password {
				say("535 5.7.8 no such user " + p.user + " with " + p.password)
				continue
			}
			say("235 welcome")
		case "RCPT":
			p.mu.Lock()
			p.to = append(p.to, line)
			p.mu.Unlock()
			say("250 ok")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				b.WriteString(l)
			}
			p.mu.Lock()
			p.mails = append(p.mails, b.String())
			p.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (p *postOffice) channel(how string) runbook.Channel {
	return runbook.Channel{ID: "management", SMTP: &runbook.SMTP{
		Host: "127.0.0.1", Port: p.port, TLS: how, From: "Database team <dba@gym.example>", To: []string{"a@gym.example", "b@gym.example"},
	}}
}

func (p *postOffice) one() *mail.Message {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mails) != 1 {
		p.t.Fatalf("%d mails came", len(p.mails))
	}
	msg, err := mail.ReadMessage(strings.NewReader(p.mails[0]))
	if err != nil {
		p.t.Fatal(err)
	}
	return msg
}

func TestAMailIsEncryptedAndArrivesAsText(t *testing.T) {
	for how, p := range map[string]*postOffice{
		runbook.TLSStart:    {t: t, starttls: true, user: "dba", password: "s3cret-word"},
		runbook.TLSImplicit: {t: t, implicit: true, user: "dba", password: "s3cret-word"},
	} {
		p.start()
		c := p.channel(how)
		c.SMTP.UserFrom, c.SMTP.PasswordFrom = "TELL_TEST_USER", "TELL_TEST_PASSWORD"
		t.Setenv("TELL_TEST_USER", "dba")
		t.Setenv("TELL_TEST_PASSWORD", "s3cret-word")
		n := note()
		n.Title = "Ends\r\nBcc: everybody@gym.example\r\n\r\nwith ümlauts"
		if tries, err := Send(t.Context(), c, n, quick); tries != 1 || err != nil {
			t.Fatalf("%s: %d attempts: %v", how, tries, err)
		}
		msg := p.one()
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil || subject != "Ends Bcc: everybody@gym.example with ümlauts" || msg.Header.Get("Bcc") != "" {
			t.Errorf("%s: subject %q, %v", how, subject, msg.Header)
		}
		if got := msg.Header.Get("Message-Id"); got != "<r1.3.management@gym.example>" {
			t.Errorf("%s: its id is %s", how, got)
		}
		if kind := msg.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || len(p.to) != 2 {
			t.Errorf("%s: %s, to %v", how, kind, p.to)
		}
		for _, word := range p.plain {
			if word != "EHLO" && word != "STARTTLS" {
				t.Errorf("%s: %s was sent in the clear", how, word)
			}
		}
	}
}

// Where the server offers no encryption, nothing is said to it.
func TestAMailIsNotSentInTheClear(t *testing.T) {
	p := (&postOffice{t: t}).start()
	if n, err := Send(t.Context(), p.channel(runbook.TLSStart), note(), quick); n != 1 || err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("%d attempts: %v", n, err)
	}
	if len(p.mails) != 0 {
		t.Error("it was sent all the same")
	}
	if n, err := Send(t.Context(), p.channel(runbook.TLSNone), note(), quick); n != 1 || err != nil {
		t.Errorf("as the runbook wants it: %d attempts: %v", n, err)
	}
}

func TestAMailThatIsNotTaken(t *testing.T) {
	for _, c := range []struct {
		name     string
		office   *postOffice
		attempts int
		says     string
	}{
		{"refused for good", &postOffice{replies: map[string]string{"RCPT": "550 5.1.1 nobody here"}}, 1, "550"},
		{"refused for now", &postOffice{replies: map[string]string{"MAIL": "451 4.3.0 later"}}, 3, "451"},
		{"no answer", &postOffice{hangs: "MAIL"}, 3, "no answer within"},
		{"no answer to the mail's end", &postOffice{replies: map[string]string{"QUIT": "500 what"}}, 1, ""},
	} {
		c.office.t = t
		c.office.start()
		l := quick
		if c.office.hangs != "" {
			l.Attempt = 300 * time.Millisecond
		}
		n, err := Send(t.Context(), c.office.channel(runbook.TLSNone), note(), l)
		switch {
		case n != c.attempts:
			t.Errorf("%s: %d attempts: %v", c.name, n, err)
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A mail that the server took is told, and goes out once, whatever the server does
// to what follows.
func TestAMailThatWasTakenIsToldOnce(t *testing.T) {
	for _, hangs := range []string{"NOOP", "RSET", "QUIT"} {
		p := (&postOffice{t: t, hangs: hangs}).start()
		l := quick
		l.Attempt = 2 * time.Second
		if n, err := Send(t.Context(), p.channel(runbook.TLSNone), note(), l); n != 1 || err != nil {
			t.Errorf("%s hangs: %d attempts: %v", hangs, n, err)
		}
		p.one()
	}
}

// A server that repeats the password does not put it into the journal.
func TestAPasswordIsNotRepeated(t *testing.T) {
	p := (&postOffice{t: t, starttls: true, user: "dba-user", password: "right-word"}).start()
	c := p.channel(runbook.TLSStart)
	c.SMTP.UserFrom, c.SMTP.PasswordFrom = "TELL_TEST_USER", "TELL_TEST_PASSWORD"
	p.password = "another-word"
	p.replies = map[string]string{"AUTH": "535 5.7.8 dba-user with right-word is wrong"}
	t.Setenv("TELL_TEST_USER", "dba-user")
	t.Setenv("TELL_TEST_PASSWORD", "right-word")
	n, err := Send(t.Context(), c, note(), quick)
	if n != 1 || err == nil || strings.Contains(err.Error(), "right-word") || strings.Contains(err.Error(), "dba-user") {
		t.Errorf("%d attempts: %v", n, err)
	}
}
