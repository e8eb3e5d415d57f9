package pane

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/phases/runbook"
)

// What is looked for stays, whole entries of it; the rest goes away.
func TestFilterKeepsEntriesThatHaveIt(t *testing.T) {
	for _, c := range []struct {
		id     ID
		state  string
		filter string
		want   []string
		gone   []string
		found  int
	}{
		{Log, "rolled_back", "PHASE STARTED", []string{"phase started: Delete leaf tables"}, []string{"GO by"}, 2},
		{Checklist, "half", "rollback eng", []string{"The rollback engineer is on standby", "3. People", "0 of 1 done"}, []string{"1. Backup"}, 1},
		{Checklist, "failing", "psql", []string{"The database has at most 5", "found 9 connections", "1 of 3 done"}, []string{"workflow"}, 1},
		{Undo, "committed", "hopper", []string{"Grace Hopper", "COMMITTED: UNDOING NEEDS A RESTORE"}, []string{"Ada Byron", "pg_restore"}, 1},
		{Phase, "running", "audit", []string{"scan_audit_logs"}, []string{"referrals"}, 2},
		{Contacts, "green", "sam", []string{"Sam Doe", "+44 20 0000 0009", "The rollback engineer is on standby"}, []string{"Ada Byron"}, 1},
		{Reach, "green", "nothing of it", nil, nil, 0},
		{Log, "fresh", "nowhere", []string{`Nothing here has "nowhere" in it`}, []string{"run opened"}, 0},
		{Checklist, "fresh", "nowhere", []string{`Nothing here has "nowhere" in it`}, nil, 0},
	} {
		p := paneStates()[c.state]().pane(80, 24)
		p.Filter = c.filter
		k := KindOf(c.id)
		text := ansi.Strip(k.Draw(p))
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s /%s: %q is gone:\n%s", c.id, c.filter, want, text)
			}
		}
		for _, gone := range c.gone {
			if strings.Contains(text, gone) {
				t.Errorf("%s /%s: %q is still there:\n%s", c.id, c.filter, gone, text)
			}
		}
		found, of := k.Found(p)
		p.Filter = ""
		if found != c.found || c.found > 0 && of <= found {
			t.Errorf("%s /%s: %d of %d found, want %d:\n%s", c.id, c.filter, found, of, c.found, ansi.Strip(k.Draw(p)))
		}
	}
}

// The boxes that must not be overlooked stay, whatever is looked for.
func TestFilterKeepsWhatIsUrgent(t *testing.T) {
	for _, state := range []string{"holding", "in_doubt", "unknown", "waiting"} {
		p := paneStates()[state]().pane(80, 24)
		p.Filter = "referrals"
		urgent := p.urgent(&p.State.Phases[1])
		if text := p.show(Phase); !strings.Contains(ansi.Strip(text), strings.TrimSpace(lineText(urgent[0]))) {
			t.Errorf("%s: a filter hides what is urgent:\n%s", state, ansi.Strip(text))
		}
	}
}

// A verdict stays, whatever is looked for: who filters may be the one who has to know
// it.
func TestFilterKeepsVerdicts(t *testing.T) {
	for _, c := range []struct {
		id    ID
		state string
		want  []string
	}{
		{Undo, "in_doubt", []string{"COMMIT IN DOUBT: TOUCH NOTHING YET"}},
		{Undo, "unknown", []string{"OUTCOME UNKNOWN: LOOK FIRST"}},
		{Undo, "past", []string{"PAST THE POINT OF NO RETURN"}},
		{Gate, "half", []string{"NOT OPEN"}},
		{Gate, "closed", []string{"The gate closed again", "NOT OPEN"}},
		{Gate, "green", []string{"OPEN: nothing holds it"}},
		{Gate, "no_go", []string{"NO-GO declared by", "Reason: "}},
		{Gate, "in_doubt", []string{"COMMIT in doubt"}},
		{Gate, "confirm", []string{"NOT YET", "POINT OF NO RETURN"}},
		{End, "aborted", []string{"ABORTED"}},
	} {
		make := paneStates()[c.state]
		if make == nil {
			t.Errorf("no state %s", c.state)
			continue
		}
		p := make().pane(80, 24)
		p.Filter = "nothing of it"
		text := plainText(p.show(c.id))
		for _, want := range append(c.want, "Nothing here has") {
			if !strings.Contains(text, want) {
				t.Errorf("%s, %s: without %q:\n%s", c.id, c.state, want, text)
			}
		}
	}
	r := paneStates()["holding"]()
	v := r.Phases[1].Verified
	v[0].Pass, v[0].Got, v[1].Unknown = false, "3 rows", "the count was cancelled"
	p := r.pane(80, 24)
	p.Filter = "nothing of it"
	if text := plainText(p.show(Phase)); !strings.Contains(text, v[0].Name) || !strings.Contains(text, v[1].Name) || !strings.Contains(text, "FAIL") {
		t.Errorf("what does not hold is gone:\n%s", text)
	}
}

// Rows under the cursor are those that are shown.
func TestFilteredRows(t *testing.T) {
	r := paneStates()["half"]()
	if all := ChecklistRows(r.State); len(all) != 10 || len(FilteredRows(r.State, "")) != len(all) {
		t.Fatalf("%d rows", len(all))
	}
	rows := FilteredRows(r.State, "1. backup")
	if len(rows) != 3 || rows[0].ID != "backup_taken" || rows[0].Group != "backup" {
		t.Errorf("%+v", rows)
	}
	if rows := FilteredRows(nil, "x"); rows != nil {
		t.Errorf("a run that is not there has rows: %v", rows)
	}
}

// What explains the selected item is one line where there is little room, and a key
// opens it.
func TestFoldedHelpGolden(t *testing.T) {
	for _, folded := range []bool{true, false} {
		t.Run(fmt.Sprintf("%t", folded), func(t *testing.T) {
			p := paneStates()["half"]().pane(78, 21)
			p.Cursor, p.Folded = "triggers_disabled", folded
			golden.RequireEqual(t, framed(ansi.Strip(p.show(Checklist))))
		})
	}
}

// Forty groups, three hundred tables in a phase, names of 63 wide characters: every
// pane stays in its rectangle, filtered and folded, too.
func TestPanesOfAHugeRun(t *testing.T) {
	wide := strings.Repeat("界", 63)
	r := paneStates()["running"]()
	for i := range 40 {
		g := runbook.Group{ID: fmt.Sprint("g", i), Title: wide}
		for j := range 3 {
			g.Items = append(g.Items, human(fmt.Sprintf("g%d-%d", i, j), wide+"<script>", fieldOf(fmt.Sprintf("f%d-%d", i, j), wide, runbook.FieldPhone, "")))
		}
		r.Runbook.Checklist = append(r.Runbook.Checklist, g)
	}
	p := &r.Phases[1]
	for i := range 300 {
		p.Tables = append(p.Tables, phases.TableState{Name: fmt.Sprint(wide, i), Role: phases.RoleCascade, Step: -1, Expected: 10, Left: -1, Cascaded: 4})
	}
	for _, gate := range []phases.Decision{"", phases.Go} {
		r.Gate.Decision = gate
		for _, k := range Kinds() {
			for _, size := range [][2]int{{40, 12}, {78, 21}, {150, 50}} {
				for _, filter := range []string{"", "界", "nowhere"} {
					d := r.pane(size[0], size[1])
					d.Filter, d.Folded, d.Cursor = filter, true, "g7-1"
					requireRect(t, string(k.ID), k.Draw(d), size[0], size[1])
				}
			}
		}
	}
}
