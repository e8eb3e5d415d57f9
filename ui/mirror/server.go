package mirror

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"charm.land/ssh"
	"charm.land/wish/v2"
	gossh "golang.org/x/crypto/ssh"
)

// maxAuthTries is how many keys a client may offer.
const maxAuthTries = 6

// checkKeysEvery is how soon a key that was taken out ends its sessions.
const checkKeysEvery = 2 * time.Second

// closeTime is how long Close waits for viewers, whatever its context allows.
const closeTime = 3 * time.Second

// Server is a mirror. New makes one.
type Server struct {
	opts     Options
	keys     *keyFile
	warnings []string
	listener net.Listener
	host     gossh.Signer
	ssh      *ssh.Server
	door     *door
	feed     *feed
	looks    looks
	log      *logbook
	register *register // nil: nobody is told

	lingering atomic.Int32 // connections whose sessions are over, but whose clients have not read why

	mu       sync.Mutex
	closing  bool
	sessions map[string]*session // by id

	stop    context.CancelFunc // ends the feed and the look at the keys
	tasks   sync.WaitGroup     // those two
	closed  chan struct{}      // closed when Close is through
	closeIt sync.Once
}

// New makes a mirror of a journal and binds its address; nobody is served
// before Serve. Its errors name the way out; ErrNoKeys and ErrAddress can be
// told apart. A Server that was made must be closed.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	keys := &keyFile{path: o.AuthorizedKeys}
	ring, err := keys.current()
	if err != nil {
		return nil, fmt.Errorf("start mirror: %w", err)
	}
	pem, signer, err := hostKey(o.HostKey)
	if err != nil {
		return nil, fmt.Errorf("start mirror: %w", err)
	}
	f, err := newFeed(o.Journal)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: o, keys: keys, warnings: ring.skipped, host: signer, feed: f,
		looks:    newLooks(),
		door:     &door{limit: o.MaxHalfOpen, grace: o.Grace},
		sessions: map[string]*session{}, closed: make(chan struct{}),
	}
	if s.ssh, err = s.transport(pem); err != nil {
		f.follower.Close()
		return nil, fmt.Errorf("start mirror: %w", err)
	}
	if s.listener, err = net.Listen("tcp", o.Listen); err != nil {
		f.follower.Close()
		return nil, fmt.Errorf("start mirror on %s: %w: %w; name another address", o.Listen, ErrAddress, err)
	}
	s.start()
	return s, nil
}

// start starts what runs until Close.
func (s *Server) start() {
	s.log = newLogbook(s.opts.Log)
	for _, w := range s.warnings {
		s.log.say("%s", w)
	}
	if s.opts.Presence != nil {
		s.register = newRegister(s.opts.Presence)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.tasks.Go(func() { s.feed.run(ctx) })
	s.tasks.Go(func() { s.checkKeys(ctx) })
}

// transport is the SSH server: public keys, and one kind of channel.
func (s *Server) transport(pem []byte) (*ssh.Server, error) {
	return wish.NewServer(
		wish.WithHostKeyPEM(pem),
		wish.WithVersion("tminus"),
		// Called for keys that are merely offered, too: it answers, and does nothing else.
		wish.WithPublicKeyAuth(func(_ ssh.Context, key ssh.PublicKey) bool {
			_, ok := s.keys.name(key)
			return ok
		}),
		func(srv *ssh.Server) error {
			srv.ServerConfigCallback = func(ssh.Context) *gossh.ServerConfig {
				return &gossh.ServerConfig{MaxAuthTries: maxAuthTries}
			}
			srv.ConnCallback = s.connected
			srv.ConnectionFailedCallback = func(c net.Conn, err error) { s.log.say("refused %s: %v", c.RemoteAddr(), err) }
			srv.ChannelHandlers = map[string]ssh.ChannelHandler{"session": s.channel, "default": refuseChannel}
			srv.RequestHandlers = map[string]ssh.RequestHandler{"default": refuseRequest}
			srv.SubsystemHandlers = map[string]ssh.SubsystemHandler{}
			return nil
		},
	)
}

// arrivalKey is where a connection's context holds its arrival.
type arrivalKey struct{}

func (s *Server) connected(ctx ssh.Context, c net.Conn) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // a larger buffer would do too
	}
	// Reads and writes end later than a session's own limits do: those say why.
	g := &guarded{Conn: c, idle: s.opts.Idle + lingerTime + partTime, behind: 2 * s.opts.Behind}
	ctx.SetValue(arrivalKey{}, s.door.enter(g))
	return g
}

