package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tminus/db"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

const (
	trialLimit = 90 * time.Second // a trial that takes longer hangs
	runLimit   = 45 * time.Second // a program that takes longer to end hangs
	lockLimit  = 20 * time.Second // a dead program's sessions are gone by then

	// exchange is how long the server may take for what it answers at once:
	// long for a busy machine, short for a trial.
	exchange = 5 * time.Second
)

// settings are short: a trial must not wait for what a human needs time for.
func settings() engine.Settings {
	return engine.Settings{
		Hold: 20 * time.Second, LockDeadline: 10 * time.Second, EndBackend: 200 * time.Millisecond,
		Doubt: 30 * time.Second, Patience: 5 * time.Second,
	}
}

// fault is one thing that goes wrong, once.
type fault struct {
	kind    string
	name    string
	crashes bool // the server itself dies: the trial needs one of its own
	smoke   bool // belongs to every selection
	run     func(*trial)
}

// attended is whether a scripted operator drives the trial, or nobody: half of
// the trials each, always the same.
func (f fault) attended() bool {
	h := fnv.New32a()
	h.Write([]byte(f.kind + f.name))
	return h.Sum32()%2 == 0
}

// trial is one fault at work.
type trial struct {
	*place
	ctx  context.Context
	path string // the journal's

	source    string         // the runbook's text
	attended  bool           // a scripted operator drives: it starts a phase again that was rolled back
	ends      ending         // what the operator makes of the run
	unknowing bool           // nobody can know: "unknown" is the right answer
	noLedger  bool           // the fault took the ledger away
	again     string         // where the server is reached by a resume; empty: by dsn
	exchange  time.Duration  // in the place of exchange, for the first program
	capsules  string         // the folder of its capsules; empty: beside the journal
	role      string         // who runs it; empty: the superuser
	undoes    *phases.Undoes // what the run undoes; nil: it is no undo
	found     int            // rows that phase first finds
	along     int64          // rows that go along with parent's
	wrong     []error
	skipped   string
}

func (c *trial) fail(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf(format, args...))
}

// through leads there by way of the proxy.
func (c *trial) through() string {
	if c.role == "" {
		return c.proxied()
	}
	return strings.Replace(c.proxied(), "user=postgres", "user="+c.role, 1)
}

// dsn leads to the server itself, as who runs the run.
func (c *trial) dsn() string {
	if c.role == "" {
		return c.place.dsn()
	}
	return strings.Replace(c.place.dsn(), "user=postgres", "user="+c.role, 1)
}

// try runs a fault in a place, bounded, and gives what was wrong.
func try(ctx context.Context, p *place, f fault) *trial {
	ctx, cancel := context.WithTimeout(ctx, trialLimit)
	defer cancel()
	n := p.trials.Add(1)
	c := &trial{place: p, ctx: ctx, path: filepath.Join(p.folder, fmt.Sprintf("%s-%d.journal", p.name, n)), source: book, attended: f.attended(), found: childRows}
	if err := p.clear(ctx); err != nil {
		c.fail("%w", err)
		return c
	}
	f.run(c)
	if len(c.wrong) == 0 {
		os.Remove(c.path)
		os.RemoveAll(c.path + ".capsule")
	}
	return c
}

func parsed(source string) *runbook.Runbook {
	b, err := runbook.Parse("fault.yaml", []byte(source))
	if err != nil {
		panic(err) // a constant of this package
	}
	return b
}

var operator = phases.Operator{Name: "dba", Host: "here", PID: os.Getpid()}

// program is an engine in this process, as the real program has one.
type program struct {
	target *db.Target
	writer *journal.Writer
	engine *engine.Engine
	stop   context.CancelCauseFunc
	ran    chan error
}

// connect does what the program does before it opens a run.
func connect(ctx context.Context, dsn, source string, exchange time.Duration) (*db.Target, phases.Identity, error) {
	t, err := db.Open(ctx, db.Config{DSN: dsn, Operator: operator, Runbook: parsed(source), Exchange: exchange, ConnectTimeout: exchange})
	if err != nil {
		return nil, phases.Identity{}, err
	}
	id, err := t.Identity(ctx)
	if err == nil {
		err = t.Lock(ctx)
	}
	if err != nil {
		t.Close()
		return nil, id, err
	}
	return t, id, nil
}

func (c *trial) opening(id phases.Identity) phases.RunOpened {
	out := phases.RunOpened{
		RunID: engine.NewRunID(time.Now()), File: "fault.yaml", Source: c.source, SHA256: engine.SHA256([]byte(c.source)),
		Environment: phases.Rehearsal, Unattended: !c.attended, Operator: operator, Target: id, PlannedT0: time.Now(), Undoes: c.undoes,
	}
	if c.undoes == nil {
		out.Capsule = &phases.CapsulePlace{Folder: cmp.Or(c.capsules, c.path+".capsule")}
	}
	return out
}

// open starts a new run.
func (c *trial) open(dsn string, opts ...journal.Option) (*program, error) {
	t, id, err := connect(c.ctx, dsn, c.source, cmp.Or(c.exchange, exchange))
	if err != nil {
		return nil, err
	}
	w, err := journal.Create(c.path, opts...)
	if err != nil {
		t.Close()
		return nil, err
	}
	e, err := engine.Open(t, w, c.opening(id), settings())
	return c.launch(t, w, e, err)
}

