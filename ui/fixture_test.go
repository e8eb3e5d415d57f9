package ui

import (
	"fmt"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// fixtureNow is the moment for which fixtures are drawn: 24 minutes before the
// planned T-0 of fixtureBook's run.
var fixtureNow = time.Date(2026, 1, 31, 1, 36, 0, 0, time.UTC)

// fixtureT0 is the start of the first phase in fixtures that have one.
var fixtureT0 = time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)

// fixtureBook is a small runbook with one of everything that a screen shows.
func fixtureBook() *runbook.Runbook {
	return &runbook.Runbook{
		Title:   "Gym reset",
		Summary: "Removes all members and what belongs to them; keeps staff and settings.",
		Schema:  "public",
		Window:  runbook.Window{Opens: time.Hour, Gate: 15 * time.Minute, Planned: 20 * time.Minute, Abort: 25 * time.Minute},
		Contacts: []runbook.Contact{
			{Role: "Database lead", Name: "R. Osei", Phone: "+00 000 0001"},
			{Role: "Product owner"},
		},
		Backup: runbook.Backup{
			MaxAge: 30 * time.Minute, Restore: "pg_restore --clean -d gym_demo {{backup_id}}.dump",
			RestoreTime: 12 * time.Minute, IDField: "backup_id", TimeField: "backup_time",
		},
		Protected: []string{"staff", "settings"},
		Ledger:    true,
		Checklist: []runbook.Group{
			{ID: "access", Title: "Access and connections", Due: -60 * time.Minute, Items: []runbook.Item{
				{ID: "connects", Text: "The database answers", Check: &runbook.Check{Kind: runbook.CheckDatabase, Name: "database.connects", Timeout: 10 * time.Second, Every: 10 * time.Second, Remedy: "Check host and port with the network team."}},
				{ID: "quiet", Text: "No other client is connected", Check: &runbook.Check{Kind: runbook.CheckDatabase, Name: "database.connections", Timeout: 10 * time.Second, Every: 10 * time.Second, Remedy: "Stop the application, then ask again.", Through: true}},
				{ID: "notice", Text: "Stakeholders have been told", Help: "Post in the maintenance channel."},
			}},
			{ID: "backup", Title: "Backup", Due: -30 * time.Minute, Items: []runbook.Item{
				{ID: "backup", Text: "A backup is taken and verified", Fields: []runbook.Field{
					{ID: "backup_id", Label: "Backup ID", Type: runbook.FieldText, Required: true, Example: "gym-20260131"},
					{ID: "backup_time", Label: "Snapshot taken at", Type: runbook.FieldTime, Required: true, Example: "now"},
				}},
				{ID: "triggers", Text: "The triggers are disabled", Action: &runbook.Action{Name: runbook.DisableTriggers, Triggers: []string{"audit_members"}, Text: "disable the trigger"}, Check: &runbook.Check{Kind: runbook.CheckDatabase, Name: "triggers.disabled", Timeout: 10 * time.Second, Every: 10 * time.Second, Remedy: "Press x to disable them."}},
			}},
		},
		Gate: runbook.Gate{Text: "Reset the gym's database now?", Approve: "Approving authority"},
		Phases: []runbook.Phase{
			{ID: "count", Title: "Count everything", Risk: runbook.RiskNone, Planned: 2 * time.Minute, Count: []string{"members", "bookings", "payments"}},
			{ID: "bookings", Title: "Delete bookings", Risk: runbook.RiskMedium, Planned: 4 * time.Minute, WarnAfter: 6 * time.Minute, Limit: 10 * time.Minute, Steps: []runbook.Step{{Delete: "booking_notes"}, {Delete: "bookings"}}},
			{
				ID: "members", Title: "Delete members", Risk: runbook.RiskCritical, Planned: 5 * time.Minute, PointOfNoReturn: true, Notes: []string{"After its COMMIT only a restore brings the members back."},
				Confirm: []runbook.Item{
					{ID: "confirm_backup", Text: "The backup is at hand"},
					{ID: "confirm_engineer", Text: "The rollback engineer is on standby"},
				},
				Steps: []runbook.Step{{Delete: "members"}}, Zero: []string{"payments"},
			},
			{ID: "verify", Title: "Verify", Risk: runbook.RiskNone, Planned: time.Minute, Zero: []string{"members"}, Filled: []string{"staff"}},
		},
		After: []runbook.Group{
			{ID: "restore", Title: "Back to work", Items: []runbook.Item{
				{ID: "told", Text: "Stakeholders have been told that it is done"},
			}},
			{ID: "signoff", Title: "Sign-off", Items: []runbook.Item{
				{ID: "accepted", Text: "The client accepts", Fields: []runbook.Field{{ID: "client", Label: "Client's name", Type: runbook.FieldText, Required: true}}},
			}},
		},
	}
}