// Addr is the address that the mirror listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Loopback reports whether only this host can reach the mirror.
func (s *Server) Loopback() bool {
	tcp, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// HostKeyFingerprint is what viewers are asked to confirm when they connect for
// the first time: "SHA256:…".
func (s *Server) HostKeyFingerprint() string { return gossh.FingerprintSHA256(s.host.PublicKey()) }

// Warnings are sentences about lines of the authorized_keys file that were left
// out when the mirror started; nil when there are none.
func (s *Server) Warnings() []string { return append([]string(nil), s.warnings...) }

// Watching is the number of viewers now.
func (s *Server) Watching() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Serve lets viewers in until Close is called, or ctx ends, which closes the
// mirror. It returns nil then, and an error when the address fails.
func (s *Server) Serve(ctx context.Context) error {
	stopped := context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		_ = s.Close(within)
	})
	defer stopped()
	err := s.ssh.Serve(s.listener)
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if closing || errors.Is(err, ssh.ErrServerClosed) {
		<-s.closed
		return nil
	}
	return fmt.Errorf("serve mirror on %s: %w", s.listener.Addr(), err)
}

// Close ends all sessions, gives the viewers their terminals back with a
// sentence on how the run stands, and cuts off who does not answer. It waits
// for that three seconds at most, less when ctx ends earlier. Further calls
// wait for the first.
func (s *Server) Close(ctx context.Context) error {
	var err error
	s.closeIt.Do(func() {
		defer close(s.closed)
		ctx, cancel := context.WithTimeout(ctx, closeTime)
		defer cancel()
		s.mu.Lock()
		s.closing = true
		s.mu.Unlock()
		if lerr := s.listener.Close(); lerr != nil && !errors.Is(lerr, net.ErrClosed) {
			err = fmt.Errorf("close mirror: %w", lerr)
		}
		s.partAll(ctx)
		_ = s.ssh.Close() // its listener is closed already
		s.stop()
		s.tasks.Wait()
		if s.register != nil {
			s.register.close(ctx)
		}
		s.log.close(ctx)
	})
	<-s.closed
	return err
}

// linger takes one of the places for connections that wait for sleeping
// clients; false when there is none.
func (s *Server) linger() bool {
	if int(s.lingering.Add(1)) > s.opts.MaxSessions {
		s.lingering.Add(-1)
		return false
	}
	return true
}

// partAll ends all sessions and waits for them as long as ctx allows.
func (s *Server) partAll(ctx context.Context) {
	sentence := s.feed.farewell()
	s.mu.Lock()
	var all []*session
	for _, sess := range s.sessions {
		sess.end(sentence, 0)
		all = append(all, sess)
	}
	s.mu.Unlock()
	for _, sess := range all {
		select {
		case <-sess.parted:
		case <-ctx.Done():
			return
		}
	}
}

// checkKeys ends the sessions of keys that may not watch any more, until ctx ends.
func (s *Server) checkKeys(ctx context.Context) {
	t := time.NewTicker(checkKeysEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.mu.Lock()
		for _, sess := range s.sessions {
			if _, ok := s.keys.name(sess.key); !ok {
				sess.end("The mirror let you go: your key may not watch any more.", 1)
			}
		}
		s.mu.Unlock()
	}
}
