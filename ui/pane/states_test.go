package pane

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// paneStates are the moments of a run that the panes' golden files show.
func paneStates() map[string]func() *paneRun {
	phase := func(f func(r *paneRun)) func() *paneRun {
		return func() *paneRun {
			r := newPaneRun().baseline()
			f(r)
			return r
		}
	}
	out := map[string]func() *paneRun{
		"fresh":       func() *paneRun { return newPaneRun() },
		"half":        func() *paneRun { return newPaneRun().half() },
		"failing":     func() *paneRun { return newPaneRun().failing() },
		"green":       func() *paneRun { return newPaneRun().green() },
		"go":          func() *paneRun { return newPaneRun().goAhead() },
		"closed":      closedAgain,
		"no_go":       declaredNoGo,
		"counting":    counting,
		"baseline":    phase(func(*paneRun) {}),
		"locking":     phase(locking),
		"running":     phase(func(r *paneRun) { r.begin(1, 30*time.Second); r.work(1, 1, 0.4) }),
		"verifying":   phase(func(r *paneRun) { r.begin(1, 30*time.Second); r.verify(1) }),
		"holding":     phase(func(r *paneRun) { r.begin(1, 30*time.Second); r.hold(1) }),
		"rolled_back": phase(rolledBack),
		"in_doubt":    phase(inDoubt),
		"unknown":     phase(unknownOutcome),
		"committed":   func() *paneRun { return newPaneRun().through(2) },
		"confirm":     func() *paneRun { return newPaneRun().atNoReturn() },
		"cascading":   cascading,
		"past":        func() *paneRun { return newPaneRun().pastNoReturn() },
		"after":       afterPhases,
		"smoke":       smokeTests,
		"aborted":     abortedRun,

		"waiting":           phase(func(r *paneRun) { locking(r); r.Phases[1].Lock.Until = r.now.Add(21 * time.Second) }),
		"waiting_for_a_row": phase(waitingForARow),
		"undone":            undone(true),
		"undone_no_ledger":  undone(false),
		"undone_none_kept":  undoneNoneKept,
		"undone_and_ended":  undoneAndEnded,
		"unknown_checks":    phase(unknownChecks),
		"unknown_and_failed": phase(func(r *paneRun) {
			unknownChecks(r)
			r.Phases[1].Verified[0].Pass, r.Phases[1].Verified[0].Got = false, "12"
		}),
		"unexpected_rows": phase(unexpected),
		"beside_rows":     phase(besideRows),
	}
	maps.Copy(out, capsuleStates())
	return out
}

func waitingForARow(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	r.work(1, 1, 0.4)
	p.Status, p.LockedAt = phases.PhaseLocking, paneT0.Add(31*time.Second)
	p.Lock = &phases.LockWait{Waited: 2 * time.Second, Attempt: 2, Until: r.now.Add(27 * time.Second), Blockers: []phases.Blocker{
		{PID: 4711, User: "app", Application: "web-2", State: "idle in transaction", Since: r.now.Add(-4 * time.Minute), Query: "UPDATE lesson_attendance SET seen = true"},
	}}
}

// undone is a run that two phases of are committed, the first of them undone.
func undone(ledger bool) func() *paneRun {
	return func() *paneRun {
		r := newPaneRun().through(3)
		p := &r.Phases[1]
		takeAway(p, false)
		p.Status, p.Ledger = phases.PhaseIsUndone, ledger
		p.Intent = &phases.CommitIntent{Nonce: "c0ffee", Ledger: true}
		p.Reason = "audit_logs holds 220,000 rows, and was empty before COMMIT: rows were put back, or written since"
		if !ledger {
			p.Reason = "the server's WAL ends at 0/3000000, and this run saw it at 0/5A00120: it was restored, or it is a copy from before"
		}
		r.log(r.now.Sub(paneT0), phases.LevelBad, "phase leaves: NO LONGER HELD: "+p.Reason)
		return r
	}
}

// undoneNoneKept is undone where nothing but the counts can tell: the runbook
// keeps no ledger.
func undoneNoneKept() *paneRun {
	r := undone(false)()
	p := &r.Phases[1]
	p.Intent.Ledger = false
	p.Reason = "audit_logs holds 220,000 rows, and was empty before COMMIT: rows were put back, or written since"
	return r
}

func undoneAndEnded() *paneRun {
	r := undone(true)()
	r.Outcome, r.Reason, r.EndedBy = phases.Aborted, "somebody restored the database", "ada@ops1"
	return r
}

