package phases

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tminus/phases/journal"
)

var (
	scheduleT0   = time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)
	scheduleBook = "tminus: 1\ntitle: T\nphases:\n  - {id: p, title: P, risk: high, planned: 1m, delete: [a]}\n  - {id: q, title: Q, risk: high, planned: 1m, delete: [b]}\n"
)

// clock is a moment so many minutes after the planned T-0.
func clock(minutes float64) time.Time {
	return scheduleT0.Add(time.Duration(minutes * float64(time.Minute)))
}

// timed is an event at a moment.
type timed struct {
	at float64 // minutes from the planned T-0
	e  Event
}

// foldAt folds events of a run in production, planned for scheduleT0, that was
// opened an hour before; change may make it another one.
func foldAt(t *testing.T, change func(*RunOpened), events ...timed) *State {
	t.Helper()
	opened := RunOpened{
		RunID: "r", File: "t.yaml", Source: scheduleBook, Environment: Production, Planned: true, PlannedT0: scheduleT0,
		Target: Identity{Database: "gym"},
	}
	if change != nil {
		change(&opened)
	}
	s := &State{}
	for i, ev := range append([]timed{{-60, opened}}, events...) {
		data, err := json.Marshal(ev.e)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(journal.Record{Seq: uint64(i + 1), At: clock(ev.at), Kind: ev.e.Kind(), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func noGoAt(minutes float64) *NoGoBefore {
	return &NoGoBefore{RunID: "n", Journal: "n.journal", At: clock(minutes), Reason: "no backup"}
}

var (
	goes    = GatePassed{Approver: "B."}
	early   = ScheduleLeft{Way: Early, By: "the DBA on duty", Reason: "users are out"}
	late    = ScheduleLeft{Way: Late, By: "the DBA on duty", Reason: "the backup was slow"}
	closed  = GateClosed{Holds: []string{"a check"}}
	again   = RunResumed{GateAgain: "evidence is old"}
	resumed = RunResumed{}
)

// What the schedule holds, and on which side, at each moment and after all that
// can have been decided by then. All else that the run waits for is done.
func TestWhatTheScheduleHolds(t *testing.T) {
	t.Parallel()
	planned := func(env Environment, planned bool) func(*RunOpened) {
		return func(o *RunOpened) { o.Environment, o.Planned = env, planned }
	}
	after := func(minutes float64, planned bool) func(*RunOpened) {
		return func(o *RunOpened) { o.NoGo, o.Planned = noGoAt(minutes), planned }
	}
	gateOf := func(window string) func(*RunOpened) {
		return func(o *RunOpened) { o.Source += "window: " + window + "\n" }
	}
	for name, c := range map[string]struct {
		change func(*RunOpened)
		events []timed
		now    float64
		wait   Wait
		text   string // of its first hold
	}{
		"before the gate's time":        {nil, nil, -27, WaitTime, "the gate's time is T-15:00, 01:45 UTC, in 12 min"},
		"a moment before it":            {nil, nil, -15.001, WaitTime, "in 0.1 s"},
		"at it":                         {nil, nil, -15, WaitGate, ""},
		"at T-0":                        {nil, nil, 0, WaitGate, ""},
		"a second after T-0":            {nil, nil, 1. / 60, WaitLate, "late: T-0 was at 02:00 UTC, 1.0 s ago"},
		"the day before":                {nil, nil, -24 * 60, WaitTime, "2026-01-31 01:45 UTC, in 23 h 45 min"},
		"of a demo":                     {planned(Demo, true), nil, -27, WaitGate, ""},
		"of a rehearsal":                {planned(Rehearsal, true), nil, -27, WaitGate, ""},
		"of a rehearsal, late":          {planned(Rehearsal, true), nil, 60, WaitGate, ""},
		"planned by nobody":             {planned(Production, false), nil, -27, WaitGate, ""},
		"planned by nobody, late":       {planned(Production, false), nil, 600, WaitGate, ""},
		"the GO, before T-0":            {nil, []timed{{-15, goes}}, -12, WaitTime, "the first phase's time is T-0, 02:00 UTC, in 12 min"},
		"the GO, at T-0":                {nil, []timed{{-15, goes}}, 0, WaitStart, ""},
		"the GO, the gate's length on":  {nil, []timed{{-15, goes}}, 15, WaitStart, ""},
		"the GO, later":                 {nil, []timed{{-15, goes}}, 15.1, WaitLate, "late: T-0 was at 02:00 UTC, 15 min 06 s ago"},
		"a GO at T-0, later":            {nil, []timed{{0, goes}}, 16, WaitLate, "late"},
		"phases have begun":             {nil, []timed{{-15, goes}, {0, PhaseStarted{Phase: "p"}}, {20, PhaseCommitted{Phase: "p"}}}, 21, WaitStart, ""},
		"the first is rolled back":      {nil, []timed{{-15, goes}, {0, PhaseStarted{Phase: "p"}}, {20, PhaseRolledBack{Phase: "p"}}}, 21, WaitStart, ""},
		"asked again after T-0":         {nil, []timed{{-15, goes}, {0, PhaseStarted{Phase: "p"}}, {20, PhaseRolledBack{Phase: "p"}}, {21, again}}, 22, WaitGate, ""},
		"early":                         {nil, []timed{{-40, early}}, -39, WaitGate, ""},
		"early, the GO":                 {nil, []timed{{-40, early}, {-39, goes}}, -38, WaitStart, ""},
		"early, after the GO":           {nil, []timed{{-15, goes}, {-14, early}}, -13, WaitStart, ""},
		"early is not late":             {nil, []timed{{-40, early}}, 1, WaitLate, "late: T-0 was"},
		"early, the GO, is not late":    {nil, []timed{{-40, early}, {-39, goes}}, 16, WaitLate, "late: T-0 was"},
		"early, closed again":           {nil, []timed{{-40, early}, {-39, goes}, {-38, closed}}, -37, WaitGate, ""},
		"early, resumed":                {nil, []timed{{-40, early}, {-39, goes}, {-37, resumed}}, -36, WaitStart, ""},
		"early, asked again":            {nil, []timed{{-50, early}, {-49, goes}, {-20, again}}, -19, WaitTime, "the gate's time"},
		"closed again in time":          {nil, []timed{{-15, goes}, {-3, closed}}, -2, WaitGate, ""},
		"closed again after T-0":        {nil, []timed{{-15, goes}, {3, closed}}, 4, WaitGate, ""},
		"closed again, too late":        {nil, []timed{{-15, goes}, {3, closed}}, 16, WaitLate, "late: T-0 was"},
		"asked again, in the first's":   {nil, []timed{{-15, goes}, {3, again}}, 4, WaitGate, ""},
		"late":                          {nil, []timed{{20, late}}, 35, WaitGate, ""},
		"late, and later":               {nil, []timed{{20, late}}, 35.1, WaitLate, "late again: the decision of the DBA on duty to go late counted until 02:35 UTC"},
		"late, the GO":                  {nil, []timed{{20, late}, {35, goes}}, 50, WaitStart, ""},
		"late, the GO, and later":       {nil, []timed{{20, late}, {35, goes}}, 50.1, WaitLate, "counted until 02:50 UTC"},
		"late, decided twice":           {nil, []timed{{20, late}, {40, late}}, 55, WaitGate, ""},
		"late, asked again":             {nil, []timed{{20, late}, {21, goes}, {40, again}}, 41, WaitLate, "late: T-0 was"},
		"late, after the GO":            {nil, []timed{{-15, goes}, {16, late}}, 46, WaitStart, ""},
		"after a NO-GO":                 {after(-70, false), nil, -60, WaitTime, "the run before ended as NO-GO at 00:50 UTC (no backup): its 60 minutes begin anew, the gate opens at 01:35 UTC, in 35 min"},
		"after a NO-GO, at the gate":    {after(-70, false), nil, -25, WaitGate, ""},
		"after a NO-GO, the GO":         {after(-70, false), []timed{{-25, goes}}, -20, WaitTime, "T-0 is at 01:50 UTC at the earliest, in 10 min"},
		"after a NO-GO, at its T-0":     {after(-70, false), []timed{{-25, goes}}, -10, WaitStart, ""},
		"after a NO-GO, nothing late":   {after(-70, false), nil, 600, WaitGate, ""},
		"after a NO-GO, decided":        {after(-70, false), []timed{{-55, early}}, -54, WaitGate, ""},
		"after a NO-GO, in a rehearsal": {func(o *RunOpened) { o.NoGo, o.Environment = noGoAt(-70), Rehearsal }, nil, -60, WaitGate, ""},
		"a NO-GO before the plan":       {after(-70, true), nil, -20, WaitTime, "the gate's time is T-15:00"},
		"a NO-GO behind the plan":       {after(-50, true), nil, -10, WaitTime, "the gate opens at 01:55 UTC, in 5 min"},
		"a NO-GO, late from its T-0":    {after(-50, true), nil, 10, WaitGate, ""},
		"a NO-GO, late after its T-0":   {after(-50, true), nil, 10.1, WaitLate, "late: T-0 was at 02:10 UTC"},
		"a NO-GO from the future":       {after(30, false), nil, -10, WaitTime, "the gate opens at 03:15 UTC"},
		"the clock set back, late":      {nil, []timed{{20, NoteRecorded{Text: "n"}}}, -10, WaitLate, "late: T-0 was at 02:00 UTC, 20 min ago"},
		"the clock set back, decided":   {nil, []timed{{20, NoteRecorded{Text: "n"}}, {-10, late}}, -9, WaitGate, ""},
		"the clock set back, early":     {nil, []timed{{-15, goes}, {-2, NoteRecorded{Text: "n"}}}, -30, WaitTime, "in 30 min"},
		"a gate without a length":       {gateOf("{gate: 0s}"), nil, 5, WaitGate, ""},
		"a gate without one, late":      {gateOf("{gate: 0s}"), nil, 5.1, WaitLate, "late"},
		"a short window":                {gateOf("{opens: 90s, gate: 90s}"), nil, -2, WaitTime, "T-01:30, 01:58:30 UTC, in 30 s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := foldAt(t, c.change, c.events...)
			n := s.Next(clock(c.now))
			first := ""
			if len(n.Holds) > 0 {
				first = n.Holds[0].Text
			}
			if n.Wait != c.wait || !strings.Contains(first, c.text) || c.text == "" && first != "" {
				t.Errorf("it waits for %q, held by %q; want %q, %q", n.Wait, first, c.wait, c.text)
			}
			if (n.Wait == WaitTime) != n.Until.After(clock(c.now)) {
				t.Errorf("it waits for %q until %s", n.Wait, n.Until)
			}
		})
	}
}

// The commands are refused by the same holds, with the time in the refusal.
func TestTheScheduleRefusesCommands(t *testing.T) {
	t.Parallel()
	s := foldAt(t, nil)
	pass := PassGate{Approver: "B.", Typed: "gym"}
	if err := s.Can(pass, clock(-27)); err == nil || err.Error() != "held: the gate's time is T-15:00, 01:45 UTC, in 12 min" {
		t.Errorf("the GO: %v", err)
	}
	if err := s.Can(pass, clock(-15)); err != nil {
		t.Errorf("the GO in time: %v", err)
	}
	s = foldAt(t, nil, timed{-15, goes})
	start := StartPhase{Phase: "p"}
	if err := s.Can(start, clock(-5)); err == nil || err.Error() != "held: the first phase's time is T-0, 02:00 UTC, in 5 min" {
		t.Errorf("the start: %v", err)
	}
	if err := s.Can(start, clock(0)); err != nil {
		t.Errorf("the start in time: %v", err)
	}
	// A GO is not taken back by the time.
	if holds := s.GateHolds(clock(60)); len(holds) > 0 {
		t.Errorf("after the GO the gate is held by %v", holds)
	}
}

// To leave the schedule takes a side on which it holds, a name and a reason.
func TestWhoLeavesTheSchedule(t *testing.T) {
	t.Parallel()
	started := []timed{{-15, goes}, {0, PhaseStarted{Phase: "p"}}}
	for name, c := range map[string]struct {
		change func(*RunOpened)
		events []timed
		now    float64
		do     LeaveSchedule
		want   string
	}{
		"early":               {nil, nil, -40, LeaveSchedule{Early, "A.", "why"}, ""},
		"late":                {nil, nil, 20, LeaveSchedule{Late, "A.", "why"}, ""},
		"early, after the GO": {nil, []timed{{-15, goes}}, -5, LeaveSchedule{Early, "A.", "why"}, ""},
		"late for early":      {nil, nil, 20, LeaveSchedule{Early, "A.", "why"}, "the run is not too early now, it is too late"},
		"early for late":      {nil, nil, -40, LeaveSchedule{Late, "A.", "why"}, "the run is not too late now, it is too early"},
		"in time":             {nil, nil, -10, LeaveSchedule{Early, "A.", "why"}, "no time holds the run now"},
		"twice":               {nil, []timed{{-50, early}}, -40, LeaveSchedule{Early, "A.", "why"}, "no time holds the run now"},
		"no side":             {nil, nil, -40, LeaveSchedule{"", "A.", "why"}, "say whether"},
		"no name":             {nil, nil, -40, LeaveSchedule{Early, " ", "why"}, "the name of who takes the decision is needed"},
		"no reason":           {nil, nil, -40, LeaveSchedule{Early, "A.", " "}, "a reason is needed"},
		"phases have started": {nil, started, 20, LeaveSchedule{Late, "A.", "why"}, "phases have started"},
		"shown only":          {func(o *RunOpened) { o.Planned = false }, nil, -40, LeaveSchedule{Early, "A.", "why"}, "only shown"},
		"a rehearsal":         {func(o *RunOpened) { o.Environment = Rehearsal }, nil, -40, LeaveSchedule{Early, "A.", "why"}, "only shown"},
		"ended":               {nil, []timed{{-30, NoGoDeclared{Reason: "n"}}}, -20, LeaveSchedule{Early, "A.", "why"}, "the run has ended"},
	} {
		err := foldAt(t, c.change, c.events...).Can(c.do, clock(c.now))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// What the time holds comes behind what somebody can do something about, and the
// run then waits for that.
func TestTimeHoldsComeLast(t *testing.T) {
	t.Parallel()
	s := foldAt(t, func(o *RunOpened) {
		o.Source += "checklist: [{title: C, items: [{id: seen, text: Seen}]}]\n"
	})
	n := s.Next(clock(-40))
	if n.Wait != WaitChecklist || len(n.Holds) != 2 || n.Holds[0].Item != "seen" || n.Holds[1].Off != Early || len(Untimed(n.Holds)) != 1 {
		t.Errorf("it waits for %q, held by %v", n.Wait, n.Holds)
	}
}

// The log says what was planned, what came before, and who decided what.
func TestScheduleInWords(t *testing.T) {
	t.Parallel()
	s := foldAt(t, func(o *RunOpened) { o.NoGo = noGoAt(-50) }, timed{-40, early}, timed{30, late})
	for i, want := range []struct {
		level Level
		text  string
	}{
		{LevelWarn, "its 60 minutes begin anew, the gate opens at 01:55 UTC, and T-0 is at 02:10 UTC at the earliest; the planned T-0, 02:00 UTC, is sooner than that, and will not be kept"},
		{LevelWarn, "off schedule: the run goes early, 50 min before T-0, on the decision of the DBA on duty: users are out"},
		{LevelWarn, "off schedule: the run goes late, 20 min after T-0, on the decision of the DBA on duty: the backup was slow"},
	} {
		if l := s.Log[i]; l.Level != want.level || !strings.Contains(l.Text, want.text) {
			t.Errorf("the log has %+v, want %q", l, want)
		}
	}
	if s := foldAt(t, nil); s.Log[0].Level != LevelInfo || !strings.HasSuffix(s.Log[0].Text, "T-0 is planned for 02:00 UTC, in 1 h; the gate may be passed from 01:45 UTC on, and these times are kept") {
		t.Errorf("the log has %+v", s.Log[0])
	}
	if s := foldAt(t, func(o *RunOpened) { o.Planned = false }); strings.Contains(s.Log[0].Text, "T-0") {
		t.Errorf("of times that nobody planned the log has %+v", s.Log[0])
	}
}

// An event that is not known takes nothing from the journals of before: none of
// the new fields is written where it says nothing.
func TestNothingIsWrittenOfNoSchedule(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(RunOpened{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"planned"`, `"no_go"`} {
		if strings.Contains(string(data), key) {
			t.Errorf("%s is in %s", key, data)
		}
	}
}
