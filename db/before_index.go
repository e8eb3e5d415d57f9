package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases"
	"tminus/phases/engine/fence"
	"tminus/phases/schema"
)

// PlanIndexes implements fence.Indexes.
func (t *Target) PlanIndexes(ctx context.Context, runID string, want []phases.PhaseIndex, planned []phases.MadeIndex) ([]phases.MadeIndex, error) {
	var out []phases.MadeIndex
	err := t.control.with(ctx, func(s *session) error {
		beside := slices.Clone(planned)
		for _, w := range want {
			on, err := resolve(ctx, s, t.book, w.Table)
			if err != nil {
				return err
			}
			i := phases.MadeIndex{Table: w.Table, Columns: w.Columns, Constraint: w.Constraint, Schema: on.Schema}
			free := func(name string) (bool, error) {
				if slices.ContainsFunc(beside, func(o phases.MadeIndex) bool { return o.Schema == on.Schema && (o.Name == name || o.Kept == name) }) {
					return false, nil
				}
				var taken bool
				err := s.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
					WHERE n.nspname = $1 AND c.relname = $2)`, on.Schema, name).Scan(&taken)
				return !taken, err
			}
			if i.Name, err = firstFree(free, func(n int) string { return indexName(runID, n) }); err != nil {
				return err
			}
			if w.Keep {
				if i.Kept, err = firstFree(free, func(n int) string { return keptName(on, w.Columns, n) }); err != nil {
					return err
				}
			}
			if err := s.QueryRow(ctx, `SELECT format('ON %I.%I USING btree (%s)', $1::text, $2::text,
				(SELECT string_agg(quote_ident(c), ', ' ORDER BY place) FROM unnest($3::text[]) WITH ORDINALITY AS of (c, place)))`,
				on.Schema, on.Name, w.Columns).Scan(&i.Definition); err != nil {
				return err
			}
			out, beside = append(out, i), append(beside, i)
		}
		return nil
	})
	return out, fail(ctx, "plan the indexes of", t.host(), err)
}

// firstFree is the first of numbered names that nothing has.
func firstFree(free func(string) (bool, error), name func(int) string) (string, error) {
	for n := 1; n <= mostNames; n++ {
		ok, err := free(name(n))
		if err != nil || ok {
			return name(n), err
		}
	}
	return "", fmt.Errorf("%d names from %s on are taken", mostNames, name(1))
}

// keptName is one as the server would choose it, in the bytes that it keeps.
func keptName(on *schema.Relation, columns []string, n int) string {
	end := "_idx"
	if n > 1 {
		end += fmt.Sprint(n - 1)
	}
	name := on.Name + "_" + strings.Join(columns, "_")
	if most := longestName - len(end); len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name + end
}

const longestName = 63 // bytes of a name that the server keeps

// LookAtIndexes implements fence.Indexes. A program that was killed leaves its
// statement to the server, which may begin with it yet.
func (t *Target) LookAtIndexes(ctx context.Context, made []phases.MadeIndex) ([]fence.IndexSight, error) {
	var out []fence.IndexSight
	err := t.control.with(ctx, func(s *session) error {
		for _, i := range made {
			var at int32
			err := s.QueryRow(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> ALL ($1::int[])
				AND query ~ '^(CREATE|DROP|ALTER) INDEX' AND position($2 IN query) > 0 LIMIT 1`, t.ownPIDs(), i.Name).Scan(&at)
			switch {
			case err == nil:
				return failf("look at", i.Name, "wait for its end, or end it", fmt.Errorf("session %d is at work on it", at))
			case !errors.Is(err, pgx.ErrNoRows):
				return err
			}
			is, err := sight(ctx, s, i)
			if err != nil {
				return err
			}
			out = append(out, is)
		}
		return nil
	})
	return out, fail(ctx, "look at the indexes of", t.host(), err)
}

// sight is how one stands: by its name, and its definition as the server says it.
func sight(ctx context.Context, s *session, i phases.MadeIndex) (fence.IndexSight, error) {
	var same, valid bool
	err := s.QueryRow(ctx, `SELECT coalesce(pg_get_indexdef(i.indexrelid) = format('CREATE INDEX %I %s', $2::text, $3::text), false),
			coalesce(i.indisvalid AND i.indisready AND i.indislive, false)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
		WHERE n.nspname = $1 AND c.relname = $2`, i.Schema, i.Name, i.Definition).Scan(&same, &valid)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fence.IndexAbsent, nil
	case err != nil:
		return "", err
	case !same:
		return fence.IndexOther, nil
	case !valid:
		return fence.IndexInvalid, nil
	}
	return fence.IndexValid, nil
}

// MakeIndex implements fence.Indexes.
func (t *Target) MakeIndex(ctx context.Context, i phases.MadeIndex, patience time.Duration, progress func(string)) error {
	sql := "CREATE INDEX CONCURRENTLY " + pgx.Identifier{i.Name}.Sanitize() + " " + i.Definition
	const hint = "put that right and begin again by the item's key; or waive the item, and the phase makes its own"
	return t.beside(ctx, indexJob{"make an index on", hint, i}, patience, progress, func(ctx context.Context, s *session, l long) error {
		if _, err := l.one(ctx, sql); err != nil {
			t.tidy(ctx, s, i)
			return err
		}
		is, err := sight(ctx, s, i)
		if err == nil && is != fence.IndexValid {
			err = fmt.Errorf("the server made %s, and it is %s", i.Name, is)
		}
		return err
	})
}

