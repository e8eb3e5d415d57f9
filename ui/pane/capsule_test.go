package pane

import (
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/ui/look"
)

// keep gives a run capsules of what is committed, and of a phase on hold.
func (r *paneRun) keep() *paneRun {
	r.Opened.Capsule = &phases.CapsulePlace{Folder: "/var/lib/tminus/gym-20260130T010000Z.journal.capsule"}
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Plan.Writes() && (p.Status == phases.PhaseIsCommitted || p.Status == phases.PhaseHolding) {
			did := p.Did()
			p.Capsule = &phases.Capsule{Folder: phases.CapsuleFolder(p.Plan.ID, 1), Gone: did.Gone(), Changed: did.Updated, Bytes: did.Gone() * 30}
		}
	}
	return r
}

// proven gives it a rehearsal that put every phase back.
func (r *paneRun) proven() *paneRun {
	r.Schema, r.Runbook.Rehearsal.MaxAge = &phases.SchemaPrint{}, 48*time.Hour
	re := &phases.Rehearsed{
		Journal: "gym-rehearsal.journal", Environment: phases.Rehearsal, Outcome: phases.Completed, EndedAt: paneT0.Add(-30 * time.Hour), Schema: r.Schema,
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		done := phases.RehearsedPhase{Phase: p.Plan.ID, Status: phases.PhaseIsCommitted, Worked: 40 * time.Second}
		if p.Plan.Writes() {
			done.Undo = time.Duration(i) * 25 * time.Second
		}
		re.Phases = append(re.Phases, done)
	}
	r.Opened.Rehearsed = re
	return r
}

// capsuleStates are the moments of a run that keeps what its phases take.
func capsuleStates() map[string]func() *paneRun {
	return map[string]func() *paneRun{
		"green_kept":     func() *paneRun { return newPaneRun().green().keep().proven() },
		"green_unproven": func() *paneRun { return newPaneRun().green().keep() },
		"green_off": func() *paneRun {
			r := newPaneRun().green()
			r.Runbook.Capsule.Off = true
			return r
		},
		"confirm_kept": func() *paneRun { return newPaneRun().atNoReturn().keep().proven() },
		"keeping": func() *paneRun {
			r := newPaneRun().baseline()
			r.begin(1, 30*time.Second)
			r.verify(1).Keeping = &phases.CapsuleProgress{Table: "audit_logs", Rows: 304_120, Total: 500_046, Bytes: 41 << 20}
			return r.keep()
		},
		"holding_kept": func() *paneRun {
			r := newPaneRun().atNoReturn()
			r.begin(4, 4*time.Minute)
			r.hold(4)
			return r.keep()
		},
		"committed_kept": func() *paneRun { return newPaneRun().through(3).keep().proven() },
		"past_kept":      func() *paneRun { return newPaneRun().pastNoReturn().keep().proven() },
		"past_part": func() *paneRun {
			r := newPaneRun().pastNoReturn().keep()
			r.Phases[2].Capsule, r.Phases[2].Plan.NoCapsule = nil, true
			r.Phases[4].Capsule.Beside = []string{"sequence audit_logs_id_seq was moved"}
			return r
		},
		"aborted_kept": func() *paneRun { return abortedRun().keep() },
		"trying": func() *paneRun {
			r := newPaneRun().through(3).keep()
			r.Opened.Environment, r.Opened.TryUndo = phases.Rehearsal, true
			r.UndoTrial = &phases.UndoTrial{Running: true, Now: phases.UndoTrialProgressed{Phase: "transactions", Rows: 12_000, Total: 1_384_581}}
			return r
		},
		"tried": func() *paneRun {
			r := newPaneRun().through(3).keep()
			r.Opened.Environment, r.Outcome = phases.Rehearsal, phases.Completed
			r.UndoTrial = &phases.UndoTrial{Result: &phases.UndoTried{Took: 95 * time.Second, Compared: 17, Phases: []phases.UndoneTrial{
				{Phase: "transactions", Rows: 1_384_581, Took: 80 * time.Second}, {Phase: "leaves", Rows: 500_046, Took: 15 * time.Second},
			}}}
			return r
		},
		"undo_run": func() *paneRun {
			r := newPaneRun().through(2)
			r.Opened.Undoes = &phases.Undoes{Journal: "gym-20260130T010000Z.journal", RunID: "7f2c", Head: "c0ffee", Phases: []string{"users", "subscriptions"}}
			r.Runbook.Capsule.Off = true
			return r
		},
	}
}

