// Command tminus runs a destructive PostgreSQL maintenance from a runbook, in
// a full-screen terminal: a go/no-go gate, one transaction a phase,
// verification before COMMIT, and a journal that survives any crash.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"tminus/db"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/report"
	"tminus/phases/runbook"
	"tminus/ui"
	"tminus/ui/cli"
	"tminus/ui/mirror"
)

func main() { os.Exit(run(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})) }

func run(args []string, streams cli.Streams) int {
	// Libraries that log would write over the screen; what matters is an error
	// that somebody is handed, or in the journal.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	a := &app{stdin: streams.In, stdout: streams.Out, stderr: streams.Err}
	return cli.Execute(args, streams, cli.Actions{
		Demo: a.demo, Rehearse: a.rehearse, Run: a.production, Resume: a.resume, Mirror: a.mirror,
		Watch: a.watch, Lint: a.lint, Report: a.report, Verify: a.verify, Guide: a.guide,
	}, phases.Version())
}

// demoLinger is how long a demo's server waits for its run to be resumed.
const demoLinger = 15 * time.Minute

// app joins the parts for each command.
type app struct {
	stdin, stdout, stderr *os.File

	unfinished bool // the run was left, and can be resumed
}

func (a *app) rehearse(ctx context.Context, file string, f cli.Flags) error {
	return a.runFile(ctx, file, phases.Rehearsal, f)
}

func (a *app) production(ctx context.Context, file string, f cli.Flags) error {
	return a.runFile(ctx, file, phases.Production, f)
}

func (a *app) resume(ctx context.Context, path string, f cli.Flags) error {
	ctx, release := phases.StopOnSignals(ctx)
	defer release()
	f.Journal = path
	return a.resumeRun(ctx, f)
}

func (a *app) lint(file string) error {
	book, _, err := runbook.Load(file)
	if err != nil {
		return &cli.Exit{Code: cli.Usage, Err: err}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: no mistakes: %s, %s, %s after\n", file, phases.Plural(int64(len(book.Phases)), "phase"),
		phases.Plural(int64(len(book.Checklist)), "checklist group"), phases.Plural(int64(len(book.After)), "stage"))
	return cli.Failed(err)
}

func (a *app) report(path, format string) error {
	formats := report.Formats()
	i := slices.IndexFunc(formats, func(f report.Format) bool { return f.Name == format })
	if i < 0 {
		var names []string
		for _, f := range formats {
			names = append(names, f.Name)
		}
		return &cli.Exit{Code: cli.Usage, Err: fmt.Errorf("unknown format %q: one of %s", format, strings.Join(names, ", "))}
	}
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return cli.Failed(err)
	}
	r, err := report.Build(recs)
	if err != nil {
		return cli.Failed(err)
	}
	return cli.Failed(formats[i].Write(r, a.stdout))
}

