package pane

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

func plainText(drawn string) string { return ansi.Strip(drawn) }

func TestChecklistRowsFollowTheStage(t *testing.T) {
	for state, want := range map[string]struct {
		first, last string
		kind        RowKind
		rows        int
	}{
		"fresh":   {"r1", "engineer", RowItem, 10},
		"closed":  {"r1", "engineer", RowItem, 10},
		"go":      {"r1", "engineer", RowItem, 10}, // until T-0 the checklist still holds the first phase
		"running": {"triggers_disabled", "triggers_disabled", RowWatch, 1},
		"confirm": {"c1", "triggers_disabled", RowConfirm, 10},
		"after":   {"told_users", "accepted", RowAfter, 4},
	} {
		rows := ChecklistRows(paneStates()[state]().State)
		if len(rows) != want.rows {
			t.Fatalf("%s: %d rows, want %d: %v", state, len(rows), want.rows, rows)
		}
		if rows[0].ID != want.first || rows[len(rows)-1].ID != want.last || rows[0].Kind != want.kind {
			t.Errorf("%s: rows from %v to %v, want %+v", state, rows[0], rows[len(rows)-1], want)
		}
	}
}

// Wherever the cursor goes, its row is on screen, at any height and scroll.
func TestChecklistKeepsTheCursorInSight(t *testing.T) {
	for _, state := range []string{"fresh", "failing", "green", "confirm", "after"} {
		r := paneStates()[state]()
		for _, row := range ChecklistRows(r.State) {
			for h := 1; h <= 30; h++ {
				for _, scroll := range []int{-5, 0, 3, 1000} {
					p := r.pane(80, h)
					p.Cursor, p.Scroll = row.ID, scroll
					// A list whose selected item is taller than the pane shows its first line.
					if got := plainText(p.show(Checklist)); h >= 3 && !strings.Contains(got, p.Styles.Mark.Cursor+" [") {
						t.Fatalf("%s: cursor %s at height %d, scroll %d is out of sight:\n%s", state, row.ID, h, scroll, got)
					}
				}
			}
		}
	}
}

