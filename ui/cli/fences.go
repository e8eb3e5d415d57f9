package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// What a run has switched off: telling it, and bringing it back.

func fencesCommand(a *app) *cobra.Command {
	var f Flags
	var ask bool
	c := &cobra.Command{
		Use:   "fences JOURNAL",
		Short: "Tell what a run has switched off, and what of it is back",
		Long:  "Tells what a run has switched off, since when, and what was recorded of it. It changes nothing.\nExit codes: 0 nothing is off; 1 something is, or nobody knows.",
		Example: "  tminus fences reset.journal\n  tminus fences reset.journal --ask" +
			" --dsn 'host=prod dbname=gym'",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.fences(c.Context(), args[0], f, ask) },
	}
	c.Flags().BoolVar(&ask, "ask", false, "ask each of them how it stands now; without it, the journal alone is read")
	targetFlags(c, &f)
	return c
}

func restoreCommand(a *app) *cobra.Command {
	var f Flags
	var r restoring
	c := &cobra.Command{
		Use:   "restore JOURNAL",
		Short: "Bring back what a run has left switched off",
		Long: "Brings back what a run has switched off that will not go on: killed, aborted, or closed.\n" +
			"The last comes back first, each as it was recorded, and is compared. What somebody else has\n" +
			"changed meanwhile is left alone. A run that has not ended ends thereby.\n" +
			"Exit codes: 0 all of it is back, and was compared; 1 something is not.",
		Example: "  tminus restore reset.journal\n  tminus restore reset.journal --dsn 'host=prod dbname=gym' --yes\n" +
			"  tminus restore reset.journal --leave alerts --reason 'the silence is the on-call team's now'",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.restore(c.Context(), args[0], f, r) },
	}
	c.Flags().BoolVar(&r.yes, "yes", false, "end a run that has not ended, without asking")
	c.Flags().StringSliceVar(&r.leave, "leave", nil, "fences, by their ids, that are left as they are; needs --reason")
	c.Flags().StringVar(&r.reason, "reason", "", "why they are left")
	targetFlags(c, &f)
	return c
}

// restoring is what restore is told beside the database.
type restoring struct {
	yes    bool
	leave  []string
	reason string
}

func (a *app) fences(ctx context.Context, path string, f Flags, ask bool) error {
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return Failed(err)
	}
	s, err := phases.Fold(recs)
	if err != nil {
		return Failed(err)
	}
	if ask {
		if err := a.look(ctx, s, f); err != nil {
			return err
		}
	}
	a.tellFences(s)
	off := len(s.FencesOff()) > 0 || s.TriggersOff || slices.ContainsFunc(s.Fences, func(f phases.FenceState) bool {
		return f.Recorded != nil && (f.Seen == phases.SeenUnknown || f.Seen == phases.SeenChanged)
	})
	if off {
		return &Exit{Code: Error}
	}
	return nil
}

// look asks each fence how it stands, and has the state say that.
func (a *app) look(ctx context.Context, s *phases.State, f Flags) error {
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	target, closing, why := a.fenceTarget(ctx, s, f, true, a.database.Open)
	defer closing()
	seen, err := engine.LookAtFences(ctx, target, s, why)
	if err != nil {
		return Failed(err)
	}
	for _, e := range seen {
		if at := s.Fence(e.Fence); at != nil {
			at.Seen, at.Found, at.Error, at.SeenAt = e.Sight, e.Found, e.Error, time.Now()
		}
	}
	return nil
}

// noteOf is what switching it said, where that says more than was found.
func noteOf(f *phases.FenceState) string {
	if f.Note == f.Found {
		return ""
	}
	return f.Note
}

// tellFences says each fence in a line or a few.
func (a *app) tellFences(s *phases.State) {
	if len(s.Fences) == 0 && s.Triggers == nil {
		fmt.Fprintln(a.stdout, "this run switches nothing off")
		return
	}
	for i := range s.Fences {
		f := &s.Fences[i]
		line := f.Plan.ID + ": " + f.Plan.Title + ": " + f.Word()
		if f.MayBeOff() && !f.OffAt.IsZero() {
			if f.Word() != "off" && !f.Plan.Made() {
				line += ", off"
			}
			line += " since " + f.OffAt.UTC().Format(time.DateTime) + " UTC"
		}
		if !f.MayBeOff() && !f.BackAt.IsZero() {
			line += " since " + f.BackAt.UTC().Format(time.DateTime) + " UTC"
		}
		fmt.Fprintln(a.stdout, phases.Clean(line))
		if f.Recorded != nil {
			fmt.Fprintln(a.stdout, phases.Clean("  recorded: "+f.Recorded.Text))
		}
		for _, t := range []struct{ what, text string }{{"found: ", f.Found}, {"unknown: ", f.Error}, {"failed: ", f.Failed}, {"note: ", noteOf(f)}, {"left: ", f.Reason}} {
			if t.text != "" {
				fmt.Fprintln(a.stdout, phases.Clean("  "+t.what+t.text))
			}
		}
	}
	if len(s.Fences) == 0 {
		word := "back"
		if s.TriggersOff {
			word = "off, or not known to be back"
		}
		fmt.Fprintf(a.stdout, "triggers: %s\n", word)
	}
}

