package ui

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
	"tminus/ui/look"
	"tminus/ui/pane"
)

func TestMannersAreTheTerminals(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want Manners
	}{
		{[]string{"TERM=xterm-256color"}, Manners{osc: true}},
		{[]string{"TERM=xterm-256color", "WT_SESSION=1"}, Manners{osc: true}},
		{[]string{"TERM=tmux-256color"}, Manners{osc: true, inside: "tmux"}},
		{[]string{"TERM=screen-256color", "TMUX=/tmp/tmux-0/default,1,0"}, Manners{osc: true, inside: "tmux"}},
		{[]string{"TERM=screen", "STY=1.pts-0"}, Manners{osc: true, inside: "screen"}},
		{[]string{"TERM=screen"}, Manners{osc: true}},
		{[]string{"TERM=linux"}, Manners{}},
		{[]string{"TERM=vt220"}, Manners{}},
		{[]string{"TERM=dumb"}, Manners{}},
		{[]string{}, Manners{}},
	} {
		if got := MannersOf(c.env); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.env, got, c.want)
		}
	}
}

// Nothing that a Linux console would print as letters is sent to it.
func TestNoCommandsToAConsole(t *testing.T) {
	o, _ := screen(t, "holding", 80, 24)
	if v := o.View(); v.WindowTitle != "" || v.ProgressBar != nil {
		t.Errorf("a terminal of which nothing is known gets a title or a bar: %q, %v", v.WindowTitle, v.ProgressBar)
	}
	o.manners = MannersOf([]string{"TERM=xterm"})
	if v := o.View(); v.WindowTitle == "" || v.ProgressBar == nil {
		t.Error("a terminal that has them gets no title or no bar")
	}
	console := MannersOf([]string{"TERM=linux"})
	if got := console.call(Notify{"bell", "osc9", "osc99"}, "text"); got != "\a" {
		t.Errorf("a console is called by %q", got)
	}
	if console.Clipboard("text") != nil {
		t.Error("a console has a clipboard")
	}
}

func TestCallsAreWrappedAndClean(t *testing.T) {
	plain, tmux, screen := Manners{osc: true}, Manners{osc: true, inside: "tmux"}, Manners{osc: true, inside: "screen"}
	for _, c := range []struct {
		m    Manners
		n    Notify
		text string
		want string
	}{
		{plain, nil, "it waits", "\a"},
		{plain, Notify{"off"}, "it waits", ""},
		{plain, Notify{"osc9"}, "it waits", "\x1b]9;it waits\a"},
		{plain, Notify{"osc9"}, "a\x1b]0;b\a\x9cc\x1b\\", "\x1b]9;a\ufffdc\\\a"}, // no end of its own
		{plain, Notify{"osc99"}, "it", "\x1b]99;i=tminus:e=1;aXQ=\a"},
		{tmux, Notify{"bell", "osc9"}, "it", "\x1bPtmux;\x1b\x1b]9;it\a\x1b\\\a"},
		{screen, Notify{"osc9"}, "it", "\x1bP\x1b]9;it\a\x1b\\"},
	} {
		if got := c.m.call(c.n, c.text); got != c.want {
			t.Errorf("%+v by %v: %q, want %q", c.m, c.n, got, c.want)
		}
	}
}

