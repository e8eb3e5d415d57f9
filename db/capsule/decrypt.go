package capsule

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Decrypt writes a plain copy of an encrypted capsule to a folder that is not there
// yet, for pg_restore and psql. All of it is verified on the way; after an error
// there is no copy. The copy is a capsule of its own: its manifest is another file.
// progress may be nil; it is told of the bytes of files.
func (c *Capsule) Decrypt(ctx context.Context, out string, progress func(done, total int64)) error {
	if len(c.manifest.Recipients) == 0 {
		return failed("decrypt", c.dir, errors.New("it is not encrypted: pg_restore reads it as it is"))
	}
	if err := c.verifyOthers(); err != nil { // a damaged folder is not copied as a whole one
		return err
	}
	w, err := Create(out, nil)
	if err != nil {
		return err
	}
	m := c.manifest
	m.Tables, err = c.copyTo(ctx, w, meter(m.Size(), progress))
	if err == nil {
		_, _, err = w.Close(m)
	}
	if err != nil {
		return errors.Join(err, w.Abandon())
	}
	return nil
}

// copyTo writes all streams anew.
func (c *Capsule) copyTo(ctx context.Context, w *Writer, seen func(int64)) ([]Table, error) {
	out := make([]Table, 0, len(c.manifest.Tables))
	for _, t := range c.manifest.Tables {
		streams := map[Part]Stream{}
		for _, part := range Parts() {
			if _, ok := t.Streams[part]; !ok {
				continue
			}
			s, err := c.copyPart(ctx, w, t.Streams[part], part, seen)
			if err != nil {
				return nil, err
			}
			streams[part] = s
		}
		t.Streams = streams
		out = append(out, t)
	}
	return out, nil
}

func (c *Capsule) copyPart(ctx context.Context, w *Writer, was Stream, part Part, seen func(int64)) (Stream, error) {
	from, err := c.read(was, seen)
	if err != nil {
		return Stream{}, c.fail(was.File, err)
	}
	defer from.Close()
	to, err := w.Stream(part)
	if err != nil {
		return Stream{}, err
	}
	if _, err := io.Copy(to, until(ctx, from)); err != nil {
		return Stream{}, err
	}
	s, err := to.Close()
	if err == nil && (s.Rows != was.Rows || s.Sum != was.Sum) {
		err = fmt.Errorf("write %s of the capsule %s: its rows are not those of %s", s.File, w.dir, was.File)
	}
	return s, err
}

// until reads as long as the context goes on.
func until(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	})
}
