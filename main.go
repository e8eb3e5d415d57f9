// Command tminus runs a destructive PostgreSQL maintenance from a runbook, in
// a full-screen terminal: a go/no-go gate, one transaction a phase,
// verification before COMMIT, and a journal that survives any crash.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"charm.land/fang/v2"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"tminus/db"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/report"
	"tminus/phases/runbook"
	"tminus/ui"
)

// The exit codes that no run decides. 3, 4 and 5 come from State.ExitCode.
const (
	exitFinished   = 0
	exitError      = 1
	exitUsage      = 2 // or a runbook with mistakes
	exitUnfinished = 6
)

// exit is an error with its exit code. A nil Err has been told already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin, stdout, stderr *os.File) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.commands()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := fang.Execute(context.Background(), root, fang.WithErrorHandler(
		func(w io.Writer, _ fang.Styles, err error) {
			if err.Error() != "" {
				fmt.Fprintf(w, "tminus: %v\n", err)
			}
		}))
	var x *exit
	switch {
	case err == nil:
		return exitFinished
	case errors.As(err, &x):
		return x.code
	}
	return exitUsage // cobra's own: unknown command, flag or argument
}

// app is what every command has.
type app struct {
	stdin, stdout, stderr *os.File
}

// flags are those of the commands that run a runbook.
type flags struct {
	dsn, journal, startAt string
	plain, unattended     bool
	newRun                bool
	hold                  time.Duration
	users                 int
	seed                  int64
}

func (a *app) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "tminus",
		Short: "Destructive PostgreSQL maintenance, with nothing left to luck",
		Long: "tminus runs a runbook against a PostgreSQL database: a checklist, a go/no-go gate,\n" +
			"one transaction a phase, verification before COMMIT, and an execution log that writes itself.",
		Example: "  tminus demo\n  tminus lint reset.yaml\n  tminus rehearse reset.yaml --dsn 'host=rehearsal dbname=gym'\n  tminus run reset.yaml --dsn 'host=prod dbname=gym'",
	}
	root.AddCommand(a.demo(), a.rehearse(), a.production(), a.resume(), a.lint(), a.report(), a.verify(), a.watch())
	return root
}

func (a *app) demo() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "demo",
		Short:   "Run the guide's reset of a gym's database, on a throwaway server",
		Example: "  tminus demo\n  tminus demo --users 100000\n  tminus demo --unattended --plain --journal demo.journal",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.runDemo(c.Context(), f)
		},
	}
	a.runFlags(c, &f)
	c.Flags().IntVar(&f.users, "users", 20_000, "how many users the gym has; some 25 rows each")
	c.Flags().Int64Var(&f.seed, "seed", 1, "seed of the generated data")
	c.Flags().BoolVar(&f.unattended, "unattended", false, "nobody is asked: commit where everything holds, roll back where anything does not")
	return c
}

func (a *app) rehearse() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "rehearse RUNBOOK",
		Short:   "Run a runbook against a copy of the database",
		Example: "  tminus rehearse reset.yaml --dsn 'host=rehearsal dbname=gym'\n  tminus rehearse reset.yaml --unattended --plain",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.runFile(c.Context(), args[0], phases.Rehearsal, f)
		},
	}
	a.runFlags(c, &f)
	a.dsnFlag(c, &f)
	c.Flags().BoolVar(&f.unattended, "unattended", false, "nobody is asked: commit where everything holds, roll back where anything does not")
	return c
}

func (a *app) production() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "run RUNBOOK",
		Short:   "Run a runbook against production",
		Example: "  tminus run reset.yaml --dsn 'host=prod dbname=gym user=dba'\n  PGSERVICE=prod tminus run reset.yaml --start-at 02:00",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.runFile(c.Context(), args[0], phases.Production, f)
		},
	}
	a.runFlags(c, &f)
	a.dsnFlag(c, &f)
	return c
}

