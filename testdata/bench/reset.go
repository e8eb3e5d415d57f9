package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tminus/db/backup"
	"tminus/db/gym"
	"tminus/db/gym/services"
	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// variant is one way to run the guide's runbook.
type variant struct {
	row  string
	line string // what the runbook says beside the guide's
	// plain holds where the line says what is so anyway: a version that does not
	// know it needs none.
	plain bool
}

var (
	byDelete = variant{"reset", "way: delete", true}
	byAuto   = variant{"auto", "way: auto", false}
)

// source is the guide's runbook in this way, for a site in dir and the application
// that is around it, without a capsule, since psql keeps none; empty where this
// version knows no such way.
func (b *bench) source(v variant, dir string, around *services.Services) (string, error) {
	site, err := gym.MakeSite(b.ctx, dir, backup.Major(b.server.Version()))
	if err != nil {
		return "", err
	}
	site.ByHand, site.Services, site.Log, site.Measure = true, around.URL(), around.Log(), time.Second
	guide := string(runbook.Guide(site)) + "\ncapsule: off\n"
	if with := guide + v.line + "\n"; parses(with) {
		return with, nil
	}
	switch {
	case !v.plain:
		return "", nil
	case !parses(guide):
		return "", errors.New("the guide's runbook is not one")
	}
	return guide, nil
}

func parses(source string) bool {
	_, err := runbook.Parse("bench.yaml", []byte(source))
	return err == nil
}

// reset is the row that most others are about.
func (b *bench) reset() error {
	if err := b.gym("gym", b.opts.Users, ""); err != nil {
		return err
	}
	return b.against("gym", b.opts.Users, byDelete, byAuto)
}

func (b *bench) indexed() error {
	if err := b.gym("gym_indexed", b.opts.Users, everyKey+"; ANALYZE"); err != nil {
		return err
	}
	return b.against("gym_indexed", 0, variant{"indexed", byDelete.line, true})
}

func (b *bench) unindexed() error {
	if err := b.gym("gym_unindexed", 5_000, noKey); err != nil {
		return err
	}
	return b.against("gym_unindexed", 0, variant{"unindexed", byDelete.line, true})
}

// against runs psql and each variant in turn. users is noted with the time of a
// row of the first variant's; 0 for not.
func (b *bench) against(database string, users int, variants ...variant) error {
	var theirs []float64
	ours := make([][]float64, len(variants))
	for round := range b.opts.Rounds {
		said := fmt.Sprintf("  round %d: psql", round+1)
		err := b.onCopy(database, func(copy string) error {
			took, err := b.guideInPsql(copy)
			theirs = append(theirs, took.Seconds())
			said += fmt.Sprintf(" %.2f s", took.Seconds())
			return err
		})
		if err != nil {
			return err
		}
		for i, v := range variants {
			got, err := b.run(database, v)
			if err != nil {
				return err
			}
			if got == nil {
				b.results[v.row] = Result{Not: "this version has no `" + v.line + "`"}
				continue
			}
			ours[i] = append(ours[i], got.took.Seconds())
			said += fmt.Sprintf(", %s %.2f s", v.line, got.took.Seconds())
			if i == 0 {
				b.screens = got.journal
				b.silent = append(b.silent, got.silence)
				if users > 0 {
					b.perRow[users] = of(append([]float64{}, ours[0]...)).Median / float64(got.rows)
				}
			}
		}
		b.say("%s", said)
	}
	for i, v := range variants {
		if len(ours[i]) > 0 {
			b.results[v.row] = ratios(ours[i], theirs)
		}
	}
	return nil
}

// guideInPsql is the time of the guide's statements.
func (b *bench) guideInPsql(database string) (time.Duration, error) {
	if err := b.exec(database, triggersOff()); err != nil {
		return 0, err
	}
	began := time.Now()
	_, err := b.psql(database, guideSQL())
	return time.Since(began), err
}

