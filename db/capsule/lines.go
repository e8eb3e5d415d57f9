package capsule

import (
	"bytes"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// lines counts and sums the rows of COPY text that comes cut anywhere. It keeps
// no row: one may be larger than memory should be.
type lines struct {
	begun       *xxhash.Digest // of a row whose end has not come
	open        bool
	rows, bytes int64
	total       uint64
}

func newLines() *lines { return &lines{begun: xxhash.New()} }

func (l *lines) add(p []byte) {
	l.bytes += int64(len(p))
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') // a newline in a value is written \n
		switch {
		case end < 0:
			_, _ = l.begun.Write(p) // never fails
			l.open = true
			return
		case l.open:
			_, _ = l.begun.Write(p[:end])
			l.total += l.begun.Sum64()
			l.begun.Reset()
			l.open = false
		default:
			l.total += xxhash.Sum64(p[:end])
		}
		l.rows++
		p = p[end+1:]
	}
}

// sum is the sum of all rows, whatever their order.
func (l *lines) sum() string { return fmt.Sprintf("%016x", l.total) }
