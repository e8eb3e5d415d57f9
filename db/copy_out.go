package db

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"
)

// copyOut runs a COPY … TO STDOUT, and writes its text to w as it comes. The
// driver's own hands on each row as a whole, which for rows of 20 MB are hundreds
// of megabytes of memory; here no more than a piece of one is held. It speaks the
// protocol itself, on a session that nobody else uses: where it does not come to
// its end, the session is closed. It reads from where the driver does, never from
// the connection: after a write that took long, which on a busy machine any may, a
// goroutine of the driver's reads the next answer there, and would take it away.
func (s *session) copyOut(ctx context.Context, w io.Writer, sql string) (err error) {
	if s.IsClosed() {
		return errors.New("the session is closed")
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if s.PgConn().Frontend().ReadBufferLen() > 0 { // the driver has read on, perhaps half a message
		if err := s.Ping(ctx); err != nil {
			return err
		}
	}
	ended := false
	defer func() {
		if !ended {
			closeConn(s.conn)
		}
	}()
	watch := ctxwatch.NewContextWatcher(&pgconn.CancelRequestContextWatcherHandler{Conn: s.PgConn(), DeadlineDelay: s.exchange / 2})
	watch.Watch(ctx)
	defer watch.Unwatch()
	request, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return err
	}
	if _, err := s.PgConn().Conn().Write(request); err != nil {
		return fmt.Errorf("ask for a copy: %w", err)
	}
	out := &copying{r: bufio.NewReaderSize(s.wire, 1<<16), w: w}
	for !ended {
		if ended, err = out.message(); err != nil {
			return fmt.Errorf("read a copy: %w", err)
		}
	}
	if out.r.Buffered() > 0 { // the server has something to say that nobody asked for: it is going
		ended = false
	}
	return out.failed
}

// copying reads the answer to a COPY.
type copying struct {
	r      *bufio.Reader
	w      io.Writer
	failed error // what the server has against it
}

// mostSaid bounds a message of the server's that is no row.
const mostSaid = 1 << 20

// message reads one, and reports whether it was the last.
func (c *copying) message() (last bool, err error) {
	head, err := c.r.Peek(5)
	if err != nil {
		return false, err
	}
	kind, size := head[0], int64(binary.BigEndian.Uint32(head[1:]))-4
	if _, err := c.r.Discard(5); err != nil {
		return false, err
	}
	if kind == 'd' { // CopyData
		return false, c.pass(size)
	}
	if size < 0 || size > mostSaid {
		return false, fmt.Errorf("the server sent a message %q of %d bytes", kind, size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return false, err
	}
	switch kind {
	case 'Z': // ReadyForQuery
		return true, nil
	case 'E': // ErrorResponse
		var said pgproto3.ErrorResponse
		if err := said.Decode(body); err != nil {
			return false, err
		}
		refused := pgconn.ErrorResponseToPgError(&said)
		c.failed = refused
		if refused.SeverityUnlocalized == "FATAL" || refused.SeverityUnlocalized == "PANIC" {
			return false, refused // nothing follows
		}
	case 'H', 'c', 'C', 'N', 'S', 'A': // the copy's beginning and end; notices, settings
	default:
		return false, fmt.Errorf("the server sent a message %q in a copy", kind)
	}
	return false, nil
}

// pass hands a row on, a piece at a time.
func (c *copying) pass(size int64) error {
	for size > 0 {
		piece, err := c.r.Peek(int(min(size, int64(c.r.Size()))))
		if len(piece) == 0 {
			return err
		}
		if _, err := c.w.Write(piece); err != nil {
			return err
		}
		size -= int64(len(piece))
		if _, err := c.r.Discard(len(piece)); err != nil {
			return err
		}
	}
	return nil
}