func (a *app) resume() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "resume JOURNAL",
		Short:   "Take up a run where its journal ends",
		Example: "  tminus resume reset.journal\n  tminus resume reset.journal --dsn 'host=prod dbname=gym user=dba'",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.journal = args[0]
			return a.resumeRun(c.Context(), f)
		},
	}
	a.dsnFlag(c, &f)
	c.Flags().BoolVar(&f.plain, "plain", false, "one event a line, questions as lines")
	c.Flags().DurationVar(&f.hold, "hold", 2*time.Minute, "how long a verified transaction waits for COMMIT or ROLLBACK")
	return c
}

func (a *app) runFlags(c *cobra.Command, f *flags) {
	c.Flags().StringVar(&f.journal, "journal", "", "the run's journal, a new file (default: in the user's state directory)")
	c.Flags().BoolVar(&f.plain, "plain", false, "one event a line, questions as lines; for pipes, dumb terminals and screen readers")
	c.Flags().StringVar(&f.startAt, "start-at", "", "planned start of the first phase, as 02:00 or 2026-01-30 02:00 (default: when the runbook's checklist has had its time)")
	c.Flags().DurationVar(&f.hold, "hold", 2*time.Minute, "how long a verified transaction waits for COMMIT or ROLLBACK")
}

func (a *app) dsnFlag(c *cobra.Command, f *flags) {
	c.Flags().StringVar(&f.dsn, "dsn", "", "connection URL or key=value string (default: PG* variables, service file, password file)")
	c.Flags().BoolVar(&f.newRun, "new", false, "start a new run although an unfinished one of the same runbook and database exists")
}

func (a *app) lint() *cobra.Command {
	return &cobra.Command{
		Use:     "lint RUNBOOK",
		Short:   "Say every mistake in a runbook",
		Example: "  tminus lint reset.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			book, _, err := runbook.Load(args[0])
			if err != nil {
				return &exit{exitUsage, err}
			}
			fmt.Fprintf(a.stdout, "%s: no mistakes: %d phases, %d checklist groups, %d stages after\n", args[0], len(book.Phases), len(book.Checklist), len(book.After))
			return nil
		},
	}
}

