package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// File is what a Writer needs of its file. *os.File is one.
type File interface {
	Write(p []byte) (int, error)
	ReadAt(p []byte, off int64) (int, error)
	Sync() error
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
	Close() error
}

// Option changes how a Writer is opened.
type Option func(*options)

type options struct{ wrap func(*os.File) File }

// WithFile puts wrap's result in the place of the opened file, for tests that
// let a disk fail. It is called once, before anything is written.
func WithFile(wrap func(*os.File) File) Option {
	return func(o *options) { o.wrap = wrap }
}

func wrapFile(file *os.File, opts []Option) File {
	o := options{wrap: func(f *os.File) File { return f }}
	for _, opt := range opts {
		opt(&o)
	}
	return o.wrap(file)
}

// Create makes a new journal, mode 0600, and its folder, mode 0700, where it is
// missing. File and folder entry are on disk when it returns. An existing file
// is never touched: ErrExists.
func Create(path string, opts ...Option) (*Writer, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("create journal %s: %w", path, err)
	}
	made, err := makeFolders(filepath.Dir(abs))
	if err != nil {
		return nil, createError(path, err)
	}
	file, err := os.OpenFile(abs, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, createError(path, err)
	}
	w, err := startWriter(abs, file, made, opts)
	if err != nil {
		file.Close()
		os.Remove(abs) // empty, and made by us just now
		return nil, err
	}
	return w, nil
}

func startWriter(path string, file *os.File, folders []string, opts []Option) (*Writer, error) {
	if err := lockForWriting(file, path); err != nil {
		return nil, err
	}
	w := &Writer{path: path, file: wrapFile(file, opts), chain: newChain()}
	if err := w.file.Sync(); err != nil {
		return nil, createError(path, err)
	}
	for _, folder := range folders {
		if err := syncFolder(folder); err != nil {
			return nil, createError(path, err)
		}
	}
	return w, nil
}

func createError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("create journal %s: %w; resume its run, or name another file", path, ErrExists)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("create journal %s: %w; name a file in a folder of your own", path, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("create journal %s: %w; make room, or name a file on another disk", path, err)
	}
	return fmt.Errorf("create journal %s: %w", path, err)
}

// OpenWriter opens an existing journal to go on with it. It locks the file
// first (ErrInUse), then reads and verifies all of it and gives its records.
//
// A torn last line is cut off; torn is how many bytes that took. Any other
// damage is a DamageError, a file without a complete line is ErrEmpty, and in
// both cases nothing is changed.
func OpenWriter(path string, opts ...Option) (w *Writer, records []Record, torn int, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("open journal %s: %w", path, err)
	}
	file, err := openRegular(abs, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, nil, 0, err
	}
	w, records, torn, err = continueWriter(abs, file, opts)
	if err != nil {
		file.Close()
		return nil, nil, 0, err
	}
	return w, records, torn, nil
}

func continueWriter(path string, file *os.File, opts []Option) (*Writer, []Record, int, error) {
	if err := lockForWriting(file, path); err != nil {
		return nil, nil, 0, err
	}
	var records []Record
	cursor := newCursor(path, file)
	err := cursor.each(func(r Record) { records = append(records, r) })
	var tear *TornError
	if err != nil && (errors.Is(err, ErrEmpty) || !errors.As(err, &tear)) {
		return nil, nil, 0, err
	}
	w := &Writer{path: path, file: wrapFile(file, opts), chain: cursor.chain, size: cursor.off}
	if tear == nil {
		return w, records, 0, w.checkPlace()
	}
	if err := w.file.Truncate(w.size); err != nil {
		return nil, nil, 0, fmt.Errorf("cut the torn line %d off journal %s: %w", tear.Line, path, err)
	}
	if err := w.file.Sync(); err != nil {
		return nil, nil, 0, fmt.Errorf("sync journal %s: %w", path, err)
	}
	return w, records, tear.Bytes, w.checkPlace()
}

// makeFolders makes a folder and those above it where they are missing. It
// gives the folders whose entries changed or are about to, innermost first.
func makeFolders(folder string) ([]string, error) {
	touched := []string{folder}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		touched = append(touched, filepath.Dir(at))
	}
	return touched, os.MkdirAll(folder, 0o700)
}

// syncFolder puts a folder's entries on disk: a synced file without its entry
// is lost all the same.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil // a file system that cannot, and needs not
	}
	return err
}
