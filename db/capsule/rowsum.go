package capsule

import (
	"bytes"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// RowSum counts and sums the rows of COPY text that comes cut anywhere. It keeps
// no row: one may be larger than memory should be.
type RowSum struct {
	Rows, Bytes int64
	Total       uint64 // of the rows, whatever their order

	begun *xxhash.Digest // of a row whose end has not come
	open  bool
}

// Write takes the next of the text. It never fails.
func (s *RowSum) Write(p []byte) (int, error) {
	n := len(p)
	s.Bytes += int64(n)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') // a newline in a value is written \n
		switch {
		case end < 0:
			if s.begun == nil {
				s.begun = xxhash.New()
			}
			_, _ = s.begun.Write(p) // never fails
			s.open = true
			return n, nil
		case s.open:
			_, _ = s.begun.Write(p[:end])
			s.Total += s.begun.Sum64()
			s.begun.Reset()
			s.open = false
		default:
			s.Total += xxhash.Sum64(p[:end])
		}
		s.Rows++
		p = p[end+1:]
	}
	return n, nil
}

// String is the sum of all rows as a manifest has it.
func (s *RowSum) String() string { return fmt.Sprintf("%016x", s.Total) }
