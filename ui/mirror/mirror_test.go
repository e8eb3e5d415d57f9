package mirror

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"tminus/phases"
	"tminus/phases/journal"
)

func TestShowsTheRunAndFollowsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(140, 45)
	v.sees("READ-ONLY")
	v.sees("Gym data reset")
	r.note("the first note")
	v.sees("the first note")
	late := r.watch(140, 45)
	late.sees("the first note")
	late.sees("READ-ONLY")
}

func TestEachTerminalHasItsOwnSizeAndPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	small, large := r.watch(80, 24), r.watch(200, 60)
	small.sees("READ-ONLY")
	large.sees("READ-ONLY")
	small.press("?")
	small.sees("Moving about")
	if strings.Contains(large.screen(), "Moving about") {
		t.Error("one viewer's help page is on the other's screen")
	}
	small.press("?")
	small.press("5")
	r.note("seen by both")
	small.sees("seen by both")
	large.sees("seen by both")
	large.resize(90, 30)
	large.press("5")
	eventually(t, func() bool {
		lines := strings.Split(large.screen(), "\n")
		return len(lines) == 30 && strings.Contains(lines[len(lines)-1], "leave")
	}, func() string { return "the screen does not fit its new size:\n" + large.screen() })
}

func TestColoursAreTheTerminalsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	plain, colour := r.watch(100, 30, "NO_COLOR", "1"), r.watch(100, 30, "COLORTERM", "truecolor")
	plain.sees("READ-ONLY")
	colour.sees("READ-ONLY")
	if !strings.Contains(colour.output(), "\x1b[38;2;") {
		t.Error("a terminal with true colour got none")
	}
	for _, code := range []string{"\x1b[38;", "\x1b[48;", "\x1b[31m", "\x1b[1;31m"} {
		if strings.Contains(plain.output(), code) {
			t.Errorf("a terminal with NO_COLOR got %q", code)
		}
	}
}

func TestCopiesTheRestoreCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	v.press("y")
	v.sees("The restore command still lacks") // which nobody could run
	if strings.Contains(v.output(), "\x1b]52;c;") {
		t.Error("a command that is not whole was copied")
	}
	for _, field := range []string{"backup_id", "backup_time", "backup_location"} {
		r.append(phases.FieldRecorded{Item: "backup_taken", Field: field, Value: "2026-01-31T01:50:00Z"})
	}
	v.sees("y copy the restore command") // it opens on what an undo would take
	v.press("y")
	v.sees("Sent to your terminal's clipboard")
	eventually(t, func() bool { return strings.Contains(v.output(), "\x1b]52;c;") }, func() string { return "no OSC 52 was sent" })
}

// A run that was taken up again is not without its program, while its events come.
func TestTheOperatorComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.journal")
	w, err := journal.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	note := func() {
		t.Helper()
		e := phases.NoteRecorded{Text: "still here", By: "dba"}
		if _, err := w.Append(time.Now(), e.Kind(), e, journal.Buffered); err != nil {
			t.Fatal(err)
		}
	}
	opened := openedEvent()
	if _, err := w.Append(time.Now(), opened.Kind(), opened, journal.Buffered); err != nil {
		t.Fatal(err)
	}
	f, err := newFeed(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.follower.Close()
	w.Close()
	now := time.Now().Add(2 * time.Second)
	f.step(now)
	if _, text := f.word(); !strings.Contains(text, "The operator's program is gone") {
		t.Fatalf("of a run that was killed it says %q", text)
	}
	if w, _, _, err = journal.OpenWriter(path); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 5 { // closer together than the journal is asked for its writer
		note()
		now = now.Add(500 * time.Millisecond)
		f.step(now)
		if _, text := f.word(); text != "" {
			t.Fatalf("while events come it says %q", text)
		}
	}
}

// A terminal says what it can show by its locale, too.
func TestSignsAreTheTerminalsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	latin, other := r.watch(100, 30, "LANG", "C.UTF-8", "LC_ALL", "C"), r.watch(100, 30, "LANG", "C.UTF-8")
	latin.sees("READ-ONLY")
	other.sees("READ-ONLY")
	if !strings.ContainsAny(other.screen(), "─│·") {
		t.Errorf("a terminal with UTF-8 gets\n%s", other.screen())
	}
	for _, letter := range latin.screen() {
		if letter > 127 {
			t.Fatalf("a terminal without UTF-8 gets %q:\n%s", letter, latin.screen())
		}
	}
}

func TestKeysChangeNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	before, _ := r.w.Head()
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	for _, key := range " oNscbteadwrx\r\x1a" {
		v.press(string(key))
	}
	v.press("c")
	v.sees("c is the operator's: this screen is read-only")
	v.press("Y")
	v.sees("There is nothing that an undo brings back")
	v.press("7")
	v.sees("7 (outcome): there is nothing in it yet")
	v.press("?")
	v.sees("Moving about")
	if after, _ := r.w.Head(); after != before {
		t.Errorf("the journal went from line %d to %d by keys in a mirror", before, after)
	}
}

func TestLeavingGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	v.press("q")
	if err := v.exit(); err != nil {
		t.Errorf("exit: %v", err)
	}
	restored(t, v)
	v.sees("You have left the mirror")
	eventually(t, func() bool { return r.m.Watching() == 0 }, func() string { return "the session is still counted" })
}

// restored fails unless a terminal is out of the alternate screen, with a cursor.
func restored(t *testing.T, v *viewer) {
	t.Helper()
	eventually(t, func() bool {
		out := v.output()
		return strings.LastIndex(out, "\x1b[?1049l") > strings.LastIndex(out, "\x1b[?1049h") &&
			strings.LastIndex(out, "\x1b[?25h") > strings.LastIndex(out, "\x1b[?25l")
	}, func() string { return "the terminal was left in the alternate screen or without a cursor" })
}

func TestCloseGivesTerminalsBackWithASentence(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	r.close()
	if err := v.exit(); err != nil {
		t.Errorf("exit: %v", err)
	}
	restored(t, v)
	v.sees("The mirror was closed. The run has not ended")
}

func TestEndOfTheRunStaysVisible(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	r.append(phases.NoGoDeclared{Reason: "no backup", By: "dba"}, phases.RunClosed{Outcome: phases.NoGo})
	v.sees("The run has ended: NO-GO")
	if err := r.w.Close(); err != nil { // the operator's program ends too
		t.Fatal(err)
	}
	r.watch(100, 30).sees("The run has ended: NO-GO")
	v.sees("The run has ended: NO-GO")
	v.press("q")
	if err := v.exit(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

func TestSaysThatTheOperatorsProgramIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	v.sees("The operator's program is gone; last event")
	if s := v.screen(); !strings.Contains(s, " s ago.") {
		t.Errorf("it does not say how long ago:\n%s", s)
	}
}

func TestDamagedJournalIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	f, err := os.OpenFile(r.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("{\"seq\":2}\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	v.sees("The journal cannot be read on")
}

func TestPresenceTellsWhoJoinsAndLeaves(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	v := r.watch(100, 30)
	v.sees("READ-ONLY")
	v.press("q")
	if err := v.exit(); err != nil {
		t.Fatal(err)
	}
	want := "joined ann@ops " + gossh.FingerprintSHA256(r.key.PublicKey()) + "\nleft ann@ops"
	eventually(t, func() bool { return r.presence.String() == want }, func() string { return "presence: " + r.presence.String() })
	eventually(t, func() bool {
		return strings.Contains(r.log.String(), "joined") && strings.Contains(r.log.String(), "left")
	},
		func() string { return "log: " + r.log.String() })
}

func TestHostKeyIsMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	info, err := os.Stat(filepath.Join(r.dir, "host_key"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o", info.Mode().Perm())
	}
	first := r.m.HostKeyFingerprint()
	again, err := New(Options{Journal: r.path, Listen: "127.0.0.1:0", AuthorizedKeys: r.keysPath(), HostKey: filepath.Join(r.dir, "host_key")})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close(context.Background())
	if again.HostKeyFingerprint() != first {
		t.Error("a second mirror made another host key")
	}
	if !again.Loopback() {
		t.Error("127.0.0.1 does not count as loopback")
	}
	if err := os.Chmod(filepath.Join(r.dir, "host_key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Journal: r.path, AuthorizedKeys: r.keysPath(), HostKey: filepath.Join(r.dir, "host_key")}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a host key that others can read: %v", err)
	}
}

func TestWithoutKeysItDoesNotStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	write := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := keyLine(r.key, "ann")
	for name, path := range map[string]string{
		"none named":         "",
		"missing":            filepath.Join(t.TempDir(), "nowhere"),
		"empty":              write("", 0o600),
		"only rubbish":       write("rubbish\n", 0o600),
		"others may write":   write(good, 0o666),
		"restricted by from": write("from=\"10.0.0.1\" "+good, 0o600),
		"a folder":           t.TempDir(),
	} {
		if m, err := New(Options{Journal: r.path, Listen: "127.0.0.1:0", AuthorizedKeys: path, HostKey: filepath.Join(r.dir, "host_key")}); !errors.Is(err, ErrNoKeys) {
			t.Errorf("%s: %v", name, err)
			if m != nil {
				m.Close(context.Background())
			}
		}
	}
	ring := parseKeys([]byte("rubbish\n# a comment\n\n" + good))
	if len(ring.names) != 1 || len(ring.skipped) != 1 {
		t.Errorf("rubbish before a key: %+v", ring)
	}
}

func TestAddressInUseIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	_, err := New(Options{Journal: r.path, Listen: r.m.Addr().String(), AuthorizedKeys: r.keysPath(), HostKey: filepath.Join(r.dir, "host_key")})
	if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), "another address") {
		t.Errorf("got %v", err)
	}
}

func TestKeysAreReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	bob := r.newKey("bob")
	if _, err := gossh.Dial("tcp", r.m.Addr().String(), r.config(bob)); err == nil {
		t.Fatal("a stranger got in")
	}
	r.authorize(bob, "bob@home")
	c, err := gossh.Dial("tcp", r.m.Addr().String(), r.config(bob))
	if err != nil {
		t.Fatalf("a key that was added is not let in: %v", err)
	}
	defer c.Close()
	v, err := r.join(c, 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	v.sees("READ-ONLY")
	if err := os.WriteFile(r.keysPath(), []byte(keyLine(r.key, "ann@ops")), 0o600); err != nil {
		t.Fatal(err)
	}
	var exit *gossh.ExitError
	if err := v.exit(); !errors.As(err, &exit) || exit.ExitStatus() != 1 {
		t.Errorf("a session whose key was taken out ended with %v", err)
	}
	v.sees("your key may not watch any more")
	restored(t, v)
}

func TestRegisterIsBoundedAndKeepsOrder(t *testing.T) {
	t.Parallel()
	stuck := &stuckPresence{release: make(chan struct{})}
	reg := newRegister(stuck)
	reg.join("first", "f", "0")
	eventually(t, func() bool { reg.mu.Lock(); defer reg.mu.Unlock(); return len(reg.waiting) == 0 }, func() string { return "the first was not passed on" })
	for range 1000 {
		reg.join("passer-by", "f", "x")
		reg.leave("x")
	}
	reg.leave("0")
	reg.mu.Lock()
	n := len(reg.waiting)
	reg.mu.Unlock()
	if n != 1 {
		t.Errorf("%d visits wait", n)
	}
	close(stuck.release)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reg.close(ctx)
	if got := strings.Join(stuck.got, " "); got != "+0 -0" {
		t.Errorf("told %q", got)
	}
}

type stuckPresence struct {
	release chan struct{}
	got     []string
}

func (p *stuckPresence) Joined(_, _, session string) {
	<-p.release
	p.got = append(p.got, "+"+session)
}
func (p *stuckPresence) Left(session string) { p.got = append(p.got, "-"+session) }

func TestFramesAreDrawnOnceForAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b := r.watch(100, 30), r.watch(100, 30)
	a.sees("READ-ONLY")
	b.sees("READ-ONLY")
	f := r.m.feed
	f.locked(func() {
		if len(f.frames) > 1 {
			t.Errorf("%d frames for two viewers of the same size", len(f.frames))
		}
	})
	b.press("5")
	b.sees("5 Events")
	eventually(t, func() bool {
		n := 0
		f.locked(func() { n = len(f.frames) })
		return n == 2
	}, func() string { return "viewers in different places never had different frames" })
}

var _ net.Conn = (*guarded)(nil)

func TestIntakeThrowsAwayWhatNobodyTypes(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	in := newIntake(io.LimitReader(zeros{}, 300<<10), ended)
	got := 0
	buf := make([]byte, 4096)
	start := time.Now()
	for {
		n, err := in.Read(buf)
		got += n
		if err != nil {
			break
		}
	}
	if limit := typedBurst + int(time.Since(start).Seconds()*typedPerSecond) + 1; got > limit {
		t.Errorf("%d bytes of 300 KiB came through, at most %d may", got, limit)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
