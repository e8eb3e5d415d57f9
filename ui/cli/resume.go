package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/ui"
	"tminus/ui/choose"
)

func resumeCommand(a *app) *cobra.Command {
	var f Flags
	c := &cobra.Command{
		Use:   "resume [JOURNAL]",
		Short: "Take up a run where its journal ends",
		Long: "Without a journal it takes up the run that is unfinished, or asks which of several; where\n" +
			"nobody can be asked it lists them, each with its command. The database is the one that the\n" +
			"journal names, unless --dsn names another way to it; passwords come from PGPASSWORD, the\n" +
			"password file or the service file.",
		Example: "  tminus resume\n  tminus resume reset.journal\n  tminus resume reset.journal --dsn 'host=prod dbname=gym user=dba'",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.told(f, func(f Flags) error {
				if len(args) == 1 {
					f.Journal = args[0]
				}
				return a.resume(c.Context(), f)
			})
		},
	}
	identityFlag(c, &f)
	targetFlags(c, &f)
	screenFlags(c, &f)
	return c
}

func (a *app) resume(ctx context.Context, f Flags) error {
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	if f.Journal == "" {
		path, err := a.pickUnfinished(ctx, f)
		if err != nil {
			return err
		}
		f.Journal = path
	}
	return a.resumeRun(ctx, f)
}

// pickUnfinished gives the journal of the one unfinished run, or of the one that
// is chosen.
func (a *app) pickUnfinished(ctx context.Context, f Flags) (string, error) {
	dir, err := engine.StateDir()
	if err != nil {
		return "", Failed(fmt.Errorf("look for unfinished runs: %w; or name its journal: tminus resume JOURNAL", err))
	}
	found, passed, err := engine.FindUnfinished(dir)
	if err != nil {
		return "", Failed(err)
	}
	for _, why := range passed {
		fmt.Fprintf(a.stderr, "passed over: %s\n", phases.Clean(why.Error()))
	}
	var ready, rest []engine.Unfinished
	for _, u := range found {
		if u.Ready() {
			ready = append(ready, u)
		} else {
			rest = append(rest, u)
		}
	}
	now := time.Now()
	switch {
	case len(found) == 0 && passed != nil:
		return "", Failed(errors.New("no unfinished run can be read: see above; one that is elsewhere is named: tminus resume JOURNAL"))
	case len(found) == 0:
		return "", Failed(fmt.Errorf("no run is unfinished that was begun by this user on this host (looked in %s); one that is elsewhere is named: tminus resume JOURNAL", phases.Clean(dir)))
	case len(ready) == 0:
		a.tellUnfinished(a.stderr, rest, now)
		return "", Failed(errors.New("no unfinished run can be taken up now: see above"))
	case len(ready) == 1 && passed == nil: // what is gone for good is no news
		rest = slices.DeleteFunc(rest, func(u engine.Unfinished) bool { return u.Gone != "" })
		a.tellUnfinished(a.stderr, append(rest, ready...), now)
		return ready[0].Path, nil
	case f.Plain || !a.interactive():
		a.tellUnfinished(a.stdout, found, now)
		return "", &Exit{Code: Unfinished, Err: fmt.Errorf("%s: name the one that is meant by its journal, as above", several(len(ready), len(passed)))}
	}
	return a.choose(ctx, f, append(ready, rest...), passed, now)
}

// several says between how many runs a choice is: what was passed over may be one.
func several(ready, passed int) string {
	text := phases.Digits(int64(ready)) + " runs are unfinished"
	if ready == 1 {
		text = "1 run is unfinished"
	}
	if passed > 0 {
		text += ", and others were passed over"
	}
	return text
}

// choose has somebody choose one of several; those that can be taken up come first,
// and the latest before the others. What was passed over may be the one that is meant.
func (a *app) choose(ctx context.Context, f Flags, runs []engine.Unfinished, passed []error, now time.Time) (string, error) {
	var entries []choose.Entry
	var paths []string
	for _, ready := range []bool{true, false} {
		for i := len(runs) - 1; i >= 0; i-- {
			if u := runs[i]; u.Ready() == ready {
				r := aboutRun(u, now)
				entries = append(entries, choose.Entry{Title: r.title, Where: r.where, Stands: r.stands, Lines: []string{r.begun, r.stands, u.Path}, Why: r.why})
				paths = append(paths, u.Path)
			}
		}
	}
	for _, why := range passed {
		entries = append(entries, choose.Entry{Title: "Passed over", Why: phases.Clean(why.Error())})
	}
	at, err := choose.Run(ctx, choose.Options{Title: "Which run do you want to resume?", Entries: entries}, ui.Options{Looks: f.Looks})
	if errors.Is(err, choose.ErrLeft) || errors.Is(err, engine.ErrSignal) {
		return "", &Exit{Code: Unfinished, Err: err}
	}
	if err != nil {
		return "", Failed(err)
	}
	return paths[at], nil
}

