package capsule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"filippo.io/age"
	"github.com/klauspost/compress/gzip"
)

// level of compression: as fast as the fastest, and not far from gzip -6 in size.
// BenchmarkWrite tells.
const level = 2

// What waits between COPY and the compression.
const (
	pieceSize = 256 << 10
	pieces    = 4
)

// StreamWriter takes the COPY text of one stream. What is written is compressed,
// encrypted and stored by a goroutine that ends with Close, or the writer's Abandon.
type StreamWriter struct {
	w    *Writer
	name string

	mu    sync.Mutex // holds off Abandon while a Write is under way
	ended bool
	text  RowSum
	piece []byte
	free  chan []byte
	full  chan []byte

	done   chan struct{} // closed when the goroutine has ended
	broken chan struct{} // closed when it has failed: nothing more is stored
	err    error         // why; to be read after broken or done is closed
	size   int64
	sum    hash.Hash
}

// start begins a stream in an open file, which is its own from then on.
func (w *Writer) start(f *os.File, name string) (*StreamWriter, error) {
	s := &StreamWriter{
		w: w, name: name, sum: sha256.New(),
		free: make(chan []byte, pieces), full: make(chan []byte, pieces),
		done: make(chan struct{}), broken: make(chan struct{}),
	}
	file := writerFunc(func(p []byte) (int, error) {
		n, err := f.Write(p)
		s.size += int64(n)
		_, _ = s.sum.Write(p[:n]) // never fails
		return n, err
	})
	layers := []io.Closer{}
	below := io.Writer(file)
	if len(w.keys) > 0 {
		locked, err := age.Encrypt(file, w.keys...)
		if err != nil {
			return nil, fmt.Errorf("encrypt %s: %w", name, err)
		}
		layers, below = append(layers, locked), locked
	}
	pressed, err := gzip.NewWriterLevel(below, level)
	if err != nil {
		return nil, err
	}
	layers = append([]io.Closer{pressed}, layers...)
	for range pieces {
		s.free <- nil // made when needed: many streams are small
	}
	w.open = append(w.open, s)
	go s.store(f, pressed, layers) // until full is closed, by end
	return s, nil
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// store compresses and stores what comes, and syncs the file at the end. After a
// failure it takes the rest and drops it, so that nobody waits for it.
func (s *StreamWriter) store(f *os.File, pressed io.Writer, layers []io.Closer) {
	defer close(s.done)
	note := func(err error) {
		if err != nil && s.err == nil {
			s.err = err
			close(s.broken)
		}
	}
	for p := range s.full {
		if s.err == nil {
			_, err := pressed.Write(p)
			note(err)
		}
		s.free <- p[:0]
	}
	if s.err == nil {
		for _, l := range layers {
			note(l.Close())
		}
	}
	if s.err == nil {
		note(f.Sync())
	}
	note(f.Close())
}

// Write takes COPY text, cut anywhere, and keeps none of p. An error that the disk
// gave to an earlier Write comes with a later one, or with Close.
func (s *StreamWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(p) {
		if s.ended {
			return n, s.fail(errEnded)
		}
		if s.piece == nil {
			select {
			case <-s.broken:
				return n, s.fail(s.err)
			case s.piece = <-s.free:
			}
			if s.piece == nil {
				s.piece = make([]byte, 0, pieceSize)
			}
		}
		some := min(len(p)-n, cap(s.piece)-len(s.piece))
		_, _ = s.text.Write(p[n : n+some]) // never fails
		s.piece = append(s.piece, p[n:n+some]...)
		n += some
		if len(s.piece) == cap(s.piece) {
			s.full <- s.piece // there is room for all pieces
			s.piece = nil
		}
	}
	select {
	case <-s.broken:
		return n, s.fail(s.err)
	default:
		return n, nil
	}
}

// Close stores the rest, and has it on disk. A stream without rows leaves no file.
func (s *StreamWriter) Close() (Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return Stream{}, s.fail(errEnded)
	}
	s.end()
	out := Stream{
		File: s.name, Rows: s.text.Rows, Bytes: s.text.Bytes, Size: s.size,
		SHA256: hex.EncodeToString(s.sum.Sum(nil)), Sum: s.text.String(),
	}
	err := s.err
	if err == nil && s.text.open {
		err = errors.New("the COPY text ends within a row")
	}
	if err == nil && out.Rows == 0 {
		out = Stream{}
		err = os.Remove(filepath.Join(s.w.dir, s.name))
	}
	s.w.streamEnded(s, out, err)
	if err != nil {
		return Stream{}, s.fail(err)
	}
	return out, nil
}

// end has the goroutine store what is left, and waits for it.
func (s *StreamWriter) end() {
	s.ended = true
	if len(s.piece) > 0 {
		s.full <- s.piece
		s.piece = nil
	}
	close(s.full)
	<-s.done
}

// abandon ends the stream, whoever writes to it: the file is not wanted any more.
func (s *StreamWriter) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.end()
		s.w.streamEnded(s, Stream{}, errEnded)
	}
}

func (s *StreamWriter) fail(err error) error {
	return fmt.Errorf("write %s of the capsule %s: %w%s", s.name, s.w.dir, err, wayOut(err))
}
