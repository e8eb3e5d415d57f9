package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
)

// Bits of pg_trigger.tgtype.
const (
	forEachRow = 1
	onInsert   = 4
	onDelete   = 8
	onUpdate   = 16
)

// triggerPatience is how long disabling triggers, and bringing them back, waits for
// their tables' locks.
const triggerPatience = 30 * time.Second

// trigger is a user trigger. A partition's copy of its parent's has a parent.
type trigger struct {
	phases.Trigger
	oid, relation, parent uint32
	kind                  int16 // pg_trigger.tgtype
	partition             bool  // whether its table is one
}

// userTrigger picks users' triggers of pg_trigger t. Before PostgreSQL 15 a
// partition's copy of one counts as internal, as a foreign key's triggers do.
const userTrigger = `(NOT t.tgisinternal OR t.tgparentid <> 0 AND (t.tgconstraint = 0
	OR EXISTS (SELECT FROM pg_constraint con WHERE con.oid = t.tgconstraint AND con.contype = 't')))`

// readTriggers reads the user triggers on the tables that the condition picks.
func readTriggers(ctx context.Context, s *session, where string, args ...any) ([]trigger, error) {
	rows, err := s.Query(ctx, `SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text, pg_get_triggerdef(t.oid),
			t.oid, c.oid, t.tgparentid, t.tgtype, c.relispartition
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE `+userTrigger+` AND `+where+` ORDER BY c.relispartition, 1, 2, 3`, args...)
	if err != nil {
		return nil, err
	}
	var out []trigger
	var t trigger
	_, err = pgx.ForEachRow(rows, []any{
		&t.Schema, &t.Table, &t.Name, &t.Enabled, &t.Definition,
		&t.oid, &t.relation, &t.parent, &t.kind, &t.partition,
	}, func() error {
		out = append(out, t)
		return nil
	})
	return out, err
}

// triggerSchemas are where triggers are looked for by name: the runbook's
// schema, and those of the tables it names.
func (t *Target) triggerSchemas() []string {
	out := []string{t.book.Schema}
	for _, table := range t.book.Tables() {
		if schema, _ := t.book.SplitTable(table); !slices.Contains(out, schema) {
			out = append(out, schema)
		}
	}
	return out
}

// triggerNames are the triggers that the runbook's actions and fences disable.
func (t *Target) triggerNames() []string {
	return t.book.DisabledTriggers()
}

// findTriggers gives the triggers of the names, on the tables of those schemas
// and on parts of the runbook's tables, wherever these stand.
func (t *Target) findTriggers(ctx context.Context, s *session, names []string) (found []trigger, missing []string, err error) {
	var schemas, tables []string
	for _, named := range t.book.Tables() {
		schema, table := t.book.SplitTable(named)
		schemas, tables = append(schemas, schema), append(tables, table)
	}
	found, err = readTriggers(ctx, s, `t.tgname = ANY($1::text[]) AND (n.nspname = ANY($2::text[]) OR c.oid IN (
		WITH RECURSIVE parts AS (
			SELECT p.oid FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace
			WHERE (pn.nspname, p.relname) IN (SELECT * FROM unnest($3::text[], $4::text[]))
			UNION SELECT i.inhrelid FROM pg_inherits i JOIN parts ON i.inhparent = parts.oid)
		SELECT oid FROM parts))`, names, t.triggerSchemas(), schemas, tables)
	for _, name := range names {
		if !slices.ContainsFunc(found, func(f trigger) bool { return f.Name == name }) {
			missing = append(missing, clean(name))
		}
	}
	return found, missing, err
}

// ReadTriggers gives definition and state of every trigger with one of the
// names, on whatever table of the runbook's schemas it stands.
func (t *Target) ReadTriggers(ctx context.Context, names []string) ([]phases.Trigger, error) {
	var out []phases.Trigger
	err := t.control.with(ctx, func(s *session) error {
		found, missing, err := t.findTriggers(ctx, s, names)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return failf("look for", strings.Join(missing, ", "), "correct the names in the runbook",
				fmt.Errorf("no table of schema %s has such a trigger", clean(strings.Join(t.triggerSchemas(), ", "))))
		}
		for _, tr := range found {
			out = append(out, tr.Trigger)
		}
		return nil
	})
	return out, fail(ctx, "read triggers of", t.host(), err)
}

