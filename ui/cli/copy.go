package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/charmbracelet/x/term"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// rehearseCopy rehearses a runbook on a copy that is made of a backup, in a server
// that is removed with the rehearsal's end.
func (a *app) rehearseCopy(ctx context.Context, file string, f Flags) error {
	if f.DSN != "" {
		return &Exit{Code: Usage, Err: errors.New("--from-backup makes the copy that is rehearsed on, and --dsn names another one: leave one of them out")}
	}
	book, source, err := runbook.Load(file)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	if _, err := engine.PlanT0(f.StartAt, book.Window, time.Now()); err != nil { // before the long wait
		return &Exit{Code: Usage, Err: err}
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	location := f.FromBackup
	if location == NewestBackup {
		location = ""
	}
	say, progress, over := a.copying()
	copied, err := a.database.MakeCopy(ctx, CopyRequest{
		Location: location, Operator: engine.LocalOperator(), Runbook: book, Say: say, Progress: progress,
	})
	over()
	switch {
	case err != nil && ctx.Err() != nil:
		return &Exit{Code: Left, Err: fmt.Errorf("%w; nothing is left of the copy", err)}
	case err != nil:
		return Failed(err)
	}
	defer a.leaveServer(copied.Server, "copy")
	fmt.Fprintf(a.stderr, "restored in %s; it is removed when the rehearsal ends\n", phases.Span(copied.Of.Restore))
	f.DSN, f.New, f.copy = copied.DSN, true, &copied.Of
	return a.start(ctx, filepath.Base(file), source, book, phases.Rehearsal, f)
}

// copying tells how far a copy is: on a terminal in a line that is written over,
// elsewhere in a line for each thing that is done. over ends the last one.
func (a *app) copying() (say func(string), progress func(phases.ActionProgress), over func()) {
	live, open, last := term.IsTerminal(a.stderr.Fd()), false, ""
	over = func() {
		if open {
			fmt.Fprintln(a.stderr)
		}
		open = false
	}
	say = func(line string) {
		over()
		fmt.Fprintln(a.stderr, line)
	}
	progress = func(p phases.ActionProgress) {
		switch {
		case live:
			fmt.Fprintf(a.stderr, "\r\x1b[Kmaking the copy: %s", p)
			open = true
		case p.What != last:
			fmt.Fprintf(a.stderr, "making the copy: %s\n", p.What)
			last = p.What
		}
	}
	return say, progress, over
}

// serverOf says whose throwaway server a run is on, and how to get another; empty
// for one on a server that is there anyway.
func serverOf(s *phases.State) (whose, another string) {
	switch {
	case s.Opened.Environment == phases.Demo:
		return "demo", "start another demo"
	case s.Opened.Copy != nil:
		return "copy", "rehearse anew with `tminus rehearse " + phases.Clean(s.Opened.File) + " --from-backup`"
	}
	return "", ""
}
