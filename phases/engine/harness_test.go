package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

func TestMain(m *testing.M) { os.Exit(sandbox.Main(m)) }

// rig is one run on a database of its own.
type rig struct {
	t      *testing.T
	dsn    string
	conn   *pgx.Conn // a bystander's, for looking and for planting faults
	book   *runbook.Runbook
	source string
	opened phases.RunOpened
	path   string
	target *db.Target
	writer *journal.Writer
	engine *engine.Engine
	stop   context.CancelCauseFunc
	ran    chan error
}

// smallBook deletes two tables of three, one by cascade; the third is protected.
const smallBook = `
tminus: 1
title: small
protected: [keep]
checklist:
  - id: before
    title: Before
    items:
      - id: told
        text: Everybody was told
        fields: [{id: who, label: Who}]
phases:
  - id: count
    title: Count
    risk: none
    planned: 1m
    count: [parent, child]
  - id: clear
    title: Clear
    risk: high
    planned: 1m
    point_of_no_return: true
    confirm: [{id: sure, text: Sure}]
    steps: [{delete: parent}]
    zero: [child]
after:
  - id: done
    title: Done
    items: [{id: said, text: Said so}]
`

const smallSchema = `
CREATE TABLE keep (id int PRIMARY KEY, note text);
INSERT INTO keep SELECT i, 'row ' || i FROM generate_series(1, 50) i;
CREATE TABLE parent (id int PRIMARY KEY, keep_id int REFERENCES keep);
INSERT INTO parent SELECT i, 1 + i % 50 FROM generate_series(1, 5000) i;
CREATE TABLE child (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES parent ON DELETE CASCADE);
CREATE INDEX ON child (parent_id);
INSERT INTO child SELECT i, 1 + i % 5000 FROM generate_series(1, 20000) i;
ANALYZE;
`

// newRig makes a database with schema and a run of source on it. Nothing runs yet.
func newRig(t *testing.T, schema, source string) *rig {
	t.Helper()
	return newRigOn(t, sandbox.ForTest(t), schema, source)
}

// newRigOn is newRig on another server than that of all tests.
func newRigOn(t *testing.T, server *sandbox.Server, schema, source string) *rig {
	t.Helper()
	r := &rig{t: t, dsn: server.NewDatabase(t), source: source, path: filepath.Join(t.TempDir(), "run.journal")}
	book, err := runbook.Parse("test.yaml", []byte(source))
	if err != nil {
		t.Fatalf("the test's runbook: %v", err)
	}
	r.book = book
	r.connect()
	if schema == "" {
		if err := gym.Load(t.Context(), r.dsn, gym.Options{Users: 300}); err != nil {
			t.Fatal(err)
		}
	} else {
		r.exec(schema)
	}
	r.opened = phases.RunOpened{
		RunID: engine.NewRunID(time.Now()), File: "test.yaml", Source: source, SHA256: engine.SHA256([]byte(source)),
		Environment: phases.Demo, Operator: phases.Operator{Name: "dba", Host: "here", PID: os.Getpid()}, PlannedT0: time.Now(),
	}
	return r
}

func (r *rig) connect() {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	r.conn = conn
	r.t.Cleanup(func() { conn.Close(context.Background()) })
}

// asOwner has the run be a role's that owns the tables of its schema, and no more.
func (r *rig) asOwner(tables ...string) {
	r.t.Helper()
	database := r.conn.Config().Database
	role := database + "_owner"
	r.exec(`CREATE ROLE ` + role + ` LOGIN; GRANT CREATE ON DATABASE ` + database + ` TO ` + role + `; GRANT CREATE ON SCHEMA public TO ` + role)
	for _, t := range tables {
		r.exec(`ALTER TABLE ` + t + ` OWNER TO ` + role)
	}
	r.dsn += " user=" + role
}

