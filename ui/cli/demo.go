package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/charmbracelet/x/term"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// DemoLinger is how long a demo's server waits for its run to be resumed.
const DemoLinger = 15 * time.Minute

// unattendedMeasure is how long an unattended demo measures response times.
const unattendedMeasure = 3 * time.Second

// demo makes a server and a gym, and runs the guide's runbook on them.
func (a *app) demo(ctx context.Context, f Flags) error {
	if f.Users < a.database.MinUsers || f.Users > 5_000_000 {
		return &Exit{Code: Usage, Err: fmt.Errorf("--users %d: from %d to 5000000", f.Users, a.database.MinUsers)}
	}
	if f.Measure != 0 && (f.Measure < time.Second || f.Measure > 10*time.Minute || f.Measure%time.Millisecond != 0) {
		return &Exit{Code: Usage, Err: fmt.Errorf("--measure %s: from 1s to 10m, in whole milliseconds", f.Measure)}
	}
	if f.Drama && f.Unattended {
		return &Exit{Code: Usage, Err: errors.New("--drama is for somebody who mends what goes wrong: leave --unattended out")}
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	server, err := a.database.StartServer(ctx, func(s string) { fmt.Fprintln(a.stderr, s) })
	if err != nil {
		return Failed(err)
	}
	defer a.leaveServer(server, "demo")
	f.DSN, err = server.Fill(ctx, f.Users, f.Seed, f.Pace, a.loading())
	fmt.Fprintln(a.stderr)
	if err != nil {
		return Failed(err)
	}
	site, err := server.Site(ctx)
	if err != nil {
		return Failed(err)
	}
	if site.ByHand {
		fmt.Fprintln(a.stderr, "PostgreSQL's client programs are not here for this server: the demo's backup is one that somebody else took, and nothing proves it")
	}
	site.Measure = f.Measure
	if f.Unattended && site.Measure == 0 {
		site.Measure = unattendedMeasure
	}
	if site.Measure > 0 {
		fmt.Fprintf(a.stderr, "the application's response times are measured for %s, and not for the guide's minute\n", phases.Span(site.Measure))
	}
	source := runbook.Guide(site)
	book, err := runbook.Parse(runbook.GuideName, source)
	if err != nil {
		return Failed(err)
	}
	f.New = true
	if f.Drama {
		f.drama = &drama{server: server, backupAge: book.Backup.MaxAge, byHand: site.ByHand}
		for _, line := range f.drama.program() {
			fmt.Fprintln(a.stderr, line)
		}
	}
	return a.start(ctx, runbook.GuideName, source, book, phases.Demo, f)
}

// leaveServer removes the throwaway server of a demo or a copy, or leaves it for
// resume.
func (a *app) leaveServer(server Throwaway, whose string) {
	leave, what := server.Stop, "stop"
	if a.unfinished {
		leave, what = server.Release, "leave"
	}
	if err := leave(); err != nil {
		fmt.Fprintf(a.stderr, "tminus: %s the %s's server: %v\n", what, whose, err)
	} else if a.unfinished {
		fmt.Fprintf(a.stderr, "the %s's server waits %.0f minutes for that\n", whose, DemoLinger.Minutes())
	}
	if a.unfinished || a.spare == "" {
		return
	}
	// There is no database any more to which the rows could be given back.
	if err := os.RemoveAll(a.spare); err != nil {
		fmt.Fprintf(a.stderr, "tminus: remove what the %s's phases took away: %v: remove it by hand\n", whose, err)
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