// fenceTarget opens the run's database where a fence needs it that the run has not
// brought back (with all, any that the run has touched), or the run is to be ended:
// its operator lock tells whether a program drives it. Where that cannot be, it says
// why: the other fences need none.
func (a *app) fenceTarget(ctx context.Context, s *phases.State, f Flags, all bool, open func(context.Context, Access) (engine.Target, phases.Identity, error)) (engine.Target, func(), error) {
	none := func() {}
	whose, another := serverOf(s) // a demo's has what stands around it, too
	needed := !all && s.Outcome == ""
	for i := range s.Fences {
		f := &s.Fences[i]
		needed = needed || f.Recorded != nil && (f.Plan.OfDatabase() || whose != "") && (all || f.MayBeOff() || s.ClosedAt.IsZero() && f.Outstanding())
	}
	if !needed {
		return nil, none, nil
	}
	leave := none
	if f.DSN == "" && whose != "" {
		server, dsn, err := a.database.AdoptServer(ctx, s.Target, another)
		if err != nil {
			return nil, none, err
		}
		f.DSN = dsn
		leave = func() { _ = server.Release() } // it goes by itself, after a while
	}
	target, id, _, err := a.connected(ctx, s, Access{DSN: f.DSN, EndHolder: f.EndHolder, Operator: engine.LocalOperator(), Runbook: s.Runbook}, open)
	if err != nil {
		leave()
		return nil, none, err
	}
	if !s.Target.Same(id) {
		target.Close()
		leave()
		return nil, none, &phases.OtherTargetError{Want: s.Target, Got: id}
	}
	return target, func() { target.Close(); leave() }, nil
}

func (a *app) restore(ctx context.Context, path string, f Flags, r restoring) error {
	if len(r.leave) > 0 && strings.TrimSpace(r.reason) == "" {
		return &Exit{Code: Usage, Err: errors.New("--leave needs a --reason: it stands in the execution log")}
	}
	w, recs, torn, err := journal.OpenWriter(path)
	if err != nil {
		return Failed(err)
	}
	defer w.Close()
	s, err := phases.Fold(recs)
	if err != nil {
		return Failed(err)
	}
	if len(s.Fences) == 0 {
		a.tellFences(s)
		if s.TriggersOff {
			return Failed(fmt.Errorf("%s: this run has no fences; its triggers come back by the statements that `%s` has, or by `%s`", path, a.command("report", path), a.command("resume", path)))
		}
		return nil
	}
	if err := a.mayEnd(s, path, r.yes); err != nil {
		return err
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	target, closing, why := a.fenceTarget(ctx, s, f, false, a.database.Connect)
	defer closing()
	if locked, held := errors.AsType[*engine.LockedError](why); held && s.Outcome == "" { // a copy of the journal does not keep that program from it
		return Failed(fmt.Errorf("%s: a program works on this run's database: %w; watch that run, or end it first", path, locked))
	}
	done, err := engine.Restore(ctx, target, w, recs, engine.Restoring{
		Operator: engine.LocalOperator(), Torn: torn, Leave: r.leave, Reason: r.reason, NoTarget: why,
	})
	if done != nil {
		a.tellFences(done)
		if !done.ClosedAt.IsZero() { // `tminus resume` need not know of it any more
			if err := engine.ForgetJournal(done.Opened.RunID); err != nil {
				fmt.Fprintf(a.stderr, "tminus: %v\n", err)
			}
		}
	}
	switch {
	case err != nil:
		return Failed(fmt.Errorf("%s: %w", path, err))
	case len(done.FencesOff()) > 0:
		return Failed(fmt.Errorf("%s: not all is back: see above; run this again when that is put right, or leave it as it is with --leave", path))
	}
	return nil
}

// mayEnd asks whether a run that has not ended may end.
func (a *app) mayEnd(s *phases.State, path string, yes bool) error {
	if s.Outcome != "" || yes {
		return nil
	}
	end := fmt.Sprintf("%s: the run has not ended: bringing back what it has switched off ends it as aborted, and it cannot be resumed", path)
	if !term.IsTerminal(a.stdin.Fd()) {
		return &Exit{Code: Unfinished, Err: errors.New(end + "; say --yes where that is meant, or take it up with `" + a.command("resume", path) + "`")}
	}
	fmt.Fprintf(a.stderr, "%s\nend it? [y/N] ", end)
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err == nil && strings.EqualFold(strings.TrimSpace(line), "y") {
		return nil
	}
	return &Exit{Code: Left, Err: errors.New("nothing was changed")}
}