func (r *rig) exec(sql string) {
	r.t.Helper()
	if _, err := r.conn.Exec(r.t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
}

func (r *rig) rows(table string) int64 {
	r.t.Helper()
	var n int64
	if err := r.conn.QueryRow(r.t.Context(), "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *rig) openTarget() {
	r.t.Helper()
	target, err := db.Open(r.t.Context(), db.Config{DSN: r.dsn, Operator: r.opened.Operator, Runbook: r.book, Sandbox: throwaway})
	if err != nil {
		r.t.Fatal(err)
	}
	r.target = target
	r.t.Cleanup(target.Close)
}

// open starts a new run; settings may be zero.
func (r *rig) open(settings engine.Settings, opts ...journal.Option) {
	r.t.Helper()
	r.openTarget()
	id, err := r.target.Identity(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.opened.Target = id
	if r.writer, err = journal.Create(r.path, opts...); err != nil {
		r.t.Fatal(err)
	}
	if r.engine, err = engine.Open(r.target, r.writer, r.opened, settings); err != nil {
		r.t.Fatal(err)
	}
	r.launch()
}

// launch runs the engine until the run ends, leave is called, or the test ends.
func (r *rig) launch() {
	ctx, cancel := context.WithCancelCause(context.Background())
	r.stop, r.ran = cancel, make(chan error, 1)
	go func(e *engine.Engine, ran chan error) { ran <- e.Run(ctx) }(r.engine, r.ran)
	r.t.Cleanup(func() { cancel(engine.ErrLeft) })
}

// leave ends the program's part, as `q` does, and gives Run's error.
func (r *rig) leave() error {
	r.t.Helper()
	r.stop(engine.ErrLeft)
	return r.wait()
}

// wait waits for Run to return.
func (r *rig) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ran:
		r.ran <- err
		r.writer.Close()
		r.target.Close()
		return err
	case <-time.After(60 * time.Second):
		r.t.Fatalf("the engine did not end; log:\n%s", r.log())
		return nil
	}
}

// resume takes the run up again with a new target and engine.
func (r *rig) resume(settings engine.Settings) {
	r.t.Helper()
	r.openTarget()
	w, recs, torn, err := journal.OpenWriter(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.writer = w
	id, err := r.target.Identity(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if r.engine, err = engine.Resume(r.target, w, recs, phases.RunResumed{Operator: r.opened.Operator, Target: id, TornBytes: torn}, settings); err != nil {
		r.t.Fatal(err)
	}
	r.launch()
}

func (r *rig) do(c phases.Command) {
	r.t.Helper()
	if err := r.engine.Do(c); err != nil {
		r.t.Fatalf("%T: %v", c, err)
	}
}

func (r *rig) refused(c phases.Command, because string) {
	r.t.Helper()
	err := r.engine.Do(c)
	if err == nil || !strings.Contains(err.Error(), because) {
		r.t.Fatalf("%T: got %v, want a refusal with %q", c, err, because)
	}
}

// until polls the state until ok holds. It ends with the run, or after a minute.
func (r *rig) until(what string, ok func(*phases.State) bool) {
	r.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var yes bool
		r.engine.View(func(s *phases.State) { yes = ok(s) })
		if yes {
			return
		}
		select {
		case <-r.engine.Ended():
			r.engine.View(func(s *phases.State) { yes = ok(s) })
			if !yes {
				r.t.Fatalf("the run ended before %s; log:\n%s", what, r.log())
			}
			return
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no %s within a minute; log:\n%s", what, r.log())
		}
	}
}

func (r *rig) untilStatus(phase string, want phases.PhaseStatus) {
	r.t.Helper()
	r.until(phase+" "+string(want), func(s *phases.State) bool { return r.phaseOf(s, phase).Status == want })
}

func (r *rig) phaseOf(s *phases.State, id string) phases.PhaseState {
	for _, p := range s.Phases {
		if p.Plan.ID == id {
			return p
		}
	}
	r.t.Fatalf("no phase %q", id)
	return phases.PhaseState{}
}

func (r *rig) log() string {
	recs, err := journal.Read(r.path)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return err.Error()
	}
	s, err := phases.Fold(recs)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, l := range s.Log {
		b.WriteString(string(l.Level) + " " + l.Text + "\n")
	}
	return b.String()
}

// state folds the journal on disk: what any other reader would see.
func (r *rig) state() *phases.State {
	r.t.Helper()
	recs, err := journal.Read(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := phases.Fold(recs)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// untilReady waits until the engine takes commands.
func (r *rig) untilReady() {
	r.t.Helper()
	for errors.Is(r.engine.Do(phases.Note{Text: "ready?"}), engine.ErrNotReady) {
		select {
		case <-r.engine.Ended():
			r.t.Fatalf("the run ended before it was ready:\n%s", r.log())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// toHold takes a run of smallBook to the hold of its second phase.
func (r *rig) toHold() {
	r.t.Helper()
	r.toClear()
	r.do(phases.StartPhase{Phase: "clear", Typed: r.opened.Target.Database})
	r.untilStatus("clear", phases.PhaseHolding)
}

// toClear takes a run of smallBook to where its second phase may start.
func (r *rig) toClear() {
	r.t.Helper()
	r.untilReady()
	r.do(phases.Record{Item: "told", Field: "who", Value: "everybody"})
	r.do(phases.Tick{Item: "told"})
	for open := r.state().Unacknowledged(); len(open) > 0; open = r.state().Unacknowledged() {
		r.do(phases.Acknowledge{Code: open[0].Code, Who: "the duty manager", Typed: open[0].Code})
	}
	r.do(phases.PassGate{Approver: "the duty manager", Typed: r.opened.Target.Database})
	r.do(phases.StartPhase{Phase: "count"})
	r.untilStatus("count", phases.PhaseIsPassed)
	r.do(phases.Tick{Item: "sure"})
}

// passGate takes a run without a checklist through its gate.
func (r *rig) passGate() {
	r.t.Helper()
	r.untilReady()
	r.do(phases.PassGate{Approver: "the duty manager", Typed: r.opened.Target.Database})
}

// commit takes a phase from its start through its COMMIT.
func (r *rig) commit(phase string) {
	r.t.Helper()
	r.do(phases.StartPhase{Phase: phase})
	r.untilStatus(phase, phases.PhaseHolding)
	r.do(phases.Commit{Phase: phase})
	r.untilStatus(phase, phases.PhaseIsCommitted)
}
