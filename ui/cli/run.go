package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
	"tminus/ui"
	"tminus/ui/mirror"
	"tminus/ui/plain"
)

// app is one command's work.
type app struct {
	stdin, stdout, stderr *os.File
	database              Database

	unfinished bool   // the run was left, and can be resumed
	spare      string // the folder of capsules that go with the run's database; empty for none
}

func (a *app) rehearse(ctx context.Context, file string, f Flags) error {
	if f.FromBackup != "" {
		return a.rehearseCopy(ctx, file, f)
	}
	return a.runFile(ctx, file, phases.Rehearsal, f)
}

func (a *app) production(ctx context.Context, file string, f Flags) error {
	return a.runFile(ctx, file, phases.Production, f)
}

// runFile runs a runbook file against the database that the flags name.
func (a *app) runFile(ctx context.Context, file string, env phases.Environment, f Flags) error {
	book, source, err := runbook.Load(file)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	return a.start(ctx, filepath.Base(file), source, book, env, f)
}

// start opens a new run.
func (a *app) start(ctx context.Context, file string, source []byte, book *runbook.Runbook, env phases.Environment, f Flags) error {
	now := time.Now()
	t0, err := engine.PlanT0(f.StartAt, book.Window, now)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	opened := opening(file, source, env, f, now)
	opened.PlannedT0 = t0
	if err := a.restOn(&opened, f); err != nil {
		return Failed(err)
	}
	target, identity, err := a.database.Connect(ctx, Access{DSN: f.DSN, EndHolder: f.EndHolder, Identity: f.Identity, Operator: opened.Operator, Runbook: book})
	if err != nil {
		return Failed(f.address.explain(err))
	}
	defer target.Close()
	target = f.drama.on(target)
	if f.fits != nil {
		if err := f.fits(target, identity); err != nil {
			return Failed(err)
		}
	}
	opened.Target = identity
	if opened.Address, err = a.addressAgain(f); err != nil {
		return Failed(err)
	}
	if path, err := a.lookBefore(ctx, target, &opened, f.New); err != nil {
		return err
	} else if path != "" {
		target.Close()
		f.Journal = path
		return a.resumeRun(ctx, f)
	}
	if f.Journal == "" {
		if f.Journal, err = engine.NewJournalPath(file, now); err != nil {
			return Failed(err)
		}
	}
	if err := a.besideJournal(&opened, book, f, now); err != nil {
		return Failed(err)
	}
	w, err := createJournal(f.Journal, opened.Capsule)
	if err != nil {
		return Failed(err)
	}
	defer w.Close()
	engine, err := engine.Open(target, w, opened, settings(f))
	if err != nil {
		return Failed(err)
	}
	engine.View(func(s *phases.State) { // before a screen is drawn over it
		for _, line := range s.Opening(now) {
			fmt.Fprintln(a.stderr, line)
		}
	})
	return a.conduct(ctx, engine, w.Path(), f)
}

// opening is what a run's first event says, as far as the flags and the file tell.
func opening(file string, source []byte, env phases.Environment, f Flags, now time.Time) phases.RunOpened {
	return phases.RunOpened{
		RunID: engine.NewRunID(now), Version: engine.Version(), File: file, Source: string(source), SHA256: engine.SHA256(source),
		Environment: env, Unattended: f.Unattended, Operator: engine.LocalOperator(), Planned: f.StartAt != "", Copy: f.copy, Undoes: f.undoes,
		SparesFences: env == phases.Rehearsal, Program: engine.ProgramName(),
	}
}

// restOn names the rehearsal that a run in production rests on.
func (a *app) restOn(opened *phases.RunOpened, f Flags) (err error) {
	if opened.Environment != phases.Production || opened.Undoes != nil {
		return nil
	}
	if opened.RehearsalFile, err = absolute(f.Rehearsal); err != nil {
		return err
	}
	opened.Rehearsed, err = a.rehearsal(*opened, f.Rehearsal)
	return err
}

// besideJournal says where the run's capsules are, and what the journals beside
// its own say of it.
func (a *app) besideJournal(opened *phases.RunOpened, book *runbook.Runbook, f Flags, now time.Time) (err error) {
	if opened.Capsule, err = capsules(book, f.Journal); err != nil {
		return err
	}
	opened.TryUndo = opened.Environment == phases.Rehearsal && opened.Capsule != nil && !f.NoUndo
	opened.NoGo, err = a.noGoBefore(*opened, f.Journal, book.Window.Opens, now)
	return err
}

// noGoBefore is the NO-GO after which a run in production begins anew: it is
// looked for where runs' journals are, and where this run's will be.
func (a *app) noGoBefore(opened phases.RunOpened, path string, opens time.Duration, now time.Time) (*phases.NoGoBefore, error) {
	if opened.Environment != phases.Production {
		return nil, nil
	}
	dirs := []string{filepath.Dir(path)}
	if dir, err := engine.StateDir(); err == nil { // else no run of this user's is there
		dirs = append(dirs, dir)
	}
	return engine.FindNoGo(dirs, opened, opens, now)
}

// settings are those of a run's engine. Where no state directory can be told, no
// rehearsal is looked for later.
func settings(f Flags) engine.Settings {
	dir, err := engine.StateDir()
	if err != nil {
		dir = ""
	}
	return engine.Settings{Hold: f.Hold, Rehearsals: dir}
}