// fixtureStages are the names that fixture knows, in the order of a run.
var fixtureStages = []string{
	"checklist", "ready", "go", "counting", "next", "locked", "running", "holding", "committing", "doubt",
	"confirm", "confirmed", "rolled back", "after", "done", "completed", "no-go", "aborted", "unknown", "interrupted", "undone", "awaiting",
}

// fixture is a run at one of fixtureStages, and the moment to draw it for.
func fixture(t testing.TB, stage string) (*phases.State, time.Time) {
	t.Helper()
	f := &fixtureRun{s: openedState(phases.Demo), now: fixtureNow}
	for i, name := range fixtureStages {
		if name == stage {
			f.to(i)
			return f.s, f.now
		}
	}
	t.Fatalf("no fixture %q", stage)
	return nil, time.Time{}
}

func openedState(env phases.Environment) *phases.State {
	book := fixtureBook()
	s := &phases.State{
		Seq: 2, Head: "aa", At: fixtureNow, Runbook: book, OpenedAt: fixtureNow.Add(-30 * time.Minute),
		Opened:   phases.RunOpened{RunID: "r1", Version: "0", File: "gym.yaml", SHA256: "00", Environment: env, PlannedT0: fixtureT0},
		Operator: phases.Operator{Name: "dba", Host: "ops1", PID: 41},
		Target:   phases.Identity{Host: "db.example", Port: 5432, Database: "gym_demo", User: "dba", ServerVersion: "15.4", VersionNum: 150004},
		Items:    map[string]*phases.ItemState{}, Fields: map[string]phases.FieldValue{},
		Survey: &phases.Survey{
			Deletes:  []string{"booking_notes", "bookings", "members"},
			Reach:    []phases.Reach{{From: "members", Table: "payments", Constraint: "payments_member_fkey", Action: phases.ReachCascade}},
			Warnings: []string{"payments.member_id has no index: each deleted member scans the table"},
		},
	}
	for i := range book.Phases {
		p := &book.Phases[i]
		st := phases.PhaseState{Plan: p, Status: phases.PhasePending, Step: -1}
		for j, step := range p.Steps {
			st.Tables = append(st.Tables, phases.TableState{Name: step.Delete, Role: phases.RoleDelete, Step: j, Expected: -1, Left: -1})
		}
		for _, name := range p.Count {
			st.Tables = append(st.Tables, phases.TableState{Name: name, Role: phases.RoleCount, Step: -1, Expected: -1, Left: -1})
		}
		s.Phases = append(s.Phases, st)
	}
	s.Items["connects"] = &phases.ItemState{Check: &phases.CheckState{Pass: true, Value: "answers in 2 ms", At: fixtureNow.Add(-4 * time.Second), Since: fixtureNow.Add(-20 * time.Minute)}}
	s.Items["quiet"] = &phases.ItemState{Check: &phases.CheckState{Value: "3 connections", At: fixtureNow.Add(-4 * time.Second), Since: fixtureNow.Add(-2 * time.Minute)}}
	s.Observers = []phases.Observer{{Name: "ann", Session: "s1", Since: fixtureNow.Add(-10 * time.Minute)}}
	for i := range 30 {
		s.Log = append(s.Log, phases.LogLine{Seq: uint64(i + 1), At: fixtureNow.Add(time.Duration(i-30) * 10 * time.Second), Level: phases.LevelInfo, Text: fmt.Sprintf("event %d", i+1)})
	}
	return s
}

