package bench

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"tminus/testdata/terminal"
)

// screenPatience is how long a screen may take before it is given up.
const screenPatience = 30 * time.Second

// keys is how many keys are pressed, each after the last one's frame.
const keys = 40

// screen starts the program in a terminal of 200 x 60, on a short journal and on
// one with 100,000 events.
func (b *bench) screen() error {
	if b.screens == "" {
		b.say("  no run was measured before: one is made")
		if err := b.gym("screens", 300, ""); err != nil {
			return err
		}
		got, err := b.run("screens", byDelete)
		if err != nil {
			return err
		}
		b.screens = got.journal
	}
	long, err := b.long(100_000)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		journal, first, memory string
		presses                bool
	}{{b.screens, "start", "", true}, {long, "open", "hour", false}} {
		var starts, peaks, presses []float64
		for range max(5, b.opts.Rounds) {
			s, err := b.watch(c.journal)
			if err != nil {
				return err
			}
			starts = append(starts, s.first)
			if c.presses {
				some, err := s.press(keys)
				if err != nil {
					return err
				}
				presses = append(presses, some...)
			}
			peaks = append(peaks, most(s.cmd.Process.Pid))
			if err := s.quit(); err != nil {
				return err
			}
		}
		b.results[c.first] = of(starts)
		if c.memory != "" {
			b.results[c.memory] = of(peaks)
		}
		if c.presses {
			b.results["key"] = of(presses)
		}
		b.say("  %s: first frame after %.0f ms, %.0f MiB", c.first, of(starts).Median, of(peaks).Median)
	}
	return nil
}

// shown is a screen that is watched.
type shown struct {
	cmd   *exec.Cmd
	file  *os.File
	first float64       // milliseconds from the start to the first frame
	ended chan struct{} // closed when the program's output has ended

	mu    sync.Mutex // guards what follows
	emu   *vt.Emulator
	drawn *sync.Cond // what is on screen has changed
	over  bool
}

// watch starts the program, and returns when it has drawn its first frame.
func (b *bench) watch(path string) (*shown, error) {
	cmd := b.tminus("watch", path)
	began := time.Now()
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 60, Cols: 200})
	if err != nil {
		return nil, err
	}
	s := &shown{cmd: cmd, file: file, ended: make(chan struct{}), emu: terminal.NewEmulator(200, 60)}
	s.drawn = sync.NewCond(&s.mu)
	go func() { _, _ = io.Copy(file, s.emu) }() // answers what the program asks; ends with the file
	go s.read()                                 // ends with the program's output
	err = s.await("the first frame", func(text string) bool { return strings.Contains(text, "Timeline") })
	s.first = milliseconds(time.Since(began))
	return s, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (s *shown) read() {
	defer close(s.ended)
	buf := make([]byte, 64<<10)
	for {
		n, err := s.file.Read(buf)
		s.mu.Lock()
		_, _ = s.emu.Write(bytes.Clone(buf[:n]))
		s.over = err != nil
		s.drawn.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until the screen is as wanted.
func (s *shown) await(what string, holds func(text string) bool) error {
	late := time.AfterFunc(screenPatience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over = true
		s.drawn.Broadcast()
	})
	defer late.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		text := ansi.Strip(s.emu.Render())
		if holds(text) {
			return nil
		}
		if s.over {
			return fmt.Errorf("%s does not come; the screen:\n%s", what, text)
		}
		s.drawn.Wait()
	}
}

// press opens and closes the help, and gives the time of each.
func (s *shown) press(times int) (out []float64, err error) {
	for i := range times {
		open := i%2 == 0
		began := time.Now()
		if _, err := s.file.WriteString("?"); err != nil {
			return nil, err
		}
		err := s.await("the help", func(text string) bool { return strings.Contains(text, "Moving about") == open })
		if err != nil {
			return nil, err
		}
		out = append(out, milliseconds(time.Since(began)))
	}
	return out, nil
}

// quit leaves the screen, and waits for the program's end.
func (s *shown) quit() error {
	defer s.file.Close()
	if _, err := s.file.WriteString("q"); err != nil {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(screenPatience):
		_ = s.cmd.Process.Kill()
	}
	return s.cmd.Wait()
}
