package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"tminus/phases/journal"
)

const (
	kindNoSpace  = "journal: no space at a write"
	kindShort    = "journal: a write goes through in part"
	kindSync     = "journal: a sync fails"
	kindFile     = "journal: file removed, replaced or changed"
	kindFullDisk = "journal: a full file system"
)

// stagedFile is a journal's file on a disk that does what a trial wants.
type stagedFile struct {
	*os.File
	writes int
	write  func(n int, line []byte) (take int, err error)
	wrote  func(n int, line []byte)
	sync   func() error
	cut    func() error
}

// beside are the kinds of the records that time alone leaves, as of a slow server:
// how many there are is not the same in two runs, and they are not counted.
var beside = []string{"server_awaited", "activity_seen", "table_progressed", "capsule_progressed"}

// aside tells the line of such a record.
func aside(line []byte) bool {
	return slices.ContainsFunc(beside, func(kind string) bool { return speaks(line, kind, "") })
}

// Write asks the stage how much of the line the disk takes.
func (f *stagedFile) Write(line []byte) (int, error) {
	if aside(line) {
		return f.File.Write(line)
	}
	f.writes++
	take, fault := len(line), error(nil)
	if f.write != nil {
		take, fault = f.write(f.writes, line)
	}
	n, err := f.File.Write(line[:take])
	if err == nil {
		err = fault
	}
	if f.wrote != nil && err == nil {
		f.wrote(f.writes, line)
	}
	return n, err
}

// Sync asks the stage afterwards: what was to be synced is on disk.
func (f *stagedFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	if f.sync != nil {
		return f.sync()
	}
	return nil
}

// Truncate can fail too: then a torn line stays.
func (f *stagedFile) Truncate(size int64) error {
	if f.cut != nil {
		if err := f.cut(); err != nil {
			return err
		}
	}
	return f.File.Truncate(size)
}

func staged(write func(n int, line []byte) (int, error), sync func() error) journal.Option {
	return journal.WithFile(func(f *os.File) journal.File { return &stagedFile{File: f, write: write, sync: sync} })
}

// after calls do when record n has been written, before the engine knows it.
func after(n int, do func(line []byte)) journal.Option {
	return journal.WithFile(func(f *os.File) journal.File {
		return &stagedFile{File: f, wrote: func(at int, line []byte) {
			if at == n {
				do(line)
			}
		}}
	})
}

// direct runs straight to the server with a journal on a stage, and recovers.
func (c *trial) direct(opts ...journal.Option) {
	p, err := c.open(c.dsn(), opts...)
	if err == nil {
		_ = c.wait(p) // how it ends is the fault's matter; the journal tells
	}
}

func recordName(clean cleanRun, n int) string {
	return fmt.Sprintf("record %d (%s)", n, clean.records[n-1].Kind)
}

// diskFaults refuse each record in three ways.
func diskFaults(clean cleanRun) []fault {
	var out []fault
	for i := range clean.records {
		n := i + 1
		out = append(out, fault{kind: kindNoSpace, name: recordName(clean, n), run: func(c *trial) {
			c.direct(staged(func(at int, line []byte) (int, error) {
				if at == n {
					return 0, syscall.ENOSPC
				}
				return len(line), nil
			}, nil))
			c.recover(c.rerun)
		}})
		out = append(out, fault{kind: kindShort, name: recordName(clean, n), run: func(c *trial) {
			c.direct(journal.WithFile(func(f *os.File) journal.File {
				return &stagedFile{
					File: f,
					write: func(at int, line []byte) (int, error) {
						if at == n {
							return len(line) * (n % 4) / 4, syscall.ENOSPC
						}
						return len(line), nil
					},
					cut: func() error { return map[bool]error{true: syscall.EIO}[n%2 == 0] },
				}
			}))
			c.recover(c.rerun)
		}})
		if !clean.synced[n] {
			continue
		}
		out = append(out, fault{kind: kindSync, name: recordName(clean, n), run: func(c *trial) {
			written := 0
			c.direct(staged(func(at int, line []byte) (int, error) { written = at; return len(line), nil }, func() error {
				if written == n {
					return syscall.EIO
				}
				return nil
			}))
			c.recover(c.rerun)
		}})
	}
	return out
}