// fixtureRun moves a state through a run without a journal: a pane's test needs
// the state, not the way to it.
type fixtureRun struct {
	s   *phases.State
	now time.Time
}

func (f *fixtureRun) to(stage int) {
	steps := []func(){
		func() {}, f.ready, f.goNow, f.counting, f.next, f.locked, f.running, f.holding, f.committing, f.doubt,
		f.confirm, f.confirmed, f.rolledBack, f.after, f.done, f.completed,
	}
	switch fixtureStages[stage] {
	case "no-go":
		f.s.Gate = phases.GateState{Decision: phases.NoGoDecision, At: f.now}
		f.s.Outcome, f.s.Reason, f.s.EndedBy = phases.NoGo, "the backup is not verified", "dba@ops1"
		return
	case "aborted":
		f.to(12)
		f.s.Outcome, f.s.Reason, f.s.EndedBy = phases.Aborted, "the window is over", "dba@ops1"
		return
	case "unknown":
		f.to(9)
		f.s.Phases[1].Status, f.s.Phases[1].Reason = phases.PhaseUnknown, "another server answers"
		return
	case "undone":
		f.to(11)
		p := &f.s.Phases[1]
		takeAway(p)
		p.Status, p.Ledger, p.Reason = phases.PhaseIsUndone, true, "bookings holds 310,000 rows, and held none when it was committed"
		return
	case "awaiting":
		f.to(6)
		f.s.Awaited = &phases.Awaited{What: "delete from bookings", Phase: "bookings", Since: f.now.Add(-12 * time.Second)}
		return
	case "interrupted":
		f.to(4)
		f.s.Interrupted = "the terminal was closed"
		return
	}
	for i := 1; i <= stage && i < len(steps); i++ {
		steps[i]()
		f.s.At = f.now
	}
}

func (f *fixtureRun) tick(ids ...string) {
	for _, id := range ids {
		f.s.Items[id] = &phases.ItemState{Ticked: true, By: "dba@ops1", At: f.now.Add(-time.Minute)}
	}
}

func (f *fixtureRun) fresh() {
	for _, id := range []string{"connects", "quiet", "triggers"} {
		f.s.Items[id] = &phases.ItemState{Check: &phases.CheckState{Pass: true, Value: "as wanted", At: f.now.Add(-3 * time.Second), Since: f.now.Add(-5 * time.Minute)}}
	}
}

func (f *fixtureRun) ready() {
	f.tick("notice", "backup")
	f.s.Fields["backup_id"] = phases.FieldValue{Value: "gym-20260131", By: "dba@ops1", At: f.now}
	f.s.Fields["backup_time"] = phases.FieldValue{Value: f.now.Add(-2 * time.Minute).Format(time.RFC3339), By: "dba@ops1", At: f.now}
	f.fresh()
}

func (f *fixtureRun) goNow() {
	f.s.Gate = phases.GateState{Decision: phases.Go, Approver: "M. Lindqvist", At: f.now}
}

func (f *fixtureRun) counting() {
	f.now, f.s.T0 = fixtureT0.Add(5*time.Second), fixtureT0
	f.fresh()
	p := &f.s.Phases[0]
	p.Status, p.Attempt, p.StartedAt, p.By = phases.PhaseRunning, 1, fixtureT0, "dba@ops1"
	p.Tables[0].Left = 20000
}

