package journal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// A lock is tried for a tenth of a second, because InUse of another process
// holds it for an instant.
const (
	lockTries = 10
	lockPause = 10 * time.Millisecond
)

// InUse tells whether a journal has a writer now. It takes no lock that lasts
// and needs the right to read the file.
func InUse(path string) (bool, error) {
	file, err := openRead(path)
	if err != nil {
		return false, err
	}
	defer file.Close() // which ends the lock
	err = flock(file, syscall.LOCK_SH)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, lockError(path, err)
	}
	return false, nil
}

// lockForWriting makes the caller the file's one writer for as long as the file
// is open. The lock ends with the process, however that ends. Readers take none.
func lockForWriting(file *os.File, path string) error {
	var err error
	for try := range lockTries {
		if try > 0 {
			time.Sleep(lockPause)
		}
		if err = flock(file, syscall.LOCK_EX); !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("open journal %s for writing: %w; watch that run, or end it first", path, ErrInUse)
	}
	if err != nil {
		return lockError(path, err)
	}
	return nil
}

func lockError(path string, err error) error {
	return fmt.Errorf("lock journal %s: %w; put it on a file system with file locks", path, err)
}

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
