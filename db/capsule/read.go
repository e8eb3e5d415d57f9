package capsule

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/gzip"
)

// Capsule is one that is finished. Its methods may be called from any goroutine.
type Capsule struct {
	dir      string
	manifest Manifest
	text     []byte // of the manifest
	sum      string
	ids      []age.Identity
}

// Open reads the manifest of a capsule, and nothing else. Identities are needed to
// read what is encrypted.
func Open(dir string, ids ...age.Identity) (*Capsule, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	if err == nil {
		err = expired(dir)
	}
	if err != nil {
		return nil, failed("open", dir, err)
	}
	text, err := readFile(dir, manifestName)
	if errors.Is(err, os.ErrNotExist) {
		return nil, failed("open", dir, ErrUnfinished)
	}
	if err != nil {
		return nil, failed("open", dir, fmt.Errorf("%s: %w", manifestName, err))
	}
	m, err := decode(text)
	if err != nil {
		return nil, failed("open", dir, fmt.Errorf("%s: %w", manifestName, err))
	}
	sum := sha256.Sum256(text)
	return &Capsule{dir: dir, manifest: m, text: text, sum: hex.EncodeToString(sum[:]), ids: ids}, nil
}

// RunOf gives the id of the run that a folder's manifest names, also of a capsule
// that has expired, or that a later version wrote. It is empty where there is no
// manifest: of a capsule that is unfinished, or not there.
func RunOf(dir string) (string, error) {
	text, err := readFile(dir, manifestName)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	var m struct {
		RunID string `json:"run_id"`
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return "", failed("find the run of", dir, fmt.Errorf("%s: %w", manifestName, err))
	}
	return m.RunID, nil
}

// Manifest says what the capsule holds.
func (c *Capsule) Manifest() Manifest { return c.manifest }

// SHA256 is that of the manifest's file: with the one that the journal has, all of
// the capsule is known to be what was written.
func (c *Capsule) SHA256() string { return c.sum }

// Read gives the COPY text of a part of a table; a part without rows is empty. What
// is read is only right when io.EOF has come: where rows, bytes or sums are not the
// manifest's, an error is in its place.
func (c *Capsule) Read(t Table, part Part) (io.ReadCloser, error) {
	s, ok := t.Streams[part]
	if !ok {
		return io.NopCloser(strings.NewReader("")), nil
	}
	r, err := c.read(s, func(int64) {})
	if err != nil {
		return nil, c.fail(s.File, err)
	}
	return r, nil
}

func (c *Capsule) read(s Stream, seen func(n int64)) (io.ReadCloser, error) {
	if !streamName.MatchString(s.File) { // it would be somewhere else
		return nil, errors.New("that is no stream's name")
	}
	f, info, err := openFile(c.dir, s.File)
	if err != nil {
		return nil, err
	}
	r := &reader{c: c, want: s, file: f, sum: sha256.New()}
	r.raw = readerFunc(func(p []byte) (int, error) {
		n, err := f.Read(p)
		_, _ = r.sum.Write(p[:n]) // never fails
		r.size += int64(n)
		seen(int64(n))
		return n, err
	})
	if info.Size() != s.Size {
		err = fmt.Errorf("%w: it has %d bytes, and the manifest says %d", ErrDamaged, info.Size(), s.Size)
	} else {
		err = r.unpack()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// reader reads a stream and holds it against the manifest.
type reader struct {
	c      *Capsule
	want   Stream
	file   *os.File
	raw    io.Reader // the file's bytes, summed
	packed io.Reader // what the gzip member is read from
	plain  *gzip.Reader
	sum    hash.Hash
	size   int64
	text   RowSum
	err    error // that every later Read gives
}

// Read gives the next of the text.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.plain.Read(p)
	_, _ = r.text.Write(p[:n]) // never fails
	switch {
	case r.text.Bytes > r.want.Bytes || r.text.Rows > r.want.Rows:
		n, err = 0, fmt.Errorf("%w: it holds more than the manifest says", ErrDamaged)
	case errors.Is(err, io.EOF):
		err = r.whole()
	case err != nil:
		err = r.odd(err)
	}
	if err != nil {
		r.err = err
		if !errors.Is(err, io.EOF) {
			r.err = r.c.fail(r.want.File, err)
		}
	}
	return n, r.err
}

// Close ends the reading, wherever it is.
func (r *reader) Close() error { return r.file.Close() }

// whole gives io.EOF when all that was read is as the manifest says.
func (r *reader) whole() error {
	// Behind the one member there is nothing.
	var one [1]byte
	if n, err := io.ReadFull(r.packed, one[:]); n > 0 {
		return fmt.Errorf("%w: something follows behind its rows", ErrDamaged)
	} else if !errors.Is(err, io.EOF) {
		return r.odd(err)
	}
	switch {
	case !r.intact():
		return errAltered
	case r.text.open || r.text.Rows != r.want.Rows || r.text.Bytes != r.want.Bytes:
		return fmt.Errorf("%w: it holds %d rows in %d bytes, and the manifest says %d in %d", ErrDamaged, r.text.Rows, r.text.Bytes, r.want.Rows, r.want.Bytes)
	case r.text.String() != r.want.Sum:
		return fmt.Errorf("%w: its rows are not those of the manifest", ErrDamaged)
	}
	return io.EOF
}

// intact tells, at the file's end, whether its bytes are the manifest's.
func (r *reader) intact() bool {
	return r.size == r.want.Size && hex.EncodeToString(r.sum.Sum(nil)) == r.want.SHA256
}

var errAltered = fmt.Errorf("%w: its SHA-256 is not the manifest's", ErrDamaged)

// odd tells an error of the disk's from one of what is on it.
func (r *reader) odd(err error) error {
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

func (c *Capsule) fail(name string, err error) error {
	out := fmt.Errorf("read %s of the capsule %s: %w%s", name, c.dir, err, wayOut(err))
	if errors.Is(err, ErrDamaged) {
		out = fmt.Errorf("%w; take another copy of the capsule, or the rows from a backup", out)
	}
	return out
}

// unpack puts the layers on each other: file, encryption, gzip.
func (r *reader) unpack() error {
	below, err := r.unlock()
	if err != nil {
		return err
	}
	packed := bufio.NewReaderSize(below, 64<<10)
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return r.odd(err)
	}
	plain.Multistream(false)
	r.packed, r.plain = packed, plain
	return nil
}
