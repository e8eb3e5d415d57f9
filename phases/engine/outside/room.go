package outside

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Room gives how many bytes this user may write in a folder that may have to be
// made first, and where its file system begins. It is an error where this user may
// not make or write it.
func Room(ctx context.Context, dir string) (free int64, mount string, err error) {
	type found struct {
		room  room
		there string
	}
	got, err := patiently(ctx, dir, func() (found, error) {
		there, err := nearest(dir)
		if err != nil {
			return found{}, err
		}
		if err := unix.Access(there, unix.W_OK|unix.X_OK); err != nil {
			return found{}, fmt.Errorf("this user may not write in %q: %s", there, systemSays(err))
		}
		left, err := measure(there)
		return found{left, there}, err
	})
	return int64(min(got.room.free, 1<<42)) << 20, got.room.mount, err
}

// nearest is the folder itself, or the nearest one above that is there.
func nearest(dir string) (string, error) {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return "", fmt.Errorf("%q is no folder", dir)
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir:
			return "", fmt.Errorf("%q cannot be looked at: %s", dir, systemSays(err))
		}
		dir = filepath.Dir(dir)
	}
}
