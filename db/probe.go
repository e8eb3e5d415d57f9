package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases/engine/action"
	"tminus/phases/runbook"
)

// mostProbed is how long a value may be that a statement gives to a later one.
const mostProbed = 64 << 10

// Probe runs an action's statements on a session that ends with it: whatever one
// of them set or locked for its session, ends too.
func (t *Target) Probe(ctx context.Context, probes []runbook.Probe, writes bool, each func(action.Probed) error) error {
	err := t.visit(ctx, func(s *session) error {
		if err := t.beginProbe(ctx, s, writes); err != nil {
			return err
		}
		defer rollback(ctx, s)
		return t.long(ctx, s, func(ctx context.Context, l long) error {
			values := map[string]*string{}
			for i, p := range probes {
				if err := l.probe(ctx, p, values, each); err != nil {
					return fmt.Errorf("statement %d of %d: %w", i+1, len(probes), err)
				}
			}
			if !writes {
				return nil
			}
			// What is deferred would fail in a COMMIT, and there is none.
			if _, err := l.one(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
				return fmt.Errorf("deferred constraints: %w", err)
			}
			return nil
		})
	})
	return fail(ctx, "run", "statements", err)
}

func (t *Target) beginProbe(ctx context.Context, s *session, writes bool) error {
	begin := `BEGIN READ ONLY`
	if writes {
		begin = `BEGIN READ WRITE`
	}
	if _, err := s.Exec(ctx, begin); err != nil {
		return err
	}
	if err := s.surround(ctx, s.runbooks(t.book)); err != nil {
		return err
	}
	until, limited := ctx.Deadline()
	if !limited {
		return nil
	}
	// Should this program die, or its network, the server does not keep what the
	// statements have locked.
	limit := milliseconds(time.Until(until))
	_, err := s.Exec(ctx, `SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)`, limit)
	return err
}

// probe runs one statement, with what earlier ones gave as its parameters, and
// keeps what it gives.
func (l long) probe(ctx context.Context, p runbook.Probe, values map[string]*string, each func(action.Probed) error) error {
	var args [][]byte
	for _, name := range p.Params {
		v, known := values[name]
		switch {
		case !known:
			return fmt.Errorf("nothing has the name %q: correct the runbook", name)
		case v == nil:
			args = append(args, nil)
		default:
			args = append(args, []byte(*v))
		}
	}
	var got action.Probed
	err := l.fly(ctx, func() (err error) {
		got, err = l.s.probed(ctx, p.SQL, args)
		return err
	})
	switch {
	case err != nil:
		return err
	case l.s.PgConn().TxStatus() != 'T':
		return errors.New("it ended the transaction: correct the runbook")
	}
	if err := each(got); err != nil {
		return err
	}
	if p.As != "" {
		if got.Value != nil && len(*got.Value) > mostProbed {
			return fmt.Errorf("it gives a value of %d bytes, and at most %d can be used", len(*got.Value), mostProbed)
		}
		values[p.As] = got.Value
	}
	return nil
}

// probed sends one statement by the extended protocol, which takes no second
// one, and keeps of its rows the first value alone.
func (s *session) probed(ctx context.Context, sql string, args [][]byte) (out action.Probed, err error) {
	reader := s.PgConn().ExecParams(ctx, sql, args, nil, nil, nil)
	for reader.NextRow() {
		out.Rows++
		if row := reader.Values(); out.Rows == 1 && len(row) > 0 && row[0] != nil {
			text := string(row[0])
			out.Value = &text
		}
	}
	tag, err := reader.Close()
	out.Command = strings.TrimRight(tag.String(), " 0123456789")
	if out.Rows == 0 {
		out.Rows = tag.RowsAffected()
	}
	return out, err
}
