package outside

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"tminus/phases"
	"tminus/phases/runbook"
)

// room is what a file system has left.
type room struct {
	free  uint64 // megabytes that this user may fill
	mount string // where it begins
}

func checkSpace(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	if c.Dir == "" || c.Min == nil {
		return phases.Answer{}, errors.New("name the folder as `dir`, and the megabytes as `min`")
	}
	left, err := patiently(ctx, c.Dir, func() (room, error) { return measure(c.Dir) })
	if err != nil {
		return phases.Answer{}, err
	}
	return enough(left, uint64(max(0, *c.Min))), nil
}

// enough passes a room of at least so many megabytes. It tells two digits of it,
// rounded down: of a file system in use the last byte is another each time.
func enough(left room, wanted uint64) phases.Answer {
	step := uint64(1)
	for left.free/step >= 100 {
		step *= 10
	}
	about := left.free - left.free%step
	if left.free >= wanted {
		return phases.Answer{Pass: true, Value: fmt.Sprintf("at least %s MB free on %s", phases.Digits(int64(max(about, wanted))), left.mount)}
	}
	return phases.Answer{Value: fmt.Sprintf("about %s MB free on %s, and %s MB are wanted", phases.Digits(int64(about)), left.mount, phases.Digits(int64(wanted)))}
}

// measure asks the file system of a folder.
func measure(dir string) (room, error) {
	var st unix.Statfs_t
	var err error
	for { // a signal may come between
		if err = unix.Statfs(dir, &st); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return room{}, fmt.Errorf("there is no folder %q: correct the runbook", dir)
	case err != nil:
		return room{}, fmt.Errorf("the file system of %q cannot be asked: %s", dir, systemSays(err))
	}
	mount, err := mountOf(dir)
	if err != nil {
		return room{}, fmt.Errorf("where the file system of %q begins is not known: %s", dir, systemSays(err))
	}
	return room{uint64(max(st.Bavail, 0)) * blockSize(&st) >> 20, mount}, nil
}

// mountOf is the highest folder above that is on the same device.
func mountOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	on, err := device(dir)
	for err == nil {
		above := filepath.Dir(dir)
		other, upErr := device(above)
		if above == dir || upErr == nil && other != on {
			return dir, nil
		}
		dir, err = above, upErr
	}
	return "", err
}

func device(path string) (any, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return st.Dev, nil
}
