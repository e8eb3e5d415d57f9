package ui

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/ui/plain"
)

const plainBook = `tminus: 1
title: Gym reset
window: {opens: 60m, gate: 15m, planned: 10m, abort: 25m}
backup: {max_age: 15m, restore: 'pg_restore {{backup_id}}', restore_time: 12m, id_field: backup_id}
protected: [lessons]
checklist:
  - id: backup
    title: Backup
    items:
      - id: backup_taken
        text: The final backup is taken
        help: Wait for its end.
        fields:
          - {id: backup_id, label: Backup ID, example: b1}
          - {id: backup_place, label: Location, required: false}
      - id: connects
        text: The database answers
        check: {database: database.connects, remedy: Start the server., every: 1h}
gate: {text: Reset the gym now?, approve: Approving authority}
phases:
  - id: leaf
    title: Leaf tables
    risk: medium
    planned: 1m
    steps:
      - delete: audit_logs
  - id: users
    title: Users
    risk: critical
    planned: 3m
    point_of_no_return: true
    confirm:
      - id: final
        text: The rollback engineer is ready
    steps:
      - delete: users
after:
  - id: handover
    title: Handover
    items:
      - id: told
        text: Stakeholders have been told
`

// fakeEngine answers commands as the engine would, without a database: it
// records what follows from them. Its clock is the bubble's.
type fakeEngine struct {
	t      *testing.T
	w      *journal.Writer
	state  *phases.State
	got    []phases.Command
	refuse error
}

func newFakeEngine(t *testing.T) *fakeEngine {
	t.Helper()
	return openFakeEngine(t, func(*phases.RunOpened) {})
}

// newPlannedEngine is one in production, whose T-0 is planned for so long from
// now, with its check answered.
func newPlannedEngine(t *testing.T, t0 time.Duration) *fakeEngine {
	t.Helper()
	e := openFakeEngine(t, func(o *phases.RunOpened) {
		o.Environment, o.Planned, o.PlannedT0 = phases.Production, true, time.Now().Add(t0)
	})
	e.add(passing("connects"))
	return e
}

func openFakeEngine(t *testing.T, change func(*phases.RunOpened)) *fakeEngine {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	e := &fakeEngine{t: t, w: w, state: &phases.State{}}
	opened := phases.RunOpened{
		RunID: "r1", File: "gym.yaml", Source: plainBook, Environment: phases.Demo,
		Operator: phases.Operator{Name: "ada", Host: "ops1"}, Target: phases.Identity{Host: "db1", Database: "gym"},
		PlannedT0: time.Now().Add(time.Hour),
	}
	change(&opened)
	e.add(opened, phases.SurveyTaken{})
	return e
}

