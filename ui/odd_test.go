package ui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/pane"
)

// oddNames are 63 characters each, as long as PostgreSQL lets a name be, or what a
// title may hold.
func oddNames() map[string]string {
	return map[string]string{
		"wide":      strings.Repeat("界", 63),
		"combining": strings.Repeat("e\u0301", 63),
		"emoji":     strings.Repeat("👩\u200d👩\u200d👧", 12) + "🇩🇪",
		"right":     "\u202e\u05e9\u05dc\u05d5\u05dd\u200f" + strings.Repeat("\u05d0", 55),
		"markup":    "<b>[bold](http://x) \x1b[31m\x1b]0;owned\a\x1b[2J{{title}} %s %d\r\n\x00",
		"blanks":    strings.Repeat(" ", 63),
		"long":      strings.Repeat("a", 63),
	}
}

// odd gives a run awkward names everywhere, 40 groups, and 300 tables in its phase.
func odd(s *phases.State, name string) {
	book := s.Runbook
	book.Title, book.Summary, book.Gate.Text, book.Gate.Approve = name, name, name, name
	book.Contacts = []runbook.Contact{{Role: name, Name: name, Phone: name}}
	s.Target.Host, s.Target.Database, s.Operator.Name = name, name, name
	for g := range 40 {
		group := runbook.Group{ID: fmt.Sprintf("g%d", g), Title: name, Due: -time.Hour}
		for i := range 3 {
			group.Items = append(group.Items, runbook.Item{ID: fmt.Sprintf("g%d-%d", g, i), Text: name, Help: name})
		}
		book.Checklist = append(book.Checklist, group)
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		p.Plan.Title, p.Reason = name, name
		if i == 1 {
			for n := range 300 {
				p.Tables = append(p.Tables, phases.TableState{Name: fmt.Sprint(name, n), Role: phases.RoleDelete, Expected: 1_000_000_000_000, Left: -1, Deleted: 3})
			}
		}
		if p.Lock != nil {
			p.Lock.Table = name
			p.Lock.Blockers = []phases.Blocker{{PID: 1, User: name, Application: name, State: name, Query: name}}
		}
		p.Doubt = []string{name}
	}
	for i := range s.Log {
		s.Log[i].Text = name
	}
	s.Observers = append(s.Observers, phases.Observer{Name: name})
	s.Awaited = &phases.Awaited{What: name, Since: s.At}
}

// Whatever things are called and however many there are: every pane at every size
// has the size that was asked for, and lets nothing through that a terminal obeys.
func TestAwkwardRunsAreDrawn(t *testing.T) {
	for kind, name := range oddNames() {
		for i, stage := range []string{"checklist", "locked", "completed"} {
			o, _ := screen(t, stage, 80, 24)
			odd(o.state, name)
			for _, size := range [][2]int{{60, 16}, [][2]int{{120, 40}, {200, 60}, {100, 30}}[i]} {
				o.Resize(size[0], size[1])
				for _, k := range pane.Kinds() {
					o.goTo(k.ID)
					frame := frameText(o)
					checkFrame(t, fmt.Sprintf("%s, %s, %s at %v", kind, stage, k.ID, size), frame, size[0], size[1])
					if strings.ContainsAny(frame, "\a\r\x00\u202e\u200f") || strings.Contains(frame, "\x1b]") || strings.Contains(frame, "\x1b[2J") || strings.Contains(frame, "\x1b[31m") {
						t.Fatalf("%s, %s, %s: something came through: %q", kind, stage, k.ID, frame)
					}
				}
			}
		}
	}
}

// Every question too, over such a run.
func TestAwkwardQuestionsAreDrawn(t *testing.T) {
	for kind, name := range oddNames() {
		for _, c := range dialogKeys {
			o, _ := screen(t, c.stage, 60, 16)
			run(o, keyNamed(c.key))
			odd(o.state, name)
			if o.dialog != nil {
				o.dialog.Title = name
				for i := range o.dialog.Fields {
					o.dialog.Fields[i].Edit.SetValue(name)
				}
			}
			for _, keys := range [][]string{nil, {"pgdown", "tab", "ctrl+z"}} {
				for _, key := range keys {
					o.Update(keyNamed(key))
				}
				checkFrame(t, fmt.Sprintf("%s, %s %s", kind, c.stage, c.key), frameText(o), 60, 16)
			}
		}
	}
}

// measured is a screen of which each frame is measured as it is drawn.
type measured struct {
	*Operator
	t     *testing.T
	drawn *int
}

func (m measured) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := m.Operator.Update(msg)
	return m, cmd
}

func (m measured) View() tea.View {
	view := m.Operator.View()
	checkFrame(m.t, "in the storm", view.Content, m.width, m.height)
	*m.drawn++
	return view
}

// A whole program in a storm of sizes, possible ones and lies, goes on drawing, and
// the last size that can be is the one that stands.
func TestResizeStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := screen(t, "running", 80, 24)
		o.now = time.Now
		drawn, out := 0, &output{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := tea.NewProgram(measured{o, t, &drawn}, tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithEnvironment([]string{"TERM=xterm-256color"}), sized())
		ended := make(chan error, 1)
		go func() { _, err := p.Run(); ended <- err }() // ends with Quit
		r := rand.New(rand.NewPCG(1, 1))
		for range 400 {
			w, h := r.IntN(260), r.IntN(90)
			if r.IntN(10) == 0 {
				w, h = []int{0, 1, -7, 10_000, 65_535}[r.IntN(5)], []int{0, 1, -7, 10_000, 65_535}[r.IntN(5)]
			}
			p.Send(tea.WindowSizeMsg{Width: w, Height: h})
			time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
		}
		p.Send(tea.WindowSizeMsg{Width: 100, Height: 30})
		synctest.Wait()
		time.Sleep(time.Second)
		p.Quit()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		time.Sleep(tickIdle) // the last tick, which nobody waits for
		if o.width != 100 || o.height != 30 || drawn < 300 {
			t.Errorf("the screen is %dx%d after the storm, and was drawn %d times", o.width, o.height, drawn)
		}
	})
}

// A terminal that lies about its size costs neither the screen nor the memory.
func TestImpossibleSizesKeepTheLast(t *testing.T) {
	o, _ := screen(t, "running", 80, 24)
	for _, size := range [][2]int{{10_000, 10_000}, {65_535, 3}, {3, 65_535}, {2000, 2000}} {
		run(o, tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		if o.width != 80 || o.height != 24 {
			t.Errorf("%v is taken: %dx%d", size, o.width, o.height)
		}
	}
	run(o, tea.WindowSizeMsg{Width: -3, Height: -9})
	checkFrame(t, "below zero", frameText(o), 0, 0)
}
