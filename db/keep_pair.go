package db

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
)

// pair writes the rows of a table some of which were updated. Both sessions give
// them in the order of their keys' hashes: a key that both have is an updated
// row, one that only the other session has is gone, the rest is new.
func (k *keeping) pair(ctx context.Context, t *keptTable, was, is string) error {
	parts := []capsule.Part{capsule.Gone, capsule.Old, capsule.New, capsule.Added}
	w := map[capsule.Part]*capsule.StreamWriter{}
	var err error
	for _, part := range parts {
		if w[part], err = k.w.Stream(part); err != nil {
			break
		}
	}
	if err == nil {
		err = k.merge(ctx, t, was, is, w)
	}
	for _, part := range parts {
		if w[part] != nil {
			err = k.end(t, part, w[part], err)
		}
	}
	return err
}

func (k *keeping) merge(ctx context.Context, t *keptTable, was, is string, w map[capsule.Part]*capsule.StreamWriter) error {
	before := k.stream(ctx, t, k.others, was)
	after := k.stream(ctx, t, k.x.s, is)
	err := mergeRows(before, after, func(part capsule.Part) io.Writer { return &metered{w: w[part], k: k} })
	return errors.Join(err, before.end(err), after.end(err))
}

// mergeRows goes along two streams of rows in the order of their keys.
func mergeRows(before, after *keyed, to func(capsule.Part) io.Writer) error {
	err := errors.Join(before.next(), after.next())
	for err == nil && (before.key != nil || after.key != nil) {
		order := bytes.Compare(before.key, after.key)
		switch {
		case after.key == nil || before.key != nil && order < 0:
			err = before.row(to(capsule.Gone))
		case before.key == nil || order > 0:
			err = after.row(to(capsule.Added))
		default:
			err = errors.Join(before.row(to(capsule.Old)), after.row(to(capsule.New)))
		}
	}
	return err
}

// keyed is a stream of rows, each behind its key's hash and a tab.
type keyed struct {
	r    *bufio.Reader
	pipe *io.PipeReader
	done chan error
	buf  [hashDigits]byte
	key  []byte // of the row that comes next; nil at the end
}

// hashDigits is the length of a key's hash: two of 64 bits.
const hashDigits = 32

// stream has a session copy the rows for which a condition holds, in the order of
// their keys' hashes. end must be called.
func (k *keeping) stream(ctx context.Context, t *keptTable, s *session, where string) *keyed {
	row := t.keyText()
	query := fmt.Sprintf(`SELECT (lpad(to_hex(hashtextextended(%s, 0)), 16, '0') || lpad(to_hex(hashtextextended(%s, 6148914691236517205)), 16, '0')) COLLATE "C", %s%s ORDER BY 1`,
		row, row, t.columns(), t.rows(where))
	r, w := io.Pipe()
	out := &keyed{r: bufio.NewReaderSize(r, 1<<16), pipe: r, done: make(chan error, 1)}
	go func() { // ends with the statement, or with end
		buffered := bufio.NewWriterSize(w, 1<<16)
		err := k.x.t.long(ctx, s, func(ctx context.Context, l long) error {
			return l.copyTo(ctx, buffered, k.toStdout(query))
		})
		if err == nil {
			err = buffered.Flush()
		}
		_ = w.CloseWithError(err) // never fails
		out.done <- err
	}()
	return out
}

// keySum is what the keys of rows add up to, by two hashes.
func (k *keeping) keySum(ctx context.Context, t *keptTable, s *session, where string) (sum string, err error) {
	key := t.keyText()
	query := fmt.Sprintf(`SELECT concat_ws(' ', sum(hashtextextended(%s, 0)), sum(hashtextextended(%s, 6148914691236517205)))%s`, key, key, t.rows(where))
	err = k.x.t.long(ctx, s, func(ctx context.Context, l long) error { return l.scan(ctx, query, &sum) })
	return sum, err
}

// keyText is a row's key as one text.
func (t *keptTable) keyText() string {
	var names []string
	for _, c := range t.Key {
		names = append(names, pgx.Identifier{c}.Sanitize())
	}
	return "ROW(" + strings.Join(names, ", ") + `)::text COLLATE "C"`
}

// next reads the next row's key.
func (s *keyed) next() error {
	s.key = nil
	if _, err := io.ReadFull(s.r, s.buf[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if tab, err := s.r.ReadByte(); err != nil || tab != '\t' {
		return fmt.Errorf("read a row behind its key: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	s.key = s.buf[:]
	return nil
}

// row writes the row whose key was read, however long, and reads the next key.
func (s *keyed) row(to io.Writer) error {
	for {
		piece, err := s.r.ReadSlice('\n')
		if _, writeErr := to.Write(piece); writeErr != nil {
			return writeErr
		}
		switch {
		case err == nil:
			return s.next()
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read a row: %w", err)
		}
	}
}

// end waits for the statement's end: at once where the merge failed.
func (s *keyed) end(failed error) error {
	if failed != nil {
		_ = s.pipe.CloseWithError(failed) // never fails
	}
	return <-s.done
}
