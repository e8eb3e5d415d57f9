package cli

import (
	"context"
	"errors"
	"fmt"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
	"tminus/ui"
	"tminus/ui/mirror"
	"tminus/ui/plain"
)

// What needs a file alone, and no database.

func (a *app) verify(path string) error {
	sum, err := journal.Verify(path, phases.RunClosed{}.Kind(), phases.ClosingKinds()[1:]...)
	if err != nil {
		return Failed(err)
	}
	signed, err := signatures(path)
	if err != nil {
		return Failed(err)
	}
	if !sum.Closed {
		return &Exit{Code: Unfinished, Err: fmt.Errorf("%s: line %d is the last, and it does not close the run: the run is unfinished, or lines after it were removed%s", path, sum.Records, signed)}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s, unchanged and complete, head %s%s\n", path, phases.Plural(int64(sum.Records), "record"), sum.Head, signed)
	return Failed(err)
}

// signatures recomputes what each signature of a journal is bound to, and says
// how many hold; nothing for a journal without any.
func signatures(path string) (string, error) {
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) { // a run that goes on writes another line
		return "", err
	}
	n, err := phases.CheckSignatures(recs)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: the lines are unchanged, and a signature is not theirs: %w", path, err)
	case n == 0:
		return "", nil
	case n == 1:
		return "; 1 signature, bound to the record before it", nil
	}
	return fmt.Sprintf("; %d signatures, each bound to the record before it", n), nil
}

func (a *app) guide(site runbook.Site) error {
	_, err := a.stdout.Write(runbook.Guide(site))
	return Failed(err)
}

func (a *app) watch(ctx context.Context, path string, inLines bool, looks ui.Looks) error {
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	if inLines || !a.interactive() {
		return Failed(plain.Run(ctx, plain.Options{Journal: path, Out: a.stdout, Width: a.lineWidth()}))
	}
	return Failed(ui.Watch(ctx, path, looks))
}

func (a *app) mirror(ctx context.Context, path string, m Mirror) error {
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	server, err := mirror.New(mirror.Options{Journal: path, Listen: m.Listen, AuthorizedKeys: m.Keys, HostKey: m.HostKey, Log: a.stderr})
	if err != nil {
		return Failed(err)
	}
	fmt.Fprintln(a.stdout, announceMirror(server))
	if err := server.Serve(ctx); err != nil && ctx.Err() == nil {
		return Failed(err)
	}
	return nil
}

// announceMirror says all of a mirror that a viewer needs.
func announceMirror(m *mirror.Server) string {
	return mirrorNote(m) + ", host key " + m.HostKeyFingerprint()
}

// mirrorNote says where a mirror is, and whether others than this host reach it.
func mirrorNote(m *mirror.Server) string {
	note := fmt.Sprintf("mirror on %s", m.Addr())
	if !m.Loopback() {
		note += ", open to the network"
	}
	return note
}
