package capsule

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Decrypt writes a plain copy of an encrypted capsule to a folder that is not there
// yet, for pg_restore and psql. All of it is verified on the way; after an error
// there is no copy. The copy is a capsule of its own: its manifest is another file.
func Decrypt(dir, out string, ids ...age.Identity) error {
	c, err := Open(dir, ids...)
	if err != nil {
		return err
	}
	if len(c.manifest.Recipients) == 0 {
		return failed("decrypt", dir, errors.New("it is not encrypted: pg_restore reads it as it is"))
	}
	if err := c.verifyOthers(); err != nil { // a damaged folder is not copied as a whole one
		return err
	}
	w, err := Create(out, nil)
	if err != nil {
		return err
	}
	m := c.manifest
	m.Tables, err = c.copyTo(w)
	if err == nil {
		_, _, err = w.Close(m)
	}
	if err != nil {
		return errors.Join(err, w.Abandon())
	}
	return nil
}

// copyTo writes all streams anew.
func (c *Capsule) copyTo(w *Writer) ([]Table, error) {
	out := make([]Table, 0, len(c.manifest.Tables))
	for _, t := range c.manifest.Tables {
		streams := map[Part]Stream{}
		for _, part := range Parts() {
			if _, ok := t.Streams[part]; !ok {
				continue
			}
			s, err := c.copyPart(w, t, part)
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

func (c *Capsule) copyPart(w *Writer, t Table, part Part) (Stream, error) {
	from, err := c.Read(t, part)
	if err != nil {
		return Stream{}, err
	}
	defer from.Close()
	to, err := w.Stream(part)
	if err != nil {
		return Stream{}, err
	}
	if _, err := io.Copy(to, from); err != nil {
		return Stream{}, err
	}
	s, err := to.Close()
	if was := t.Streams[part]; err == nil && (s.Rows != was.Rows || s.Sum != was.Sum) {
		err = fmt.Errorf("write %s of the capsule %s: its rows are not those of %s", s.File, w.dir, was.File)
	}
	return s, err
}
