package capsule

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"filippo.io/age"
)

// Writer writes one capsule. Its methods, and those of its streams, may be
// called from any goroutine; each stream has one of its own.
type Writer struct {
	dir        string
	recipients []string
	keys       []age.Recipient

	mu      sync.Mutex
	open    []*StreamWriter
	written map[string]Stream // with rows, by the file's name
	number  int
	err     error // of a stream that failed
	ended   bool
}

// Create begins a capsule in a folder that is not there yet; the folder above is
// made where it is missing. With recipients, each able to open it, its streams are
// encrypted.
func Create(dir string, recipients []string) (*Writer, error) {
	keys, err := parseRecipients(recipients)
	if err != nil {
		return nil, fmt.Errorf("begin the capsule %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o700); err != nil {
		return nil, failed("begin", dir, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			err = fmt.Errorf("%w: it is another attempt's; see what it holds, and move it away", err)
		}
		return nil, failed("begin", dir, err)
	}
	return &Writer{dir: dir, recipients: slices.Clone(recipients), keys: keys, written: map[string]Stream{}}, nil
}

// Stream begins the file of one part of one table.
func (w *Writer) Stream(part Part) (*StreamWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil, failed("write", w.dir, errEnded)
	}
	if !slices.Contains(Parts(), part) {
		return nil, failed("write", w.dir, fmt.Errorf("%q is no part of a table", part))
	}
	w.number++
	name := fmt.Sprintf("%d.%s.gz", w.number, suffix(part))
	if len(w.keys) > 0 {
		name += lockedSuffix
	}
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return nil, failed("write", w.dir, err)
	}
	s, err := w.start(f, name)
	if err != nil {
		f.Close()
		w.err = errors.Join(w.err, err)
		return nil, failed("write", w.dir, err)
	}
	return s, nil
}

var errEnded = errors.New("it has ended")

// ended takes note of a stream's end.
func (w *Writer) streamEnded(s *StreamWriter, out Stream, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = slices.DeleteFunc(w.open, func(o *StreamWriter) bool { return o == s })
	switch {
	case err != nil:
		w.err = errors.Join(w.err, err)
	case out.Rows > 0:
		w.written[out.File] = out
	}
}

// Close finishes the capsule. All of it is on disk when it returns: the manifest is
// written last, and its SHA-256 and size are returned. Format, Recipients and Others
// are the writer's to fill in; every stream with rows has to be in m, and streams
// without are left out. After an error the capsule is not one: Abandon removes it.
func (w *Writer) Close(m Manifest) (sha256 string, size int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
		return "", 0, failed("finish", w.dir, errEnded)
	case w.err != nil:
		return "", 0, failed("finish", w.dir, w.err)
	case len(w.open) > 0:
		return "", 0, failed("finish", w.dir, fmt.Errorf("%s is still being written", w.open[0].name))
	}
	m.Format, m.Recipients, m.Others = format, w.recipients, nil
	m.Tables, err = w.streams(m.Tables)
	if err != nil {
		return "", 0, failed("finish", w.dir, err)
	}
	f, err := w.finish(m)
	if err != nil {
		w.err = err
		return "", 0, failed("finish", w.dir, err)
	}
	w.ended = true
	return f.SHA256, f.Size, nil
}

// finish writes what stands beside the streams.
func (w *Writer) finish(m Manifest) (File, error) {
	if err := m.check(); err != nil { // before its names are written anywhere
		return File{}, fmt.Errorf("its manifest: %w", err)
	}
	for _, name := range others {
		f, err := writeFile(w.dir, name, beside[name](m))
		if err != nil {
			return File{}, err
		}
		m.Others = append(m.Others, f)
	}
	text, err := m.encode()
	if err != nil {
		return File{}, fmt.Errorf("its manifest: %w", err)
	}
	if _, err := writeFile(w.dir, sumsName, m.sums(text)); err != nil {
		return File{}, err
	}
	// All else is there for sure before the manifest says so.
	if err := syncFolder(w.dir); err != nil {
		return File{}, err
	}
	f, err := writeFile(w.dir, manifestName, text)
	if err != nil {
		return File{}, err
	}
	above := filepath.Dir(filepath.Clean(w.dir))
	// The run's folder may be as new as this one, whoever made it.
	return f, errors.Join(syncFolder(w.dir), syncFolder(above), syncFolder(filepath.Dir(above)))
}

// streams gives the tables with those of their streams that have rows, which are
// exactly those that were written.
func (w *Writer) streams(tables []Table) ([]Table, error) {
	out, named := slices.Clone(tables), map[string]bool{}
	for i, t := range out {
		out[i].Streams = map[Part]Stream{}
		for part, s := range t.Streams {
			switch {
			case s.Rows == 0:
				continue
			case w.written[s.File] != s:
				return nil, fmt.Errorf("table %s: its %s rows are not those that were written", t, part)
			}
			out[i].Streams[part] = s
			named[s.File] = true
		}
	}
	for name := range w.written {
		if !named[name] {
			return nil, fmt.Errorf("%s is no table's", name)
		}
	}
	return out, nil
}

// Abandon removes all of the capsule, finished or not, and ends its streams.
func (w *Writer) Abandon() error {
	w.mu.Lock()
	open := slices.Clone(w.open)
	w.ended = true
	w.mu.Unlock()
	for _, s := range open {
		s.abandon()
	}
	return Remove(w.dir)
}

// Remove removes a capsule, finished or not, whose phase has not happened after all.
// What is left after a crash on the way looks unfinished. One that is not there is
// removed; files of others in its folder stay, and are told.
func Remove(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	err := removeFiles(dir, manifestName)
	if err == nil {
		err = syncFolder(dir)
	}
	if err == nil {
		err = destroy(dir)
	}
	if err == nil {
		err = removeFiles(dir, manifestName+partial, expiredName, expiredName+partial)
	}
	if err == nil {
		err = os.Remove(dir)
	}
	if errors.Is(err, syscall.ENOTEMPTY) {
		err = fmt.Errorf("%w; what is left in it is of others: see what it is, and remove it by hand", err)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(filepath.Clean(dir)))
	}
	return failed("remove", dir, err)
}

// removeFiles removes those that are there.
func removeFiles(dir string, names ...string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
