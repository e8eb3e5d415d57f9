package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tminus/phases/engine"
	"tminus/ui"
	"tminus/ui/look"
	"tminus/ui/replay"
)

// replayFlags are those of replay.
type replayFlags struct {
	Cast  string // file of the recording; empty: it is shown on the terminal
	Size  string
	Speed int
	Idle  time.Duration
	Force bool
	Theme look.Theme
}

func replayCommand(a *app) *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:     "replay JOURNAL",
		Short:   "See a run's screen again, as it was",
		Example: "  tminus replay reset.journal\n  tminus replay reset.journal --speed 10\n  tminus replay reset.journal --cast reset.cast --size 120x40",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.replay(c.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.Cast, "cast", "", "write an asciicast of version 3 to this file, instead of showing it")
	c.Flags().StringVar(&f.Size, "size", "120x40", "the recording's terminal, WIDTHxHEIGHT in cells")
	c.Flags().IntVar(&f.Speed, "speed", 1, "how many times as fast, from 1 to 1000")
	c.Flags().DurationVar(&f.Idle, "idle", 2*time.Second, "how long a time takes at most in which nothing happens; 0: as long as it took")
	c.Flags().BoolVar(&f.Force, "force", false, "overwrite the recording")
	themeFlag(c, &f.Theme)
	return c
}

func (a *app) replay(ctx context.Context, path string, f replayFlags) error {
	size, err := replay.ParseSize(f.Size)
	if err == nil && (f.Speed < 1 || f.Speed > 1000) {
		err = fmt.Errorf("--speed %d: from 1 to 1000", f.Speed)
	}
	if err == nil && f.Idle < 0 {
		err = fmt.Errorf("--idle %s: a duration, or 0", f.Idle)
	}
	if err == nil && f.Cast == "" && !a.interactive() {
		err = fmt.Errorf("a replay needs a terminal; without one, `tminus report %s` tells of the run, and --cast FILE records it", path)
	}
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	film, err := replay.Read(path, f.Idle)
	if err != nil {
		return Failed(err)
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	if f.Cast != "" {
		if sameFile(path, f.Cast) {
			return &Exit{Code: Usage, Err: fmt.Errorf("--cast %s: that is the journal, which nothing overwrites; name another file", f.Cast)}
		}
		return Failed(writeCast(ctx, film, f, size))
	}
	return Failed(replay.Show(ctx, film, f.Speed, ui.Options{Looks: ui.Looks{Theme: f.Theme}, Instead: "--cast"}))
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// writeCast writes a recording beside its place, and puts it there when it is
// whole.
func writeCast(ctx context.Context, film *replay.Film, f replayFlags, size replay.Size) (err error) {
	there := fmt.Errorf("%s exists: take another name, or --force, which overwrites it", f.Cast)
	if _, err := os.Lstat(f.Cast); err == nil && !f.Force {
		return there
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(f.Cast), "."+filepath.Base(f.Cast)+".*")
	if err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	defer func() {
		if _, left := os.Lstat(file.Name()); left == nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(film.Cast(ctx, file, size, f.Speed), file.Close()); err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	if !f.Force {
		// A link fails where something has come to be since; not everywhere can there be one.
		switch err := os.Link(file.Name(), f.Cast); {
		case errors.Is(err, fs.ErrExist):
			return there
		case err == nil:
			return nil
		}
	}
	return os.Rename(file.Name(), f.Cast)
}
