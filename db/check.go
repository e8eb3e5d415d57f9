package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Check asks one database check by name.
func (t *Target) Check(ctx context.Context, check *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	if check.Name == "backup.age" || check.Name == "mirror.present" {
		return phases.Answer{}, failf("check", check.Name, "", ErrEngineCheck)
	}
	if check.Name == "database.connects" {
		return t.checkConnects(ctx)
	}
	asks := map[string]func(context.Context, *session, *runbook.Check, phases.Facts) (phases.Answer, error){
		"database.writable":     t.checkWritable,
		"database.connections":  t.checkConnections,
		"database.transactions": t.checkTransactions,
		"database.tables":       t.checkTables,
		"database.size":         t.checkSize,
		"triggers.disabled":     t.checkDisabled,
		"triggers.restored":     t.checkRestored,
		"tables.zero":           t.checkZero,
		"tables.filled":         t.checkFilled,
		"protected.intact":      t.checkProtected,
	}
	ask, ok := asks[check.Name]
	if !ok {
		return phases.Answer{}, failf("check", check.Name, "correct the runbook", errors.New("there is no such check"))
	}
	var out phases.Answer
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		var err error
		out, err = ask(ctx, s, check, facts)
		return err
	})
	if err != nil {
		return phases.Answer{}, fail(ctx, "check", check.Name, err)
	}
	out.Value = cut(clean(out.Value), 200)
	return out, nil
}

func (t *Target) checkConnects(ctx context.Context) (phases.Answer, error) {
	var version string
	err := t.visit(ctx, func(s *session) error {
		return s.QueryRow(ctx, `SELECT current_setting('server_version')`).Scan(&version)
	})
	if err != nil {
		return phases.Answer{}, fail(ctx, "check", "database.connects", err)
	}
	return phases.Answer{Pass: true, Value: "PostgreSQL " + clean(version)}, nil
}

func (t *Target) checkWritable(ctx context.Context, s *session, _ *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var recovering, readOnly bool
	// This transaction is read-only whatever the default is: ask the default.
	err := s.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::bool`).Scan(&recovering, &readOnly)
	switch {
	case err != nil:
		return phases.Answer{}, err
	case recovering:
		return phases.Answer{Value: "in recovery"}, nil
	case readOnly:
		return phases.Answer{Value: "default_transaction_read_only is on"}, nil
	}
	return phases.Answer{Pass: true, Value: "writable"}, nil
}

// sessions counts the client sessions of this database that the condition
// picks, this program's own left out. Rows that the role may not see are an
// error: they may be what is looked for.
func (t *Target) sessions(ctx context.Context, s *session, where string) (int64, []string, error) {
	var masked int64
	err := s.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
		AND backend_type IS NULL AND usesysid IS NOT NULL AND pid <> ALL($1::int[])`, t.ownPIDs()).Scan(&masked)
	if err != nil {
		return 0, nil, err
	}
	if masked > 0 {
		return 0, nil, failf("look at", "pg_stat_activity", "grant pg_read_all_stats to the role",
			fmt.Errorf("%w: %d sessions of this database are masked", ErrMasked, masked))
	}
	rows, err := s.Query(ctx, `SELECT coalesce(usename, '?')::text || '/' || coalesce(nullif(application_name, ''), 'no name'), count(*)
		FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
		AND pid <> ALL($1::int[]) AND `+where+` GROUP BY 1 ORDER BY 2 DESC, 1`, t.ownPIDs())
	if err != nil {
		return 0, nil, err
	}
	var total, n int64
	var name string
	var who []string
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		total += n
		if n > 1 {
			name += fmt.Sprintf(" ×%d", n)
		}
		who = append(who, clean(name))
		return nil
	})
	return total, who, err
}

// atMost compares with max, whose default is 0.
func atMost(n int64, check *runbook.Check) bool {
	limit := int64(0)
	if check.Max != nil {
		limit = *check.Max
	}
	return n <= limit && (check.Min == nil || n >= *check.Min)
}

// among is a count with who they are, the first few by name.
func among(n int64, noun string, who []string) string {
	out := count(int(n), noun)
	if len(who) > 4 {
		who = append(slices.Clone(who[:4]), fmt.Sprintf("%d more", len(who)-4))
	}
	if len(who) > 0 {
		out += ": " + strings.Join(who, ", ")
	}
	return out
}

func (t *Target) checkConnections(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	n, who, err := t.sessions(ctx, s, `true`)
	return phases.Answer{Pass: err == nil && atMost(n, check), Value: among(n, "connection", who)}, err
}

func (t *Target) checkTransactions(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	n, who, err := t.sessions(ctx, s, `xact_start IS NOT NULL`)
	if err != nil {
		return phases.Answer{}, err
	}
	// A prepared transaction has no session, and keeps its locks for ever.
	rows, err := s.Query(ctx, `SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY gid`)
	if err != nil {
		return phases.Answer{}, err
	}
	prepared, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, gid := range prepared {
		n++
		who = append(who, "prepared "+clean(gid))
	}
	return phases.Answer{Pass: err == nil && atMost(n, check), Value: among(n, "transaction", who)}, err
}

// between compares with min and max where they are given.
func between(n int64, check *runbook.Check) bool {
	return (check.Min == nil || n >= *check.Min) && (check.Max == nil || n <= *check.Max)
}

