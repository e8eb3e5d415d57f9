package mirror

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
	gossh "golang.org/x/crypto/ssh"
)

const (
	// quitTime is what a program gets to give its terminal back.
	quitTime = time.Second
	// partTime is what a client gets to take its last sentence and go.
	partTime = 2 * time.Second
	// lingerTime is how long a sentence waits for a client that sleeps.
	lingerTime = time.Minute
	// giveBack is what a program does to a terminal when it ends, for one that
	// could not: leave the alternate screen, show the cursor, plain keys, no
	// styles, no synchronised output.
	giveBack = "\x1b[?2026l\x1b[>4m\x1b[<u\x1b[?2004l\x1b[?1049l\x1b[<u\x1b[?25h\x1b[0m"
)

// session is one viewer: a terminal, and the program that draws on it.
type session struct {
	srv         *Server
	id          string
	name        string
	fingerprint string
	key         gossh.PublicKey
	conn        gossh.Conn
	ch          gossh.Channel
	out         *outlet
	program     *tea.Program
	broken      atomic.Bool   // the program ended by a defect and left the terminal as it was
	wake        chan struct{} // there may be something new to show

	sized chan struct{} // there is a new size
	size  atomic.Uint64 // the newest: width in the upper half

	answered atomic.Int64 // when the client last showed that it is there, in Unix nanoseconds

	once   sync.Once
	ended  chan struct{} // closed by end
	parted chan struct{} // closed when nothing of the session is left
	cause  string        // set before ended is closed; empty when the viewer left
	code   int
}

// end ends a session; the first cause stands. It does not wait.
func (s *session) end(cause string, code int) {
	s.once.Do(func() {
		s.cause, s.code = cause, code
		close(s.ended)
	})
}

// run shows the mirror until the viewer leaves or the session is ended, and
// gives the terminal back.
func (s *session) run(t terminal) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := newScreen(s, s.srv.feed, s.srv.looks, t)
	s.program = tea.NewProgram(
		m,
		tea.WithInput(newIntake(s.ch, s.ended)),
		tea.WithOutput(s.out),
		tea.WithEnvironment(t.environ()),
		tea.WithColorProfile(t.profile()),
		tea.WithWindowSize(t.width, t.height),
		tea.WithFPS(10),
		tea.WithoutSignalHandler(),
		// Its own way of catching panics prints them to standard error, which
		// is the operator's screen.
		tea.WithoutCatchPanics(),
		tea.WithContext(ctx),
		tea.WithFilter(m.filter),
	)
	ran := make(chan struct{})
	go s.drive(ran)
	go s.beat()
	go s.watch()
	go s.askAlive()
	select {
	case <-ran:
		s.end("", 0)
	case <-s.ended:
		s.stop(ran, cancel)
	}
	select {
	case <-ran:
		s.part()
	default: // a write still hangs: there is nobody to say anything to
		s.conn.Close()
	}
}

// drive runs the program, and ends with it.
func (s *session) drive(ran chan<- struct{}) {
	defer close(ran)
	defer s.contain()
	_, _ = s.program.Run() // why it ended is the session's cause, or the viewer's key
}

// contain keeps a defect of a program inside its session.
func (s *session) contain() {
	if r := recover(); r != nil {
		s.srv.log.say("session %s: defect: %v", s.id, r)
		s.broken.Store(true)
		s.end("The mirror had to end this session because of a defect of its own; connect again.", 1)
	}
}

// stop has the program end by itself, which restores the terminal, and cuts the
// connection when it does not.
func (s *session) stop(ran <-chan struct{}, cancel context.CancelFunc) {
	go s.program.Quit() // ends with the program, at the latest by cancel
	if waitFor(ran, quitTime) {
		return
	}
	cancel()
	s.conn.Close()
	waitFor(ran, quitTime)
}

func waitFor(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// part says why the session ended and closes it. The client closes the
// connection: what is still on its way to it would be lost otherwise.
func (s *session) part() {
	said := make(chan struct{})
	go func() { // ends when the client takes the sentence, or its connection is closed
		defer close(said)
		cause := s.cause
		if cause == "" {
			cause = "You have left the mirror; the run goes on without you."
		}
		if s.broken.Load() {
			_, _ = io.WriteString(s.ch, giveBack)
		}
		_, _ = io.WriteString(s.ch, cause+"\r\n")
		_, _ = s.ch.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{uint32(s.code)}))
		_ = s.ch.Close()
		_ = s.conn.Wait()
	}()
	if waitFor(said, partTime) || s.code == 0 || !s.srv.linger() {
		s.conn.Close()
		return
	}
	// A client that was let go because it was asleep reads why when it wakes up,
	// unless it finds the connection closed.
	go func() { // ends when the client does, or its time is over
		defer s.srv.lingering.Add(-1)
		waitFor(said, lingerTime)
		s.conn.Close()
	}()
}

// resize takes a size from the client. However many come, only the newest counts.
func (s *session) resize(payload []byte) bool {
	var req windowChange
	if gossh.Unmarshal(payload, &req) != nil {
		return false
	}
	w, h, ok := req.size()
	if !ok {
		return false
	}
	s.size.Store(uint64(w)<<32 | uint64(h))
	nudge(s.sized)
	return true
}

// beat tells the program of new sizes and frames, at most ten times a second
// whatever comes. It ends with the session. A program whose terminal takes
// nothing holds up this goroutine and no other.
func (s *session) beat() {
	for {
		select {
		case <-s.ended:
			return
		case <-s.sized:
			size := s.size.Load()
			s.program.Send(tea.WindowSizeMsg{Width: int(size >> 32), Height: int(size & 0xffffffff)})
		case <-s.wake:
			s.program.Send(beatMsg{})
		}
		if waitFor(s.ended, showEvery) {
			return
		}
	}
}

// watch ends the session when its terminal takes nothing any more, or its
// client is not there. It ends with the session.
func (s *session) watch() {
	o := s.srv.opts
	t := time.NewTicker(min(o.Behind, o.Idle) / 5)
	defer t.Stop()
	for {
		select {
		case <-s.ended:
			return
		case now := <-t.C:
			if waits := s.out.waits(now); waits > o.Behind {
				s.end(fmt.Sprintf("The mirror let you go: your terminal has not taken a frame for %s. Connect again when it can.", waits.Round(time.Second)), 1)
				return
			}
			if silent := now.Sub(time.Unix(0, s.answered.Load())); silent > o.Idle {
				s.end(fmt.Sprintf("The mirror let you go: your ssh has not answered for %s. Connect again.", silent.Round(time.Second)), 1)
				return
			}
		}
	}
}

// askAlive asks the client whether it is there. Any answer will do, a refusal
// too. It ends with the session's connection.
func (s *session) askAlive() {
	for !waitFor(s.ended, s.srv.opts.Idle/3) {
		if _, _, err := s.conn.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			return
		}
		s.answered.Store(time.Now().UnixNano())
	}
}
