package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Summary is what Verify found.
type Summary struct {
	Records uint64    // that are intact
	Head    string    // the last one's hash; 64 zeros without any
	First   time.Time // the first one's time; zero without any
	Last    time.Time // the last one's time; zero without any
	Closed  bool      // the last one is of the closing kind: nothing is missing from the end
}

// Read gives all of a journal's records, verified.
//
// With an error it gives those before the trouble: a DamageError names the
// line; a TornError stands for a last line that was not written to its end;
// ErrEmpty for a file without a complete line.
func Read(path string) ([]Record, error) {
	file, err := openRead(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var records []Record
	err = newCursor(path, file).each(func(r Record) { records = append(records, r) })
	return records, err
}

// Verify reads a journal from end to end and checks every line. Errors are
// those of Read; the summary then speaks of the lines before the trouble, and
// Closed is false. An intact journal whose last line is not of the closing kind
// is no error: the run goes on, or lines were removed from its end.
func Verify(path, closing string, after ...string) (Summary, error) {
	file, err := openRead(path)
	if err != nil {
		return Summary{}, err
	}
	defer file.Close()
	sum := Summary{Head: newChain().hash}
	closed := false
	err = newCursor(path, file).each(func(r Record) {
		if sum.Records == 0 {
			sum.First = r.At
		}
		sum.Records, sum.Head, sum.Last = r.Seq, r.Hash, r.At
		closed = r.Kind == closing || closed && slices.Contains(after, r.Kind)
	})
	sum.Closed = err == nil && closed
	return sum, err
}

// openRead opens a journal for reading, with errors that say what to do.
func openRead(path string) (*os.File, error) { return openRegular(path, os.O_RDONLY) }

// openRegular looks before it opens: opening a named pipe would wait for ever.
func openRegular(path string, flag int) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openError(path, err)
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("open journal %s: it is a directory; name the journal file in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("open journal %s: it is not a regular file (%s)", path, info.Mode().Type())
	}
	file, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	return file, nil
}

func openError(path string, err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		err = where.Err // the path is in our own sentence
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open journal %s: %w; check the path", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("open journal %s: %w; use the account that made it", path, err)
	}
	return fmt.Errorf("open journal %s: %w", path, err)
}
