package pane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
	"tminus/ui/look"
)

// activities are what the activity pane shows, by name.
func activities() map[string]func() *paneRun {
	running := paneStates()["running"]
	seen := func(r *paneRun, a phases.Activity) *paneRun {
		r.Activity = &phases.ActivityState{Activity: a, Phase: "leaves", At: r.now.Add(-2 * time.Second), LookedAt: r.now.Add(-2 * time.Second)}
		return r
	}
	own := phases.Session{PID: 812, User: "dba", Application: "tminus ada@ops1", State: "active", Wait: "IO: DataFileRead", Own: true}
	return map[string]func() *paneRun{
		"before": paneStates()["fresh"],
		"first":  running,
		"alone": func() *paneRun {
			r, alone := running(), own
			alone.Since = r.now.Add(-40 * time.Second)
			return seen(r, phases.Activity{Sessions: []phases.Session{alone}})
		},
		"quiet": func() *paneRun {
			r := running()
			return seen(r, phases.Activity{More: 4960, Masked: 2, Sessions: []phases.Session{
				own,
				{PID: 4711, User: "app", Application: "web-2", State: "idle in transaction", Since: r.now.Add(-4 * time.Minute)},
				{PID: 4712, User: "app", Application: "web-3", State: "idle"},
				{PID: 4713, User: "batch"},
				{PID: 4714, Application: "autovacuum worker", State: "active", Since: r.now.Add(-30 * time.Second)},
			}})
		},
		"blocked": func() *paneRun {
			r := paneStates()["waiting_for_a_row"]()
			waits := own
			waits.Wants, waits.BlockedBy, waits.Since = "ShareLock on transactionid", []uint32{4711, 0}, r.now.Add(-20*time.Second)
			return seen(r, phases.Activity{Waiting: 2, Sessions: []phases.Session{
				waits,
				{PID: 4712, User: "app", Application: "web-3", State: "active", Since: r.now.Add(-5 * time.Second), Wants: "RowExclusiveLock on lesson_attendance", BlockedBy: []uint32{812, 9}},
				{PID: 4711, User: "app", Application: "web-2", State: "idle in transaction", Since: r.now.Add(-4 * time.Minute), Holds: "RowExclusiveLock on lesson_attendance"},
			}})
		},
		"between": paneStates()["waiting"],
		"failed": func() *paneRun {
			r := seen(running(), phases.Activity{Sessions: []phases.Session{own}})
			r.Activity.At = r.now.Add(-40 * time.Second)
			r.Activity.Error = "look at the sessions of the database: it was not done within 2 s, and was cancelled"
			return r
		},
		"over": func() *paneRun {
			r := paneStates()["committed"]()
			return seen(r, phases.Activity{Sessions: []phases.Session{own}})
		},
	}
}

func TestActivityGolden(t *testing.T) {
	for state, run := range activities() {
		for _, size := range [][2]int{{78, 21}, {76, 30}, {62, 28}} {
			t.Run(fmt.Sprintf("%s/%dx%d", state, size[0], size[1]), func(t *testing.T) {
				golden.RequireEqual(t, framed(ansi.Strip(run().pane(size[0], size[1]).show(Activity))))
			})
		}
	}
	for _, state := range []string{"blocked", "failed"} {
		t.Run(state+"/ansi", func(t *testing.T) {
			p := activities()[state]().pane(78, 21)
			p.Styles = look.NewStyles(true)
			golden.RequireEqual(t, p.show(Activity)+"\n")
		})
	}
}

// As many sessions as a look names, of five thousand, names of 63 wide characters, and names that are meant for
// the terminal: the pane stays in its rectangle, and says the same in colour.
func TestActivityOfAHostileServer(t *testing.T) {
	r := activities()["blocked"]()
	evil := "\x1b[31m\x1b]0;x\x07<b>" + strings.Repeat("界", 63)
	r.Activity.More = 5000
	for i := range phases.MostSessions {
		r.Activity.Sessions = append(r.Activity.Sessions, phases.Session{
			PID: uint32(i + 20_000), User: evil, Application: evil, State: evil, Wait: evil, Since: r.now.Add(time.Hour), Wants: evil, Holds: evil, BlockedBy: []uint32{uint32(i + 20_001)},
		})
	}
	r.Activity.Error = evil
	for _, size := range [][2]int{{0, 0}, {1, 1}, {7, 3}, {40, 10}, {78, 21}, {200, 60}} {
		for _, filter := range []string{"", "界", "nobody", "\x1b"} {
			p := r.pane(size[0], size[1])
			p.Filter = filter
			plain := p.show(Activity)
			requireRect(t, "activity", plain, size[0], size[1])
			p.Styles = look.NewStyles(false)
			coloured := p.show(Activity)
			if ansi.Strip(coloured) != ansi.Strip(plain) {
				t.Errorf("at %v it reads otherwise in colour", size)
			}
			if strings.ContainsAny(coloured, "\x07") || strings.Contains(coloured, "\x1b]0") {
				t.Errorf("at %v an escape sequence gets through", size)
			}
		}
	}
}

func TestContactsAndFencesGolden(t *testing.T) {
	triggers := func(r *paneRun) *paneRun {
		audit := phases.Trigger{Schema: "public", Table: "memberships", Name: "audit_memberships", Enabled: "O", Definition: "CREATE TRIGGER audit_memberships AFTER UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION note()"}
		r.Survey = &phases.Survey{Triggers: []phases.Trigger{audit, {Schema: "public", Table: "payments", Name: "sum_up", Enabled: "R"}, {Schema: "public", Table: "lessons", Name: "old", Enabled: "D"}}}
		return r
	}
	off := func() *paneRun {
		r := triggers(paneStates()["running"]())
		r.Triggers, r.TriggersOff = r.Survey.Triggers[:1], true
		r.Observers = []phases.Observer{{Name: "sam@laptop", Since: paneT0.Add(-20 * time.Minute)}}
		return r
	}
	for name, run := range map[string]func() *paneRun{
		"fresh": func() *paneRun { return triggers(paneStates()["fresh"]()) }, "off": off,
		"back": func() *paneRun { r := off(); r.TriggersOff = false; r.Survey = nil; return r },
	} {
		for _, id := range []ID{Fences, Contacts} {
			for _, size := range [][2]int{{78, 21}, {42, 21}} {
				t.Run(fmt.Sprintf("%s/%s/%dx%d", id, name, size[0], size[1]), func(t *testing.T) {
					golden.RequireEqual(t, framed(ansi.Strip(run().pane(size[0], size[1]).show(id))))
				})
			}
		}
	}
}
