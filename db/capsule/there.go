package capsule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// There looks whether every stream is there, with its size. It reads none of
// them: Verify does.
func (c *Capsule) There() error {
	var problems []error
	for _, t := range c.manifest.Tables {
		for _, s := range t.Streams {
			f, info, err := openFile(c.dir, s.File)
			if err == nil {
				if info.Size() != s.Size {
					err = fmt.Errorf("%w: it has %d bytes, and the manifest says %d", ErrDamaged, info.Size(), s.Size)
				}
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				problems = append(problems, c.fail(s.File, err))
			}
		}
	}
	return errors.Join(problems...)
}

// Discard removes a stream that was closed, and that no table is to have.
func (w *Writer) Discard(s Stream) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, written := w.written[s.File]; !written {
		return nil // it had no rows, or is another capsule's
	}
	delete(w.written, s.File)
	return failed("remove a stream of", w.dir, os.Remove(filepath.Join(w.dir, s.File)))
}