func (b *bench) psql(database, script string) (string, error) {
	cmd := exec.CommandContext(b.ctx, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-f", "-", b.server.DSN(database))
	cmd.Stdin = strings.NewReader(script)
	return b.output(cmd)
}

// run is one run of the program.
type run struct {
	took    time.Duration // from T-0 to the end of the last phase
	rows    int64         // that it changed
	silence float64       // the longest between two updates of a delete, in milliseconds
	peak    float64       // MiB
	journal string
}

// run runs a variant on a copy, unattended; nil where there is no such variant.
func (b *bench) run(database string, v variant) (*run, error) {
	return b.unattended(database, func(dir string, around *services.Services) (string, error) { return b.source(v, dir, around) })
}

// unattended runs a runbook on a copy; nil where its source is empty.
func (b *bench) unattended(database string, source func(dir string, around *services.Services) (string, error)) (out *run, err error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	book, path := filepath.Join(dir, "bench.yaml"), filepath.Join(dir, "run.journal")
	err = b.onCopy(database, func(copy string) error {
		around, err := services.Start(dir, b.server.DSN(copy))
		if err != nil {
			return err
		}
		defer around.Close()
		text, err := source(dir, around)
		if err != nil || text == "" {
			return err
		}
		if err := os.WriteFile(book, []byte(text), 0o600); err != nil {
			return err
		}
		peak, err := b.outputOf(b.tminus("rehearse", book, "--dsn", b.server.DSN(copy), "--unattended", "--plain", "--journal", path))
		if err != nil {
			return err
		}
		if out, err = read(path); err == nil {
			out.peak = peak
		}
		return err
	})
	return out, err
}

// tminus is the program with nothing of the machine's around it.
func (b *bench) tminus(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.ctx, b.program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "XDG_STATE_HOME=" + b.dir, "TERM=xterm-256color", "LANG=C.UTF-8"}
	return cmd
}

// outputOf runs a program, and gives the most memory that it had.
func (b *bench) outputOf(cmd *exec.Cmd) (peak float64, err error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the program, which b.ctx kills
	for {
		select {
		case err := <-ended:
			if err != nil {
				text := strings.TrimSpace(out.String())
				err = fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text[max(0, len(text)-2000):])
			}
			return peak, err
		case <-time.After(20 * time.Millisecond):
			peak = max(peak, most(cmd.Process.Pid))
		}
	}
}

// most is the most memory that a running process had so far, in MiB. What is told
// of one that has ended begins with the memory of the process that started it.
func most(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}

// read tells from a journal what came of its run.
func read(path string) (*run, error) {
	recs, err := journal.Read(path)
	if err != nil {
		return nil, err
	}
	s := &phases.State{}
	out := &run{journal: path}
	var last, told time.Time // of the phases; of a step that runs
	for _, rec := range recs {
		e, err := phases.Decode(rec)
		if err != nil {
			return nil, err
		}
		if err := s.ApplyDecoded(rec, e); err != nil {
			return nil, err
		}
		switch e.(type) {
		case phases.StepStarted:
			told = rec.At
		case phases.TableProgressed, phases.StepDone: // what checks answer meanwhile tells nothing of the delete
			if !told.IsZero() {
				out.silence = max(out.silence, milliseconds(rec.At.Sub(told)))
			}
			if told = rec.At; rec.Kind == (phases.StepDone{}).Kind() {
				told = time.Time{}
			}
		case phases.PhaseCommitted, phases.PhasePassed:
			last = rec.At
		}
	}
	if s.Outcome != phases.Completed {
		return nil, fmt.Errorf("the run ended %q: %s", s.Outcome, s.Reason)
	}
	out.took = last.Sub(s.T0)
	for i := range s.Phases {
		out.rows += s.Phases[i].Did().Gone() + s.Phases[i].Did().Updated
	}
	return out, nil
}

// growth runs the reset on a tenth and on four times the rows.
func (b *bench) growth() error {
	users := b.opts.Users
	var peaks float64
	for _, n := range []int{users / 10, users, 4 * users} {
		if _, known := b.perRow[n]; known {
			continue
		}
		name, rounds := fmt.Sprintf("gym_of_%d", n), b.opts.Rounds
		if n > users {
			rounds = max(1, rounds/5)
		}
		if err := b.gym(name, n, ""); err != nil {
			return err
		}
		var times []float64
		for range rounds {
			got, err := b.run(name, byDelete)
			if err != nil {
				return err
			}
			times = append(times, got.took.Seconds()/float64(got.rows))
			peaks, b.silent = max(peaks, got.peak), append(b.silent, got.silence)
			b.say("  %s rows in %.2f s, %.0f MiB, at most %.0f ms without a word", digits(int(got.rows)), got.took.Seconds(), got.peak, got.silence)
		}
		b.perRow[n] = of(times).Median
		if err := b.server.DropDatabase(b.ctx, name); err != nil {
			return err
		}
	}
	small, middle, large := b.perRow[users/10], b.perRow[users], b.perRow[4*users]
	b.results["growth"] = Result{
		Median: max(middle/small, large/middle), Least: min(middle/small, large/middle), Most: max(middle/small, large/middle),
		Note: fmt.Sprintf("%.1f, %.1f and %.1f µs", small*1e6, middle*1e6, large*1e6),
	}
	b.results["memory"] = of([]float64{peaks})
	return nil
}

var timing = regexp.MustCompile(`Time: ([0-9.]+) ms`)

// timed are the times, in milliseconds, that psql gives for the statements of a
// script with \timing on.
func (b *bench) timed(database, script string) ([]float64, error) {
	out, err := b.psql(database, "\\timing on\n"+script)
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, m := range timing.FindAllStringSubmatch(out, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
