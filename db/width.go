package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// kept are the pools whose sessions stay open.
func (t *Target) kept() []*pool { return []*pool{t.control, t.checks, t.phase} }

// widest is how many sessions a run has at the same time: those that are kept,
// a guest, the operator lock's, and what an action on the backup takes beside
// them.
func (t *Target) widest() int {
	n := 1 + cap(t.guests.slots) + backupSessions(t.book)
	for _, p := range t.kept() {
		n += cap(p.slots)
	}
	return n
}

// visit lends a new session, which ends afterwards. One does at a time, so that
// a run is never wider than its survey found it could be.
func (t *Target) visit(ctx context.Context, use func(*session) error) error {
	s, err := t.guests.take(ctx)
	if err != nil {
		return err
	}
	defer func() { t.guests.slots <- nil }()
	defer t.part(s)
	return use(s)
}

// part ends a session and waits until the server has closed it: until then it
// counts against the connection limits.
func (t *Target) part(s *session) {
	defer t.release(s)
	if !s.usable() {
		return
	}
	pg := s.PgConn()
	if err := pg.Conn().SetDeadline(time.Now().Add(closePatience)); err != nil {
		return
	}
	pg.Frontend().Send(&pgproto3.Terminate{})
	if pg.Frontend().Flush() == nil {
		_, _ = io.Copy(io.Discard, pg.Conn()) // whatever ends it, the session is closed next
	}
}

// widen opens as many sessions as the run needs at its widest, all at the same
// time, and keeps those that the pools keep. When the server grants too few,
// it gives the sentence that says so. A place that somebody uses has its
// session already.
func (t *Target) widen(ctx context.Context) ([]string, error) {
	var undo []func()
	defer func() {
		for _, f := range undo {
			f()
		}
	}()
	err := func() error {
		for _, p := range append(t.kept(), t.guests) {
			for range cap(p.slots) {
				s, err := p.takeFree(ctx)
				if err != nil {
					return err
				}
				if s == nil {
					break
				}
				if p == t.guests {
					undo = append(undo, func() { t.part(s); p.slots <- nil })
				} else {
					undo = append(undo, func() { p.give(s) })
				}
			}
		}
		t.lockMu.Lock()
		defer t.lockMu.Unlock()
		more := backupSessions(t.book)
		if t.lock == nil {
			more++
		}
		for range more {
			s, err := t.open(ctx)
			if err != nil {
				return err
			}
			undo = append(undo, func() { t.part(s) })
		}
		return nil
	}()
	if !refusedForNumber(err) {
		return nil, err
	}
	granted := len(t.ownPIDs())
	for _, f := range undo {
		f()
	}
	undo = nil
	sentence, err := t.shortage(ctx, granted)
	return []string{sentence}, err
}

// refusedForNumber reports whether the server refused a session because there
// are too many.
func refusedForNumber(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "53300"
}

// tooFew says of a refused session what the run needs, and what is in the way.
// Any other error stays as it is.
func (t *Target) tooFew(ctx context.Context, err error) error {
	if !refusedForNumber(err) {
		return err
	}
	granted := len(t.ownPIDs())
	sentence := fmt.Sprintf("the run needs %d sessions at its widest, and the server granted none", t.widest())
	if granted > 0 {
		var asked error
		if sentence, asked = t.shortage(ctx, granted); asked != nil {
			return errors.Join(err, asked)
		}
	}
	return failf("open the sessions of a run on", t.host(), "", fmt.Errorf("%s (%w)", sentence, err))
}

// limit is one of the numbers that bound how many sessions there are.
type limit struct {
	most, others int // -1 for no limit; how many of them are not this program's
	raise        string
}

// shortage says that there are too few sessions, and which limit it is.
func (t *Target) shortage(ctx context.Context, granted int) (string, error) {
	limits, err := t.limits(ctx)
	if err != nil {
		return "", err
	}
	out := fmt.Sprintf("the run needs %d sessions at its widest, and the server granted %d: ", t.widest(), granted)
	room := t.widest()
	way := "others took the rest meanwhile: close some, or try again"
	for _, l := range limits {
		if l.most >= 0 && l.most-l.others < room {
			room = l.most - l.others
			way = fmt.Sprintf("%s (%d%s)", l.raise, l.most, heldBy(l.others))
		}
	}
	return out + way, nil
}

// withOpen lends a session that is open already: the server grants no more.
func (t *Target) withOpen(ctx context.Context, use func(*session) error) error {
	for _, p := range t.kept() {
		if s := p.takeOpen(); s != nil {
			defer p.give(s)
			return use(s)
		}
	}
	return t.control.with(ctx, use)
}

func (t *Target) limits(ctx context.Context) ([]limit, error) {
	var role, database, server limit
	var user, name string
	var reserved int
	err := t.withOpen(ctx, func(s *session) error {
		// No limit but the server's holds for a superuser. Reserved slots have
		// a second setting since PostgreSQL 16.
		return s.QueryRow(ctx, `WITH other AS (SELECT * FROM pg_stat_activity
				WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend' AND pid <> ALL($1::int[]))
			SELECT r.rolname::text, d.datname::text,
				CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END, (SELECT count(*) FROM other WHERE usesysid = r.oid),
				CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END, (SELECT count(*) FROM other WHERE datid = d.oid),
				current_setting('max_connections')::int, (SELECT count(*) FROM other),
				CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
					+ coalesce(current_setting('reserved_connections', true), '0')::int END
			FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()`, t.ownPIDs()).
			Scan(&user, &name, &role.most, &role.others, &database.most, &database.others, &server.most, &server.others, &reserved)
	})
	if err != nil {
		return nil, fail(ctx, "look at the connection limits of", t.host(), err)
	}
	role.raise = "raise the connection limit of role " + clean(pgx.Identifier{user}.Sanitize())
	database.raise = "raise the connection limit of database " + clean(pgx.Identifier{name}.Sanitize())
	server.raise = "raise max_connections, or close other programs' sessions"
	if reserved > 0 {
		server.most -= reserved
		server.raise = fmt.Sprintf("raise max_connections, of which %d are reserved, or close other programs' sessions", reserved)
	}
	return []limit{role, database, server}, nil
}

func heldBy(others int) string {
	if others == 0 {
		return ""
	}
	return fmt.Sprintf(", and others hold %d", others)
}