// unknownChecks is a verification without an answer: nothing is asked after it,
// and what was not asked for is not counted.
func unknownChecks(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	r.verify(1)
	p.Verified = p.Verified[:3]
	last := &p.Verified[2]
	last.Pass, last.Got, last.Unknown = false, "unknown", "the server did not answer within 30 s"
	for i := range p.Tables {
		if t := &p.Tables[i]; t.Name != p.Verified[0].Name && t.Name != p.Verified[1].Name {
			t.Left = -1
		}
	}
}

func unexpected(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	r.hold(1)
	p.Tables[1].Deleted = 1
	for _, c := range []phases.ConditionRaised{
		{Condition: phases.ConditionRows, Phase: "leaves", Detail: "lesson_attendance: 91,004 expected, 1 deleted"},
		{Condition: phases.ConditionRows, Phase: "users", Detail: "another phase's"},
		{Condition: phases.ConditionSlow, Phase: "leaves", Detail: "it is slow"},
	} {
		r.Conditions = append(r.Conditions, phases.Condition{At: r.now.Add(-time.Second), ConditionRaised: c})
	}
}

func besideRows(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	r.verify(1)
	p.Changes = []phases.Change{
		{Kind: phases.ChangeTruncated, Object: "table push_tokens", Table: "push_tokens"},
		{Kind: phases.ChangeAltered, Object: "sequence audit_logs_id_seq", Detail: "its definition"},
	}
	p.Verified[len(p.Verified)-1].Pass, p.Verified[len(p.Verified)-1].Got = false, "table push_tokens was truncated"
	takeAway(p, true)
	p.Status, p.EndedAt, p.Reason = phases.PhaseIsRolledBack, r.now, "all tables: table push_tokens was truncated"
}

// takeAway leaves a phase's tables as the fold does when the database does not
// hold what was done to them; counted where ROLLBACK brought it back.
func takeAway(p *phases.PhaseState, counted bool) {
	for i := range p.Tables {
		t := &p.Tables[i]
		left := int64(-1)
		if counted {
			left = t.Expected
		}
		*t = phases.TableState{Name: t.Name, Role: t.Role, Step: t.Step, Expected: t.Expected, Left: left, Undone: t.Effect()}
	}
}

func closedAgain() *paneRun {
	r := newPaneRun().goAhead()
	r.answer("no_connections", false, "9 connections: app (9)", "")
	r.Gate = phases.GateState{Approver: "M. Lindqvist", At: r.now, Closed: []string{"The database has at most 5 client connections: found 9 connections: app (9)"}}
	return r
}

func declaredNoGo() *paneRun {
	r := newPaneRun().failing()
	r.Gate = phases.GateState{Decision: phases.NoGoDecision, At: r.now}
	r.Outcome, r.Reason, r.EndedBy = phases.NoGo, "the application cannot be stopped before 03:00", "ada@ops1"
	return r
}

func counting() *paneRun {
	r := newPaneRun().goAhead()
	p := r.begin(0, 0)
	for i := range 2 {
		p.Tables[i].Left, p.Tables[i].EndedAt = paneExpected[p.Tables[i].Name], r.now
	}
	return r
}

func locking(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	p.Status = phases.PhaseLocking
	p.Lock = &phases.LockWait{Table: "audit_logs", Waited: 3 * time.Second, Attempt: 4, Blockers: []phases.Blocker{
		{PID: 4711, User: "app", Application: "web-2", State: "idle in transaction", Since: r.now.Add(-4 * time.Minute), Query: "UPDATE audit_logs\n  SET seen = true WHERE id = 17"},
		{PID: 4712, User: "etl"},
	}}
	r.log(33*time.Second, phases.LevelWarn, "waiting for lock on audit_logs, blocked by 4711 (app, web-2)")
}

func rolledBack(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	r.verify(1)
	takeAway(p, true)
	p.Verified[0].Pass, p.Verified[0].Got, p.Verified[0].Detail = false, "12", "rows inserted by a trigger while the phase ran"
	p.Status, p.EndedAt, p.Reason = phases.PhaseIsRolledBack, r.now, "scan_audit_logs: 12 rows left, wanted 0"
	r.log(40*time.Second, phases.LevelBad, "rolled back: scan_audit_logs: 12 rows left, wanted 0")
	r.now = r.now.Add(9 * time.Second)
}

func inDoubt(r *paneRun) {
	p := r.begin(1, 30*time.Second)
	r.verify(1)
	p.Status, p.Intent = phases.PhaseInDoubt, &phases.CommitIntent{Nonce: "c0ffee", Ledger: true}
	p.Doubt = []string{"the connection to the server was lost", "server reachable again", "session 812 still holds the transaction, ending it in 10 s"}
}

func unknownOutcome(r *paneRun) {
	inDoubt(r)
	p := &r.Phases[1]
	p.Status, p.EndedAt, p.Reason = phases.PhaseUnknown, r.now, "another server answers: system identifier 9912, the run's is 7431"
}

