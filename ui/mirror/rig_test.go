package mirror

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	gossh "golang.org/x/crypto/ssh"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
	robot "tminus/testdata/terminal"
)

// patience is how long a test waits for something that must happen. It is long
// because a machine may be busy; nothing is measured by it.
const patience = 30 * time.Second

// rig is a mirror of a journal that the test writes.
type rig struct {
	t        testing.TB
	dir      string
	path     string
	w        *journal.Writer
	m        *Server
	log      *safeBuffer
	presence *guestbook
	key      gossh.Signer
	served   chan error
}

// safeBuffer is what a mirror's log is written to while a test reads it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// guestbook is a Presence that remembers.
type guestbook struct {
	mu    sync.Mutex
	lines []string
	names map[string]string
}

func (g *guestbook) Joined(name, fingerprint, session string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.names[session] = name
	g.lines = append(g.lines, "joined "+name+" "+fingerprint)
}

func (g *guestbook) Left(session string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, "left "+g.names[session])
}

func (g *guestbook) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.lines, "\n")
}

// newRig serves a mirror of a run that has just been opened.
func newRig(t testing.TB, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), log: &safeBuffer{}, presence: &guestbook{names: map[string]string{}}, served: make(chan error, 1)}
	r.path = filepath.Join(r.dir, "run.journal")
	r.key = r.newKey("key")
	r.authorize(r.key, "ann@ops")
	w, err := journal.Create(r.path)
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	t.Cleanup(func() { w.Close() })
	r.append(openedEvent())
	o := Options{
		Journal: r.path, Listen: "127.0.0.1:0", AuthorizedKeys: r.keysPath(), HostKey: filepath.Join(r.dir, "host_key"),
		Presence: r.presence, Log: r.log,
	}
	if change != nil {
		change(&o)
	}
	if r.m, err = New(o); err != nil {
		t.Fatal(err)
	}
	go func() { r.served <- r.m.Serve(context.Background()) }()
	t.Cleanup(r.close)
	return r
}

func openedEvent() phases.RunOpened {
	source := string(runbook.Guide(runbook.Site{}))
	return phases.RunOpened{
		RunID: "r1", Version: "test", File: "gym-reset.yaml", Source: source, SHA256: engine.SHA256([]byte(source)),
		Environment: phases.Demo, Operator: phases.Operator{Name: "dba", Host: "ops1", PID: os.Getpid()},
		Target:    phases.Identity{Host: "db.example", Port: 5432, Database: "gym_demo", User: "dba", ServerVersion: "15.4", VersionNum: 150004},
		PlannedT0: time.Now().Add(time.Hour),
	}
}

func (r *rig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.m.Close(ctx); err != nil {
		r.t.Errorf("close: %v", err)
	}
	select {
	case err := <-r.served:
		r.served <- err
		if err != nil {
			r.t.Errorf("serve: %v", err)
		}
	case <-ctx.Done():
		r.t.Error("Serve did not return after Close")
	}
}

func (r *rig) append(events ...phases.Event) {
	r.t.Helper()
	for _, e := range events {
		if _, err := r.w.Append(time.Now(), e.Kind(), e, journal.Buffered); err != nil {
			r.t.Fatal(err)
		}
	}
}

// note is an event that every viewer shows among the events.
func (r *rig) note(text string) {
	r.t.Helper()
	r.append(phases.NoteRecorded{Text: text, By: "dba"})
}

func (r *rig) keysPath() string { return filepath.Join(r.dir, "authorized_keys") }

// newKey makes a key and writes it to a file that the OpenSSH client can use.
func (r *rig) newKey(name string) gossh.Signer {
	r.t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, name)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
		r.t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		r.t.Fatal(err)
	}
	return signer
}

func keyLine(s gossh.Signer, name string) string {
	return strings.TrimSpace(string(gossh.MarshalAuthorizedKey(s.PublicKey()))) + " " + name + "\n"
}

