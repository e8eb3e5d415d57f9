package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db"
	"tminus/db/gym/services"
	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// singleUsers is with how many users the single delete has its two million rows.
const (
	singleUsers = 100_000
	singleRows  = 2_000_000
)

const singleBook = `tminus: 1
title: One delete
capsule: off
phases:
  - {id: one, title: One delete, risk: high, planned: 5m, delete: [single]}
`

// single is one delete, by psql and by the program. Its time is the statement's
// own, as psql tells it, and the step's.
func (b *bench) single() error {
	rows := singleRows
	if b.opts.Users < singleUsers {
		rows = singleRows / (singleUsers / b.opts.Users)
	}
	if err := b.server.CreateDatabase(b.ctx, "single", ""); err != nil {
		return err
	}
	err := b.exec("single", fmt.Sprintf(`CREATE TABLE single (id bigint PRIMARY KEY, user_id uuid, at timestamptz, status text);
		INSERT INTO single SELECT g, md5(g::text)::uuid, timestamptz '2026-01-01' + g * interval '1 second', 'booked' FROM generate_series(1, %d) g`, rows))
	if err == nil {
		err = b.exec("single", "VACUUM (ANALYZE) single")
	}
	if err != nil {
		return err
	}
	var ours, theirs []float64
	for round := range b.opts.Rounds {
		err := b.onCopy("single", func(copy string) error {
			all, err := b.timed(copy, "BEGIN;\nDELETE FROM single;\nCOMMIT;\n")
			if err == nil && len(all) != 3 {
				err = fmt.Errorf("psql told %d times", len(all))
			}
			if err == nil {
				theirs = append(theirs, all[1]/1000)
			}
			return err
		})
		if err != nil {
			return err
		}
		got, err := b.unattended("single", func(string, *services.Services) (string, error) { return singleBook, nil })
		if err != nil {
			return err
		}
		took, err := stepTook(got.journal)
		if err != nil {
			return err
		}
		ours = append(ours, took.Seconds())
		b.silent = append(b.silent, got.silence)
		b.say("  round %d: psql %.2f s, tminus %.2f s, at most %.0f ms without a word", round+1, theirs[round], ours[round], got.silence)
	}
	b.results["single"] = ratios(ours, theirs)
	if rows != singleRows {
		r := b.results["single"]
		r.Note += ", of " + digits(rows) + " rows"
		b.results["single"] = r
	}
	return nil
}

// silence is the longest of every run that was measured by DELETE.
func (b *bench) silence() error {
	if len(b.silent) == 0 {
		return errors.New("no run was measured: name another row beside it")
	}
	all := of(b.silent)
	b.results["silence"] = Result{Median: all.Most, Least: all.Least, Most: all.Most, Note: "the longest of " + plural(len(b.silent), "run")}
	return nil
}

func stepTook(path string) (time.Duration, error) {
	recs, err := journal.Read(path)
	if err != nil {
		return 0, err
	}
	for _, rec := range recs {
		if e, err := phases.Decode(rec); err != nil {
			return 0, err
		} else if done, ok := e.(phases.StepDone); ok {
			return done.Took, nil
		}
	}
	return 0, errors.New("the journal has no step")
}

// prints reads the 25 largest tables of the gym. Each is read once before, so
// that both find the same in memory.
func (b *bench) prints() error {
	const name = "prints"
	if err := b.gym(name, b.opts.Users, ""); err != nil {
		return err
	}
	tables, err := b.largest(name, 25)
	if err != nil {
		return err
	}
	var counts strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&counts, "SELECT count(*) FROM %s;\n", t)
	}
	target, err := db.Open(b.ctx, db.Config{DSN: b.server.DSN(name), Operator: phases.Operator{Name: "bench"}, Runbook: &runbook.Runbook{Schema: "public"}})
	if err != nil {
		return err
	}
	defer target.Close()
	var ours, theirs []float64
	for round := range b.opts.Rounds + 1 {
		all, err := b.timed(name, counts.String())
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := target.Fingerprints(b.ctx, tables, nil); err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		if round == 0 {
			continue
		}
		var sum float64
		for _, v := range all {
			sum += v / 1000
		}
		ours, theirs = append(ours, took), append(theirs, sum)
		b.say("  round %d: psql %.3f s, tminus %.3f s", round, sum, took)
	}
	b.results["prints"] = ratios(ours, theirs)
	return nil
}

func (b *bench) largest(database string, n int) ([]string, error) {
	conn, err := pgx.Connect(b.ctx, b.server.DSN(database))
	if err != nil {
		return nil, err
	}
	defer conn.Close(b.ctx)
	rows, err := conn.Query(b.ctx, `SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relpages DESC, relname LIMIT $1`, n)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

var metric = regexp.MustCompile(`([0-9.]+) (ratio|median-ratio)\b`)

// viewers is measured by the mirror's own benchmark, in a process of its own.
func (b *bench) viewers() error {
	cmd := exec.CommandContext(b.ctx, "go", "test", "./ui/mirror", "-run", "^$", "-bench", "Mirror", "-benchtime", "1x", "-timeout", "30m")
	cmd.Env = append(os.Environ(), fmt.Sprintf("MIRROR_BENCH_USERS=%d", max(300, b.opts.Users/5)), fmt.Sprintf("BENCH_ROUNDS=%d", b.opts.Rounds))
	out, err := b.output(cmd)
	if err != nil {
		return err
	}
	var values []float64
	for _, m := range metric.FindAllStringSubmatch(out, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	if len(values) != 2 {
		return fmt.Errorf("the mirror's benchmark told %d ratios: %s", len(values), out)
	}
	// The medians' ratio and the ratios' median: neither is good to the last digit.
	b.results["viewers"] = Result{Median: slices.Max(values), Least: slices.Min(values), Most: slices.Max(values)}
	return nil
}

// long makes a journal of a run that is under way, with many events behind it.
func (b *bench) long(events int) (string, error) {
	recs, err := journal.Read(b.screens)
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, "long.journal")
	w, err := journal.Create(path)
	if err != nil {
		return "", err
	}
	defer w.Close()
	var at time.Time
	for _, rec := range recs {
		if rec.Kind == (phases.StepDone{}).Kind() {
			break
		}
		at = rec.At
		if _, err := w.Append(at, rec.Kind, rec.Data, journal.Buffered); err != nil {
			return "", err
		}
	}
	for i := range events {
		e := phases.TableProgressed{Phase: "phase2", Deleted: int64(i), BlocksDone: int64(i), BlocksTotal: int64(events), Touched: map[string]phases.Touched{"scan_audit_logs": {Deleted: int64(i)}}}
		at = at.Add(50 * time.Millisecond)
		if _, err := w.Append(at, e.Kind(), e, journal.Buffered); err != nil {
			return "", err
		}
	}
	return path, nil
}