func cascading() *paneRun {
	r := newPaneRun().atNoReturn()
	r.tick("c5", "c6", "c7", "c8", "c9")
	p := r.begin(4, 4*time.Minute)
	r.work(4, 0, 0.6)
	p.Tables = append(p.Tables, phases.TableState{Name: "push_tokens", Role: phases.RoleCascade, Step: -1, Expected: paneExpected["push_tokens"], Left: -1, Cascaded: 11_020, StartedAt: p.StartedAt})
	p.Tables = append(p.Tables, phases.TableState{Name: "lesson_waitlist", Role: phases.RoleCascade, Step: -1, Expected: 410, Left: -1, Updated: 207, StartedAt: p.StartedAt})
	return r
}

func afterPhases() *paneRun {
	r := newPaneRun().pastNoReturn()
	p := r.begin(5, 6*time.Minute)
	for i := range p.Tables {
		t := &p.Tables[i]
		t.Left = 0
		kind, want := phases.VerifyZero, "0"
		if t.Role == phases.RoleFilled {
			t.Left, kind, want = t.Expected, phases.VerifyFilled, "at least 1"
		}
		p.Verified = append(p.Verified, phases.Verification{Kind: kind, Name: t.Name, Want: want, Got: look.Count(t.Left), Pass: true})
	}
	p.Status, p.EndedAt = phases.PhaseIsPassed, r.now
	r.now = r.now.Add(2 * time.Minute)
	r.tick("told_users")
	r.answer("triggers_restored", false, "0 of 4 restored", "")
	return r
}

// smokeTests is a run after its phases, with a test in each state.
func smokeTests() *paneRun {
	r := afterPhases()
	call := func(id, text string) runbook.Item {
		return runbook.Item{ID: id, Text: text, Action: &runbook.Action{
			Name: runbook.MakeCall, Text: "request it", Timeout: 10 * time.Second, Now: true,
			Call: &runbook.Call{URL: "https://gym.example/health?token=s3cret", Method: "GET", Status: runbook.Rows{Min: 200, Max: 200}},
		}}
	}
	r.Runbook.After = []runbook.Group{{ID: "smoke", Title: "Smoke tests", Smoke: true, Items: []runbook.Item{
		call("well", "The health check answers"), call("wrong", "The list of memberships is empty"), call("went_on", "The log has no error"),
		call("waived", "The trainer's page loads"), call("runs", "It answers in less than 200 ms"), call("later", "It answers from abroad"), human("looks", "Somebody looked at it"),
	}}}
	at := r.now.Add(-20 * time.Second)
	done := func(a phases.ActionState) *phases.ItemState {
		a.At = at
		return &phases.ItemState{Action: &a}
	}
	r.Items["well"] = done(phases.ActionState{Result: phases.ActionResult{Value: "status 200 in 11 ms", Status: 200, Output: `{"status": "ok"}`}})
	output := strings.Repeat("a line of it\n", 9) + "a last line that is too long for the pane, and goes on and on until it has to be wrapped, at 100 columns too, and <b>markup</b> is text"
	r.Items["wrong"] = done(phases.ActionState{Error: "status 500, and 200 is expected", Result: phases.ActionResult{Status: 500, Output: output}})
	r.Items["went_on"] = done(phases.ActionState{Error: "status 404, and 200 is expected"})
	r.Items["went_on"].Decided = &phases.Decided{Verdict: phases.GoOn, Who: "Ada Byron, client", Reason: "known, ticket 7", At: r.now}
	r.Items["waived"] = done(phases.ActionState{Error: "nobody listens"})
	r.Items["waived"].Waived = &phases.Waiver{Who: "Grace Hopper, infrastructure", Reason: "the page is new", At: r.now}
	r.Items["runs"] = &phases.ItemState{Action: &phases.ActionState{Running: true, At: r.now.Add(-34 * time.Second), Progress: phases.ActionProgress{What: "measuring for 1 min, p95 12 ms"}}}
	return r
}

func abortedRun() *paneRun {
	r := newPaneRun().through(3)
	r.Outcome, r.Reason, r.EndedBy = phases.Aborted, "the window is over", "ada@ops1"
	r.Conditions = []phases.Condition{{At: r.now, ConditionRaised: phases.ConditionRaised{Condition: "window_over", Strength: phases.HoldStrength, Detail: "the abort limit passed 12 s ago"}}}
	r.log(r.now.Sub(paneT0), phases.LevelBad, "run aborted by ada@ops1: the window is over")
	return r
}