// absolute is a file's path from everywhere; empty stays empty.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// rehearsal is what the run knows of a rehearsal: from the journal that the
// operator names, or else from the state directory. What it lacks holds the gate;
// how another runbook differs is told at once, line by line.
func (a *app) rehearsal(opened phases.RunOpened, path string) (*phases.Rehearsed, error) {
	var found phases.Rehearsed
	var err error
	if path != "" {
		found, err = engine.ReadRehearsal(path, opened)
	} else {
		var dir string
		if dir, err = engine.StateDir(); err == nil {
			found, err = engine.FindRehearsal(dir, opened)
		}
	}
	if err != nil {
		return nil, err
	}
	if found.Differs != nil {
		fmt.Fprintf(a.stderr, "the rehearsal %s is of another runbook; from that to this:\n", phases.Clean(found.Journal))
		for _, line := range found.Differs {
			fmt.Fprintln(a.stderr, line)
		}
	}
	return &found, nil
}

// sayTelling says why the program does not end at once with its screen.
func (a *app) sayTelling(engine *engine.Engine) {
	var to []string
	engine.View(func(s *phases.State) {
		for _, t := range s.Tellings {
			to = append(to, t.In(phases.ToldSending)...)
		}
	})
	if len(to) > 0 {
		fmt.Fprintf(a.stderr, "people are being told (%s): that is waited for, a few seconds at most\n", strings.Join(to, ", "))
	}
}

// conduct runs an engine with a screen, or line by line, until the run ends,
// the operator leaves, or a signal comes. The engine has the last word: it
// brings an open phase to a safe end before the program does.
func (a *app) conduct(ctx context.Context, run *engine.Engine, path string, f Flags) error {
	if err := f.monitor.Follow(path); err != nil {
		return Failed(err)
	}
	endDrama, err := f.drama.follow(ctx, path)
	if err != nil {
		return Failed(err)
	}
	defer endDrama()
	note, hostKey, closeMirror, err := a.serveMirror(ctx, run, path, f.Mirror)
	if err != nil {
		return Failed(err)
	}
	forget, suspends := a.remember(run, path), engine.DoNotSuspend()
	screenErr, err := run.Conduct(ctx, func(ctx context.Context) error {
		defer a.sayTelling(run)
		if !f.Plain && a.interactive() {
			return ui.Run(ctx, ui.Options{Journal: path, Commander: run, Done: run.Ended(), Note: note, HostKey: hostKey, Looks: f.Looks})
		}
		opts := plain.Options{Journal: path, Out: a.stdout, Width: a.lineWidth(), Done: run.Ended(), Suspends: suspends}
		if !f.Unattended {
			opts.Commander, opts.In = run, a.stdin
		}
		return plain.Run(ctx, opts)
	})
	closeMirror()
	var s string
	code := Unfinished
	run.View(func(state *phases.State) {
		s, code, a.unfinished = state.Summary(path), state.ExitCode(), state.ClosedAt.IsZero()
		if state.Opened.Capsule == nil {
			return
		}
		if state.Throwaway() {
			a.spare = state.Opened.Capsule.Folder
		}
		if !a.unfinished {
			_ = os.Remove(state.Opened.Capsule.Folder) // where nothing was kept: a folder with capsules stays
		}
	})
	fmt.Fprintln(a.stderr, s)
	if !a.unfinished {
		forget()
	}
	switch {
	case err == nil:
		err = screenErr
	case errors.Is(err, phases.ErrOtherHistory):
		code = Unknown
	case code == Unfinished && (screenErr == nil || !errors.Is(err, screenErr)):
		code = Error // not because the screen went: then the run was left, and can be resumed
	}
	if code == Finished && err == nil {
		return nil
	}
	return &Exit{Code: code, Err: err}
}

// serveMirror serves the run's mirror when the flags ask for one.
func (a *app) serveMirror(ctx context.Context, engine *engine.Engine, path string, f Mirror) (note, hostKey string, closeMirror func(), err error) {
	if f.Listen == "" {
		return "", "", func() {}, nil
	}
	m, err := mirror.New(mirror.Options{Journal: path, Listen: f.Listen, AuthorizedKeys: f.Keys, HostKey: f.HostKey, Presence: engine})
	if err != nil {
		return "", "", nil, err
	}
	fmt.Fprintln(a.stderr, announceMirror(m))
	served := make(chan error, 1)
	go func() { served <- m.Serve(context.WithoutCancel(ctx)) }() // ends with closeMirror
	return mirrorNote(m), m.HostKeyFingerprint(), func() {
		if err := errors.Join(m.Close(context.WithoutCancel(ctx)), <-served); err != nil {
			fmt.Fprintf(a.stderr, "tminus: mirror: %v\n", err)
		}
	}, nil
}

// interactive reports whether there is a terminal that a screen fits on.
func (a *app) interactive() bool {
	t := os.Getenv("TERM")
	return t != "" && t != "dumb" && term.IsTerminal(a.stdin.Fd()) && term.IsTerminal(a.stdout.Fd())
}

// lineWidth gives the terminal's width in cells, as often as it is asked; nil where
// lines go to no terminal.
func (a *app) lineWidth() func() int {
	if !term.IsTerminal(a.stdout.Fd()) {
		return nil
	}
	return func() int {
		width, _, err := term.GetSize(a.stdout.Fd())
		if err != nil {
			return 0
		}
		return width
	}
}
