package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Files tells the files below a backup's folder from others, without reading
// them: their names, sizes, inodes, and when they were changed last. It is the
// same as long as nobody wrote, shortened, replaced, added or removed one; a copy
// has another. A link counts as what it leads to: a folder may be named by one,
// such as "latest", and be on another disk.
func Files(location string) (string, error) {
	sum := sha256.New()
	if err := addFiles(sum, location, ".", 0); err != nil {
		return "", fmt.Errorf("look at the files of the backup %s: %w", location, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// mostNested is how deep folders may lie: deeper, a link leads to one above.
const mostNested = 16

// addFiles adds what is at a path, and below it.
func addFiles(sum io.Writer, path, name string, depth int) error {
	if depth > mostNested {
		return fmt.Errorf("%s is too deep below it: see whether a link leads back", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	inode := uint64(0)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = uint64(st.Ino)
	}
	size, changed := info.Size(), info.ModTime().UnixNano()
	if info.IsDir() { // its size is the file system's own affair
		size, changed = 0, 0
	}
	fmt.Fprintf(sum, "%q %d %d %d %v\n", name, size, changed, inode, info.Mode())
	if !info.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(path) // by their names
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := addFiles(sum, filepath.Join(path, e.Name()), filepath.Join(name, e.Name()), depth+1); err != nil {
			return err
		}
	}
	return nil
}