func TestNotifyIsAFlag(t *testing.T) {
	for text, good := range map[string]bool{"bell": true, "bell,osc9": true, "osc99, bell": true, "off": true, "": false, "bell,off": false, "siren": false, "bell,": false} {
		var n Notify
		if err := n.Set(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// rings carries out what a message leads to, in fake time, and gives what is sent to the terminal
// as it is.
func rings(o *Operator, msg tea.Msg) string {
	_, cmd := o.Update(msg)
	if cmd == nil {
		return ""
	}
	out := ""
	all, ok := cmd().(tea.BatchMsg)
	if !ok {
		return ""
	}
	for _, c := range all[1:] { // the first is the next tick
		if raw, ok := c().(tea.RawMsg); ok {
			out += fmt.Sprint(raw.Msg)
		}
	}
	return out
}

// A screen calls for its reader once for each thing, and not for what stood there
// when it came up.
func TestItCallsOnce(t *testing.T) { synctest.Test(t, itCallsOnce) }

func itCallsOnce(t *testing.T) {
	for stage, change := range map[string]func(s *phases.State){
		"running": func(s *phases.State) { s.Phases[1].Status = phases.PhaseHolding },
		"holding": func(s *phases.State) { s.Phases[1].Status = phases.PhaseInDoubt },
		"locked": func(s *phases.State) {
			p := &s.Phases[1]
			p.Status, p.Lock, p.By = phases.PhaseIsRolledBack, nil, ""
		},
		"next": func(s *phases.State) {
			p := &s.Phases[1]
			p.Status, p.Lock = phases.PhaseLocking, &phases.LockWait{Blockers: []phases.Blocker{{PID: 4711}}, Until: fixtureT0}
		},
		"counting": func(s *phases.State) { s.Phases[0].Status = phases.PhaseIsFailed },
		"ready": func(s *phases.State) {
			s.Gate = phases.GateState{Closed: []string{"the backup is too old"}, At: fixtureNow}
		},
	} {
		o, _ := screen(t, stage, 80, 24)
		now := o.now()
		o.now = func() time.Time { return now }
		if got := rings(o, tickMsg{}); got != "" {
			t.Errorf("%s: it calls as it comes up: %q", stage, got)
		}
		change(o.state)
		if got := rings(o, tickMsg{}); got != "\a" {
			t.Errorf("%s: it calls by %q", stage, got)
		}
		for range 3 {
			now = now.Add(time.Minute)
			if got := rings(o, tickMsg{}); got != "" {
				t.Errorf("%s: it calls again: %q", stage, got)
			}
		}
	}
}

// What a human took back calls nobody.
func TestARollbackByHandCallsNobody(t *testing.T) { synctest.Test(t, aRollbackByHandCallsNobody) }

func aRollbackByHandCallsNobody(t *testing.T) {
	o, _ := screen(t, "running", 80, 24)
	rings(o, tickMsg{})
	o.state.Phases[1].Status, o.state.Phases[1].By = phases.PhaseIsRolledBack, "dba@ops1"
	if got := rings(o, tickMsg{}); got != "" {
		t.Errorf("it calls by %q", got)
	}
}

// Two things at once call one after the other, and off is off.
func TestCallsKeepApart(t *testing.T) { synctest.Test(t, callsKeepApart) }

func callsKeepApart(t *testing.T) {
	o, _ := screen(t, "running", 80, 24)
	now := o.now()
	o.now, o.manners, o.notify = func() time.Time { return now }, Manners{osc: true}, Notify{"osc9"}
	rings(o, tickMsg{})
	o.state.Phases[1].Status = phases.PhaseHolding
	if got := rings(o, tickMsg{}); got != "\x1b]9;tminus: Delete bookings waits for COMMIT or ROLLBACK\a" {
		t.Errorf("it calls by %q", got)
	}
	now = now.Add(callAgain - 1)
	o.state.Phases[1].Status = phases.PhaseInDoubt
	if got := rings(o, tickMsg{}); got != "" {
		t.Errorf("it calls twice within %s: %q", callAgain, got)
	}
	now = now.Add(time.Second)
	if got := rings(o, tickMsg{}); got != "\x1b]9;tminus: Delete bookings: the COMMIT is in doubt\a" {
		t.Errorf("what still stands calls by %q", got)
	}
	now = now.Add(time.Minute)
	if got := rings(o, tickMsg{}); got != "" {
		t.Errorf("it calls again by %q", got)
	}
	off, _ := screen(t, "running", 80, 24)
	off.notify = Notify{"off"}
	rings(off, tickMsg{})
	off.state.Phases[1].Status = phases.PhaseHolding
	if got := rings(off, tickMsg{}); got != "" {
		t.Errorf("off calls by %q", got)
	}
}

func TestCopyTakesWhatIsNeeded(t *testing.T) {
	for _, c := range []struct {
		stage string
		focus pane.ID
		want  string
	}{
		{"locked", pane.Phase, "UPDATE bookings SET"},
		{"locked", pane.Undo, "pg_restore --clean -d gym_demo gym-20260131.dump"},
		{"holding", pane.Phase, "tminus resume gym.journal"},
		{"interrupted", pane.Phase, "tminus resume gym.journal"},
		{"completed", pane.End, "pg_restore --clean -d gym_demo gym-20260131.dump"},
	} {
		o, rec := screen(t, c.stage, 80, 24)
		o.goTo(c.focus)
		o.manners = Manners{osc: true}
		_, cmd := o.Update(keyNamed("y"))
		if cmd == nil {
			t.Errorf("%s, %s: nothing is copied: %s", c.stage, c.focus, o.said.text)
			continue
		}
		if raw, ok := cmd().(tea.RawMsg); !ok || raw.Msg != ansi.SetSystemClipboard(c.want) {
			t.Errorf("%s, %s: %q is sent, want %q", c.stage, c.focus, raw.Msg, ansi.SetSystemClipboard(c.want))
		}
		if !strings.Contains(strings.Join(strings.Fields(ansi.Strip(frameText(o))), " "), c.want) || len(rec.commands) > 0 {
			t.Errorf("%s: the screen does not say what was copied:\n%s", c.stage, trimmed(frameText(o)))
		}
		o.manners = Manners{}
		run(o, keyNamed("y"))
		if text := trimmed(frameText(o)); o.dialog == nil || !strings.Contains(text, "no clipboard") || !strings.Contains(text, c.want) {
			t.Errorf("%s: without a clipboard it shows\n%s", c.stage, text)
		}
		if run(o, keyNamed("enter")); o.dialog != nil {
			t.Errorf("%s: enter does not close it", c.stage)
		}
	}
}

// A command is copied as a shell takes it, however long, and not while it lacks
// something.
func TestCopyGivesAWholeCommand(t *testing.T) {
	o, _ := screen(t, "next", 80, 24)
	o.opts.Journal = "/var/lib/the gym's runs/" + strings.Repeat("a long name of a folder/", 14) + "gym.journal"
	run(o, keyNamed("y"))
	if o.dialog == nil {
		t.Fatalf("nothing is shown: %s", o.said.text)
	}
	want := o.state.Command("resume", o.opts.Journal)
	if text := strings.Join(strings.Fields(strings.ReplaceAll(trimmed(frameText(o)), "│", "")), " "); !strings.Contains(text, want) || !strings.Contains(want, "'") {
		t.Errorf("%q is not in\n%s", want, frameText(o))
	}
	fresh, rec := screen(t, "checklist", 80, 24)
	run(fresh, keyNamed("6"))
	run(fresh, keyNamed("y"))
	if fresh.dialog != nil || !strings.Contains(fresh.said.text, "still lacks Backup ID") || len(rec.commands) > 0 {
		t.Errorf("a command with holes is copied: %q", fresh.said.text)
	}
}

// A command of several lines is copied and shown as those lines, and is no sentence's
// part.
func TestCopyKeepsLines(t *testing.T) {
	o, _ := screen(t, "completed", 80, 24)
	o.goTo(pane.End)
	o.state.Runbook.Backup.Restore = "# as postgres\ncd '/my  backups'\npg_restore b-7"
	o.manners = Manners{osc: true}
	_, cmd := o.Update(keyNamed("y"))
	if raw, ok := cmd().(tea.RawMsg); !ok || raw.Msg != ansi.SetSystemClipboard(o.state.RestoreCommand()) || !strings.Contains(o.state.RestoreCommand(), "\ncd '/my  backups'\n") {
		t.Errorf("%q is sent", raw.Msg)
	}
	if !strings.HasSuffix(o.said.text, "the restore command: 3 lines") {
		t.Errorf("it says %q", o.said.text)
	}
	o.manners = Manners{}
	run(o, keyNamed("y"))
	if text := trimmed(frameText(o)); !strings.Contains(text, "│ # as postgres ") || !strings.Contains(text, "│ cd '/my  backups' ") || !strings.Contains(text, "│ pg_restore b-7 ") {
		t.Errorf("it shows\n%s", text)
	}
}

// The page on the terminal names what there is.
func TestThePageOnTheTerminalIsWhole(t *testing.T) {
	page, err := os.ReadFile("../docs/terminal.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"| `off` |", "--no-mouse", "`y` puts", "NO_COLOR", "COLORFGBG"}
	for _, way := range notifyWays {
		want = append(want, "| `"+way+"`")
	}
	for _, theme := range []look.Theme{look.Auto, look.Light, look.Dark, look.None} {
		if err := (&theme).Set(string(theme)); err != nil {
			t.Error(err)
		}
		want = append(want, string(theme))
	}
	for _, text := range want {
		if !strings.Contains(string(page), text) {
			t.Errorf("docs/terminal.md does not have %q", text)
		}
	}
}