// fileFaults take the journal's file away, or write into it, behind the
// program's back.
func fileFaults(clean cleanRun) []fault {
	var out []fault
	for i := range clean.records {
		n := i + 1
		how := []string{"removed", "replaced", "written to"}[i%3]
		out = append(out, fault{kind: kindFile, name: recordName(clean, n) + ": " + how, run: func(c *trial) { c.spoilFile(n, how) }})
	}
	return out
}

func (c *trial) spoilFile(n int, how string) {
	kept := c.path + ".kept"
	var size int64
	c.direct(after(n, func([]byte) {
		var err error
		switch how {
		case "removed", "replaced":
			err = os.Rename(c.path, kept)
			if how == "replaced" && err == nil {
				err = os.WriteFile(c.path, nil, 0o600)
			}
		default:
			var info os.FileInfo
			if info, err = os.Stat(c.path); err == nil {
				size = info.Size()
				err = appendTo(c.path, "somebody else was here\n")
			}
		}
		if err != nil {
			c.fail("spoil the journal: %w", err)
		}
	}))
	// What somebody does at night: put the file back, or cut the stranger's bytes off.
	if how != "written to" {
		if err := os.Rename(kept, c.path); err != nil {
			c.fail("%w", err)
		}
		c.recover(c.rerun)
		return
	}
	if _, err := c.resume(); n < 3 && err == nil || !errors.Is(err, journal.ErrDamaged) {
		c.fail("a journal with a stranger's line was taken up: %v", err)
	}
	if err := os.Truncate(c.path, size); err != nil {
		c.fail("%w", err)
	}
	c.recover(c.rerun)
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// fullDiskFaults run on a small file system that is full after some pages.
func fullDiskFaults() []fault {
	var out []fault
	for pages := range 8 {
		out = append(out, fault{kind: kindFullDisk, name: fmt.Sprintf("%d pages of 4 KiB are free", pages), run: func(c *trial) { c.onFullDisk(pages) }})
	}
	return out
}

func (c *trial) onFullDisk(pages int) {
	disk := c.path + ".disk"
	unmount, ok := c.mount(disk, 256)
	if !ok {
		return
	}
	defer unmount()
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 256<<10-pages*4096), 0o600); err != nil {
		c.fail("fill the disk: %w", err)
		return
	}
	c.capsules, c.path = c.path+".capsule", filepath.Join(disk, "run.journal")
	c.direct()
	if s := c.agree(false); s != nil && s.ClosedAt.IsZero() && s.Outcome != "" {
		c.fail("ended without a last record: %s", s.Outcome)
	}
	if err := os.Remove(filler); err != nil {
		c.fail("%w", err)
	}
	c.recover(c.rerun)
}

// mount makes a small file system, of so many kilobytes. ok is false where the trial
// ends here.
func (c *trial) mount(disk string, kilobytes int) (unmount func(), ok bool) {
	if err := os.Mkdir(disk, 0o700); err != nil {
		c.fail("%w", err)
		return nil, false
	}
	if out, err := exec.CommandContext(c.ctx, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", kilobytes), "tminus-fault", disk).CombinedOutput(); err != nil {
		c.skipped = fmt.Sprintf("a small file system cannot be mounted here: %v %s", err, out)
		return nil, false
	}
	return func() {
		if out, err := exec.CommandContext(context.WithoutCancel(c.ctx), "umount", disk).CombinedOutput(); err != nil {
			c.fail("unmount: %w: %s", err, out)
		}
	}, true
}

// onKind calls do when the first record of a kind that speaks of a phase has
// been written; without a phase, the first of that kind.
func onKind(kind, phase string, do func()) journal.Option {
	done := false
	return journal.WithFile(func(f *os.File) journal.File {
		return &stagedFile{File: f, wrote: func(_ int, line []byte) {
			if !done && speaks(line, kind, phase) {
				done = true
				do()
			}
		}}
	})
}

// speaks reports whether a journal's line is a record of a kind that speaks of
// a phase; without a phase, any of that kind.
func speaks(line []byte, kind, phase string) bool {
	return bytes.Contains(line, []byte(`"kind":"`+kind+`"`)) && (phase == "" || bytes.Contains(line, []byte(`"phase":"`+phase+`"`)))
}