func (r *rig) authorize(s gossh.Signer, name string) {
	r.t.Helper()
	f, err := os.OpenFile(r.keysPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(keyLine(s, name)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) config(s gossh.Signer) *gossh.ClientConfig {
	return &gossh.ClientConfig{
		User: "ann", Auth: []gossh.AuthMethod{gossh.PublicKeys(s)},
		HostKeyCallback: gossh.FixedHostKey(r.m.host.PublicKey()), Timeout: patience,
	}
}

// dial connects with the rig's own key.
func (r *rig) dial() *gossh.Client {
	r.t.Helper()
	c, err := gossh.Dial("tcp", r.m.Addr().String(), r.config(r.key))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// viewer is a client with a terminal, and what the terminal shows.
type viewer struct {
	t     testing.TB
	conn  *gossh.Client
	sess  *gossh.Session
	keys  io.WriteCloser
	ended chan error // the session's exit

	mu  sync.Mutex
	emu *vt.Emulator
	raw bytes.Buffer
}

// watch joins the mirror.
func (r *rig) watch(w, h int, env ...string) *viewer {
	r.t.Helper()
	v, err := r.join(r.dial(), w, h, env...)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) join(conn *gossh.Client, w, h int, env ...string) (*viewer, error) {
	sess, err := conn.NewSession()
	if err != nil {
		return nil, err
	}
	v := &viewer{t: r.t, conn: conn, sess: sess, ended: make(chan error, 1), emu: robot.NewEmulator(w, h)}
	if v.keys, err = sess.StdinPipe(); err != nil {
		return nil, err
	}
	sess.Stdout = v
	sess.Stderr = v
	for i := 0; i+1 < len(env); i += 2 {
		_ = sess.Setenv(env[i], env[i+1])
	}
	if err := sess.RequestPty("xterm-256color", h, w, gossh.TerminalModes{}); err != nil {
		return nil, fmt.Errorf("pty: %w", err)
	}
	// The terminal's answers, also those that nobody takes any more. It ends
	// with the tests: the emulator's Close races with its Read.
	go func() {
		_, _ = io.Copy(v.keys, v.emu)
		_, _ = io.Copy(io.Discard, v.emu)
	}()
	if err := sess.Shell(); err != nil {
		return nil, fmt.Errorf("shell: %w", err)
	}
	go func() { v.ended <- sess.Wait() }() // ends with the session
	return v, nil
}

// Write is the session's output.
func (v *viewer) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.raw.Write(p)
	return v.emu.Write(p)
}

func (v *viewer) screen() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.emu.String()
}

func (v *viewer) output() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.raw.String()
}

// sees waits until the terminal shows a text.
func (v *viewer) sees(text string) {
	v.t.Helper()
	eventually(v.t, func() bool { return strings.Contains(v.screen(), text) }, func() string {
		return fmt.Sprintf("the terminal never showed %q:\n%s", text, v.screen())
	})
}

func (v *viewer) press(keys string) {
	v.t.Helper()
	if _, err := io.WriteString(v.keys, keys); err != nil {
		v.t.Fatalf("type %q: %v", keys, err)
	}
}

func (v *viewer) resize(w, h int) {
	v.t.Helper()
	v.mu.Lock()
	v.emu.Resize(w, h)
	v.mu.Unlock()
	if err := v.sess.WindowChange(h, w); err != nil {
		v.t.Fatal(err)
	}
}

// exit waits for the session's end.
func (v *viewer) exit() error {
	v.t.Helper()
	select {
	case err := <-v.ended:
		v.ended <- err
		return err
	case <-time.After(patience):
		v.t.Fatalf("the session did not end; the terminal shows:\n%s", v.screen())
		return nil
	}
}

func eventually(t testing.TB, ok func() bool, why func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal(why())
		}
		time.Sleep(10 * time.Millisecond) // between looks at a condition
	}
}

// rawDial opens a bare connection, with little room for what it does not read.
func (r *rig) rawDial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.m.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// endAnswers ends the reading of a terminal's answers. The emulator's own Close
// must not be called while somebody reads.
func endAnswers(emu *vt.Emulator) {
	if c, ok := emu.InputPipe().(io.Closer); ok {
		_ = c.Close()
	}
}
