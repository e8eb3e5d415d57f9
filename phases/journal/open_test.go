package journal_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"tminus/phases/journal"
)

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	path := tempPath(t)
	_, err := journal.Create(path, journal.WithFile(func(f *os.File) journal.File {
		return &fault{File: f, syncErr: syscall.ENOSPC}
	}))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "make room") {
		t.Errorf("got: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	create(t, path)
}

// A torn line that cannot be cut off must not be written behind.
func TestResumeOnAFailingDisk(t *testing.T) {
	for name, bad := range map[string]fault{"cut": {cutErr: syscall.EIO}, "sync": {syncErr: syscall.EIO}} {
		t.Run(name, func(t *testing.T) {
			path := tempPath(t)
			_, whole := finished(t, path)
			spill(t, path, bytes.Join(whole, nil)[:len(whole[0])+20])
			_, _, _, err := journal.OpenWriter(path, journal.WithFile(func(f *os.File) journal.File {
				bad.File = f
				return &bad
			}))
			if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), path) {
				t.Errorf("got: %v", err)
			}
			if used, err := journal.InUse(path); used || err != nil {
				t.Errorf("the lock stayed: %v, %v", used, err)
			}
			w, _, _, err := journal.OpenWriter(path)
			must(t, err)
			w.Close()
		})
	}
}

// A file without newlines must not be taken into memory whole.
func TestEndlessLine(t *testing.T) {
	path := tempPath(t)
	spill(t, path, nil)
	must(t, os.Truncate(path, 64<<20)) // a hole: it takes no room on disk
	_, err := journal.Read(path)
	wantDamage(t, err, 1)
	_, err = follow(t, path).Next(0)
	wantDamage(t, err, 1)
}

func TestForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	path := tempPath(t)
	finished(t, path)
	must(t, os.Chmod(path, 0))
	if _, err := journal.Read(path); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "use the account") {
		t.Errorf("got: %v", err)
	}
	if _, err := journal.InUse(path); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got: %v", err)
	}
}
