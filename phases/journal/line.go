package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The fixed parts of a line, in their order.
const (
	seqMark  = `{"seq":`
	atMark   = `,"at":"`
	kindMark = `","kind":"`
	dataMark = `","data":`
	hashMark = `,"hash":"`
	endMark  = `"}` + "\n"

	hashLen = 2 * sha256.Size
	tailLen = len(hashMark) + hashLen + len(endMark)

	// maxLine bounds what a reader must hold at once. The longest line is a
	// run's first, which carries its runbook.
	maxLine = 16 << 20
)

// chain is a place between two lines: what the next one must continue.
type chain struct {
	seq  uint64 // of the line before; 0 before the first
	hash string // of the line before
	kind string // of the line before that was read; empty before the first
}

func newChain() chain { return chain{hash: strings.Repeat("0", hashLen)} }

// encode gives the next line and its record. It does not move the chain.
func (c chain) encode(at time.Time, kind string, data any) ([]byte, Record, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, Record{}, fmt.Errorf("%w: %s: %w", ErrRefused, kind, err)
	}
	at = at.Round(0).UTC()
	stamp := at.Format(time.RFC3339Nano)
	switch {
	case !validKind(kind):
		return nil, Record{}, fmt.Errorf("%w: kind %q is not in snake_case", ErrRefused, kind)
	case raw[0] != '{':
		return nil, Record{}, fmt.Errorf("%w: the data of %s is no JSON object", ErrRefused, kind)
	case len(raw) > maxLine/2:
		return nil, Record{}, fmt.Errorf("%w: the data of %s has %d bytes, the limit is %d", ErrRefused, kind, len(raw), maxLine/2)
	}
	if back, ok := parseTime([]byte(stamp)); !ok || !back.Equal(at) {
		return nil, Record{}, fmt.Errorf("%w: the time of %s cannot be written: %s", ErrRefused, kind, stamp)
	}

	line := make([]byte, 0, len(raw)+len(stamp)+len(kind)+128)
	line = append(line, seqMark...)
	line = strconv.AppendUint(line, c.seq+1, 10)
	line = append(line, atMark...)
	line = append(line, stamp...)
	line = append(line, kindMark...)
	line = append(line, kind...)
	line = append(line, dataMark...)
	line = append(line, raw...)
	hash := c.hashOf(line)
	line = append(line, hashMark...)
	line = append(line, hash...)
	line = append(line, endMark...)
	return line, Record{Seq: c.seq + 1, At: at, Kind: kind, Data: raw, Hash: hash}, nil
}

// decode reads the next line, newline included, and moves the chain behind it.
// A reason that is not empty says what is wrong with the line; the chain then
// stays. The record shares no memory with the line.
func (c *chain) decode(line []byte) (rec Record, reason string) {
	rec, reason = c.split(line)
	if reason != "" {
		return Record{}, reason
	}
	var digits [hashLen]byte
	c.sum(line[:len(line)-tailLen], &digits)
	if tail := line[len(line)-tailLen:]; !bytes.Equal(tail[len(hashMark):][:hashLen], digits[:]) {
		if !hexDigits(tail[len(hashMark):][:hashLen]) {
			return Record{}, "it does not end as a line of a journal"
		}
		return Record{}, "its hash does not fit its content and the line before it"
	}
	if !json.Valid(rec.Data) {
		return Record{}, "its data is no JSON"
	}
	rec.Hash, rec.Data = string(digits[:]), bytes.Clone(rec.Data)
	c.seq, c.hash, c.kind = rec.Seq, rec.Hash, rec.Kind
	return rec, ""
}

// split takes a line apart and checks its form, but for the digits of its hash.
func (c *chain) split(line []byte) (rec Record, reason string) {
	rest, ok := bytes.CutPrefix(line, []byte(seqMark))
	if !ok {
		return rec, "it does not begin as a line of a journal"
	}
	digits, rest, ok := bytes.Cut(rest, []byte(atMark))
	if !ok {
		return rec, "it has no time"
	}
	want := c.seq + 1
	var number [20]byte
	if !bytes.Equal(digits, strconv.AppendUint(number[:0], want, 10)) {
		return rec, fmt.Sprintf("it does not carry the number %d: it was changed, or lines were removed, added or moved", want)
	}
	stamp, rest, ok := bytes.Cut(rest, []byte(kindMark))
	if !ok {
		return rec, "it has no kind"
	}
	if rec.At, ok = parseTime(stamp); !ok {
		return rec, "its time is not in the form of a journal"
	}
	kind, rest, ok := bytes.Cut(rest, []byte(dataMark))
	if rec.Kind = c.kind; string(kind) != c.kind { // most lines are of the kind of the one before
		rec.Kind = string(kind)
	}
	if !ok || !validKind(rec.Kind) {
		return rec, "its kind is not in the form of a journal"
	}
	if len(rest) < len("{}")+tailLen || rest[0] != '{' {
		return rec, "it has no data"
	}
	rec.Data = rest[:len(rest)-tailLen]
	tail := rest[len(rest)-tailLen:]
	if string(tail[:len(hashMark)]) != hashMark || string(tail[len(hashMark)+hashLen:]) != endMark {
		return rec, "it does not end as a line of a journal"
	}
	rec.Seq = want
	return rec, ""
}

// hexDigits reports whether a hash is written as a journal writes it.
func hexDigits(hash []byte) bool {
	for _, b := range hash {
		if (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

// tornReason tells a line that was cut off from damage, for the bytes behind
// the last newline. It is empty for a cut-off line.
func (c *chain) tornReason(tail []byte) string {
	// A power cut can leave a file longer than what was written to it; the rest
	// reads as zeros.
	tail = bytes.TrimRight(tail, "\x00")
	head := seqMark + strconv.FormatUint(c.seq+1, 10) + atMark
	if n := min(len(tail), len(head)); string(tail[:n]) != head[:n] {
		return "what follows the last complete line does not begin a line of this journal"
	}
	// A whole line with something else in its newline's place was complete once.
	at := bytes.LastIndex(tail, []byte(hashMark))
	whole := at + tailLen - len("\n")
	if at >= 0 && len(tail) > whole && c.hashOf(tail[:at]) == string(tail[at+len(hashMark):][:hashLen]) {
		return "it is complete, but does not end in a newline"
	}
	return ""
}

// hashOf is the hash of the next line, given its bytes up to its own hash.
func (c chain) hashOf(body []byte) string {
	var digits [hashLen]byte
	c.sum(body, &digits)
	return string(digits[:])
}

// sum is hashOf without an allocation.
func (c chain) sum(body []byte, digits *[hashLen]byte) {
	h := sha256.New()
	copy(digits[:], c.hash)
	h.Write(digits[:])
	h.Write(body)
	var sum [sha256.Size]byte
	hex.Encode(digits[:], h.Sum(sum[:0]))
}

func validKind(kind string) bool {
	for i := range len(kind) {
		b := kind[i]
		if (b < 'a' || b > 'z') && (i == 0 || (b < '0' || b > '9') && b != '_') {
			return false
		}
	}
	return kind != ""
}

// parseTime accepts the one way in which a journal writes a time.
func parseTime(stamp []byte) (time.Time, bool) {
	var at time.Time
	if err := at.UnmarshalText(stamp); err != nil {
		return time.Time{}, false
	}
	at = at.UTC()
	var again [len(time.RFC3339Nano)]byte
	return at, bytes.Equal(at.AppendFormat(again[:0], time.RFC3339Nano), stamp)
}