func TestChecklistMarksEveryStateDifferently(t *testing.T) {
	r := newPaneRun().failing()
	r.Items["engineer"] = &phases.ItemState{Ticked: true, Assumed: true}
	r.record("engineer_name", "x")
	r.record("engineer_phone", "1")
	r.Items["triggers_disabled"] = &phases.ItemState{Action: &phases.ActionState{Running: true, At: r.now.Add(-2 * time.Second)}}
	p := r.pane(100, 40)
	p.Cursor = ""
	got := plainText(p.show(Checklist))
	for _, want := range []string{
		"[x] All six phases", "[ ] No error", "[!] The backup is less than 15 minutes old", "could not be asked",
		"[~] The rollback engineer", "assumed, nobody looked", "[*] The four business triggers", "under way",
		"Wait 5 minutes and look again",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	r.Items["triggers_disabled"] = &phases.ItemState{}
	if got := plainText(p.show(Checklist)); !strings.Contains(got, "[?] The four business triggers") {
		t.Errorf("an item that no check has answered is not [?]:\n%s", got)
	}
	r.refresh()
	p.Now = p.Now.Add(2 * time.Minute)
	if got := plainText(p.show(Checklist)); !strings.Contains(got, "[?] The database has at most 5") || !strings.Contains(got, "too old") {
		t.Errorf("an answer that is too old still counts as one:\n%s", got)
	}
}

// The remedy of a fence that is not off names its key: where another one comes
// first, the item says so.
func TestAFenceSaysWhoseTurnItIs(t *testing.T) {
	r := newPaneRun()
	r.Runbook.Fences = []runbook.Fence{{ID: "a", Title: "the alerts", Kind: runbook.FenceCommands}, {ID: "b", Title: "the workers", Kind: runbook.FenceCommands}}
	for i := range r.Runbook.Fences {
		r.Fences = append(r.Fences, phases.FenceState{Plan: &r.Runbook.Fences[i], Seen: phases.SeenBack})
	}
	it := &r.Runbook.Checklist[0].Items[0]
	it.Fence, it.Action = "b", &runbook.Action{Name: runbook.TakeFence, Text: "switch off the workers"}
	it.Check = &runbook.Check{Kind: runbook.CheckDatabase, Name: runbook.FenceOff, Every: time.Second}
	p := r.pane(100, 40)
	p.Cursor = it.ID
	if got := plainText(p.show(Checklist)); !strings.Contains(got, `Not now: first comes "the alerts"`) {
		t.Errorf("it does not say what comes first:\n%s", got)
	}
}

// A stage that is over is not asked again, and what it found does not get too old.
func TestWhatIsNotAskedAnyMoreDoesNotGetTooOld(t *testing.T) {
	r := newPaneRun()
	r.pastNoReturn()
	for i := range r.Phases {
		r.Phases[i].Status = phases.PhaseIsCommitted
	}
	r.Runbook.After[0].Items[0].Check = &runbook.Check{Kind: runbook.CheckDatabase, Name: "database.connects", Every: 10 * time.Second}
	id := r.Runbook.After[0].Items[0].ID
	r.answer(id, true, "PostgreSQL 15", "")
	p := r.pane(100, 40)
	p.Now = p.Now.Add(time.Hour)
	if got := plainText(p.show(Checklist)); !strings.Contains(got, "[?] Users are told") {
		t.Errorf("a check of the stage that is open:\n%s", got)
	}
	r.tick(r.Runbook.After[0].Items[1].ID)
	r.answer(id, true, "PostgreSQL 15", "")
	if got := plainText(p.show(Checklist)); !strings.Contains(got, "[x] Users are told") || strings.Contains(got, "too old") {
		t.Errorf("a check of a stage that is over:\n%s", got)
	}
}

func TestRestoreCommandFillsInWhatWasRecorded(t *testing.T) {
	r := newPaneRun()
	r.Runbook.Backup.Restore = "restore {{ backup_id }} {{backup_location}} {{unknown}} {{open"
	r.record("backup_id", "{{backup_location}}\x1b[31m\x07")
	r.record("backup_location", "s3://b")
	want := "restore '{{backup_location}}' s3://b {{unknown}} {{open"
	if got := r.State.RestoreCommand(); got != want {
		t.Errorf("got %q, want %q: a value is text, not another place to fill in", got, want)
	}
}

// A command is shown as it is: each of its lines behind a sign of its own, with all
// its blanks, and broken at a single one alone.
func TestCommandLines(t *testing.T) {
	p := newPaneRun().pane(24, 10)
	var got []string
	for _, l := range p.commandLines("$ ", &p.Styles.Text, "# first\ncd '/my  dir' && \\\n  pg_restore --clean -d gym 'a   b.dump'\n\n"+strings.Repeat("x", 30)) {
		got = append(got, strings.TrimSuffix(lineText(l), "  "))
	}
	want := []string{"$ # first", "$ cd '/my  dir' && \\", "$   pg_restore --clean", "  -d gym 'a   b.dump'", "$ " + strings.Repeat("x", 22), "  " + strings.Repeat("x", 8)}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestUndoChangesItsFace(t *testing.T) {
	for state, want := range map[string]string{
		"fresh": "NOTHING TO UNDO", "running": "TRANSACTION OPEN: ROLLBACK UNDOES IT", "committed": "COMMITTED: UNDOING NEEDS A RESTORE",
		"in_doubt": "COMMIT IN DOUBT: TOUCH NOTHING YET", "unknown": "OUTCOME UNKNOWN: LOOK FIRST", "past": "PAST THE POINT OF NO RETURN", "rolled_back": "NOTHING TO UNDO",
	} {
		got := plainText(paneStates()[state]().pane(100, 40).show(Undo))
		if !strings.Contains(got, want) {
			t.Errorf("%s: missing %q in\n%s", state, want, got)
		}
		if state != "running" && strings.Contains(got, "ROLLBACK undoes it") {
			t.Errorf("%s: promises a ROLLBACK:\n%s", state, got)
		}
	}
}

// A COMMIT under way is never offered a ROLLBACK, on any pane.
func TestNoPaneOffersWhatCannotBeDone(t *testing.T) {
	for _, status := range []phases.PhaseStatus{phases.PhaseCommitting, phases.PhaseInDoubt, phases.PhaseUnknown, phases.PhaseIsCommitted} {
		r := paneStates()["holding"]()
		r.Phases[1].Status = status
		for name, draw := range paneNames() {
			got := plainText(draw(r.pane(120, 40)))
			for _, offer := range []string{"b  ROLLBACK", "c  COMMIT", "ROLLBACK undoes it"} {
				if strings.Contains(got, offer) {
					t.Errorf("%s of a phase that is %s offers %q:\n%s", name, status, offer, got)
				}
			}
		}
	}
}

func TestHoldCountsDown(t *testing.T) {
	r := paneStates()["holding"]()
	p := r.pane(80, 24)
	for _, left := range []struct {
		after time.Duration
		want  string
	}{{0, "1 min 43 s"}, {100 * time.Second, "3 s"}, {time.Hour, "0 s"}} {
		p.Now = r.now.Add(left.after)
		if got := plainText(p.show(Phase)); !strings.Contains(got, "rolls back by itself in "+left.want) {
			t.Errorf("after %s: missing %q in\n%s", left.after, left.want, got)
		}
	}
}

func TestPaceOfATable(t *testing.T) {
	now := paneT0
	p := Pane{Now: now}
	running := phases.TableState{Step: 0, Deleted: 3000, Expected: 12000, BlocksDone: 25, BlocksTotal: 100, StartedAt: now.Add(-10 * time.Second), Left: -1}
	got := p.tablePace(&running, false)
	if got.rate != 300 || got.left != 30*time.Second || got.elapsed != 10*time.Second {
		t.Errorf("a quarter in 10 s: %+v, want 300 rows/s, 30 s left", got)
	}
	for name, change := range map[string]func(*phases.TableState){
		"not begun":     func(t *phases.TableState) { t.StartedAt = time.Time{} },
		"no share":      func(t *phases.TableState) { t.BlocksTotal, t.Expected = 0, -1 },
		"ended":         func(t *phases.TableState) { t.EndedAt = now },
		"just begun":    func(t *phases.TableState) { t.StartedAt = now.Add(-time.Millisecond) },
		"clock jumped":  func(t *phases.TableState) { t.StartedAt = now.Add(time.Hour) },
		"nothing yet":   func(t *phases.TableState) { t.BlocksDone = 0 },
		"by cascade":    func(t *phases.TableState) { t.Step = -1 },
		"blocks passed": func(t *phases.TableState) { t.BlocksDone = 400 },
	} {
		tab := running
		change(&tab)
		if got := p.tablePace(&tab, false); got.left != -1 || got.elapsed < 0 || got.rate < 0 {
			t.Errorf("%s: %+v, want no time left to be given", name, got)
		}
	}
}

func TestGridDropsColumnsByRank(t *testing.T) {
	cols := []look.Column{{Head: "name", Flex: 4}, {Head: "keep"}, {Head: "first", Rank: 2}, {Head: "second", Rank: 1}}
	rows := []look.GridRow{{Fields: []look.Field{look.One(nil, "a_long_name"), look.One(nil, "12"), look.One(nil, "x"), look.One(nil, "y")}}}
	for _, c := range []struct {
		room int
		want string
	}{
		{40, "name keep first second"},
		{25, "name keep first second"}, // the long name gives way first
		{20, "name keep second"},
		{15, "name keep"},
		{3, "name keep"}, // what is left is cut by the pane
	} {
		st := look.PlainStyles()
		head := look.Grid(cols, rows, c.room, &st.Text)[0]
		text := ""
		for _, s := range head.Spans {
			text += s.Text
		}
		if got := strings.Join(strings.Fields(text), " "); got != c.want {
			t.Errorf("in %d cells: %q, want %q", c.room, got, c.want)
		}
	}
}

func TestLogShowsTheNewestAndScrollsBack(t *testing.T) {
	r := newPaneRun()
	for i := range 500 {
		r.log(time.Duration(i)*time.Second, phases.LevelInfo, fmt.Sprintf("event-%d.", i))
	}
	p := r.pane(80, 10)
	if got := plainText(p.show(Log)); !strings.Contains(got, "event-499.") || strings.Contains(got, "event-489.") {
		t.Errorf("not the ten newest:\n%s", got)
	}
	p.Scroll = -100
	if got := plainText(p.show(Log)); strings.Contains(got, "event-499.") || !strings.Contains(got, "event-395.") || !strings.Contains(got, "100 newer entries") {
		t.Errorf("not a hundred back:\n%s", got)
	}
	p.Scroll = -(1 << 30)
	if got := plainText(p.show(Log)); !strings.Contains(got, "run opened") {
		t.Errorf("scrolled past the start:\n%s", got)
	}
}

// The timeline names its stages in one line too, with words beside the marks.
func TestTimelineInOneLine(t *testing.T) {
	for state, want := range map[string]string{
		"fresh": "checklist 0/10", "running": "▸ phase 2/6 running", "past": "past no return", "after": "phases 6/6", "no_go": "NO-GO",
	} {
		if got := plainText(paneStates()[state]().pane(120, 1).show(Timeline)); !strings.Contains(got, want) {
			t.Errorf("%s: missing %q in %q", state, want, got)
		}
	}
}

func TestTimelineSaysLateAndEarly(t *testing.T) {
	p := newPaneRun().pane(80, 24)
	for d, want := range map[time.Duration]string{0: "on time", 4 * time.Second: "on time", 65 * time.Second: "1 min 05 s late", -65 * time.Second: "1 min 05 s early"} {
		if got, _ := p.lateness(d); got != want {
			t.Errorf("%s off plan: %q, want %q", d, got, want)
		}
	}
	if got := planClock(-time.Hour); got != "T-60" {
		t.Errorf("an hour before T-0 is %q", got)
	}
}

// The end of a box's title counts most: how long there is to decide.
func TestBoxTitleIsNotLostOnANarrowPane(t *testing.T) {
	for w := 24; w < 80; w++ {
		got := strings.ToLower(strings.Join(strings.Fields(strings.NewReplacer("│", " ", "─", " ").Replace(plainText(paneStates()["holding"]().pane(w, 40).show(Phase)))), " "))
		for _, want := range []string{"hold:", "rolls back by itself in", "1 min 43 s"} {
			if !strings.Contains(got, want) && !strings.Contains(got, strings.ReplaceAll(want, ":", "")) {
				t.Errorf("at %d cells: missing %q in\n%s", w, want, got)
			}
		}
	}
}

// What is folded away on a small screen is never the stage under way.
func TestTimelineKeepsTheStageUnderWay(t *testing.T) {
	for state, run := range paneStates() {
		r := run()
		if r.Outcome != "" {
			continue
		}
		for h := 3; h <= 30; h++ {
			if got := plainText(r.pane(80, h).show(Timeline)); !strings.Contains(got, "› ") {
				t.Errorf("%s at height %d does not show where the run stands:\n%s", state, h, got)
			}
		}
	}
}

func TestCheckHintNamesTheCheck(t *testing.T) {
	for want, c := range map[string]*runbook.Check{
		"Database check tables.zero, asked every 10 s": {Kind: runbook.CheckDatabase, Name: "tables.zero", Every: 10 * time.Second},
		"Check git.quiet, asked every 1 min":           {Kind: runbook.CheckOutside, Name: "git.quiet", Every: time.Minute},
	} {
		if got := checkHint(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCheckHintShowsNoSecret(t *testing.T) {
	for _, c := range []*runbook.Check{
		{Kind: runbook.CheckHTTP, URL: "https://user:secret@host/x?token=secret#secret"},
		{Kind: runbook.CheckCommand, Command: []string{"curl", "-u", "user:secret"}},
		{Kind: runbook.CheckCommand, Shell: "PGPASSWORD=secret psql"},
	} {
		if got := checkHint(c); strings.Contains(got, "secret") {
			t.Errorf("%s shows a secret: %q", c.Kind, got)
		}
	}
}