func (c *trial) launch(t *db.Target, w *journal.Writer, e *engine.Engine, err error) (*program, error) {
	if err != nil {
		w.Close()
		t.Close()
		return nil, err
	}
	p := &program{target: t, writer: w, engine: e, ran: make(chan error, 1)}
	ctx, stop := context.WithCancelCause(context.Background())
	p.stop = stop
	go func() { p.ran <- e.Run(ctx) }() // ends with the run, or with stop
	if c.attended {
		go drive(p, c.ends) // ends with the run
	}
	return p, nil
}

// wait waits for the program's end, and lets go what it held.
func (c *trial) wait(p *program) error {
	defer p.stop(nil)
	select {
	case err := <-p.ran:
		p.writer.Close()
		p.target.Close()
		return err
	case <-time.After(runLimit):
		c.fail("the program hangs: no end within %s", runLimit)
		p.stop(errors.New("hung"))
		return nil
	}
}

// rerun takes the run up again, without a fault, as a human would: a session
// of the dead program may hold the operator lock for a moment.
func (c *trial) rerun() error {
	deadline := time.Now().Add(lockLimit)
	for {
		p, err := c.resume()
		if err == nil {
			return c.wait(p)
		}
		var locked *engine.LockedError
		if !errors.As(err, &locked) || time.Now().After(deadline) {
			return fmt.Errorf("resume: %w", err)
		}
		if err := pause(c.ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (c *trial) resume() (*program, error) {
	w, recs, torn, err := journal.OpenWriter(c.path)
	if err != nil {
		return nil, err
	}
	t, id, err := connect(c.ctx, cmp.Or(c.again, c.dsn()), c.source, exchange)
	if err != nil {
		w.Close()
		return nil, err
	}
	e, err := engine.Resume(t, w, recs, phases.RunResumed{Operator: operator, Target: id, TornBytes: torn}, settings())
	return c.launch(t, w, e, err)
}

// said is what the journal says now; nil when it holds nothing yet.
func (c *trial) said() *phases.State {
	recs, err := journal.Read(c.path)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, journal.ErrEmpty), errors.Is(err, journal.ErrTorn) && len(recs) == 0:
		return nil
	case err != nil && !errors.Is(err, journal.ErrTorn):
		c.fail("read the journal: %w", err)
		return nil
	}
	s, err := phases.Fold(recs)
	if err != nil {
		c.fail("fold the journal: %w", err)
		return nil
	}
	return s
}

// agree compares journal and tables. It gives the state, nil when there is none.
func (c *trial) agree(final bool) *phases.State {
	s := c.said()
	run := ""
	if s != nil && !c.noLedger {
		run = s.Opened.RunID
	}
	f, err := c.look(c.ctx, run)
	if err != nil {
		c.fail("%w", err)
		return s
	}
	f.full["first"] = c.found
	if s == nil {
		for _, id := range []string{"first", "second"} {
			if yes, err := f.happened(id); yes || err != nil {
				c.fail("no journal speaks of %s, and something happened (%v)", id, err)
			}
		}
		return nil
	}
	c.wrong = append(c.wrong, f.compare(s, final, !c.noLedger)...)
	c.compareCapsules(s, final)
	return s
}

// recover compares, resumes and compares until the run is closed, or a human
// has to decide. again resumes the run.
func (c *trial) recover(again func() error) {
	for round := 0; len(c.wrong) == 0; round++ {
		s := c.agree(false)
		if s == nil {
			return // nothing was begun
		}
		if !s.ClosedAt.IsZero() {
			break
		}
		if round == 4 {
			c.fail("the run is not closed after %d resumes", round)
			return
		}
		if c.unknown(s) && round > 0 {
			break
		}
		if err := again(); err != nil {
			c.fail("%w", err)
		}
	}
	if len(c.wrong) > 0 {
		return
	}
	s := c.agree(true)
	if c.unknown(s) != c.unknowing {
		c.fail("a phase is unknown: %v, and should be: %v", c.unknown(s), c.unknowing)
	}
	sum, err := journal.Verify(c.path, phases.RunClosed{}.Kind())
	if err != nil || (!sum.Closed && !c.unknowing) {
		c.fail("verify: closed %v, %v", sum.Closed, err)
	}
}

func (c *trial) unknown(s *phases.State) bool {
	for i := range s.Phases {
		if s.Phases[i].Status == phases.PhaseUnknown {
			return true
		}
	}
	return false
}

// story is what the journal tells, for whoever looks into a trial that went wrong.
func (c *trial) story() string {
	s := c.said()
	if s == nil {
		return "(no journal)"
	}
	var b strings.Builder
	for _, l := range s.Log {
		fmt.Fprintf(&b, "      %3d %s %-4s %s\n", l.Seq, l.At.Format("05.000"), l.Level, l.Text)
	}
	return b.String()
}

// phaseOf is what a state knows of a phase of the trial's runbook.
func phaseOf(s *phases.State, id string) phases.PhaseState {
	for _, p := range s.Phases {
		if p.Plan.ID == id {
			return p
		}
	}
	return phases.PhaseState{}
}