func (f *fixtureRun) next() {
	f.now = fixtureT0.Add(12 * time.Second)
	p := &f.s.Phases[0]
	p.Status, p.EndedAt, p.Took = phases.PhaseIsPassed, fixtureT0.Add(9*time.Second), 9*time.Second
	for i, n := range []int64{20000, 310000, 48000} {
		p.Tables[i].Left, p.Tables[i].Expected = n, n
	}
	f.s.Baseline = &phases.Baseline{
		Counts:    []phases.TableCount{{Table: "members", Rows: 20000}, {Table: "bookings", Rows: 310000}, {Table: "booking_notes", Rows: 92000}, {Table: "payments", Rows: 48000}},
		Protected: []phases.Fingerprint{{Table: "staff", Rows: 42, Hash: "ab"}, {Table: "settings", Rows: 7, Hash: "cd"}},
	}
	f.s.Phases[1].Tables[0].Expected, f.s.Phases[1].Tables[1].Expected, f.s.Phases[2].Tables[0].Expected = 92000, 310000, 20000
	f.fresh()
}

func (f *fixtureRun) locked() {
	f.now = fixtureT0.Add(30 * time.Second)
	f.fresh()
	p := &f.s.Phases[1]
	p.Status, p.Attempt, p.StartedAt, p.By = phases.PhaseLocking, 1, fixtureT0.Add(27*time.Second), "dba@ops1"
	p.Lock = &phases.LockWait{Table: "bookings", Waited: 3 * time.Second, Attempt: 4, Blockers: []phases.Blocker{{PID: 4711, User: "app", Application: "web", State: "idle in transaction", Since: fixtureT0.Add(-4 * time.Minute), Query: "UPDATE bookings SET"}}, Until: fixtureT0.Add(57 * time.Second)}
}

func (f *fixtureRun) running() {
	f.now = fixtureT0.Add(50 * time.Second)
	f.fresh()
	p := &f.s.Phases[1]
	p.Status, p.Lock, p.LockedAt, p.Step, p.StepAt = phases.PhaseRunning, nil, fixtureT0.Add(31*time.Second), 1, fixtureT0.Add(38*time.Second)
	p.Tx = phases.TxID{Xid: "7345", PID: 812, BackendStart: fixtureT0.Add(27 * time.Second)}
	notes, bookings := &p.Tables[0], &p.Tables[1]
	notes.Deleted, notes.StartedAt, notes.EndedAt = 92000, fixtureT0.Add(31*time.Second), fixtureT0.Add(38*time.Second)
	bookings.Deleted, bookings.BlocksDone, bookings.BlocksTotal, bookings.StartedAt = 124000, 1600, 4000, fixtureT0.Add(38*time.Second)
	for i, rows := range []int64{0, 6_000, 21_000, 38_000, 57_000, 76_000, 92_000} {
		at := notes.StartedAt.Add(time.Duration(i) * 7 * time.Second / 6)
		notes.Pace.Add(at, rows)
		p.Pace.Add(at, rows)
	}
	for i, rows := range []int64{0, 5_000, 19_000, 36_000, 55_000, 70_000, 82_000, 96_000, 112_000, 118_000, 121_000, 123_000, 124_000} {
		at := bookings.StartedAt.Add(time.Duration(i) * time.Second)
		bookings.Pace.Add(at, rows)
		p.Pace.Add(at, 92_000+rows)
	}
}