// What the panes say of a run that keeps what its phases take is all there where
// there is least room: in a screen of 80 by 24, and on a narrow one.
func TestPanesSayWhatAnUndoTakes(t *testing.T) {
	for state, c := range map[string]struct {
		pane ID
		want []string
	}{
		"green_kept":     {Gate, []string{"Undo x 4 min 10 s, proven in the rehearsal"}},
		"green_unproven": {Gate, []string{"Undo ! NOT PROVEN: nobody has rehearsed it"}},
		"green_off":      {Gate, []string{"Capsule ! OFF: nothing is kept of what the phases take away, only a restore brings it back"}},
		"confirm_kept":   {Gate, []string{"After this phase's COMMIT an undo takes 4 min 10 s (proven in the rehearsal), or a restore."}},
		"keeping":        {Phase, []string{"writes its capsule", "60 %"}},
		"holding_kept": {Phase, []string{
			"Capsule 20,000 rows to bring back; 586 kB on disk.",
			"This COMMIT is the point of no return: after it an undo takes about 29 s (estimated, NOT PROVEN: nobody has rehearsed it), or a restore.",
		}},
		"committed_kept": {Undo, []string{"COMMITTED: AN UNDO BRINGS IT BACK", "undo 50 s, proven", "1 min 15 s, proven in the rehearsal", "You can decide until 02:23:45 and still be back by 02:25:00.", "$ tminus undo gym-20260130T010000Z.journal"}},
		"past_kept":      {Undo, []string{"PAST THE POINT OF NO RETURN", "$ tminus undo gym-20260130T010000Z.journal"}},
		"past_part":      {Undo, []string{"Only a restore brings back what kept no capsule; an undo the rest.", "The restore has to begin by about 02:11:00 to be back by 02:25:00; the undo alone by about 02:24:51.", "by a restore only", "estimated and NOT PROVEN", "no undo takes back: sequence audit_logs_id_seq was moved"}},
		"trying":         {Undo, []string{"THE UNDO IS BEING TRIED", "phase 3, 12,000 of 1,384,581 rows put back"}},
		"tried":          {Undo, []string{"All of it was put back in 1 min 35 s", "put back again"}},
		"undo_run":       {Undo, []string{"comes out again by running the maintenance again", "undoes users, subscriptions of run 7f2c"}},
	} {
		for _, size := range [][2]int{{78, 22}, {42, 30}} {
			r := capsuleStates()[state]()
			text := strings.NewReplacer("│", " ", "✓", "x", "✗", "!").Replace(plainText(r.pane(size[0], size[1]).show(c.pane)))
			got := strings.Join(strings.Fields(text), " ")
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s at %dx%d: missing %q in\n%s", state, size[0], size[1], want, text)
				}
			}
		}
	}
}

// The outcome names the command, and what came of the undo that was tried.
func TestOutcomeNamesTheUndo(t *testing.T) {
	for state, want := range map[string]string{
		"aborted_kept": "What is committed comes back by an undo, or by a restore: 6 shows how. Undo tminus undo /runs/gym.journal",
		"tried":        "Undone and proven: the database is as it was. ✓ All of it was put back in 1 min 35 s; count and content of 17 tables are as before the first phase.",
	} {
		p := capsuleStates()[state]().pane(78, 30)
		p.Journal = "/runs/gym.journal"
		if got := strings.Join(strings.Fields(plainText(p.show(End))), " "); !strings.Contains(got, want) {
			t.Errorf("%s: missing %q in\n%s", state, want, got)
		}
	}
}

// What a phase's undo took in the rehearsal stands beside what the phase took.
func TestThePhaseShowsTheRehearsedUndo(t *testing.T) {
	r := newPaneRun().through(2).keep().proven()
	if got := (Pane{State: r.State, Styles: look.PlainStyles()}).rehearsed(&r.Phases[1]); got != "rehearsed 40 s (undo 25 s)" {
		t.Errorf("got %q", got)
	}
}
