package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// chunkBytes is how much is read at once: some hundred lines.
const chunkBytes = 64 << 10

// cursor reads a journal's lines in order and verifies them.
//
// It holds complete lines only. The bytes of a line that is not complete yet
// are read again the next time: in between, a resumed run may have cut them and
// written others.
type cursor struct {
	path  string
	src   io.ReaderAt
	chain chain
	off   int64 // in the file, of the next line
	lines []byte
	chunk []byte // reused for reading; lines is a part of it
}

func newCursor(path string, src io.ReaderAt) *cursor {
	return &cursor{path: path, src: src, chain: newChain()}
}

// next gives the next complete line's record, or false where there is none.
// Errors are DamageError or the file's own.
func (c *cursor) next() (rec Record, found bool, err error) {
	if len(c.lines) == 0 {
		if err := c.fill(); err != nil || len(c.lines) == 0 {
			return Record{}, false, err
		}
	}
	line := c.lines[:bytes.IndexByte(c.lines, '\n')+1]
	rec, reason := c.chain.decode(line)
	if reason != "" {
		return Record{}, false, c.damage(reason)
	}
	c.off += int64(len(line))
	c.lines = c.lines[len(line):]
	return rec, true, nil
}

// fill reads on until there is a complete line, or no more.
func (c *cursor) fill() error {
	if c.chunk == nil {
		c.chunk = make([]byte, chunkBytes)
	}
	have := 0
	for {
		n, err := c.src.ReadAt(c.chunk[have:], c.off+int64(have))
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read journal %s: %w", c.path, err)
		}
		if end := bytes.LastIndexByte(c.chunk[have:have+n], '\n'); end >= 0 {
			c.lines = c.chunk[:have+end+1]
			return nil
		}
		have += n
		if ended := err != nil; ended { // the end of the file: the line is not complete yet
			//lint:ignore nilerr the end of the file is no error here
			return nil
		}
		if have >= maxLine {
			return c.damage(fmt.Sprintf("it has more than %d bytes", maxLine))
		}
		c.chunk = append(c.chunk, make([]byte, len(c.chunk))...)
	}
}

// errGrown says that there are more complete lines by now.
var errGrown = errors.New("the journal has grown")

// tail tells what is behind the last complete line: nothing (nil), a TornError,
// a DamageError, or errGrown where its writer has gone on meanwhile.
func (c *cursor) tail() error {
	tail, err := io.ReadAll(io.NewSectionReader(c.src, c.off, maxLine))
	if err != nil {
		return fmt.Errorf("read journal %s: %w", c.path, err)
	}
	if len(tail) == 0 {
		return nil
	}
	if bytes.IndexByte(tail, '\n') >= 0 {
		return errGrown
	}
	if reason := c.chain.tornReason(tail); reason != "" {
		return c.damage(reason)
	}
	return &TornError{Path: c.path, Line: c.chain.seq + 1, Bytes: len(tail)}
}

func (c *cursor) damage(reason string) error {
	return &DamageError{Path: c.path, Line: c.chain.seq + 1, Reason: reason}
}

// each reads to the end and hands on every record. Where the journal is not
// whole, or empty, its error says so after the last good record.
func (c *cursor) each(visit func(Record)) error {
	err := errGrown
	for errors.Is(err, errGrown) {
		for {
			rec, found, err := c.next()
			if err != nil {
				return err
			}
			if !found {
				break
			}
			visit(rec)
		}
		err = c.tail()
	}
	var torn *TornError
	if c.chain.seq == 0 && errors.As(err, &torn) {
		return fmt.Errorf("read journal %s: %w: its writer ended inside the first line, nothing was done yet; start a new run: %w", c.path, ErrEmpty, err)
	}
	if c.chain.seq == 0 && err == nil {
		return fmt.Errorf("read journal %s: %w: no run ever began in it; start a new one", c.path, ErrEmpty)
	}
	return err
}
