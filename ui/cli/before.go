package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/term"

	"tminus/phases"
	"tminus/phases/engine"
)

// lookBefore looks for what earlier runs left in the database of one that is to
// open: what is switched off is recorded in it, and an unfinished one of the same
// runbook is offered. It gives the journal of the one that the operator takes up.
func (a *app) lookBefore(ctx context.Context, target engine.Target, opened *phases.RunOpened, anew bool) (string, error) {
	if opened.Environment == phases.Demo || opened.Copy != nil { // its database is new
		return "", nil
	}
	notes, err := target.RunNotes(ctx)
	if err != nil && !anew {
		return "", Failed(fmt.Errorf("see whether a run is unfinished: %w", err))
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "nobody knows whether a run is unfinished: %v\n", err)
	}
	dir, err := engine.StateDir()
	if err != nil { // no run of this user's is there
		dir = ""
	}
	unfinished, off, err := engine.FindEarlier(dir, notes, *opened)
	if err != nil {
		return "", Failed(err)
	}
	opened.LeftOff = off
	if anew || len(unfinished) == 0 {
		return "", nil
	}
	return a.offer(unfinished[len(unfinished)-1])
}

// offer gives the journal of an unfinished run of the same runbook and database
// that the operator wants to take up: what it left open comes first. Where nobody
// can be asked, it refuses.
func (a *app) offer(e engine.Earlier) (string, error) {
	const unfinished = "a run of this runbook against this database is unfinished: "
	path := phases.Clean(e.Path)
	if !e.Here {
		why := cmp.Or(e.Why, "it is on another host")
		return "", &Exit{Code: Unfinished, Err: fmt.Errorf("%sits journal is %s on %s, as the database knows it (%s): take it up there with `%s`, or start another with --new",
			unfinished, path, phases.Clean(e.Host), phases.Clean(why), phases.ShellCommand("", "resume", e.Path))}
	}
	if term.IsTerminal(a.stdin.Fd()) {
		fmt.Fprintf(a.stderr, "%s%s: %s\ntake it up? [y/N] ", unfinished, path, e.Stands)
		line, err := bufio.NewReader(a.stdin).ReadString('\n')
		if err == nil && strings.EqualFold(strings.TrimSpace(line), "y") {
			return e.Path, nil
		}
	}
	return "", &Exit{Code: Unfinished, Err: errors.New(unfinished + "take it up with `" + a.command("resume", e.Path) + "`, or start another with --new")}
}

// remember has `tminus resume` find the journal wherever it lies. forget is for
// when the run is closed.
func (a *app) remember(e *engine.Engine, path string) (forget func()) {
	id := ""
	e.View(func(s *phases.State) { id = s.Opened.RunID })
	undo, err := engine.LinkJournal(path, id)
	if err != nil { // the run needs it not
		fmt.Fprintf(a.stderr, "tminus: %v\n", err)
	}
	return func() {
		if err := undo(); err != nil {
			fmt.Fprintf(a.stderr, "tminus: %v\n", err)
		}
	}
}