// hostile is a fixture in which every text from outside tries to break out.
func hostile() *paneRun {
	r := cascading()
	evil := "x\x1b[2J\x1b]0;t\x07\u202e界面\u0301é\t\nend" + strings.Repeat("長", 40)
	r.Runbook.Title = evil
	for _, g := range [][]runbook.Group{r.Runbook.Checklist, r.Runbook.After} {
		for i := range g {
			g[i].Title = evil
			for j := range g[i].Items {
				g[i].Items[j].Text, g[i].Items[j].Help = evil, evil
			}
		}
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		p.Plan.Title, p.Reason, p.Doubt = evil, evil, []string{evil}
		p.Plan.Notes = []string{evil}
		p.Changes = []phases.Change{{Kind: "\x07", Object: "t\u202e界面\n", Detail: strings.Repeat("長", 99)}}
		p.Verified = append(p.Verified, phases.Verification{Name: evil, Unknown: evil})
		r.Conditions = append(r.Conditions, phases.Condition{At: r.now, ConditionRaised: phases.ConditionRaised{Condition: phases.ConditionRows, Phase: p.Plan.ID, Detail: evil}})
		for j := range p.Tables {
			p.Tables[j].Name = evil
		}
		for j := range p.Verified {
			p.Verified[j].Name, p.Verified[j].Got, p.Verified[j].Detail = evil, evil, evil
		}
		p.Lock = &phases.LockWait{Table: evil, Blockers: []phases.Blocker{{PID: 1, User: evil, Application: evil, State: evil, Query: evil}}}
	}
	for i := range r.Runbook.Contacts {
		r.Runbook.Contacts[i] = runbook.Contact{Role: evil, Name: evil, Phone: evil}
	}
	for id := range r.Fields {
		r.record(id, evil)
	}
	r.Gate.Approver, r.Gate.Closed = evil, []string{evil}
	r.log(0, phases.LevelBad, evil)
	return r
}

// The findings stand with what mends them, the gravest first, and what the
// deletes reach with the key that does it.
func TestReachPane(t *testing.T) {
	s := &phases.State{Survey: &phases.Survey{
		Deletes: []string{"users"},
		Findings: []phases.Finding{
			{Code: "key-order", Severity: phases.SeverityError, Phase: "clear", Table: "users", Text: "deleting from users fails while rows of orders refer to it", Remedy: "delete orders first"},
			{Code: "server-old", Severity: phases.SeverityNote, Text: "the server is PostgreSQL 13", Remedy: "nothing: it works"},
		},
		Reach: []phases.Reach{
			{From: "users", Table: "notes", Constraint: "notes_user", Action: phases.ReachCascade, Indexed: true},
			{From: "users", Table: "plans", Constraint: "plans_user", Action: phases.ReachSetNull, Protected: true},
		},
		Sizes: []phases.TableSize{{Table: "notes", Rows: 12_000}, {Table: "plans", Rows: -1}},
		Prices: []phases.Price{
			{Phase: "count", Takes: 90 * time.Millisecond, Least: 45 * time.Millisecond, Most: 180 * time.Millisecond, Measured: true},
			{Phase: "clear", Takes: 42 * time.Second, Least: 21 * time.Second, Most: 84 * time.Second, Rows: 812_000, WAL: 50 << 20, MostWAL: 900 << 20, Guessed: true, Measured: true},
		},
	}}
	k := KindOf(Reach)
	for _, width := range []int{58, 78, 118} {
		p := Pane{State: s, Styles: look.PlainStyles(), Width: width, Height: 24}
		text := k.Draw(p)
		for _, want := range []string{"clear ? 42 s 21 s to 1 min 24 s 812,000", "count 0.1 s", "phase clear: deleting from users", "delete orders first (key-order)", "notes", "12,000", "SET NULL"} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				t.Errorf("%q is not there at %d cells:\n%s", want, width, text)
			}
		}
		if k.Edge(p) != "1 finding" {
			t.Errorf("the edge says %q", k.Edge(p))
		}
	}
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			golden.RequireEqual(t, framed(ansi.Strip(k.Draw(Pane{State: s, Styles: look.PlainStyles(), Width: size[0], Height: size[1]}))))
		})
	}
	if k.IsThere(&phases.State{}) || !k.IsThere(s) {
		t.Error("the pane is there with the survey, and not before")
	}
	old := Pane{State: &phases.State{Survey: &phases.Survey{Warnings: []string{"as an old journal has it"}}}, Styles: look.PlainStyles(), Width: 78, Height: 9}
	if text := k.Draw(old); !strings.Contains(text, "as an old journal has it") || k.Edge(old) != "1 finding" {
		t.Errorf("an old journal's warnings:\n%s", text)
	}
}