// DisableTriggers disables exactly these triggers, each by its name, all or
// none. One that is not as recorded is an error: what is brought back later
// would not be what is there now. One that is disabled already stays so.
func (t *Target) DisableTriggers(ctx context.Context, recorded []phases.Trigger) error {
	return t.alter(ctx, "disable triggers in", func(s *session) error {
		now, err := t.sameTables(ctx, s, recorded)
		if err != nil {
			return err
		}
		if err := t.lockTriggered(ctx, s, now); err != nil {
			return err
		}
		// Read again: only what is read under the lock is what gets disabled.
		if now, err = t.sameTables(ctx, s, recorded); err != nil {
			return err
		}
		want := slices.Clone(recorded)
		for i := range want {
			off := slices.ContainsFunc(now, func(n trigger) bool { return n.Enabled == "D" && sameTrigger(n.Trigger, want[i]) })
			if off {
				want[i].Enabled = "D"
			}
		}
		if wrong := compareTriggers(want, now); len(wrong) > 0 {
			return failf("disable triggers in", t.host(), "record them anew", errors.New(strings.Join(wrong, "; ")))
		}
		for i := range want {
			if err := setTrigger(ctx, s, want[i], "D"); err != nil {
				return err
			}
			want[i].Enabled = "D"
		}
		return t.verifyTriggers(ctx, s, want)
	})
}

// verifyTriggers makes sure that the triggers are as wanted, before COMMIT.
func (t *Target) verifyTriggers(ctx context.Context, s *session, want []phases.Trigger) error {
	now, err := t.sameTables(ctx, s, want)
	if err != nil {
		return err
	}
	if wrong := compareTriggers(want, now); len(wrong) > 0 {
		return failf("verify triggers in", t.host(), "compare them with the execution log", errors.New(strings.Join(wrong, "; ")))
	}
	return nil
}

// RestoreTriggers gives each recorded trigger the state it had, and makes it
// again where it is gone. A trigger whose definition was changed meanwhile is
// an error: which of the two is wanted is not for a program to say.
func (t *Target) RestoreTriggers(ctx context.Context, recorded []phases.Trigger) error {
	return t.alter(ctx, "restore triggers in", func(s *session) error {
		now, err := t.sameTables(ctx, s, recorded)
		if err != nil {
			return err
		}
		if err := t.lockTriggered(ctx, s, now); err != nil {
			return err
		}
		for _, partitions := range []bool{false, true} { // a parent's trigger brings its copies back
			if err := t.restoreSome(ctx, s, recorded, partitions); err != nil {
				return err
			}
		}
		return t.verifyTriggers(ctx, s, recorded)
	})
}

func (t *Target) restoreSome(ctx context.Context, s *session, recorded []phases.Trigger, partitions bool) error {
	now, err := t.sameTables(ctx, s, recorded)
	if err != nil {
		return err
	}
	for _, want := range recorded {
		r, err := resolve(ctx, s, t.book, want.Schema+"."+want.Table)
		if err != nil {
			return err
		}
		var partition bool
		if err := s.QueryRow(ctx, `SELECT relispartition FROM pg_class WHERE oid = $1`, r.OID).Scan(&partition); err != nil {
			return err
		}
		if partition != partitions {
			continue
		}
		i := slices.IndexFunc(now, func(n trigger) bool { return sameTrigger(n.Trigger, want) })
		if i < 0 {
			if _, err := s.Exec(ctx, want.Definition); err != nil {
				return fail(ctx, "create trigger again", want.Name, err)
			}
		}
		if err := setTrigger(ctx, s, want, want.Enabled); err != nil {
			return err
		}
	}
	return nil
}