// What is left of an index that was not made goes at once, or later.
const (
	tidyWait  = 300 * time.Millisecond
	tidyLimit = time.Second
)

// tidy drops what a statement that failed has left of an index. Where somebody is
// in the way, it is left to whoever drops or makes it next.
func (t *Target) tidy(ctx context.Context, s *session, i phases.MadeIndex) {
	if s.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyLimit)
	defer cancel()
	if is, err := sight(ctx, s, i); err != nil || is != fence.IndexInvalid || s.patience(ctx, programs, tidyWait) != nil {
		return
	}
	_, _ = s.Exec(ctx, dropSQL(i)) // how it stands is looked at by whoever asked for it
}

func dropSQL(i phases.MadeIndex) string {
	return "DROP INDEX CONCURRENTLY " + pgx.Identifier{i.Schema, i.Name}.Sanitize()
}

// DropIndex implements fence.Indexes.
func (t *Target) DropIndex(ctx context.Context, i phases.MadeIndex, patience time.Duration, progress func(string)) error {
	return t.beside(ctx, indexJob{"drop the index on", "when that is over, begin again, or run: " + dropSQL(i), i}, patience, progress, func(ctx context.Context, s *session, l long) error {
		switch is, err := sight(ctx, s, i); {
		case err != nil, is == fence.IndexAbsent:
			return err
		case is == fence.IndexOther:
			return fmt.Errorf("%s is %s", i.Name, is)
		}
		_, err := l.one(ctx, dropSQL(i))
		return err
	})
}

// KeepIndex implements fence.Indexes.
func (t *Target) KeepIndex(ctx context.Context, i phases.MadeIndex, patience time.Duration) error {
	return t.beside(ctx, indexJob{"keep the index on", "when that is over, begin again, or run: " + keepSQL(i), i}, patience, nil, func(ctx context.Context, s *session, l long) error {
		if is, err := sight(ctx, s, i); err != nil || is != fence.IndexValid {
			return errors.Join(err, fmt.Errorf("%s is %s", i.Name, is))
		}
		_, err := l.one(ctx, keepSQL(i))
		return err
	})
}

func keepSQL(i phases.MadeIndex) string {
	return "ALTER INDEX " + pgx.Identifier{i.Schema, i.Name}.Sanitize() + " RENAME TO " + pgx.Identifier{i.Kept}.Sanitize()
}

// indexJob is what is done to an index outside of any transaction.
type indexJob struct {
	op, hint string
	index    phases.MadeIndex
}

// beside does it on the phases' session: no phase is open meanwhile.
func (t *Target) beside(ctx context.Context, what indexJob, patience time.Duration, progress func(string), do func(context.Context, *session, long) error) error {
	var last []phases.Blocker
	err := t.phase.with(ctx, func(s *session) error {
		if err := s.patience(ctx, programs, patience); err != nil {
			return err
		}
		defer func() { // a session that is not as it was is none for a phase
			if s.IsClosed() || s.patience(context.WithoutCancel(ctx), programs, shortWait) != nil {
				closeConn(s.conn)
			}
		}()
		seen := t.watchIndex(s.pid, progress)
		err := t.long(ctx, s, func(ctx context.Context, l long) error { return do(ctx, s, l) })
		last = seen()
		return err
	})
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case ok && pg.Code == "55P03":
		who := "nobody was seen to be in the way"
		if len(last) > 0 {
			who = holderText(last[0], "")
		}
		err = fmt.Errorf("others did not let go of it within %s: %s", phases.Span(patience), who)
	default:
		err = errors.New(describe(err))
	}
	return failf(what.op, what.index.Table, what.hint, err)
}

// watchIndex says once a second how far a session is with an index, and who is in
// its way, until the function that it gives is called: that gives who was last.
func (t *Target) watchIndex(pid uint32, progress func(string)) func() []phases.Blocker {
	stop, done := make(chan struct{}), make(chan struct{})
	var last []phases.Blocker
	go func() { // ends with stop
		defer close(done)
		tick := time.NewTicker(watchIndexEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			ctx, cancel := context.WithTimeout(context.Background(), blockersLimit)
			text, by, err := t.indexProgress(ctx, pid)
			cancel()
			if err != nil {
				continue // what was seen last stands
			}
			if len(by) > 0 { // one look may come after they have let go, or the session has given up
				last = by
			}
			if progress != nil && text != "" {
				progress(text)
			}
		}
	}()
	return func() []phases.Blocker {
		close(stop)
		<-done
		return last
	}
}

// watchIndexEvery is how often that is asked.
const watchIndexEvery = 250 * time.Millisecond

// indexProgress is how far a session is with an index, and who is in its way.
func (t *Target) indexProgress(ctx context.Context, pid uint32) (text string, by []phases.Blocker, err error) {
	err = t.control.with(ctx, func(s *session) error {
		var doing string
		var done, total int64
		err := s.QueryRow(ctx, `SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END, CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END
			FROM pg_stat_progress_create_index WHERE pid = $1::int`, int32(pid)).Scan(&doing, &done, &total)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		text = clean(doing)
		if total > 0 {
			text += fmt.Sprintf(", %d %%", min(100, done*100/total))
		}
		by, err = blockers(ctx, s, pid)
		return err
	})
	if len(by) > 0 {
		text = strings.TrimPrefix(text+", "+holderText(by[0], ""), ", ")
	}
	return text, by, err
}
