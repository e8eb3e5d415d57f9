package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/report"
	"tminus/phases/runbook"
	"tminus/ui"
	"tminus/ui/mirror"
	"tminus/ui/plain"
)

// What needs a file alone, and no database.

func (a *app) report(path, format string) error {
	formats := report.Formats()
	i := slices.IndexFunc(formats, func(f report.Format) bool { return f.Name == format })
	if i < 0 {
		var names []string
		for _, f := range formats {
			names = append(names, f.Name)
		}
		return &Exit{Code: Usage, Err: fmt.Errorf("unknown format %q: one of %s", format, strings.Join(names, ", "))}
	}
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return Failed(err)
	}
	r, err := report.Build(recs)
	if err != nil {
		return Failed(err)
	}
	return Failed(formats[i].Write(r, a.stdout))
}

func (a *app) verify(path string) error {
	sum, err := journal.Verify(path, phases.RunClosed{}.Kind(), phases.ClosingKinds()[1:]...)
	if err != nil {
		return Failed(err)
	}
	if !sum.Closed {
		return &Exit{Code: Unfinished, Err: fmt.Errorf("%s: line %d is the last, and it does not close the run: the run is unfinished, or lines after it were removed", path, sum.Records)}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s, unchanged and complete, head %s\n", path, phases.Plural(int64(sum.Records), "record"), sum.Head)
	return Failed(err)
}

func (a *app) guide(site runbook.Site) error {
	_, err := a.stdout.Write(runbook.Guide(site))
	return Failed(err)
}

func (a *app) watch(ctx context.Context, path string, inLines bool) error {
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	if inLines || !a.interactive() {
		return Failed(plain.Run(ctx, plain.Options{Journal: path, Out: a.stdout}))
	}
	return Failed(ui.Watch(ctx, path))
}

func (a *app) mirror(ctx context.Context, path string, m Mirror) error {
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	server, err := mirror.New(mirror.Options{Journal: path, Listen: m.Listen, AuthorizedKeys: m.Keys, HostKey: m.HostKey, Log: a.stderr})
	if err != nil {
		return Failed(err)
	}
	fmt.Fprintln(a.stdout, mirrorNote(server))
	if err := server.Serve(ctx); err != nil && ctx.Err() == nil {
		return Failed(err)
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
