package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/capsule"
	"tminus/db/putback"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
)

// putBack puts a phase's capsule back, and proves that it is back.
func (x *tx) putBack(ctx context.Context, do runbook.Step, progress func(engine.Progress)) (phases.Statement, error) {
	c, err := x.t.openCapsule(do)
	if err != nil {
		return phases.Statement{}, fail(ctx, "put back", do.PutBack, err)
	}
	newer, err := x.t.newer(do, x.t.putBacks())
	if err != nil {
		return phases.Statement{}, fail(ctx, "put back", do.PutBack, err)
	}
	opt := putback.Options{Choices: choices(do), Before: newer, Progress: func(p putback.Progress) { progress(engine.Progress{Deleted: p.Rows}) }}
	if err := x.s.surround(ctx, programs); err != nil {
		return phases.Statement{}, fail(ctx, "put back", do.PutBack, err)
	}
	var result putback.Result
	err = x.t.long(ctx, x.s, func(ctx context.Context, l long) error {
		result, err = putback.Run(ctx, conn{l}, c, opt)
		return err
	})
	if err == nil {
		err = x.s.surround(ctx, x.s.runbooks(x.t.book))
	}
	if err != nil {
		return phases.Statement{}, fail(ctx, "put back", do.PutBack, err)
	}
	out := phases.Statement{Command: phases.PutBack}
	for _, t := range result.Tables {
		out.Rows += t.Back + t.Set + t.Go
		out.Proved = append(out.Proved, proved(t))
	}
	return out, nil
}

// PutBack implements engine.Capsules.
func (t *Target) PutBack(ctx context.Context, step runbook.Step, progress func(rows int64)) (int64, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	c, err := t.openCapsule(step)
	if err != nil {
		return 0, fail(ctx, "put back", step.PutBack, err)
	}
	t.mu.Lock()
	before := slices.Clone(t.back)
	t.mu.Unlock()
	newer, err := t.newer(step, before)
	if err != nil {
		return 0, fail(ctx, "put back", step.PutBack, err)
	}
	var rows int64
	err = t.phase.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED`); err != nil {
			return err
		}
		defer rollback(context.WithoutCancel(ctx), s)
		var result putback.Result
		err := t.long(ctx, s, func(ctx context.Context, l long) error {
			result, err = putback.Run(ctx, conn{l}, c, putback.Options{Choices: choices(step), Before: newer, Progress: func(p putback.Progress) { progress(p.Rows) }})
			return err
		})
		if err != nil {
			return err
		}
		for _, done := range result.Tables {
			rows += done.Back + done.Set + done.Go
		}
		return commit(ctx, s).Err
	})
	if err == nil {
		t.mu.Lock()
		t.back = append(t.back, step)
		t.mu.Unlock()
	}
	return rows, fail(ctx, "put back", step.PutBack, err)
}

// newer opens the capsules that were put back before that of a step.
func (t *Target) newer(do runbook.Step, steps []runbook.Step) (out []*capsule.Capsule, err error) {
	for _, s := range steps {
		if s.PutBack == do.PutBack {
			break
		}
		c, err := t.openCapsule(s)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// proved says what was read back of a table.
func proved(t putback.Done) phases.Verification {
	name := t.Called
	if t.Name != "" && t.Called != t.Name && t.Called != t.Schema+"."+t.Name {
		name += ", " + t.Name
	}
	v := phases.Verification{
		Kind: phases.VerifyBack, Name: name, Want: phases.Rows(t.Rows) + ", content as kept", Pass: true, Rows: t.Rows,
		Got: phases.Rows(t.Rows) + ", content as kept",
	}
	for _, part := range []struct {
		n    int64
		what string
	}{{t.There, "already there"}, {t.Kept, "left as it is now"}, {t.Replaced, "of others replaced"}} {
		if part.n > 0 {
			v.Detail += fmt.Sprintf("; %s %s", phases.Rows(part.n), part.what)
		}
	}
	if v.Detail != "" {
		v.Detail = v.Detail[2:]
	}
	return v
}

// openCapsule opens the capsule of a step, which has to be the one that its run
// recorded.
func (t *Target) openCapsule(do runbook.Step) (*capsule.Capsule, error) {
	c, err := capsule.Open(do.PutBack, t.identities...)
	if err != nil {
		return nil, err
	}
	if c.SHA256() != do.SHA256 {
		return nil, failf("open the capsule", do.PutBack, "find the one that belongs to the run's journal", errors.New("it is not the one that the run kept: its manifest has another SHA-256"))
	}
	return c, nil
}

func choices(do runbook.Step) map[string]putback.Choice {
	out := map[string]putback.Choice{}
	for _, t := range do.Keep {
		out[t] = putback.Keep
	}
	for _, t := range do.Replace {
		out[t] = putback.Replace
	}
	return out
}

// conn is a watched session as putback wants it.
type conn struct{ l long }

func (c conn) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return c.l.exec(ctx, sql, args...)
}

func (c conn) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	landed := c.flying()
	return oneRow{c.l.s.conn.QueryRow(ctx, sql, args...), landed}
}

func (c conn) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	landed := c.flying()
	rows, err := c.l.s.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, landed(err)
	}
	return &answer{Rows: rows, done: landed}, nil
}

// flying marks a statement as under way, until what it returns is called first.
func (c conn) flying() func(error) error {
	c.l.s.flight.Add(1)
	var once sync.Once
	return func(err error) error {
		once.Do(func() { c.l.s.flight.Add(1) })
		return err
	}
}

func (c conn) CopyFrom(ctx context.Context, r io.Reader, sql string) (tag pgconn.CommandTag, err error) {
	err = c.l.fly(ctx, func() error { tag, err = c.l.s.PgConn().CopyFrom(ctx, r, sql); return err })
	return tag, err
}

func (c conn) CopyTo(ctx context.Context, w io.Writer, sql string) (tag pgconn.CommandTag, err error) {
	return tag, c.l.copyTo(ctx, w, sql)
}
