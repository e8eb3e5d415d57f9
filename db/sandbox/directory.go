package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	dirPrefix  = "tminus-pg-"
	markerName = "tminus-sandbox" // tells our directories from others, and holds the lock
	maxDir     = 80               // bytes; a socket's whole path has room for some 100
)

// makeDirectory makes a server's directory where the account can use it. The
// marker it returns stays locked until it is closed or this process dies, and
// its watchdog too.
func makeDirectory(ctx context.Context, wanted string, a *account) (string, *os.File, error) {
	roots := []string{wanted}
	if wanted == "" {
		roots = []string{os.TempDir(), "/tmp", "/var/tmp", "/dev/shm"}
	}
	var failures error
	for _, root := range roots {
		dir, marker, err := makeDirectoryIn(ctx, root, a)
		if err == nil {
			return dir, marker, nil
		}
		failures = errors.Join(failures, err)
	}
	way := "set TMPDIR to one"
	if wanted != "" {
		way = "name another one than " + wanted
	}
	return "", nil, fmt.Errorf("make a directory for the server: %w; %s that %s can use", failures, way, a.name)
}

func makeDirectoryIn(ctx context.Context, root string, a *account) (string, *os.File, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", nil, err
	}
	sweep(ctx, root, a)
	dir, err := os.MkdirTemp(root, dirPrefix)
	if err != nil {
		return "", nil, err
	}
	marker, err := prepareDirectory(ctx, dir, a)
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, marker, nil
}

func prepareDirectory(ctx context.Context, dir string, a *account) (*os.File, error) {
	if len(dir) > maxDir {
		return nil, fmt.Errorf("%s is too long for a socket", dir)
	}
	if err := a.own(dir); err != nil {
		return nil, err
	}
	// Locked before it has its name: a sweep never finds it unlocked.
	unnamed := filepath.Join(dir, markerName+".new")
	marker, err := os.OpenFile(unnamed, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = lockMarker(marker)
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(dir, markerName))
	}
	if err != nil {
		marker.Close()
		return nil, fmt.Errorf("mark %s: %w", dir, err)
	}
	// Only the account itself can tell whether it gets there.
	probe := a.command("/bin/sh", "-c", `cd "$1" && : >probe && rm probe`, "sh", dir)
	if out, err := runBounded(ctx, shortLimit, probe); err != nil {
		marker.Close()
		return nil, fmt.Errorf("%s cannot use %s: %w %s", a.name, dir, err, lastLines(out))
	}
	return marker, nil
}

// lockMarker holds a sweep off. The lock is shared: an adopter takes it beside
// the watchdog that still has it.
func lockMarker(marker *os.File) error {
	return syscall.Flock(int(marker.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
}

// sweep removes what servers left whose program and watchdog are both dead. It
// does what it can, and keeps quiet about the rest.
func sweep(ctx context.Context, root string, a *account) {
	dirs, _ := filepath.Glob(filepath.Join(root, dirPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != a.uid() {
			continue
		}
		marker, err := os.OpenFile(filepath.Join(dir, markerName), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(marker.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_, _ = runBounded(ctx, shortLimit, cleanUpCommand(dir, ""))
		}
		marker.Close()
	}
}
