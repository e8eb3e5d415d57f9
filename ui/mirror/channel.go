package mirror

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// channel serves a session channel: the one terminal of its connection, or a
// sentence that says why not.
func (s *Server) channel(_ *ssh.Server, conn *gossh.ServerConn, newChan gossh.NewChannel, ctx ssh.Context) {
	defer func() { // a defect costs this connection, and is not printed
		if r := recover(); r != nil {
			s.log.say("connection of %s: defect: %v", conn.RemoteAddr(), r)
			conn.Close()
		}
	}()
	a, ok := ctx.Value(arrivalKey{}).(*arrival)
	if !ok || !a.claim() {
		_ = newChan.Reject(gossh.Prohibited, "this is a mirror: one terminal a connection; connect again for another")
		return
	}
	ch, reqs, err := newChan.Accept()
	if err != nil {
		return // the client is gone
	}
	key, _ := ctx.Value(ssh.ContextKeyPublicKey).(ssh.PublicKey)
	t, refused, ok := negotiate(reqs)
	if !ok {
		conn.Close()
		return
	}
	var sess *session
	if refused == "" {
		sess, refused = s.admit(conn, ch, key)
	}
	if refused != "" {
		s.refuse(conn, ch, reqs, refused)
		return
	}
	s.door.remove(a)
	s.serve(sess, t, reqs)
}

// admit makes a session, or says why there is no place for one.
func (s *Server) admit(conn *gossh.ServerConn, ch gossh.Channel, key gossh.PublicKey) (*session, string) {
	if key == nil {
		return nil, "this is a mirror: it lets in public keys only"
	}
	name, ok := s.keys.name(key)
	if !ok {
		return nil, "your key may not watch any more"
	}
	sess := &session{
		srv: s, id: newID(), name: name, fingerprint: gossh.FingerprintSHA256(key), key: key, conn: conn, ch: ch,
		sized: make(chan struct{}, 1), ended: make(chan struct{}), parted: make(chan struct{}),
	}
	sess.out = &outlet{to: ch, failed: func() { sess.end("", 0) }}
	sess.answered.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, "the mirror is being closed"
	}
	if len(s.sessions) >= s.opts.MaxSessions {
		return nil, fmt.Sprintf("the mirror is full: %d watch, which is its limit; connect again later", len(s.sessions))
	}
	same := 0
	for _, other := range s.sessions {
		if other.fingerprint == sess.fingerprint {
			same++
		}
	}
	if same >= s.opts.PerKey {
		return nil, fmt.Sprintf("your key is at its limit of sessions, %d; leave one with q", same)
	}
	s.sessions[sess.id] = sess
	return sess, ""
}

// serve runs a session from its first frame to its last sentence.
func (s *Server) serve(sess *session, t terminal, reqs <-chan *gossh.Request) {
	sess.wake = s.feed.subscribe()
	s.log.say("joined %s %q %s from %s with %s, %dx%d", sess.id, sess.name, sess.fingerprint, sess.conn.RemoteAddr(), t.term, t.width, t.height)
	if s.register != nil {
		s.register.join(sess.name, sess.fingerprint, sess.id)
	}
	defer func() {
		s.feed.unsubscribe(sess.wake)
		sess.end("", 1) // at the latest now
		s.mu.Lock()
		delete(s.sessions, sess.id)
		s.mu.Unlock()
		if s.register != nil {
			s.register.leave(sess.id)
		}
		s.log.say("left %s %q: %s", sess.id, sess.name, orLeft(sess.cause))
		close(sess.parted)
	}()
	go sess.answer(reqs)
	sess.run(t)
}

func orLeft(cause string) string {
	if cause == "" {
		return "by themselves"
	}
	return cause
}

// answer takes what a client asks for while its session runs: new sizes. It
// ends when the client closes the channel, which ends the session, even when
// the connection stays open.
func (s *session) answer(reqs <-chan *gossh.Request) {
	defer s.contain()
	for req := range reqs {
		_ = req.Reply(req.Type == "window-change" && s.resize(req.Payload), nil)
	}
	s.end("", 0)
}

// refuse says a sentence to a client and parts from it.
func (s *Server) refuse(conn *gossh.ServerConn, ch gossh.Channel, reqs <-chan *gossh.Request, sentence string) {
	s.log.say("refused %s: %s", conn.RemoteAddr(), sentence)
	go gossh.DiscardRequests(reqs) // ends with the connection
	done := make(chan struct{})
	go func() { // ends when the client closes the connection, or refuse does
		defer close(done)
		_, _ = io.WriteString(ch.Stderr(), "tminus mirror: "+sentence+"\r\n")
		_, _ = ch.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{1}))
		_ = ch.Close()
		_ = conn.Wait()
	}()
	waitFor(done, partTime)
	conn.Close()
}

// newID names a session. It is random, so that no two mirrors of a journal,
// today's or yesterday's, give the same one.
func newID() string {
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}
