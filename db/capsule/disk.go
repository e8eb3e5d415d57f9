package capsule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// The names in a capsule's folder beside those of its streams.
const (
	manifestName = "manifest.json"
	sumsName     = "SHA256SUMS"
	tocName      = "toc.dat"
	scriptName   = "put-back.sql"
	expiredName  = "expired.json"
	partial      = ".tmp" // ends the name of a file that is being written
	lockedSuffix = ".age" // ends the name of one that is encrypted
)

// others are the files that a manifest may list beside the streams.
var others = []string{tocName, scriptName}

// beside makes them.
var beside = map[string]func(Manifest) []byte{tocName: tableOfContents, scriptName: script}

// writeFile puts a small file on disk under its final name at once.
func writeFile(dir, name string, text []byte) (File, error) {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return File{}, err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return File{}, err
	}
	if err := os.Rename(path+partial, path); err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(text)
	return File{Name: name, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, nil
}

// openFile opens a file that is one: a link, a pipe and a folder are not.
func openFile(dir, name string) (*os.File, os.FileInfo, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, nil, fmt.Errorf("%w: a link stands in its place", ErrDamaged)
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, fmt.Errorf("%w: it is missing: %w", ErrDamaged, os.ErrNotExist)
	case err != nil:
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: something else than a file stands in its place", ErrDamaged)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// readFile reads a small file.
func readFile(dir, name string) ([]byte, error) {
	f, info, err := openFile(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%w: it has %d bytes, and %d are read", ErrDamaged, info.Size(), maxManifest)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(text) > maxManifest { // it grew
		err = fmt.Errorf("%w: it has more than %d bytes", ErrDamaged, maxManifest)
	}
	return text, err
}

// syncFolder has the names in a folder on disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// wayOut is what to do about an error of the file system's.
func wayOut(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "; free space there, or put the journal where there is more"
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		return "; see who may write there"
	case errors.Is(err, syscall.EIO):
		return "; the disk fails: put the journal on another"
	}
	return ""
}

// failed says what was being done to a capsule, why it failed, and the way out.
func failed(op, dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s the capsule %s: %w%s", op, dir, err, wayOut(err))
}
