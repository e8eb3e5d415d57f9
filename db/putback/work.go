package putback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/capsule"
	"tminus/phases"
)

// work is one capsule on its way back.
type work struct {
	conn    Conn
	capsule *capsule.Capsule
	m       capsule.Manifest
	opt     Options

	version  int
	xid      string // of the transaction, as a literal
	leaves   []*leaf
	passed   []Table // of the capsule, into which nothing is put back
	refusals []Refusal
	mode     Mode
	keys     []*foreignKey
	triggers []trigger
	takes    []uint32 // the relations that may take rows
	above    []uint32 // what these are partitions of

	before, after map[uint32]counted
	temporaries   int // the last number in the names of temporary tables
}

// begin looks at the session, which must be as the caller promised.
func begin(ctx context.Context, conn Conn, c *capsule.Capsule, opt Options) (*work, error) {
	if opt.Progress == nil {
		opt.Progress = func(Progress) {}
	}
	w := &work{conn: conn, capsule: c, m: c.Manifest(), opt: opt}
	for called, choice := range opt.Choices {
		if choice != Stop && choice != Keep && choice != Replace {
			return nil, fmt.Errorf("%q is no choice for table %s: keep and replace are", clean(string(choice)), clean(called))
		}
	}
	var role, counts string
	err := conn.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_version_num')::int, pg_catalog.current_setting('session_replication_role'),
		pg_catalog.current_setting('track_counts'), pg_catalog.pg_current_xact_id()::pg_catalog.xid::text`).Scan(&w.version, &role, &counts, &w.xid)
	switch {
	case err != nil:
		return nil, err
	case role != "origin":
		return nil, fmt.Errorf("session_replication_role is %s, not origin: take it off the role and the database", clean(role))
	case counts != "on":
		return nil, errors.New("track_counts is off: what is written could not be counted; switch it on")
	}
	w.xid = "'" + w.xid + "'::pg_catalog.xid"
	for i, t := range w.m.Tables {
		l := &leaf{t: t, n: i + 1, plan: Table{Called: t.Called, Schema: t.Schema, Name: t.Name}}
		if l.plan.Called == "" {
			l.plan.Called = l.String()
		}
		if len(t.Columns) == 0 {
			w.refuse(l, "it has no columns")
		}
		w.leaves = append(w.leaves, l)
	}
	return w, nil
}

func (w *work) refuse(l *leaf, format string, args ...any) {
	w.refusals = append(w.refusals, Refusal{Table: l.String(), Why: fmt.Sprintf(format, args...)})
}

// choice is what was chosen for a leaf's table.
func (w *work) choice(l *leaf) Choice { return w.opt.Choices[l.plan.Called] }

// exec runs statements that give nothing.
func (w *work) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := w.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// changed runs a statement, and gives how many rows it changed.
func (w *work) changed(ctx context.Context, sql string) (int64, error) {
	tag, err := w.conn.Exec(ctx, sql)
	return tag.RowsAffected(), err
}

func one[T any](ctx context.Context, w *work, sql string, args ...any) (T, error) {
	var v T
	err := w.conn.QueryRow(ctx, sql, args...).Scan(&v)
	return v, err
}

func all[T any](ctx context.Context, w *work, sql string, args ...any) ([]T, error) {
	rows, err := w.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// each calls do for each row, after it is scanned into.
func each(ctx context.Context, w *work, sql string, into []any, do func() error) error {
	rows, err := w.conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, do)
	return err
}

// fail says what was being done, to what. It gives nil for nil.
func fail(op, subject string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", op, clean(subject), withoutRows(err))
}

// withoutRows takes a row's content from an error of the server's: its detail
// and context may quote one.
func withoutRows(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.Where == "" && pg.Detail == "" {
		return err
	}
	if class := pg.Code[:min(2, len(pg.Code))]; class == "22" || class == "23" || class == "P0" {
		pg.Detail, pg.Where = "", "" // ours alone: nobody else has seen it yet
	}
	return err
}

// clean makes one line of text from outside.
func clean(s string) string { return phases.Clean(s) }

// name is a relation's name for a statement.
func name(schema, table string) string { return pgx.Identifier{schema, table}.Sanitize() }

// quoted is a column's or a constraint's name for a statement.
func quoted(s string) string { return pgx.Identifier{s}.Sanitize() }

// columns lists columns for a statement, each behind an alias that may be empty.
func columns(alias string, names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = quoted(n); alias != "" {
			out[i] = alias + "." + out[i]
		}
	}
	return strings.Join(out, ", ")
}

// oids is a list of them for a statement.
func oids(list []uint32) string {
	out := make([]string, len(list))
	for i, o := range list {
		out[i] = fmt.Sprint(o)
	}
	return "ARRAY[" + strings.Join(out, ", ") + "]::pg_catalog.oid[]"
}

// literal is a text constant for a statement in which there can be no parameter.
func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// spent adds the time since began to what a table took.
func (l *leaf) spent(began time.Time) { l.took += time.Since(began) }