// sameTables reads all user triggers on the tables of the recorded ones.
func (t *Target) sameTables(ctx context.Context, s *session, recorded []phases.Trigger) ([]trigger, error) {
	var schemas, tables []string
	for _, r := range recorded {
		schemas, tables = append(schemas, r.Schema), append(tables, r.Table)
	}
	return readTriggers(ctx, s, `(n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, schemas, tables)
}

func sameTrigger(a, b phases.Trigger) bool {
	return a.Schema == b.Schema && a.Table == b.Table && a.Name == b.Name
}

// compareTriggers says what differs from the record, one line each.
func compareTriggers(recorded []phases.Trigger, now []trigger) []string {
	var out []string
	for _, want := range recorded {
		name := clean(want.Name + " on " + want.Schema + "." + want.Table)
		i := slices.IndexFunc(now, func(n trigger) bool { return sameTrigger(n.Trigger, want) })
		switch {
		case i < 0:
			out = append(out, name+" is gone")
		case now[i].Definition != want.Definition:
			out = append(out, name+" has another definition")
		case now[i].Enabled != want.Enabled:
			out = append(out, fmt.Sprintf("%s is %s, was %s", name, triggerState(now[i].Enabled), triggerState(want.Enabled)))
		}
	}
	return out
}

func triggerState(enabled string) string {
	switch enabled {
	case "O":
		return "enabled"
	case "D":
		return "disabled"
	case "R":
		return "enabled in replica mode"
	case "A":
		return "enabled always"
	}
	return "in an unknown state " + clean(enabled)
}

// setTrigger sets one trigger's state. Each by name: ALL would switch the
// foreign keys off, and USER forgets replica and always. ONLY: a partition's
// copy has a state of its own.
func setTrigger(ctx context.Context, s *session, tr phases.Trigger, state string) error {
	words, ok := map[string]string{"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}[state]
	if !ok {
		return failf("set trigger", tr.Name, "", fmt.Errorf("its recorded state %q is not one of O, D, R, A", clean(state)))
	}
	table := pgx.Identifier{tr.Schema, tr.Table}.Sanitize()
	_, err := s.Exec(ctx, `ALTER TABLE ONLY `+table+` `+words+` TRIGGER `+pgx.Identifier{tr.Name}.Sanitize())
	return fail(ctx, strings.ToLower(words)+" trigger", tr.Name+" on "+tr.Table, err)
}

// lockTriggered takes the lock that ALTER TABLE … TRIGGER will want, with
// retries, so that a queue behind a long transaction does not block everybody.
func (t *Target) lockTriggered(ctx context.Context, s *session, found []trigger) error {
	var tables, names []string
	seen := map[uint32]bool{}
	for _, tr := range found {
		if !seen[tr.relation] {
			seen[tr.relation] = true
			tables = append(tables, pgx.Identifier{tr.Schema, tr.Table}.Sanitize())
			names = append(names, t.book.TableName(tr.Schema, tr.Table))
		}
	}
	if len(tables) == 0 {
		return nil
	}
	return t.lockTables(ctx, s, againstWriters, tables, names, triggerPatience, nil)
}

// alter runs fn in a writing transaction of its own, and commits when fn gives no error.
func (t *Target) alter(ctx context.Context, op string, fn func(*session) error) error {
	return t.control.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED`); err != nil {
			return fail(ctx, op, t.host(), err)
		}
		defer rollback(ctx, s)
		if err := writable(ctx, s); err != nil {
			return fail(ctx, op, t.host(), err)
		}
		if err := fn(s); err != nil {
			if s.IsClosed() {
				t.endLost(ctx, s)
			}
			return fail(ctx, op, t.host(), err)
		}
		if r := commit(ctx, s); r.Outcome != engine.Committed {
			return failf(op, t.host(), "look at the database before trying again: an answer may have been lost", r.Err)
		}
		return nil
	})
}

// writable refuses a server or role that reads only, in words.
func writable(ctx context.Context, s *session) error {
	var recovering, readOnly bool
	err := s.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::bool`).Scan(&recovering, &readOnly)
	switch {
	case err != nil:
		return err
	case recovering:
		return failf("begin", "a writing transaction", "connect to the primary", fmt.Errorf("%w: it is in recovery", ErrReadOnly))
	case readOnly:
		return failf("begin", "a writing transaction", "look at default_transaction_read_only of role, database and server",
			fmt.Errorf("%w: transactions are read-only by default", ErrReadOnly))
	}
	return nil
}

// rollback ends a transaction if one is open. It doesn't listen to the
// caller's context, which may be what ended the work.
func rollback(ctx context.Context, s *session) {
	if s.IsClosed() || s.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackPatience)
	defer cancel()
	// It has its own patience, and not an exchange's.
	if _, err := s.conn.Exec(ctx, `ROLLBACK`); err != nil {
		closeConn(s.conn)
	}
}
