package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db/gym"
	"tminus/db/sandbox"
)

// Options say how much is measured.
type Options struct {
	Users, Rounds int
	Only          []string // IDs of rows; none: all
	Say           io.Writer
}

// bench is a run of the benchmarks. It belongs to one goroutine.
type bench struct {
	ctx     context.Context
	opts    Options
	server  *sandbox.Server
	dir     string
	program string
	began   time.Time
	copies  int
	results map[string]Result
	perRow  map[int]float64 // seconds, by the gym's users
	silent  []float64       // milliseconds between two updates of a delete
	screens string          // the journal of the last run that was measured
}

// Run measures all rows. One that cannot be measured says so in its result, and
// in the error, and keeps none from the others.
func Run(ctx context.Context, opts Options) (Measured, error) {
	b := &bench{ctx: ctx, opts: opts, began: time.Now(), results: map[string]Result{}, perRow: map[int]float64{}}
	out := Measured{Users: opts.Users, Rounds: opts.Rounds, Results: b.results}
	var err error
	if b.dir, err = os.MkdirTemp("", "tminus-bench-"); err != nil {
		return out, fmt.Errorf("begin the benchmarks: %w", err)
	}
	defer os.RemoveAll(b.dir)
	b.program = filepath.Join(b.dir, "bin", "tminus")
	if _, err := b.output(exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.program, ".")); err != nil {
		return out, err
	}
	if b.server, err = sandbox.Start(ctx, sandbox.Options{Durable: true}); err != nil {
		return out, fmt.Errorf("begin the benchmarks: %w", err)
	}
	defer b.server.Stop()
	out.Machine = fmt.Sprintf("%s, %d processors, PostgreSQL %s, %s.", processor(), runtime.NumCPU(), strings.Fields(b.server.Version())[0], b.began.UTC().Format("2006-01-02"))
	var all error
	for _, part := range b.parts() {
		if !b.wanted(part.rows) {
			continue
		}
		b.say("%s", part.name)
		if err := part.measure(); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", part.name, err))
			for _, id := range part.rows {
				if _, done := b.results[id]; !done {
					b.results[id] = Result{Not: "see what it said"}
				}
			}
			b.say("%s: %v", part.name, err)
		}
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
	}
	return out, all
}

// part measures some rows together.
type part struct {
	name    string
	rows    []string
	measure func() error
}

func (b *bench) parts() []part {
	return []part{
		{"the reset against psql", []string{"reset", "auto"}, b.reset},
		{"the reset with every key indexed", []string{"indexed"}, b.indexed},
		{"the reset with no key indexed", []string{"unindexed"}, b.unindexed},
		{"one delete", []string{"single"}, b.single},
		{"fingerprints", []string{"prints"}, b.prints},
		{"the screen", []string{"start", "open", "hour", "key"}, b.screen},
		{"fifty viewers", []string{"viewers"}, b.viewers},
		{"growth", []string{"growth", "memory"}, b.growth},
		{"silence", []string{"silence"}, b.silence},
	}
}

func (b *bench) wanted(rows []string) bool {
	return len(b.opts.Only) == 0 || slices.ContainsFunc(rows, func(id string) bool { return slices.Contains(b.opts.Only, id) })
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.opts.Say, "%6.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// output runs a command, with an error that has what it said.
func (b *bench) output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		text := strings.TrimSpace(string(out))
		return text, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text[max(0, len(text)-2000):])
	}
	return string(out), nil
}

// gym makes a gym that copies are made of.
func (b *bench) gym(name string, users int, change string) error {
	b.say("  a gym of %s users", digits(users))
	if err := b.server.CreateDatabase(b.ctx, name, ""); err != nil {
		return err
	}
	if err := gym.Load(b.ctx, b.server.DSN(name), gym.Options{Users: users}); err != nil {
		return err
	}
	if change == "" {
		return nil
	}
	return b.exec(name, change)
}

// exec runs statements in a database.
func (b *bench) exec(database, sql string) error {
	conn, err := pgx.Connect(b.ctx, b.server.DSN(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(b.ctx))
	_, err = conn.Exec(b.ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// onCopy lends a fresh copy of a database, all of it on disk.
func (b *bench) onCopy(of string, use func(database string) error) error {
	b.copies++
	name := fmt.Sprintf("copy_%d", b.copies)
	if err := b.server.CreateDatabase(b.ctx, name, of); err != nil {
		return err
	}
	if err := b.exec("postgres", "CHECKPOINT"); err != nil {
		return err
	}
	err := use(name)
	return errors.Join(err, b.server.DropDatabase(context.WithoutCancel(b.ctx), name))
}

// processor is what the machine calls its own.
func processor() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(raw)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// of is a result of several values.
func of(values []float64) Result {
	slices.Sort(values)
	return Result{Median: values[len(values)/2], Least: values[0], Most: values[len(values)-1]}
}

// ratios are a result of pairs, each of one round; the median is that of both
// medians.
func ratios(ours, theirs []float64) Result {
	var each []float64
	for i := range ours {
		each = append(each, ours[i]/theirs[i])
	}
	out := of(each)
	a, t := of(slices.Clone(ours)).Median, of(slices.Clone(theirs)).Median
	out.Median = a / t
	out.Note = fmt.Sprintf("%.2f s against %.2f s", a, t)
	return out
}
