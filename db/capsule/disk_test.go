package capsule

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A full disk is told at Write or at Close, and the capsule is none.
func TestAFullDiskIsTold(t *testing.T) {
	t.Parallel()
	for _, long := range []bool{false, true} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skipf("no file that is always full: %v", err)
		}
		dir := filepath.Join(t.TempDir(), "c")
		w, err := Create(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		s, err := w.start(full, "1.dat.gz")
		w.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1<<20)
		for i := range text {
			text[i] = byte(i * i >> 8)
		}
		told := false
		for i := 0; long && i < 1000 && !told; i++ {
			_, err := s.Write(text)
			told = errors.Is(err, syscall.ENOSPC)
		}
		if !long {
			if _, err := s.Write([]byte("1\n")); err != nil {
				t.Error(err)
			}
		} else if !told {
			t.Error("no Write tells of the full disk")
		}
		if _, err := s.Close(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Close: %v", err)
		}
		if _, _, err := w.Close(Manifest{Encoding: "UTF8"}); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the capsule's Close: %v", err)
		}
		if err := w.Abandon(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("still there: %v", err)
		}
	}
}
