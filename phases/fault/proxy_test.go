package fault

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

// side is who sent a message.
type side byte

const (
	client side = 'F' // PostgreSQL's own letters: frontend and backend
	server side = 'B'
)

func (s side) String() string {
	if s == client {
		return "request"
	}
	return "answer"
}

// message is one message of PostgreSQL's protocol on its way.
type message struct {
	phase int    // which phase's transaction, from 1; 0 outside of any
	side  side   // who sent it
	n     int    // its number in that transaction, from 1, by side; what is not counted has that of the message before it
	turn  int    // how often its statement has come in that transaction, numbers and names of a run's own aside
	at    int    // its number in that turn, as n
	kind  byte   // 'P' for Parse, 'C' for CommandComplete…; 0 for the startup message
	raw   []byte // with its header
	sql   string // of the last Parse or Query of the connection
}

// dataRow is the letter of a row of a result, DataRow. A client's Describe has
// the same.
const dataRow = 'D'

// act is what happens to a message.
type act int

const (
	pass       act = iota
	forwardCut     // it arrives, then both ends are closed
	swallowCut     // it does not arrive, and both ends are closed
	reset          // it arrives, then both ends are reset
	delay          // it arrives later
	late           // the sender is cut off at once, and its request arrives later all the same
	silence        // it does not arrive, nothing that follows it does, and nobody is cut off
)

// order is what a proxy does at one message.
type order struct {
	act   act
	after time.Duration // for delay and late
	down  time.Duration // every connection is cut, and nobody gets through for so long
	from  side          // for silence: who is not heard any more
	all   bool          // for silence: on every connection, those to come too
	first func()        // called before the act; the message waits for it
	then  func()        // called when the message has been forwarded, before the answer is looked at
}

// proxy stands between the program and the server, and knows where one message
// of the protocol ends and the next begins.
type proxy struct {
	listener net.Listener
	network  string
	address  string // the server's

	mu     sync.Mutex
	judge  func(message) *order // nil: everything passes; called under mu
	seen   []message            // of phases' transactions, while recording
	record bool
	phases int
	pairs  map[*pair]struct{}
	until  time.Time // nobody gets through before
	fired  atomic.Bool
	mute   map[side]bool // from whom nothing arrives any more

	work sync.WaitGroup
}

// pair is one connection through the proxy.
type pair struct {
	client, server net.Conn

	phase  int // guarded by the proxy's mu, like all below
	counts map[side]int
	turns  map[string]int
	turn   map[side]int // the number of the last message in its turn
	sql    string
	again  bool // the last statement was that of before once more
	ending bool
	rows   bool // the server's last message was a row of a result
	mute   map[side]bool
	late   atomic.Bool // the client is gone on purpose, the server must not notice yet
}

func startProxy(network, address string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the proxy: %w", err)
	}
	p := &proxy{listener: l, network: network, address: address, pairs: map[*pair]struct{}{}}
	p.work.Go(p.accept) // ends with close
	return p, nil
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// arm makes the proxy ready for one trial.
func (p *proxy) arm(judge func(message) *order) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge, p.phases, p.seen, p.record, p.until, p.mute = judge, 0, nil, false, time.Time{}, map[side]bool{}
	p.fired.Store(false)
}

// listen records the messages of phases' transactions.
func (p *proxy) listen() {
	p.arm(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record = true
}

// heard gives what was recorded.
func (p *proxy) heard() []message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *proxy) close() {
	p.listener.Close()
	p.cutAll()
	p.work.Wait()
}

func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pr := range p.pairs {
		pr.close()
	}
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.mu.Lock()
		down := time.Now().Before(p.until)
		p.mu.Unlock()
		if down {
			abort(c)
			continue
		}
		s, err := net.Dial(p.network, p.address)
		if err != nil {
			c.Close()
			continue
		}
		pr := &pair{client: c, server: s, counts: map[side]int{}, turns: map[string]int{}, turn: map[side]int{}, mute: map[side]bool{}}
		p.mu.Lock()
		p.pairs[pr] = struct{}{}
		p.mu.Unlock()
		// Both end when either end of the connection is closed.
		p.work.Go(func() { p.pump(pr, client) })
		p.work.Go(func() { p.pump(pr, server) })
	}
}

func (pr *pair) close() {
	pr.client.Close()
	pr.server.Close()
}

// abort closes a connection with a reset in the place of a goodbye.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

func (p *proxy) pump(pr *pair, from side) {
	src, dst := pr.client, pr.server
	if from == server {
		src, dst = pr.server, pr.client
	}
	defer func() {
		if from == server && pr.late.Load() {
			return // the other pump closes both in its time
		}
		pr.close()
		p.mu.Lock()
		delete(p.pairs, pr)
		p.mu.Unlock()
	}()
	r := bufio.NewReaderSize(src, 64<<10)
	startup := from == client
	for {
		raw, err := readMessage(r, startup)
		if err != nil {
			return
		}
		m := message{side: from, raw: raw}
		if !startup {
			m.kind = raw[0]
		}
		startup = false
		o := p.note(pr, &m)
		if !p.carryOut(pr, r, dst, m, o) {
			return
		}
	}
}