func (a *app) verify(path string) error {
	sum, err := journal.Verify(path, phases.RunClosed{}.Kind())
	if err != nil {
		return cli.Failed(err)
	}
	if !sum.Closed {
		return &cli.Exit{Code: cli.Unfinished, Err: fmt.Errorf("%s: line %d is the last, and it does not close the run: the run is unfinished, or lines after it were removed", path, sum.Records)}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s, unchanged and complete, head %s\n", path, phases.Plural(int64(sum.Records), "record"), sum.Head)
	return cli.Failed(err)
}

func (a *app) guide() error {
	_, err := a.stdout.Write(runbook.Guide())
	return cli.Failed(err)
}

func (a *app) watch(ctx context.Context, path string, plain bool) error {
	ctx, release := phases.StopOnSignals(ctx)
	defer release()
	if plain || !a.interactive() {
		return cli.Failed(ui.Plain(ctx, ui.PlainOptions{Journal: path, Out: a.stdout}))
	}
	return cli.Failed(ui.Watch(ctx, path))
}

func (a *app) mirror(ctx context.Context, path string, m cli.Mirror) error {
	ctx, release := phases.StopOnSignals(ctx)
	defer release()
	server, err := mirror.New(mirror.Options{Journal: path, Listen: m.Listen, AuthorizedKeys: m.Keys, HostKey: m.HostKey, Log: a.stderr})
	if err != nil {
		return cli.Failed(err)
	}
	fmt.Fprintln(a.stdout, mirrorNote(server))
	if err := server.Serve(ctx); err != nil && ctx.Err() == nil {
		return cli.Failed(err)
	}
	return nil
}

// mirrorNote says where a mirror is, and whether others than this host reach it.
func mirrorNote(m *mirror.Server) string {
	note := fmt.Sprintf("mirror on %s, host key %s", m.Addr(), m.HostKeyFingerprint())
	if !m.Loopback() {
		note += ", open to the network"
	}
	return note
}

// interactive reports whether there is a terminal that a screen fits on.
func (a *app) interactive() bool {
	t := os.Getenv("TERM")
	return t != "" && t != "dumb" && term.IsTerminal(a.stdin.Fd()) && term.IsTerminal(a.stdout.Fd())
}

// demo makes a server and a gym, and runs the guide's runbook on them.
func (a *app) demo(ctx context.Context, f cli.Flags) error {
	if f.Users < gym.MinUsers || f.Users > 5_000_000 {
		return &cli.Exit{Code: cli.Usage, Err: fmt.Errorf("--users %d: from %d to 5000000", f.Users, gym.MinUsers)}
	}
	ctx, release := phases.StopOnSignals(ctx)
	defer release()
	server, err := sandbox.Start(ctx, sandbox.Options{Linger: demoLinger, Progress: func(s string) { fmt.Fprintln(a.stderr, s) }})
	if err != nil {
		return cli.Failed(err)
	}
	defer a.leaveServer(server)
	if err := server.CreateDatabase(ctx, "gym", ""); err != nil {
		return cli.Failed(err)
	}
	f.DSN = server.DSN("gym")
	err = gym.Load(ctx, f.DSN, gym.Options{Users: f.Users, Seed: f.Seed, Progress: a.loading()})
	fmt.Fprintln(a.stderr)
	if err != nil {
		return cli.Failed(err)
	}
	source := runbook.Guide()
	book, err := runbook.Parse(runbook.GuideName, source)
	if err != nil {
		return cli.Failed(err)
	}
	f.New = true
	return a.start(ctx, runbook.GuideName, source, book, phases.Demo, f)
}

// adoptServer takes over the server of a demo that was left or killed.
func (a *app) adoptServer(ctx context.Context, id phases.Identity) (*sandbox.Server, error) {
	server, err := sandbox.Adopt(ctx, id.Host)
	if errors.Is(err, sandbox.ErrGone) {
		err = fmt.Errorf("%w: a demo's server waits %.0f minutes for its run to be resumed; start another demo, or name a server with --dsn", err, demoLinger.Minutes())
	}
	return server, err
}

// leaveServer removes the demo's server, or leaves it for resume.
func (a *app) leaveServer(server *sandbox.Server) {
	leave, what := server.Stop, "stop"
	if a.unfinished {
		leave, what = server.Release, "leave"
	}
	if err := leave(); err != nil {
		fmt.Fprintf(a.stderr, "tminus: %s the demo's server: %v\n", what, err)
	} else if a.unfinished {
		fmt.Fprintf(a.stderr, "the demo's server waits %.0f minutes for that\n", demoLinger.Minutes())
	}
}

// loading tells how far the demo's data is, in a line that is written over.
func (a *app) loading() func(done, total int64, what string) {
	live := term.IsTerminal(a.stderr.Fd())
	return func(done, total int64, what string) {
		if live {
			fmt.Fprintf(a.stderr, "\r\x1b[Kloading the gym: %3d %%  %s", 100*done/max(1, total), what)
		}
	}
}

// runFile runs a runbook file against the database that the flags name.
func (a *app) runFile(ctx context.Context, file string, env phases.Environment, f cli.Flags) error {
	book, source, err := runbook.Load(file)
	if err != nil {
		return &cli.Exit{Code: cli.Usage, Err: err}
	}
	ctx, release := phases.StopOnSignals(ctx)
	defer release()
	return a.start(ctx, filepath.Base(file), source, book, env, f)
}

// start opens a new run.
func (a *app) start(ctx context.Context, file string, source []byte, book *runbook.Runbook, env phases.Environment, f cli.Flags) error {
	now := time.Now()
	t0, err := phases.PlanT0(f.StartAt, book.Window, now)
	if err != nil {
		return &cli.Exit{Code: cli.Usage, Err: err}
	}
	opened := phases.RunOpened{
		RunID: phases.NewRunID(now), Version: phases.Version(), File: file, Source: string(source), SHA256: phases.SHA256(source),
		Environment: env, Unattended: f.Unattended, Operator: phases.LocalOperator(), PlannedT0: t0,
	}
	target, identity, err := a.connect(ctx, book, opened.Operator, f)
	if err != nil {
		return err
	}
	defer target.Close()
	opened.Target = identity
	if !f.New {
		if path, err := a.offerUnfinished(opened); err != nil {
			return err
		} else if path != "" {
			target.Close()
			f.Journal = path
			return a.resumeRun(ctx, f)
		}
	}
	if f.Journal == "" {
		if f.Journal, err = phases.NewJournalPath(file, now); err != nil {
			return cli.Failed(err)
		}
	}
	w, err := journal.Create(f.Journal)
	if err != nil {
		return cli.Failed(err)
	}
	defer w.Close()
	engine, err := phases.Open(target, w, opened, phases.Settings{Hold: f.Hold})
	if err != nil {
		return cli.Failed(err)
	}
	return a.conduct(ctx, engine, w.Path(), f)
}

// offerUnfinished gives the journal of an unfinished run of the same runbook
// and database that the operator wants to take up: what it left open comes
// first. Where nobody can be asked, it refuses.
func (a *app) offerUnfinished(opened phases.RunOpened) (string, error) {
	dir, err := phases.StateDir()
	if err != nil {
		return "", cli.Failed(err)
	}
	found, err := phases.FindUnfinished(dir, opened.SHA256, opened.Target)
	if err != nil || len(found) == 0 {
		return "", cli.Failed(err)
	}
	path := found[len(found)-1]
	if term.IsTerminal(a.stdin.Fd()) {
		fmt.Fprintf(a.stderr, "a run of this runbook against this database is unfinished: %s\ntake it up? [y/N] ", path)
		line, err := bufio.NewReader(a.stdin).ReadString('\n')
		if err == nil && strings.EqualFold(strings.TrimSpace(line), "y") {
			return path, nil
		}
	}
	return "", &cli.Exit{Code: cli.Unfinished, Err: fmt.Errorf("a run of this runbook against this database is unfinished: take it up with `tminus resume %s`, or start another with --new", path)}
}

// resumeRun takes up the run of a journal.
func (a *app) resumeRun(ctx context.Context, f cli.Flags) error {
	w, recs, torn, err := journal.OpenWriter(f.Journal)
	if err != nil {
		return cli.Failed(err)
	}
	defer w.Close()
	state, err := phases.Fold(recs)
	if err != nil {
		return cli.Failed(err)
	}
	if !state.ClosedAt.IsZero() {
		return cli.Failed(fmt.Errorf("%s: %w as %s: there is nothing to take up; see `tminus report %s`", f.Journal, phases.ErrEnded, state.Outcome, f.Journal))
	}
	if torn > 0 {
		fmt.Fprintf(a.stderr, "the journal's last line was torn: %s cut off\n", phases.Plural(int64(torn), "byte"))
	}
	f.Unattended = state.Opened.Unattended
	if f.DSN == "" && state.Opened.Environment == phases.Demo {
		server, err := a.adoptServer(ctx, state.Target)
		if err != nil {
			return cli.Failed(err)
		}
		a.unfinished = true // until it is known to be finished
		defer a.leaveServer(server)
		f.DSN = db.LocalDSN(state.Target)
	}
	resumed := phases.RunResumed{Operator: phases.LocalOperator(), TornBytes: torn, Version: phases.Version()}
	target, identity, err := a.connect(ctx, state.Runbook, resumed.Operator, f)
	if err != nil {
		return err
	}
	defer target.Close()
	resumed.Target = identity
	engine, err := phases.Resume(target, w, recs, resumed, phases.Settings{Hold: f.Hold})
	if err != nil {
		return cli.Failed(err)
	}
	return a.conduct(ctx, engine, w.Path(), f)
}

// connect opens the database and takes the operator lock. A holder whose
// program is dead is ended first when the operator typed its pid.
func (a *app) connect(ctx context.Context, book *runbook.Runbook, op phases.Operator, f cli.Flags) (*db.Target, phases.Identity, error) {
	target, err := db.Open(ctx, db.Config{DSN: f.DSN, Operator: op, Runbook: book})
	if err != nil {
		return nil, phases.Identity{}, cli.Failed(err)
	}
	identity, err := target.Identity(ctx)
	if err == nil {
		err = target.Lock(ctx)
	}
	var locked *phases.LockedError
	if errors.As(err, &locked) {
		if f.EndHolder != 0 && f.EndHolder == locked.Holder.PID {
			err = target.TakeOver(ctx, locked.Holder)
		} else {
			err = fmt.Errorf("%w (--end-holder %d)", err, locked.Holder.PID)
		}
	}
	if err != nil {
		target.Close()
		return nil, identity, cli.Failed(err)
	}
	return target, identity, nil
}

// conduct runs an engine with a screen, or line by line, until the run ends,
// the operator leaves, or a signal comes. The engine has the last word: it
// brings an open phase to a safe end before the program does.
func (a *app) conduct(ctx context.Context, engine *phases.Engine, path string, f cli.Flags) error {
	note, closeMirror, err := a.serveMirror(ctx, engine, path, f.Mirror)
	if err != nil {
		return cli.Failed(err)
	}
	screenErr, err := engine.Conduct(ctx, func(ctx context.Context) error {
		if !f.Plain && a.interactive() {
			return ui.Run(ctx, ui.Options{Journal: path, Commander: engine, Done: engine.Ended(), Note: note})
		}
		opts := ui.PlainOptions{Journal: path, Out: a.stdout, Done: engine.Ended()}
		if !f.Unattended {
			opts.Commander, opts.In = engine, a.stdin
		}
		return ui.Plain(ctx, opts)
	})
	closeMirror()
	var s string
	code := cli.Unfinished
	engine.View(func(state *phases.State) {
		s, code, a.unfinished = state.Summary(path), state.ExitCode(), state.ClosedAt.IsZero()
	})
	fmt.Fprintln(a.stderr, s)
	switch {
	case err == nil:
		err = screenErr
	case errors.Is(err, phases.ErrOtherHistory):
		code = cli.Unknown
	case code == cli.Unfinished:
		code = cli.Error
	}
	if code == cli.Finished && err == nil {
		return nil
	}
	return &cli.Exit{Code: code, Err: err}
}

// serveMirror serves the run's mirror when the flags ask for one.
func (a *app) serveMirror(ctx context.Context, engine *phases.Engine, path string, f cli.Mirror) (note string, closeMirror func(), err error) {
	if f.Listen == "" {
		return "", func() {}, nil
	}
	m, err := mirror.New(mirror.Options{Journal: path, Listen: f.Listen, AuthorizedKeys: f.Keys, HostKey: f.HostKey, Presence: engine})
	if err != nil {
		return "", nil, err
	}
	fmt.Fprintln(a.stderr, mirrorNote(m))
	served := make(chan error, 1)
	go func() { served <- m.Serve(context.WithoutCancel(ctx)) }() // ends with closeMirror
	return mirrorNote(m), func() {
		if err := errors.Join(m.Close(context.WithoutCancel(ctx)), <-served); err != nil {
			fmt.Fprintf(a.stderr, "tminus: mirror: %v\n", err)
		}
	}, nil
}