func (f *fixtureRun) holding() {
	f.now = fixtureT0.Add(80 * time.Second)
	f.fresh()
	p := &f.s.Phases[1]
	p.Status, p.Step, p.HoldUntil = phases.PhaseHolding, -1, f.now.Add(92*time.Second)
	p.Tables[1].Deleted, p.Tables[1].BlocksDone, p.Tables[1].EndedAt = 310000, 4000, fixtureT0.Add(70*time.Second)
	for i, rows := range []int64{135_000, 151_000, 168_000, 190_000, 214_000, 240_000, 262_000, 281_000, 297_000, 310_000} {
		at := fixtureT0.Add(52*time.Second + time.Duration(i)*2*time.Second)
		p.Tables[1].Pace.Add(at, rows)
		p.Pace.Add(at, 92_000+rows)
	}
	p.Tables[0].Left, p.Tables[1].Left = 0, 0
	p.Verified = []phases.Verification{
		{Kind: phases.VerifyZero, Name: "booking_notes", Want: "0", Got: "0", Pass: true},
		{Kind: phases.VerifyZero, Name: "bookings", Want: "0", Got: "0", Pass: true},
		{Kind: phases.VerifyProtected, Name: "staff", Want: "42 rows, same content", Got: "42 rows, same content", Pass: true, Rows: 42},
		{Kind: phases.VerifyTouched, Name: "all tables", Want: "only what the runbook accounts for", Got: "2 tables", Pass: true},
	}
}

func (f *fixtureRun) committing() {
	f.now = fixtureT0.Add(90 * time.Second)
	p := &f.s.Phases[1]
	p.Status, p.HoldUntil = phases.PhaseCommitting, time.Time{}
	p.Intent = &phases.CommitIntent{RunID: "r1", Phase: "bookings", Attempt: 1, Nonce: "n", Tx: p.Tx, Identity: f.s.Target, Ledger: true}
}

func (f *fixtureRun) doubt() {
	p := &f.s.Phases[1]
	p.Status, p.Doubt = phases.PhaseInDoubt, []string{"the connection broke before the answer came", "server reachable again; session 812 still holds the transaction"}
}

func (f *fixtureRun) confirm() {
	f.now = fixtureT0.Add(100 * time.Second)
	f.fresh()
	p := &f.s.Phases[1]
	p.Status, p.EndedAt, p.Took, p.Settled, p.By = phases.PhaseIsCommitted, f.now.Add(-5*time.Second), 68*time.Second, true, "dba@ops1"
	f.tick("confirm_backup")
}

func (f *fixtureRun) confirmed() { f.tick("confirm_engineer") }

func (f *fixtureRun) rolledBack() {
	f.now = fixtureT0.Add(200 * time.Second)
	f.fresh()
	p := &f.s.Phases[2]
	p.Status, p.Attempt, p.StartedAt, p.EndedAt, p.Took = phases.PhaseIsRolledBack, 1, f.now.Add(-40*time.Second), f.now.Add(-4*time.Second), 36*time.Second
	p.Reason = "payments: 12 rows left, wanted 0"
	p.Verified = []phases.Verification{{Kind: phases.VerifyZero, Name: "payments", Want: "0", Got: "12", Rows: 12}}
}

func (f *fixtureRun) after() {
	f.now = fixtureT0.Add(10 * time.Minute)
	for i := 2; i < 4; i++ {
		p := &f.s.Phases[i]
		p.Status, p.Reason = phases.PhaseIsCommitted, ""
		p.StartedAt, p.EndedAt, p.Took = f.now.Add(-2*time.Minute), f.now.Add(-time.Minute), time.Minute
		for j := range p.Verified {
			p.Verified[j].Pass, p.Verified[j].Got = true, "0"
		}
	}
	f.s.Phases[3].Status = phases.PhaseIsPassed
}

func (f *fixtureRun) done() {
	f.tick("told", "accepted")
	f.s.Fields["client"] = phases.FieldValue{Value: "Gym Ltd", By: "dba@ops1", At: f.now}
}

func (f *fixtureRun) completed() {
	f.s.Outcome, f.s.ClosedAt = phases.Completed, f.now
}

// takeAway leaves a phase's tables as the fold does when the database does not
// hold what was done to them.
func takeAway(p *phases.PhaseState) {
	for i := range p.Tables {
		t := &p.Tables[i]
		*t = phases.TableState{Name: t.Name, Role: t.Role, Step: t.Step, Expected: t.Expected, Left: -1, Undone: t.Effect()}
	}
}
