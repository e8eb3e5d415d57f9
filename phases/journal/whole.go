package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Whole reads the file back and holds that it is, byte for byte, what this
// writer wrote and found when it opened it. It reads all of the file, with no
// append in between. A DamageError names the first line that differs. After an
// error the writer is closed for good, as after a failed Append.
//
// It sees what any reader sees, the system's cache included. What a disk will
// have after a power cut is Sync's to say.
func (w *Writer) Whole() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.usable(); err != nil {
		return err
	}
	if err := w.whole(); err != nil {
		w.failed = err
		return fmt.Errorf("read journal %s back: %w; keep the file, find what wrote to it, and put an unchanged copy in its place before the run is resumed, or begin a new run", w.path, err)
	}
	return nil
}

// whole needs no second record of what was written: each line's hash covers the
// line before, so the last hash stands for every byte.
func (w *Writer) whole() error {
	if err := w.checkPlace(); err != nil {
		return err
	}
	c := newCursor(w.path, w.file)
	if err := c.pass(); err != nil || c.chain.seq != w.chain.seq || c.chain.hash != w.chain.hash || c.off != w.size {
		return w.firstDamage()
	}
	return nil
}

// pass moves behind the lines that fit the chain by their hashes alone. It is
// for whoever knows which hash has to come out in the end: then the form of no
// line needs to be looked at.
func (c *cursor) pass() error {
	sum, want := sha256.New(), [sha256.Size]byte{}
	hash := []byte(c.chain.hash)
	defer func() { c.chain.hash = string(hash) }()
	for {
		if err := c.fill(); err != nil || len(c.lines) == 0 {
			return err
		}
		for len(c.lines) > 0 {
			line := c.lines[:bytes.IndexByte(c.lines, '\n')+1]
			if len(line) < tailLen {
				return nil
			}
			body, tail := line[:len(line)-tailLen], line[len(line)-tailLen:]
			sum.Reset()
			sum.Write(hash)
			sum.Write(body)
			hex.Encode(hash, sum.Sum(want[:0]))
			mark, rest := tail[:len(hashMark)], tail[len(hashMark):]
			if string(mark) != hashMark || !bytes.Equal(rest[:hashLen], hash) || string(rest[hashLen:]) != endMark {
				return nil
			}
			c.chain.seq++
			c.off += int64(len(line))
			c.lines = c.lines[len(line):]
		}
	}
}

// firstDamage says which line of the file is not what was written.
func (w *Writer) firstDamage() error {
	c := newCursor(w.path, w.file)
	for {
		_, found, err := c.next()
		switch {
		case err != nil:
			return err
		case found:
		case c.chain.seq != w.chain.seq || c.off != w.size:
			return c.damage("it was changed: it is not the complete line that was written")
		default:
			return &DamageError{Path: w.path, Line: 1, Reason: fmt.Sprintf(
				"its lines fit one another, but line %d has another hash than was written: somebody computed them anew", c.chain.seq)}
		}
	}
}