func (e *fakeEngine) add(events ...phases.Event) {
	e.t.Helper()
	for _, ev := range events {
		rec, err := e.w.Append(time.Now(), ev.Kind(), ev, journal.Buffered)
		if err != nil {
			e.t.Fatal(err)
		}
		if err := e.state.Apply(rec); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *fakeEngine) Do(c phases.Command) error {
	e.got = append(e.got, c)
	if e.refuse != nil {
		return e.refuse
	}
	if err := e.state.Can(c, time.Now()); err != nil {
		return err
	}
	const by = "ada@ops1"
	switch c := c.(type) {
	case phases.Tick:
		e.add(phases.ItemTicked{Item: c.Item, By: by})
	case phases.Record:
		e.add(phases.FieldRecorded{Item: c.Item, Field: c.Field, Value: c.Value, By: by})
	case phases.PassGate:
		e.add(phases.GatePassed{Approver: c.Approver, By: by})
	case phases.DeclareNoGo:
		e.add(phases.NoGoDeclared{Reason: c.Reason, By: by}, phases.RunClosed{Outcome: phases.NoGo})
	case phases.StartPhase:
		e.phase(c.Phase)
	case phases.Commit:
		e.add(phases.CommitIntended{CommitIntent: phases.CommitIntent{Phase: c.Phase}, By: by}, phases.PhaseCommitted{Phase: c.Phase, Took: time.Second})
	case phases.Rollback:
		e.add(phases.PhaseRolledBack{Phase: c.Phase, Reason: c.Reason, By: by, Took: time.Second})
	case phases.Abort:
		e.add(phases.RunAborted{Reason: c.Reason, By: by}, phases.RunClosed{Outcome: phases.Aborted})
	case phases.Note:
		e.add(phases.NoteRecorded{Text: c.Text, By: by})
	case phases.LeaveSchedule:
		e.add(phases.ScheduleLeft(c))
	case phases.AcceptUndone:
		e.add(phases.UndoneAccepted{Phase: c.Phase, Reason: c.Reason, By: by})
	case phases.Sign, phases.Withdraw:
		events, err := c.(phases.Recorded).Events(e.state, by, time.Now())
		if err != nil {
			return err
		}
		e.add(events...)
	case phases.CloseRun:
		e.add(phases.RunClosed{Outcome: phases.Completed})
	default:
		return errors.New("the fake engine does not know this command")
	}
	return nil
}

// phase takes a phase to its hold at once.
func (e *fakeEngine) phase(id string) {
	p := e.state.Phases[e.state.Current()]
	table := p.Plan.Steps[0].Delete
	e.add(
		phases.PhaseStarted{Phase: id, Attempt: p.Attempt + 1, By: "ada@ops1"},
		phases.TablesLocked{Phase: id, Tables: []string{table}},
		phases.StepStarted{Phase: id},
		phases.StepDone{Phase: id, Rows: 1200, Took: 400 * time.Millisecond},
		phases.PhaseVerified{Phase: id, Results: []phases.Verification{{Kind: phases.VerifyZero, Name: table, Want: "0 rows", Got: "0 rows", Pass: true}}},
		phases.HoldOpened{Phase: id, Until: time.Now().Add(2 * time.Minute)},
	)
}

// plainRun is Plain under way: keys go in, lines come out.
type plainRun struct {
	t    *testing.T
	in   *io.PipeWriter
	out  output
	done chan error
	stop context.CancelCauseFunc
}

// startPlain runs Plain in the bubble. Its goroutine ends with the run, or
// when the test's context does.
func startPlain(t *testing.T, e *fakeEngine, change func(*plain.Options)) *plainRun {
	t.Helper()
	in, keys := io.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &plainRun{t: t, in: keys, done: make(chan error, 1), stop: cancel}
	opt := plain.Options{Journal: e.w.Path(), Commander: e, In: in, Out: &r.out}
	if change != nil {
		change(&opt)
	}
	t.Cleanup(func() { cancel(nil); keys.Close() })
	go func() { r.done <- plain.Run(ctx, opt) }()
	r.settle()
	return r
}

// settle lets Plain do all that there is to do: fake time passes only while
// every goroutine waits.
func (r *plainRun) settle() {
	time.Sleep(2 * plain.Poll)
	synctest.Wait()
}

func (r *plainRun) enter(lines ...string) {
	r.t.Helper()
	for _, l := range lines {
		_, _ = io.WriteString(&r.out, "> "+l+"\n") // it never fails; Plain waits now, and does not write
		if _, err := io.WriteString(r.in, l+"\n"); err != nil {
			r.t.Fatal(err)
		}
		r.settle()
	}
}

func (r *plainRun) wants(texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.out.String(), text) {
			r.t.Errorf("the output does not say %q:\n%s", text, r.out.String())
		}
	}
}

func (r *plainRun) ended() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	default:
		r.t.Fatalf("Plain has not returned:\n%s", r.out.String())
		return nil
	}
}

func passing(item string) phases.CheckAnswered {
	return phases.CheckAnswered{Item: item, Pass: true, Value: "answers"}
}

func TestPlainDrivesAWholeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.CheckAnswered{Item: "connects", Value: "no answer"})
		r := startPlain(t, e, nil)
		r.enter("?", "skip", "b-1", "note two tries", "", "y")
		e.add(passing("connects"))
		r.settle()
		r.enter("holds", "B. Boss", "gmy", "gym", "commit", "yes", "start", "?", "commit", "y", "status", "start", "gym", "rollback", "gym", "commit", "y", "close")
		if err := r.ended(); err != nil {
			t.Errorf("Plain: %v", err)
		}
		if strings.ContainsAny(r.out.String(), "\x1b\r\t") {
			t.Error("control characters in the output")
		}
		golden.RequireEqual(t, []byte(r.out.String()))
	})
}

func TestPlainProgressIsThinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.TablesLocked{Phase: "leaf"}, phases.StepStarted{Phase: "leaf"})
		for i := range int64(100) { // 5 s, each step 1 %, at last 50 %
			time.Sleep(50 * time.Millisecond)
			e.add(phases.TableProgressed{Phase: "leaf", Deleted: i, BlocksDone: i / 2, BlocksTotal: 100})
		}
		for i := range int64(50) { // 0.5 s, each step 1 %
			time.Sleep(10 * time.Millisecond)
			e.add(phases.TableProgressed{Phase: "leaf", Deleted: 100 + i, BlocksDone: 51 + i, BlocksTotal: 100})
		}
		done := make(chan struct{})
		close(done)
		r := startPlain(t, e, func(o *plain.Options) { o.Done, o.In, o.Commander = done, nil, nil })
		if err := r.ended(); err != nil {
			t.Fatal(err)
		}
		// One line a second, then one each 10 %.
		if n := strings.Count(r.out.String(), "deleted so far"); n != 10 {
			t.Errorf("%d lines of progress, want 10:\n%s", n, r.out.String())
		}
	})
}

func TestPlainAsksNothingWithoutInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, func(o *plain.Options) { o.In = nil })
		if err := e.Do(phases.DeclareNoGo{Reason: "no backup\x1b[2J"}); err != nil {
			t.Fatal(err)
		}
		r.settle()
		if err := r.ended(); err != nil {
			t.Errorf("Plain: %v", err)
		}
		r.wants("bad: NO-GO: no backup, by ada@ops1", "bad: run closed: NO-GO")
		if strings.Contains(r.out.String(), "Question") {
			t.Errorf("a question without input:\n%s", r.out.String())
		}
	})
}

// A line that was typed for one moment must not act in another: typed ahead,
// it would answer a question that nobody has read.
func TestPlainIgnoresWhatIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.ItemTicked{Item: "backup_taken"}, phases.FieldRecorded{Field: "backup_id", Value: "b"}, passing("connects"), phases.GatePassed{Approver: "B"})
		e.add(phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.TablesLocked{Phase: "leaf"})
		r := startPlain(t, e, nil)
		r.enter("commit")
		r.wants(`nothing is asked now, "commit" was ignored`)
		if len(e.got) != 0 {
			t.Errorf("commands: %v", e.got)
		}
		r.enter("rollback it takes too long")
		r.wants("ROLLED BACK after 1.0 s, nothing changed: it takes too long")
	})
}

func TestPlainQuitAsksWhileATransactionIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.TablesLocked{Phase: "leaf"})
		r := startPlain(t, e, nil)
		r.enter("quit")
		r.wants("a transaction is open")
		r.enter("status")
		r.enter("quit")
		select {
		case err := <-r.done:
			t.Fatalf("left although something was said in between: %v", err)
		default:
		}
		r.enter("quit")
		if err := r.ended(); err != nil {
			t.Errorf("Plain: %v", err)
		}
		r.wants("left the run")
	})
}

func TestPlainWatcherCannotAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, func(o *plain.Options) { o.Commander = nil })
		r.enter("no-go I want to", "y", "holds")
		r.wants("this is a watcher", "The final backup is taken: needs Backup ID")
		if len(e.got) != 0 || strings.Contains(r.out.String(), "Question") {
			t.Errorf("commands %v:\n%s", e.got, r.out.String())
		}
		r.enter("quit")
		if err := r.ended(); err != nil {
			t.Errorf("Plain: %v", err)
		}
		r.wants("left the run")
	})
}

func TestPlainLeavesAtTheInputsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		r.in.Close()
		r.settle()
		r.wants("the input has ended: left the run")
		if err := r.ended(); err != nil {
			t.Errorf("Plain: %v", err)
		}
	})
}

func TestPlainSaysThatAHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.phase("leaf")
		r := startPlain(t, e, nil)
		time.Sleep(119 * time.Second)
		synctest.Wait()
		r.wants("rolls back by itself in 1 min", "rolls back by itself in 30 s", "rolls back by itself in 10 s")
		if n := strings.Count(r.out.String(), "by itself"); n != 3 {
			t.Errorf("%d warnings, want 3", n)
		}
	})
}

func TestPlainLiteralAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		r.enter("= status")
		r.wants("recorded: Backup ID: status")
	})
}

func TestPlainStopsAtAnUnknownEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		other := newFakeEngine(t)
		r := startPlain(t, e, func(o *plain.Options) { o.Journal = other.w.Path() })
		other.add(phases.NoteRecorded{Text: "fine"})
		r.settle()
		if _, err := other.w.Append(time.Now(), "from_the_future", struct{}{}, journal.Buffered); err != nil {
			t.Fatal(err)
		}
		r.settle()
		if err := r.ended(); err == nil || !strings.Contains(err.Error(), "from_the_future") {
			t.Errorf("Plain: %v", err)
		}
		r.wants("note: fine")
	})
}

func TestPlainShowsTheSafeEndAfterASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.phase("leaf")
		done, signal := make(chan struct{}), errors.New("signal: hangup")
		r := startPlain(t, e, func(o *plain.Options) { o.Done = done })
		r.stop(signal)
		r.settle()
		e.add(phases.PhaseRolledBack{Phase: "leaf", Reason: "signal: hangup"}, phases.RunInterrupted{Reason: "signal: hangup"})
		close(done)
		r.settle()
		if err := r.ended(); !errors.Is(err, signal) {
			t.Errorf("Plain: %v, want the signal", err)
		}
		r.wants("stopping: signal: hangup", "ROLLED BACK", "run interrupted: signal: hangup; it can be resumed")
	})
}

func TestPlainEndsWithItsContextWithoutDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		signal := errors.New("signal: hangup")
		r := startPlain(t, e, nil)
		r.stop(signal)
		r.settle()
		if err := r.ended(); !errors.Is(err, signal) {
			t.Errorf("Plain: %v, want the signal", err)
		}
	})
}

// The engine takes nothing before it knows the database, so nothing is asked.
func TestPlainAsksNothingDuringTheSurvey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.RunResumed{Operator: phases.Operator{Name: "ada", Host: "ops1"}, Target: e.state.Target})
		r := startPlain(t, e, nil)
		r.settle()
		if strings.Contains(r.out.String(), "Question") {
			t.Errorf("something is asked before the survey:\n%s", r.out.String())
		}
		e.add(phases.SurveyTaken{})
		r.settle()
		r.wants("Question: ")
	})
}

// A question is asked anew after a refusal.
func TestPlainAsksAgainAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		const question = "Question: Backup: The final backup is taken"
		before := strings.Count(r.out.String(), question)
		e.refuse = errors.New("not now")
		r.enter("b 1")
		r.wants("refused: not now")
		if after := strings.Count(r.out.String(), question); after != before+1 {
			t.Errorf("it is asked %d times before, %d times after the refusal:\n%s", before, after, r.out.String())
		}
	})
}