// about is what is told of an unfinished run.
type about struct{ title, where, begun, stands, why string }

func aboutRun(u engine.Unfinished, now time.Time) about {
	s, alone := u.State, ""
	if s.Opened.Unattended { // taken up, it asks nobody
		alone = ", unattended"
	}
	out := about{
		title: phases.Clean(s.Runbook.Title),
		where: phases.Clean(fmt.Sprintf("%s on %s at %s", s.Opened.Environment, s.Target.Database, s.Target.Host)),
		begun: phases.Clean(fmt.Sprintf("begun %s by %s%s, last event %s", s.OpenedAt.UTC().Format("2006-01-02 15:04 UTC"), s.Opened.Operator, alone, ago(s.At, now))),
		why:   u.Gone, stands: phases.Clean(s.Standing()),
	}
	if u.Driven {
		out.why = "driven right now by " + phases.Clean(s.Operator.String())
	}
	return out
}

// ago is how long ago something was, in words.
func ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case d < time.Minute:
		return "just now"
	case d < 48*time.Hour:
		return phases.Span(d.Truncate(time.Minute)) + " ago"
	default:
		return phases.Plural(int64(d/(24*time.Hour)), "day") + " ago"
	}
}

// tellUnfinished lists runs, each with the command that goes on with it.
func (a *app) tellUnfinished(to io.Writer, runs []engine.Unfinished, now time.Time) {
	for _, u := range runs {
		r := aboutRun(u, now)
		fmt.Fprintf(to, "%s, %s\n  %s\n  %s\n", r.title, r.where, r.begun, r.stands)
		switch {
		case u.Driven:
			fmt.Fprintf(to, "  %s: %s\n", r.why, a.command("watch", u.Path))
		case u.Gone != "":
			fmt.Fprintf(to, "  %s; its journal is %s\n", r.why, phases.Clean(u.Path))
		default:
			fmt.Fprintf(to, "  %s\n", a.command("resume", u.Path))
		}
	}
}

// resumeRun takes up the run of a journal.
func (a *app) resumeRun(ctx context.Context, f Flags) error {
	w, recs, torn, err := journal.OpenWriter(f.Journal)
	if err != nil {
		return Failed(err)
	}
	defer w.Close()
	state, err := phases.Fold(recs)
	if err != nil {
		return Failed(err)
	}
	if !state.ClosedAt.IsZero() {
		return Failed(fmt.Errorf("%s: %w as %s: there is nothing to take up; see `%s`", f.Journal, phases.ErrEnded, state.Outcome, a.command("report", f.Journal)))
	}
	if torn > 0 {
		fmt.Fprintf(a.stderr, "the journal's last line was torn: %s cut off\n", phases.Plural(int64(torn), "byte"))
	}
	f.Unattended = state.Opened.Unattended
	if whose, another := serverOf(state); f.DSN == "" && whose != "" {
		server, dsn, err := a.database.AdoptServer(ctx, state.Target, another)
		if err != nil {
			return Failed(err)
		}
		a.unfinished = true // until it is known to be finished
		defer a.leaveServer(server, whose)
		f.DSN = dsn
	}
	resumed := phases.RunResumed{Operator: engine.LocalOperator(), TornBytes: torn, Version: engine.Version(), Program: engine.ProgramName()}
	target, identity, address, err := a.connected(ctx, state, Access{DSN: f.DSN, EndHolder: f.EndHolder, Identity: f.Identity, Operator: resumed.Operator, Runbook: state.Runbook}, a.database.Connect)
	if err != nil {
		return Failed(err)
	}
	defer target.Close()
	resumed.Target, resumed.Address = identity, address
	engine, err := engine.Resume(target, w, recs, resumed, settings(f))
	if err != nil {
		return Failed(err)
	}
	return a.conduct(ctx, engine, w.Path(), f)
}