func (a *app) report() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "report JOURNAL",
		Short:   "Write a run's execution log",
		Example: "  tminus report reset.journal\n  tminus report reset.journal --format json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			recs, err := journal.Read(args[0])
			if err != nil && !errors.Is(err, journal.ErrTorn) {
				return &exit{exitError, err}
			}
			r, err := report.Build(recs)
			if err != nil {
				return &exit{exitError, err}
			}
			switch format {
			case "text":
				err = r.WriteText(a.stdout)
			case "json":
				err = r.WriteJSON(a.stdout)
			default:
				return &exit{exitUsage, fmt.Errorf("unknown format %q: text or json", format)}
			}
			if err != nil {
				return &exit{exitError, fmt.Errorf("write the report: %w", err)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

func (a *app) verify() *cobra.Command {
	return &cobra.Command{
		Use:     "verify JOURNAL",
		Short:   "Check that a journal is whole and unchanged",
		Example: "  tminus verify reset.journal",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sum, err := journal.Verify(args[0], phases.RunClosed{}.Kind())
			if err != nil {
				return &exit{exitError, err}
			}
			if !sum.Closed {
				return &exit{exitUnfinished, fmt.Errorf("%s: line %d is the last, and it does not close the run: the run is unfinished, or lines after it were removed", args[0], sum.Records)}
			}
			fmt.Fprintf(a.stdout, "%s: %d records, unchanged and complete, head %s\n", args[0], sum.Records, sum.Head)
			return nil
		},
	}
}

func (a *app) watch() *cobra.Command {
	var plain bool
	c := &cobra.Command{
		Use:     "watch JOURNAL",
		Short:   "See a run's screen without its controls",
		Example: "  tminus watch reset.journal",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			var err error
			if plain || !a.interactive() {
				err = ui.Plain(ctx, ui.PlainOptions{Journal: args[0], Out: a.stdout})
			} else {
				err = ui.Watch(ctx, args[0])
			}
			if err != nil {
				return &exit{exitError, err}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&plain, "plain", false, "one event a line")
	return c
}

// interactive reports whether there is a terminal that a screen fits on.
func (a *app) interactive() bool {
	t := os.Getenv("TERM")
	return t != "" && t != "dumb" && term.IsTerminal(a.stdin.Fd()) && term.IsTerminal(a.stdout.Fd())
}

// runDemo makes a server and a gym, and runs the guide's runbook on them.
func (a *app) runDemo(ctx context.Context, f flags) error {
	if f.users < gym.MinUsers || f.users > 5_000_000 {
		return &exit{exitUsage, fmt.Errorf("--users %d: from %d to 5000000", f.users, gym.MinUsers)}
	}
	ctx, stop := stopOnSignals(ctx)
	defer stop()
	server, err := sandbox.Start(ctx, sandbox.Options{Progress: func(s string) { fmt.Fprintln(a.stderr, s) }})
	if err != nil {
		return &exit{exitError, err}
	}
	defer func() {
		if err := server.Stop(); err != nil {
			fmt.Fprintf(a.stderr, "tminus: stop the demo's server: %v\n", err)
		}
	}()
	if err := server.CreateDatabase(ctx, "gym", ""); err != nil {
		return &exit{exitError, err}
	}
	f.dsn = server.DSN("gym")
	if err := gym.Load(ctx, f.dsn, gym.Options{Users: f.users, Seed: f.seed, Progress: a.loading()}); err != nil {
		return &exit{exitError, err}
	}
	source := runbook.Guide()
	book, err := runbook.Parse(runbook.GuideName, source)
	if err != nil {
		return &exit{exitError, err}
	}
	f.newRun = true
	return a.start(ctx, runbook.GuideName, source, book, phases.Demo, f)
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
func (a *app) runFile(ctx context.Context, file string, env phases.Environment, f flags) error {
	book, source, err := runbook.Load(file)
	if err != nil {
		return &exit{exitUsage, err}
	}
	ctx, stop := stopOnSignals(ctx)
	defer stop()
	return a.start(ctx, filepath.Base(file), source, book, env, f)
}

// start opens a new run.
func (a *app) start(ctx context.Context, file string, source []byte, book *runbook.Runbook, env phases.Environment, f flags) error {
	now := time.Now()
	t0, err := phases.PlanT0(f.startAt, book.Window, now)
	if err != nil {
		return &exit{exitUsage, err}
	}
	opened := phases.RunOpened{
		RunID: phases.NewRunID(now), Version: version(), File: file, Source: string(source), SHA256: phases.SHA256(source),
		Environment: env, Unattended: f.unattended, Operator: phases.LocalOperator(), PlannedT0: t0,
	}
	target, identity, err := a.connect(ctx, f.dsn, book, opened.Operator)
	if err != nil {
		return err
	}
	defer target.Close()
	opened.Target = identity
	if !f.newRun {
		if err := a.offerUnfinished(opened); err != nil {
			return err
		}
	}
	if f.journal == "" {
		if f.journal, err = phases.NewJournalPath(file, now); err != nil {
			return &exit{exitError, err}
		}
	}
	w, err := journal.Create(f.journal)
	if err != nil {
		return &exit{exitError, err}
	}
	defer w.Close()
	engine, err := phases.Open(target, w, opened, phases.Settings{Hold: f.hold})
	if err != nil {
		return &exit{exitError, err}
	}
	return a.conduct(ctx, engine, w.Path(), f)
}

// offerUnfinished refuses to start beside an unfinished run of the same
// runbook and database: what that one left open comes first.
func (a *app) offerUnfinished(opened phases.RunOpened) error {
	dir, err := phases.StateDir()
	if err != nil {
		return &exit{exitError, err}
	}
	found, err := phases.FindUnfinished(dir, opened.SHA256, opened.Target)
	if err != nil {
		return &exit{exitError, err}
	}
	if len(found) == 0 {
		return nil
	}
	return &exit{exitUnfinished, fmt.Errorf("a run of this runbook against this database is unfinished: take it up with `tminus resume %s`, or start another with --new", found[len(found)-1])}
}

// resumeRun takes up the run of a journal.
func (a *app) resumeRun(ctx context.Context, f flags) error {
	ctx, stop := stopOnSignals(ctx)
	defer stop()
	w, recs, torn, err := journal.OpenWriter(f.journal)
	if err != nil {
		return &exit{exitError, err}
	}
	defer w.Close()
	state, err := phases.Fold(recs)
	if err != nil {
		return &exit{exitError, err}
	}
	if torn > 0 {
		fmt.Fprintf(a.stderr, "the journal's last line was torn: %d bytes were cut\n", torn)
	}
	if f.dsn == "" && state.Opened.Environment == phases.Demo {
		f.dsn = db.LocalDSN(state.Target)
	}
	resumed := phases.RunResumed{Operator: phases.LocalOperator(), TornBytes: torn, Version: version()}
	target, identity, err := a.connect(ctx, f.dsn, state.Runbook, resumed.Operator)
	if err != nil {
		return err
	}
	defer target.Close()
	resumed.Target = identity
	engine, err := phases.Resume(target, w, recs, resumed, phases.Settings{Hold: f.hold})
	if err != nil {
		return &exit{exitError, err}
	}
	return a.conduct(ctx, engine, w.Path(), f)
}

// connect opens the database and takes the operator lock.
func (a *app) connect(ctx context.Context, dsn string, book *runbook.Runbook, op phases.Operator) (*db.Target, phases.Identity, error) {
	target, err := db.Open(ctx, db.Config{DSN: dsn, Operator: op, Runbook: book})
	if err != nil {
		return nil, phases.Identity{}, &exit{exitError, err}
	}
	identity, err := target.Identity(ctx)
	if err == nil {
		err = target.Lock(ctx)
	}
	if err != nil {
		target.Close()
		return nil, identity, &exit{exitError, err}
	}
	return target, identity, nil
}

// conduct runs an engine with a screen, or line by line, until the run ends,
// the operator leaves, or a signal comes. The engine has the last word: it
// brings an open phase to a safe end before the program does.
func (a *app) conduct(ctx context.Context, engine *phases.Engine, path string, f flags) error {
	runCtx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	ran := make(chan error, 1)
	go func() { ran <- engine.Run(runCtx) }() // ends with the run, or with leave
	screenErr := a.show(ctx, engine, path, f)
	if screenErr != nil {
		leave(fmt.Errorf("the screen ended: %w", screenErr))
	} else {
		leave(phases.ErrLeft)
	}
	err := <-ran
	if err != nil && err.Error() == "" {
		err = nil
	}
	code := exitUnfinished
	engine.View(func(s *phases.State) { code = s.ExitCode() })
	fmt.Fprintf(a.stderr, "journal: %s\n", path)
	if code == exitUnfinished {
		fmt.Fprintf(a.stderr, "the run is unfinished: tminus resume %s\n", path)
	} else {
		fmt.Fprintf(a.stderr, "execution log: tminus report %s\n", path)
	}
	switch {
	case code != exitFinished && code != exitUnfinished:
		return &exit{code, err}
	case err != nil:
		return &exit{exitError, err}
	case screenErr != nil:
		return &exit{exitError, screenErr}
	case code != exitFinished:
		return &exit{code, nil}
	}
	return nil
}

// show is the operator's screen, or its plain lines.
func (a *app) show(ctx context.Context, engine *phases.Engine, path string, f flags) error {
	if !f.plain && a.interactive() {
		return ui.Run(ctx, ui.Options{Journal: path, Commander: engine, Done: engine.Ended()})
	}
	opts := ui.PlainOptions{Journal: path, Out: a.stdout, Done: engine.Ended()}
	if !f.unattended {
		opts.Commander, opts.In = engine, a.stdin
	}
	return ui.Plain(ctx, opts)
}

// stopOnSignals ends the context on a signal, with its name as the cause. A
// closed terminal's SIGHUP is one: it must not decide a transaction by killing
// the program in its middle.
func stopOnSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	go func() { // ends with the program: further signals don't make it worse
		for s := range signals {
			cancel(fmt.Errorf("signal: %s", s))
		}
	}()
	return ctx, func() { cancel(nil) }
}

// version is the module's, as built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
