package pane

import (
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// paneT0 is the start of the first phase in the panes' fixtures.
var paneT0 = time.Date(2026, 1, 30, 2, 0, 0, 0, time.UTC)

func human(id, text string, fields ...runbook.Field) runbook.Item {
	return runbook.Item{ID: id, Text: text, Fields: fields}
}

func checked(id, text, name, remedy string) runbook.Item {
	return runbook.Item{ID: id, Text: text, Check: &runbook.Check{
		Kind: runbook.CheckDatabase, Name: name, Timeout: 10 * time.Second, Every: 10 * time.Second, Remedy: remedy,
	}}
}

func fieldOf(id, label string, typ runbook.FieldType, example string) runbook.Field {
	return runbook.Field{ID: id, Label: label, Type: typ, Required: true, Example: example}
}

// paneBook is a runbook of the size of a real one.
func paneBook() *runbook.Runbook {
	return &runbook.Runbook{
		Title: "Gym data reset", Schema: "public", Ledger: true,
		Window: runbook.Window{Opens: time.Hour, Gate: 15 * time.Minute, Planned: 20 * time.Minute, Abort: 25 * time.Minute},
		Contacts: []runbook.Contact{
			{Role: "Database administrator", Name: "Ada Byron", Phone: "+44 20 0000 0001"},
			{Role: "Infrastructure", Name: "Grace Hopper", Phone: "+44 20 0000 0002"},
			{Role: "Client"},
		},
		Backup: runbook.Backup{
			MaxAge: 15 * time.Minute, RestoreTime: 14 * time.Minute, IDField: "backup_id", TimeField: "backup_time",
			Restore: "pg_restore --clean --if-exists --exit-on-error --dbname=service=production {{backup_location}} # backup {{backup_id}}",
		},
		Protected: []string{"membership_packages", "lessons", "trainers"},
		Checklist: paneChecklistGroups(),
		Gate:      runbook.Gate{Text: "Every item is done and green, and the client has agreed to the window.", Approve: "Approving authority"},
		Phases:    panePhases(),
		After: []runbook.Group{
			{ID: "told", Title: "Tell the stakeholders", Items: []runbook.Item{human("told_users", "Users are told that the gym is back"), human("told_client", "The client is told that the reset is done")}},
			{ID: "triggers_back", Title: "Triggers back", Items: []runbook.Item{
				{
					ID: "triggers_restored", Text: "The four triggers are back as they were",
					Action: &runbook.Action{Name: runbook.RestoreTriggers, Text: "bring the four triggers back"},
					Check:  &runbook.Check{Kind: runbook.CheckDatabase, Name: "triggers.restored", Timeout: 10 * time.Second, Every: 10 * time.Second, Remedy: "Bring them back by this item's key."},
				},
			}},
			{ID: "signoff", Title: "Client's sign-off", Items: []runbook.Item{human("accepted", "The client accepts the result", fieldOf("accepted_by", "Accepted by", runbook.FieldText, "name"))}},
		},
	}
}

func paneChecklistGroups() []runbook.Group {
	triggers := checked("triggers_disabled", "The four business triggers are disabled", "triggers.disabled", "Disable them by this item's key; if one came back by itself, find out who enables it.")
	triggers.Check.Through = true
	triggers.Help = "Their definitions and states are recorded first, and brought back exactly so after the run."
	triggers.Action = &runbook.Action{Name: runbook.DisableTriggers, Text: "disable the four triggers"}
	taken := human("backup_taken", "The final production backup is taken and has ended",
		fieldOf("backup_time", "Snapshot taken at", runbook.FieldTime, "now"),
		fieldOf("backup_location", "Location", runbook.FieldText, "gym-production.dump"),
		fieldOf("backup_id", "Backup ID", runbook.FieldText, "see the backup list"))
	taken.Help = "It takes 5 to 10 minutes. Its age counts from its snapshot, not from its end, and may be 15 minutes at the gate and again at phase 5."
	return []runbook.Group{
		{ID: "rehearsal", Title: "Step 4, the run on the backup database", Due: -time.Hour, Items: []runbook.Item{
			human("r1", "All six phases ran there to their end, each one successful"),
			human("r2", "The protected tables came out of it intact"),
			human("r3", "No error and no warning came up, and the database's integrity is confirmed"),
		}},
		{ID: "backup", Title: "1. Backup", Due: -30 * time.Minute, Items: []runbook.Item{
			taken, human("backup_read", "It can be read from the place where a restore would run"),
			checked("backup_fresh", "The backup is less than 15 minutes old", "backup.age", "Take a new backup and record the time of its snapshot."),
		}},
		{ID: "system", Title: "2. System state", Due: -time.Hour, Items: []runbook.Item{
			human("workflow", "The workflow weekly-pilates-refill.yml is disabled"), triggers,
			checked("no_connections", "The database has at most 5 client connections", "database.connections", "Wait 5 minutes and look again, or ask those who are connected to leave."),
		}},
		{ID: "people", Title: "3. People", Due: -45 * time.Minute, Items: []runbook.Item{
			human("engineer", "The rollback engineer is on standby, and has confirmed that they can restore from the backup within the time that the client was told",
				fieldOf("engineer_name", "Engineer", runbook.FieldText, "Sam Doe"), fieldOf("engineer_phone", "Phone", runbook.FieldPhone, "+00 000 0000")),
		}},
	}
}

func deletes(tables ...string) []runbook.Step {
	var out []runbook.Step
	for _, t := range tables {
		out = append(out, runbook.Step{Delete: t})
	}
	return out
}

func panePhases() []runbook.Phase {
	confirm := []string{
		"Phases 1 to 4 are committed and verified", "The backup is less than 15 minutes old", "The backup can be reached from where a restore would run",
		"The rollback engineer is on the line", "No user is connected", "The triggers are still disabled",
		"There are at least 10 minutes left to the abort limit", "The client has been told that this is final", "The operator is ready, and knows what cannot be undone",
	}
	var items []runbook.Item
	for i, text := range confirm {
		items = append(items, human(fmt.Sprintf("c%d", i+1), text))
	}
	return []runbook.Phase{
		{ID: "baseline", Title: "Baseline counts", Risk: runbook.RiskNone, Planned: 2 * time.Minute, Count: []string{"user_profiles", "memberships", "lesson_bookings", "payments", "scan_audit_logs"}},
		{
			ID: "leaves", Title: "Delete leaf tables", Risk: runbook.RiskMedium, Planned: 2 * time.Minute, WarnAfter: 5 * time.Minute, Limit: 8 * time.Minute,
			Steps: deletes("scan_audit_logs", "lesson_attendance", "absence_records", "referrals", "user_group_weekly_presets", "audit_logs"),
		},
		{
			ID: "transactions", Title: "Delete transactional data", Risk: runbook.RiskMedium, Planned: 3 * time.Minute, WarnAfter: 5 * time.Minute, Limit: 8 * time.Minute,
			Steps: deletes("pilates_bookings", "lesson_bookings", "bookings", "payments"), Notes: []string{"lesson_bookings is the largest table; the phase may take three minutes."},
		},
		{
			ID: "subscriptions", Title: "Delete subscription data", Risk: runbook.RiskHigh, Planned: 2 * time.Minute, WarnAfter: 4 * time.Minute,
			Steps: append(deletes("membership_requests", "memberships"), runbook.Step{SQL: "UPDATE trainers SET member_count = 0", Rows: &runbook.Rows{Min: 1, Max: -1}}),
		},
		{
			ID: "users", Title: "Delete user profiles", Risk: runbook.RiskCritical, Planned: 5 * time.Minute, WarnAfter: 8 * time.Minute, Limit: 12 * time.Minute,
			PointOfNoReturn: true, Steps: deletes("user_profiles"), Zero: []string{"memberships", "payments"}, Confirm: items,
		},
		{ID: "verify", Title: "Post-deletion verification", Risk: runbook.RiskNone, Planned: 3 * time.Minute, Zero: []string{"user_profiles", "memberships"}, Filled: []string{"trainers", "lessons"}},
	}
}

// paneExpected are the rows that the fixtures' tables begin with.
var paneExpected = map[string]int64{
	"scan_audit_logs": 184_220, "lesson_attendance": 91_004, "absence_records": 12, "referrals": 0, "user_group_weekly_presets": 4_810, "audit_logs": 220_000,
	"pilates_bookings": 31_000, "lesson_bookings": 1_204_551, "bookings": 88_000, "payments": 61_030, "membership_requests": 1_200, "memberships": 20_114, "user_profiles": 20_000,
	"trainers": 14, "lessons": 320, "membership_packages": 6, "push_tokens": 18_442,
}

// paneRun moves a state through the panes' fixture, as a journal would.
type paneRun struct {
	*phases.State
	now time.Time
}

func newPaneRun() *paneRun {
	book := paneBook()
	r := &paneRun{now: paneT0.Add(-50 * time.Minute), State: &phases.State{
		Runbook: book, OpenedAt: paneT0.Add(-61 * time.Minute), Items: map[string]*phases.ItemState{}, Fields: map[string]phases.FieldValue{},
		Opened: phases.RunOpened{RunID: "7f3a", Environment: phases.Production, PlannedT0: paneT0, Target: phases.Identity{SystemIdentifier: "7431"}},
		Target: phases.Identity{Host: "db1.example", Port: 5432, Database: "gym"},
	}}
	for i := range book.Phases {
		plan := &book.Phases[i]
		ph := phases.PhaseState{Plan: plan, Status: phases.PhasePending, Step: -1}
		for j, s := range plan.Steps {
			role := phases.RoleDelete
			if s.Delete == "" {
				role = phases.RoleSQL
			}
			ph.Tables = append(ph.Tables, phases.TableState{Name: s.Name(), Role: role, Step: j, Expected: -1, Left: -1})
		}
		for _, names := range []struct {
			role  phases.TableRole
			names []string
		}{{phases.RoleZero, plan.Zero}, {phases.RoleFilled, plan.Filled}, {phases.RoleCount, plan.Count}} {
			for _, n := range names.names {
				ph.Tables = append(ph.Tables, phases.TableState{Name: n, Role: names.role, Step: -1, Expected: -1, Left: -1})
			}
		}
		r.Phases = append(r.Phases, ph)
	}
	r.log(-61*time.Minute, phases.LevelInfo, "run opened: Gym data reset on gym at db1.example, production")
	return r
}

func (r *paneRun) log(at time.Duration, level phases.Level, text string) {
	r.Log = append(r.Log, phases.LogLine{Seq: uint64(len(r.Log) + 1), At: paneT0.Add(at), Level: level, Text: text})
}

func (r *paneRun) tick(ids ...string) {
	for _, id := range ids {
		r.Items[id] = &phases.ItemState{Ticked: true, By: "ada@ops1", At: r.now.Add(-3 * time.Minute)}
		r.log(r.now.Add(-3*time.Minute).Sub(paneT0), phases.LevelInfo, "ticked: "+id)
	}
}

func (r *paneRun) answer(id string, pass bool, value, err string) {
	r.Items[id] = &phases.ItemState{Check: &phases.CheckState{Pass: pass, Value: value, Error: err, At: r.now.Add(-4 * time.Second)}}
}

func (r *paneRun) record(id, value string) {
	r.Fields[id] = phases.FieldValue{Value: value, By: "ada@ops1", At: r.now}
}

func (r *paneRun) half() *paneRun {
	r.now = paneT0.Add(-20 * time.Minute)
	r.tick("r1", "r2", "workflow")
	r.record("backup_time", r.now.Add(-2*time.Minute).Format(time.RFC3339))
	r.record("backup_location", "s3://backups/gym-20260130.dump")
	r.answer("no_connections", true, "2 connections", "")
	r.answer("backup_fresh", true, "2 min old", "")
	return r
}

func (r *paneRun) failing() *paneRun {
	r.half()
	r.answer("no_connections", false, "9 connections: app (7), psql (2)", "")
	r.answer("backup_fresh", false, "", "query backup list: permission denied for table backups")
	r.log(-20*time.Minute, phases.LevelWarn, "check fails: the database has at most 5 client connections: found 9 connections: app (7), psql (2)")
	return r
}

func (r *paneRun) green() *paneRun {
	r.half()
	r.now = paneT0.Add(-9 * time.Minute)
	r.tick("r1", "r2", "r3", "backup_taken", "backup_read", "workflow", "engineer")
	r.record("backup_time", r.now.Add(-4*time.Minute).Format(time.RFC3339))
	r.record("backup_id", "gym-20260130-0147")
	r.record("engineer_name", "Sam Doe")
	r.record("engineer_phone", "+44 20 0000 0009")
	r.refresh()
	r.log(-9*time.Minute, phases.LevelGood, "everything is done: the gate may be passed")
	return r
}

func (r *paneRun) refresh() {
	r.answer("no_connections", true, "2 connections", "")
	r.answer("backup_fresh", true, "4 min old", "")
	r.answer("triggers_disabled", true, "4 of 4 disabled", "")
}

func (r *paneRun) goAhead() *paneRun {
	r.green()
	r.Gate = phases.GateState{Decision: phases.Go, Approver: "M. Lindqvist", At: r.now}
	r.log(-9*time.Minute, phases.LevelGood, "GO by M. Lindqvist")
	return r
}

// begin starts a phase at a time after T-0.
func (r *paneRun) begin(i int, at time.Duration) *phases.PhaseState {
	r.now = paneT0.Add(at + 5*time.Second)
	r.T0 = paneT0
	r.refresh()
	p := &r.Phases[i]
	p.Status, p.Attempt, p.StartedAt, p.By = phases.PhaseRunning, 1, paneT0.Add(at), "ada@ops1"
	p.Tx = phases.TxID{Xid: "88123", PID: 812}
	if r.Baseline != nil {
		for j := range p.Tables {
			if n, ok := paneExpected[p.Tables[j].Name]; ok {
				p.Tables[j].Expected = n
			}
		}
	}
	r.log(at, phases.LevelInfo, "phase started: "+p.Plan.Title)
	return p
}

// baseline runs the first phase to its end.
func (r *paneRun) baseline() *paneRun {
	r.goAhead()
	p := r.begin(0, 0)
	r.Baseline = &phases.Baseline{}
	for i := range p.Tables {
		t := &p.Tables[i]
		t.Left, t.Expected = paneExpected[t.Name], paneExpected[t.Name]
		r.Baseline.Counts = append(r.Baseline.Counts, phases.TableCount{Table: t.Name, Rows: t.Left})
	}
	for _, name := range r.Runbook.Protected {
		n := paneExpected[name]
		r.Baseline.Protected = append(r.Baseline.Protected, phases.Fingerprint{Table: name, Rows: n, Hash: "9f86d081884c7d659a2feaa0c55ad015"})
		p.Tables = append(p.Tables, phases.TableState{Name: name, Role: phases.RoleProtected, Step: -1, Expected: n, Left: n})
	}
	p.Status, p.EndedAt = phases.PhaseIsPassed, paneT0.Add(8*time.Second)
	r.now = paneT0.Add(20 * time.Second)
	return r
}

// work runs a phase's steps up to the step upto; share is how far that one is.
func (r *paneRun) work(i int, upto int, share float64) *phases.PhaseState {
	p := &r.Phases[i]
	at := p.StartedAt.Add(time.Second)
	for j := range p.Tables {
		t := &p.Tables[j]
		if t.Step < 0 || t.Step > upto {
			continue
		}
		t.StartedAt = at
		took := time.Duration(t.Expected) * 20 * time.Microsecond
		if t.Step == upto && share < 1 {
			t.Deleted = int64(float64(t.Expected) * share)
			t.BlocksTotal = max(1, t.Expected/60)
			t.BlocksDone = int64(float64(t.BlocksTotal) * share)
			r.now = at.Add(time.Duration(float64(took) * share))
			p.Step = t.Step
			paced(p, t, at, r.now)
			return p
		}
		at = at.Add(took)
		t.Deleted, t.EndedAt = max(0, t.Expected), at
		paced(p, t, t.StartedAt, at)
	}
	p.Step = -1
	r.now = at.Add(500 * time.Millisecond)
	return p
}

// paced gives a table the pace of a delete that finds its rows faster and faster,
// and then waits for the disk.
func paced(p *phases.PhaseState, t *phases.TableState, from, to time.Time) {
	before := int64(0)
	for i := range p.Tables {
		if o := &p.Tables[i]; o.Name != t.Name {
			before += o.Deleted
		}
	}
	for i := range 31 {
		share := float64(i) / 30
		rows := int64(float64(t.Deleted) * share * (0.4 + share*(1.4-0.8*share)))
		at := from.Add(time.Duration(float64(to.Sub(from)) * share))
		t.Pace.Add(at, rows)
		p.Pace.Add(at, before+rows)
	}
}

// verify finishes the steps, and holds the phase with all verifications passed.
func (r *paneRun) verify(i int) *phases.PhaseState {
	p := r.work(i, len(r.Phases[i].Plan.Steps), 1)
	p.Status, p.Verified = phases.PhaseVerifying, nil
	for j := range p.Tables {
		t := &p.Tables[j]
		t.Left = 0
		if t.Role == phases.RoleDelete || t.Role == phases.RoleZero {
			p.Verified = append(p.Verified, phases.Verification{Kind: phases.VerifyZero, Name: t.Name, Want: "0", Got: "0", Pass: true})
		}
	}
	for _, name := range r.Runbook.Protected {
		p.Verified = append(p.Verified, phases.Verification{Kind: phases.VerifyProtected, Name: name, Want: look.Count(paneExpected[name]) + " rows, same content", Got: look.Count(paneExpected[name]) + " rows, same content", Pass: true})
	}
	p.Verified = append(p.Verified, phases.Verification{Kind: phases.VerifyTouched, Name: "all tables", Want: "nothing else touched", Got: "nothing else", Pass: true})
	return p
}

func (r *paneRun) hold(i int) *phases.PhaseState {
	p := r.verify(i)
	p.Status, p.HoldUntil = phases.PhaseHolding, r.now.Add(103*time.Second)
	return p
}

func (r *paneRun) commit(i int) *phases.PhaseState {
	p := r.verify(i)
	p.Status, p.EndedAt, p.Took = phases.PhaseIsCommitted, r.now, r.now.Sub(p.StartedAt)
	r.log(r.now.Sub(paneT0), phases.LevelGood, p.Plan.Title+": committed, "+look.Count(p.Did().Gone())+" rows deleted")
	r.now = r.now.Add(5 * time.Second)
	return p
}

// through commits the writing phases before n.
func (r *paneRun) through(n int) *paneRun {
	r.baseline()
	at := 30 * time.Second
	for i := 1; i < n; i++ {
		r.begin(i, at)
		r.commit(i)
		at = r.now.Sub(paneT0) + 10*time.Second
	}
	return r
}

func (r *paneRun) atNoReturn() *paneRun {
	r.through(4)
	r.record("backup_time", r.now.Add(-11*time.Minute).Format(time.RFC3339))
	r.tick("c1", "c2", "c3", "c4")
	return r
}

func (r *paneRun) pastNoReturn() *paneRun {
	r.atNoReturn()
	r.tick("c5", "c6", "c7", "c8", "c9")
	p := r.begin(4, 4*time.Minute)
	p.Tables = append(p.Tables, phases.TableState{Name: "push_tokens", Role: phases.RoleCascade, Step: -1, Expected: paneExpected["push_tokens"], Left: -1, Cascaded: 18_442, StartedAt: p.StartedAt})
	r.commit(4)
	return r
}
