package phases

import (
	"strings"
	"testing"
	"time"
)

// Whom a check found can be ended as long as the check is asked, and where the role
// may; what was ended is not offered again before the check has answered.
func TestWhoIsInTheWayOfACheck(t *testing.T) {
	const book = `tminus: 1
title: T
checklist:
  - title: Before
    items:
      - {id: quiet, text: Quiet, check: {database: database.connections}}
phases:
  - {id: one, title: One, risk: low, planned: 1m, delete: [a]}
`
	at := time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	app := Blocker{PID: 7, User: "app", State: "idle", BackendStart: at}
	keeper := Blocker{PID: 8, User: "postgres", State: "idle", BackendStart: at, Needs: "a superuser"}
	found := func(all ...Blocker) CheckAnswered {
		return CheckAnswered{Item: "quiet", Value: "some", InTheWay: all}
	}
	for name, c := range map[string]struct {
		events []Event
		end    EndBackend
		no     string // empty: it can be ended
		mends  uint32 // whom the item's key ends; 0 for nobody
	}{
		"found":                  {[]Event{found(app)}, EndBackend{PID: 7}, "", 7},
		"the same":               {[]Event{found(app)}, EndBackend{PID: 7, BackendStart: at}, "", 7},
		"its pid, given anew":    {[]Event{found(app)}, EndBackend{PID: 7, BackendStart: at.Add(1)}, "no check", 7},
		"another":                {[]Event{found(app)}, EndBackend{PID: 9}, "in the way of no phase and of no check", 7},
		"an old journal":         {[]Event{found()}, EndBackend{PID: 7}, "no check", 0},
		"a superuser's":          {[]Event{found(keeper)}, EndBackend{PID: 8}, "session 8 of postgres can be ended by a superuser, and not by this role", 0},
		"a superuser's and one":  {[]Event{found(keeper, app)}, EndBackend{PID: 7}, "", 7},
		"masked":                 {[]Event{found(Blocker{PID: 7})}, EndBackend{PID: 7}, "grant pg_read_all_stats and pg_signal_backend", 0},
		"a prepared transaction": {[]Event{found(Blocker{State: "prepared"})}, EndBackend{}, "ROLLBACK PREPARED", 0},
		"ended":                  {[]Event{found(app), BackendEnded{PID: 7, Terminated: true}}, EndBackend{PID: 7}, "", 0},
		"another was ended":      {[]Event{found(app), BackendEnded{PID: 9, Terminated: true}}, EndBackend{PID: 7}, "", 7},
		"found again":            {[]Event{found(app), BackendEnded{PID: 7}, ChecksAsked{Answers: []AskedAgain{{Item: "quiet", Value: "some", At: at}}}}, EndBackend{PID: 7}, "", 7},
		"gone":                   {[]Event{found(app), CheckAnswered{Item: "quiet", Pass: true}}, EndBackend{PID: 7}, "no check", 0},
		"not known any more":     {[]Event{found(app), CheckAnswered{Item: "quiet", Error: "masked"}}, EndBackend{PID: 7}, "no check", 0},
		"not asked any more":     {[]Event{found(app), GatePassed{}, PhaseStarted{Phase: "one", Attempt: 1}}, EndBackend{PID: 7}, "no check", 0},
		"after the end":          {[]Event{found(app), NoGoDeclared{}}, EndBackend{PID: 7}, "ended", 0},
	} {
		s, now := &State{}, at
		for _, e := range append([]Event{RunOpened{RunID: "r", File: "t.yaml", Source: book}}, c.events...) {
			now = now.Add(time.Second)
			s.At = now
			if err := e.apply(s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := s.Can(c.end, now); (err == nil) != (c.no == "") || err != nil && !strings.Contains(err.Error(), c.no) {
			t.Errorf("%s: %v, want %q", name, err, c.no)
		}
		it, _, _ := s.Runbook.Item("quiet")
		m, ok := s.Mends(it, now)
		if ok != (c.mends != 0) || ok && (m.Need != NeedSession || m.Session.PID != c.mends) {
			t.Errorf("%s: %t, %s of %d, want %d", name, ok, m.Need, m.Session.PID, c.mends)
		}
		if stirred := name == "ended"; s.Stirred(it, now) != stirred {
			t.Errorf("%s: its check is to answer again: %t", name, !stirred)
		}
	}
}