// readMessage reads one message with its header. The startup message, and the
// request to cancel in its place, has no letter.
func readMessage(r *bufio.Reader, startup bool) ([]byte, error) {
	head := 5
	if startup {
		head = 4
	}
	h, err := r.Peek(head)
	if err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(h[head-4:])) + head - 4
	if length < head || length > 16<<20 {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	raw := make([]byte, length)
	_, err = io.ReadFull(r, raw)
	return raw, err
}

// own is what each run has of its own in a statement.
var own = regexp.MustCompile(`tminus_[0-9a-z_]+|[0-9]+`)

// common is a statement without it.
func common(sql string) string { return own.ReplaceAllString(sql, "#") }

// same tells a message of another run that has the same place: what comes by the
// clock, such as a look at what was touched, moves none.
func (m message) same(o message) bool {
	return m.phase == o.phase && m.side == o.side && m.kind == o.kind && m.turn == o.turn && m.at == o.at && common(m.sql) == common(o.sql)
}

// note places a message in its transaction, and asks what to do with it.
func (p *proxy) note(pr *pair, m *message) *order {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.side == client && (m.kind == 'P' || m.kind == 'Q') {
		sql := text(m)
		if pr.sql, pr.again = sql, sql == pr.sql; !pr.again {
			pr.turns[common(sql)]++
			pr.turn = map[side]int{}
		}
		// A look at what a phase did is one of another session's, and only reads.
		if bytes.Contains(m.raw, []byte("BEGIN ISOLATION LEVEL READ COMMITTED")) && !bytes.Contains(m.raw, []byte("READ ONLY")) {
			p.phases++
			pr.phase, pr.ending, pr.counts, pr.turns = p.phases, false, map[side]int{}, map[string]int{common(sql): 1}
		}
	}
	// How many rows a catalog's answer has is not the same in two runs, nor how many
	// ranges a DELETE goes by, which is the machine's speed: rows are not counted, nor
	// is a statement that is sent again at once, and all of either are one place.
	if (m.kind != dataRow || m.side == client) && !pr.again {
		pr.counts[m.side]++
		pr.turn[m.side]++
	}
	m.phase, m.n, m.sql = pr.phase, pr.counts[m.side], pr.sql
	m.turn, m.at = pr.turns[common(m.sql)], pr.turn[m.side]
	if again := pr.again || m.kind == dataRow && m.side == server && pr.rows; p.record && m.phase > 0 && !again {
		p.seen = append(p.seen, *m)
	}
	pr.rows = m.kind == dataRow && m.side == server
	if m.side == server && m.kind == 'C' && (bytes.Contains(m.raw, []byte("COMMIT")) || bytes.Contains(m.raw, []byte("ROLLBACK"))) {
		pr.ending = true
	}
	if m.side == server && m.kind == 'Z' && pr.ending {
		pr.phase, pr.ending = 0, false
	}
	if p.judge == nil || p.fired.Load() {
		return nil
	}
	o := p.judge(*m)
	if o != nil {
		p.fired.Store(true)
		if o.down > 0 {
			p.until = time.Now().Add(o.down)
		}
	}
	return o
}

// text is the SQL of a Parse or a Query.
func text(m *message) string {
	body := m.raw[5:]
	if m.kind == 'P' {
		_, body, _ = bytes.Cut(body, []byte{0})
	}
	sql, _, _ := bytes.Cut(body, []byte{0})
	return string(sql)
}

// carryOut does what was ordered, and reports whether the connection goes on.
func (p *proxy) carryOut(pr *pair, r *bufio.Reader, dst net.Conn, m message, o *order) bool {
	if o == nil {
		o = &order{}
	}
	if o.first != nil {
		o.first()
	}
	if o.act == swallowCut {
		p.sever(o)
		return false
	}
	if p.silenced(pr, m.side, o) {
		return true
	}
	if o.act == delay {
		<-time.After(o.after)
	}
	if o.act == late {
		return p.sendLate(pr, r, m, o)
	}
	_, err := dst.Write(m.raw)
	if err != nil {
		if m.side == server && pr.late.Load() {
			return true // nobody hears the server, and it must not notice
		}
		return false
	}
	if o.then != nil {
		o.then()
	}
	switch o.act {
	case forwardCut:
		p.sever(o)
		return false
	case reset:
		abort(pr.client)
		abort(pr.server)
		return false
	}
	return true
}

// silenced reports whether what a side sends does not arrive, from an order to
// that effect on.
func (p *proxy) silenced(pr *pair, from side, o *order) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case o.act == silence && o.all:
		p.mute[o.from] = true
	case o.act == silence:
		pr.mute[o.from] = true
	}
	return p.mute[from] || pr.mute[from]
}

func (p *proxy) sever(o *order) {
	if o.down > 0 {
		p.cutAll()
	}
}

// sendLate cuts the client off and lets its request, up to its Sync, arrive later.
func (p *proxy) sendLate(pr *pair, r *bufio.Reader, m message, o *order) bool {
	request := m.raw
	for kind := m.kind; kind != 'S'; {
		next, err := readMessage(r, false)
		if err != nil {
			return false
		}
		kind = next[0]
		request = append(request, next...)
	}
	pr.late.Store(true)
	pr.client.Close()
	<-time.After(o.after)
	pr.server.Write(request) // the session may have been ended by now
	// The server is heard to the end of its answer: a closed connection would
	// be one more fault.
	<-time.After(50 * time.Millisecond)
	return false
}