func (t *Target) checkTables(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var n int64
	err := s.QueryRow(ctx, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition`, t.book.Schema).Scan(&n)
	return phases.Answer{Pass: err == nil && between(n, check), Value: count(int(n), "table")}, err
}

func (t *Target) checkSize(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	var megabytes int64
	err := s.QueryRow(ctx, `SELECT pg_database_size(current_database()) / 1048576`).Scan(&megabytes)
	return phases.Answer{Pass: err == nil && between(megabytes, check), Value: fmt.Sprintf("%d MB", megabytes)}, err
}

func (t *Target) checkDisabled(ctx context.Context, s *session, check *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	names := check.Triggers
	if len(names) == 0 {
		names = t.triggerNames()
	}
	if len(names) == 0 {
		return phases.Answer{}, errors.New("the runbook names no trigger")
	}
	found, missing, err := t.findTriggers(ctx, s, names)
	if err != nil {
		return phases.Answer{}, err
	}
	off := 0
	var wrong []string
	for _, tr := range found {
		if tr.Enabled == "D" {
			off++
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s on %s is %s", tr.Name, tr.Table, triggerState(tr.Enabled)))
	}
	// A trigger that was recorded and is gone on one of its tables counts too.
	for _, r := range facts.Triggers {
		if slices.Contains(names, r.Name) && !slices.ContainsFunc(found, func(f trigger) bool { return sameTrigger(f.Trigger, r) }) {
			missing = append(missing, r.Name+" on "+r.Table)
		}
	}
	for _, m := range missing {
		wrong = append(wrong, m+" is missing")
	}
	value := fmt.Sprintf("%d of %d disabled", off, len(found)+len(missing))
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0 && off > 0, Value: value}, nil
}

func (t *Target) checkRestored(ctx context.Context, s *session, check *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	recorded := facts.Triggers
	if len(check.Triggers) > 0 {
		recorded = slices.DeleteFunc(slices.Clone(recorded), func(r phases.Trigger) bool { return !slices.Contains(check.Triggers, r.Name) })
	}
	if len(recorded) == 0 {
		return phases.Answer{Value: "no trigger was recorded in this run"}, nil
	}
	now, err := t.sameTables(ctx, s, recorded)
	if err != nil {
		return phases.Answer{}, err
	}
	wrong := compareTriggers(recorded, now)
	value := fmt.Sprintf("%d of %d as they were", len(recorded)-len(wrong), len(recorded))
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: value}, nil
}

func (t *Target) checkZero(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	return t.eachTable(ctx, s, check, "empty", func(r *relation) (bool, string, error) {
		n, err := t.countRows(ctx, s, r, "")
		return n == 0, count(int(n), "row"), err
	})
}

func (t *Target) checkFilled(ctx context.Context, s *session, check *runbook.Check, _ phases.Facts) (phases.Answer, error) {
	return t.eachTable(ctx, s, check, "with rows", func(r *relation) (bool, string, error) {
		var filled bool
		err := t.long(ctx, s, func(ctx context.Context, l long) error {
			return l.scan(ctx, `SELECT EXISTS (SELECT FROM `+r.sql()+`)`, &filled)
		})
		return filled, "no row", err
	})
}

// eachTable asks the same of all tables of a check.
func (t *Target) eachTable(ctx context.Context, s *session, check *runbook.Check, good string, ask func(*relation) (bool, string, error)) (phases.Answer, error) {
	if len(check.Tables) == 0 {
		return phases.Answer{}, errors.New("the runbook names no table for it")
	}
	var wrong []string
	for _, table := range check.Tables {
		r, err := resolve(ctx, s, t.book, table)
		if err != nil {
			return phases.Answer{}, err
		}
		ok, found, err := ask(r)
		if err != nil {
			return phases.Answer{}, fail(ctx, "look at table", table, err)
		}
		if !ok {
			wrong = append(wrong, table+" has "+found)
		}
	}
	value := fmt.Sprintf("%d of %d %s", len(check.Tables)-len(wrong), len(check.Tables), good)
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: value}, nil
}

func (t *Target) checkProtected(ctx context.Context, s *session, _ *runbook.Check, facts phases.Facts) (phases.Answer, error) {
	if len(facts.Protected) == 0 {
		return phases.Answer{Value: "no baseline was taken yet"}, nil
	}
	var wrong []string
	for _, was := range facts.Protected {
		r, err := resolve(ctx, s, t.book, was.Table)
		if err != nil {
			return phases.Answer{}, err
		}
		now, err := t.fingerprint(ctx, s, r, was.Table)
		switch {
		case err != nil:
			return phases.Answer{}, err
		case now.Rows != was.Rows:
			wrong = append(wrong, fmt.Sprintf("%s has %d rows, had %d", was.Table, now.Rows, was.Rows))
		case now.Hash != was.Hash:
			wrong = append(wrong, was.Table+" has other content")
		}
	}
	value := fmt.Sprintf("%d of %d intact", len(facts.Protected)-len(wrong), len(facts.Protected))
	if len(wrong) > 0 {
		value += ": " + strings.Join(wrong, ", ")
	}
	return phases.Answer{Pass: len(wrong) == 0, Value: value}, nil
}

// Query runs one query of the runbook's, read-only, with the runbook's schema
// on the search path.
func (t *Target) Query(ctx context.Context, sql string) (string, error) {
	var out string
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, `BEGIN READ ONLY`); err != nil {
			return err
		}
		defer rollback(ctx, s)
		if _, err := s.Exec(ctx, `SELECT set_config('search_path', $1, true)`, searchPath(t.book)); err != nil {
			return err
		}
		var result *pgconn.Result
		err := t.long(ctx, s, func(ctx context.Context, l long) (err error) {
			result, err = l.one(ctx, sql)
			return err
		})
		switch {
		case err != nil:
			return err
		case len(result.Rows) != 1:
			return fmt.Errorf("it gives %s, and must give one", count(len(result.Rows), "row"))
		case result.Rows[0][0] == nil:
			return errors.New("it gives NULL")
		}
		out = clean(string(result.Rows[0][0]))
		return nil
	})
	return out, fail(ctx, "query", "", err)
}
