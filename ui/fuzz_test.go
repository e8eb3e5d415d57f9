package ui

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/dialog"
)

// witness is an engine that looks at how each command came to be. With a script
// the run goes on, but for what would end it; without one it stands.
type witness struct {
	t        testing.TB
	script   *script
	question *dialog.Dialog // in front when the last key came
	key      string
	rested   time.Duration // of the keyboard, before that key
	touched  time.Time
	asked    time.Time     // when the checks were, last
	ahead    time.Duration // how far the clocks have jumped
	sent     map[string]int
}

// free are the commands that a key sends at once: each of them is taken back by
// another key, or only looks.
func free(c phases.Command) bool {
	switch c.(type) {
	case phases.Tick, phases.Untick, phases.Recheck, phases.TakeBackWaiver:
		return true
	}
	return false
}

func (w *witness) Do(c phases.Command) error {
	w.sent[strings.TrimPrefix(fmt.Sprintf("%T", c), "phases.")]++
	if !free(c) {
		w.confirmed(c)
	}
	s := w.script
	if s == nil {
		return nil
	}
	if err := s.state.Can(c, s.now); err != nil {
		return err
	}
	switch c := c.(type) {
	case phases.Abort, phases.DeclareNoGo, phases.CloseRun:
		return errors.New("the run goes on")
	case phases.Rollback:
		s.record(phases.PhaseRolledBack{Phase: c.Phase, Reason: c.Reason, By: "dba@ops1"})
		return nil
	case phases.Tick, phases.Record, phases.Recheck, phases.Act, phases.Tell, phases.Acknowledge, phases.PassGate, phases.StartPhase, phases.Commit, phases.Sign, phases.Withdraw:
		return s.Do(c)
	case phases.Recorded:
		events, err := c.Events(s.state, "dba@ops1", s.now)
		for _, e := range events {
			s.record(e)
		}
		return err
	}
	return fmt.Errorf("no answer to %T", c)
}

// confirmed holds a command against the question that it answers.
func (w *witness) confirmed(c phases.Command) {
	d := w.question
	switch {
	case d == nil:
		w.t.Errorf("%#v is sent without a question, by %s", c, w.key)
	case w.key != "enter" && w.key != "y":
		w.t.Errorf("%#v is sent by %s", c, w.key)
	case d.Careful && w.rested < dialog.ArmAfter:
		w.t.Errorf("%#v is sent %s after another key", c, w.rested)
	default:
		for i, f := range d.Fields {
			if f.Must != "" && d.Values()[i] != f.Must {
				w.t.Errorf("%#v is sent without %q", c, f.Must)
			}
		}
	}
}

// witnessed gives a screen its engine, and clocks that run in fake time.
func witnessed(t *testing.T, o *Operator, s *script) *witness {
	t.Helper()
	w := &witness{t: t, script: s, sent: map[string]int{}}
	from, begun := o.now(), time.Now()
	o.do, o.mouses = w.Do, true
	o.now = func() time.Time { return from.Add(time.Since(begun) + w.ahead) }
	return w
}

// renew keeps evidence young, as an engine does, and a phase on hold.
func (w *witness) renew(o *Operator) {
	now := o.now()
	if s := w.script; s != nil {
		s.now = now
		if now.Sub(w.asked).Abs() > 10*time.Second {
			w.asked = now
			s.checks()
			feed(w.t, o, s)
		}
		return
	}
	for _, it := range o.state.Items {
		if it.Check != nil {
			it.Check.At = now
		}
	}
	if v, ok := o.state.Fields["backup_time"]; ok {
		v.Value = now.Format(time.RFC3339)
		o.state.Fields["backup_time"] = v
	}
	if p := o.state.OpenPhase(); p != nil && !p.HoldUntil.IsZero() {
		p.HoldUntil = now.Add(time.Minute)
	}
}

func (w *witness) paste(o *Operator, text string) {
	w.touched = o.now()
	run(o, tea.PasteMsg{Content: text})
}

// anyKey is a key that somebody may press.
func anyKey(r *rand.Rand) tea.KeyPressMsg {
	const letters = "abcdefghijklmnopqrstuvwxyzADGLNST0123456789 ?/:é界"
	named := []string{"enter", "esc", "tab", "shift+tab", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "space", "backspace", "ctrl+z", "ctrl+c", "ctrl+u", "ctrl+p"}
	if r.IntN(3) == 0 {
		return keyNamed(named[r.IntN(len(named))])
	}
	all := []rune(letters)
	return keyNamed(string(all[r.IntN(len(all))]))
}

// Thousands of keys, pastes, clicks, sizes, events and jumps of the clock, at every
// stage: nothing fails, each frame has the size that was asked for, and nothing
// that wants a confirmation is sent without its question having been answered.
func TestAnyKeysAndPastes(t *testing.T) {
	sent := map[string]int{}
	for i, stage := range fixtureStages {
		t.Run(strings.ReplaceAll(stage, " ", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, _ := screen(t, stage, 80, 24)
				w := witnessed(t, o, nil)
				w.sent = sent
				fuzz(t, rand.New(rand.NewPCG(uint64(i), 3)), o, w, 250)
			})
		})
	}
	for _, c := range []string{"Tick", "Untick", "Record", "PassGate", "DeclareNoGo", "StartPhase", "Commit", "Rollback", "Abort", "EndBackend", "ExtendWindow", "Note"} {
		if sent[c] == 0 {
			t.Errorf("%s was never sent, and so not looked at: %v", c, sent)
		}
	}
}

// The same on a run that goes on beneath the keys.
func TestAnyKeysWhileTheRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		o, _ := blank(t)
		w := witnessed(t, o, s)
		o.Resize(80, 24)
		feed(t, o, s)
		fuzz(t, rand.New(rand.NewPCG(3, 14)), o, w, 800)
		if w.sent["Tick"] == 0 || w.sent["Record"] == 0 || w.sent["Act"] == 0 || o.state.Seq < 60 {
			t.Errorf("the run does not move: %v, %d events", w.sent, o.state.Seq)
		}
	})
}

// pastes are texts that somebody, or something, may paste.
func pastes() []string {
	return []string{
		"y\ny\ny\n", "gym_demo", "COMMIT\n\n\n", "\x1b[A\x1b]0;owned\a\x1b[2J", strings.Repeat("界", 3000), "\u202egym_demo", "key-refuses", "now", "",
	}
}

func fuzz(t *testing.T, r *rand.Rand, o *Operator, w *witness, presses int) {
	sizes := [][2]int{{80, 24}, {120, 40}, {60, 16}, {200, 60}, {0, 0}, {1, 1}, {59, 16}, {-3, 9}, {10_000, 10_000}}
	for n := range presses {
		time.Sleep([]time.Duration{0, time.Millisecond, 300 * time.Millisecond, dialog.ArmAfter, dialog.ArmAfter, 20 * time.Second}[r.IntN(6)])
		if r.IntN(40) == 0 {
			w.ahead = time.Duration(r.IntN(600)-300) * time.Second
		}
		w.renew(o)
		what := someMessage(r, o, w, pastes(), sizes)
		if s := w.script; s != nil && o.state.Seq < s.state.Seq {
			feed(t, o, s)
		}
		if n%8 == 0 || o.small() {
			checkFrame(t, fmt.Sprintf("after %d, %s", n, what), frameText(o), o.width, o.height)
		}
		if t.Failed() {
			t.Fatalf("at step %d, by %s:\n%s", n, what, frameText(o))
		}
	}
}

// someMessage sends a screen something, and says what it was.
func someMessage(r *rand.Rand, o *Operator, w *witness, pasted []string, sizes [][2]int) string {
	press := func(k tea.KeyPressMsg) string {
		w.question, w.key = nil, k.String()
		if at := o.front(); at != nil {
			w.question = *at
		}
		w.rested, w.touched = o.now().Sub(w.touched), o.now()
		run(o, k)
		return k.String()
	}
	switch n := r.IntN(100); {
	case o.small() && n < 40:
		run(o, tea.WindowSizeMsg{Width: 80, Height: 24})
		return "80x24"
	case n < 10, n < 40 && o.dialog == nil:
		return press(anyKey(r))
	case n < 80 && o.dialog != nil && o.leaving == nil:
		return answerSome(r, o, w, press)
	case n < 80 && o.leaving != nil:
		return press(keyNamed("esc"))
	case n < 80:
		if ids := o.next(o.now()).keys; len(ids) > 0 {
			if b, ok := o.keys.get(ids[r.IntN(len(ids))*r.IntN(2)]); ok {
				return press(keyNamed(b.keys[0]))
			}
		}
	case n < 84:
		text := pasted[r.IntN(len(pasted))]
		w.paste(o, text)
		return fmt.Sprintf("paste of %.20q", text)
	case n < 90:
		m := tea.Mouse{X: r.IntN(220) - 5, Y: r.IntN(70) - 5, Button: []tea.MouseButton{tea.MouseLeft, tea.MouseRight, tea.MouseWheelUp, tea.MouseWheelDown, tea.MouseMiddle}[r.IntN(5)]}
		if m.Button == tea.MouseWheelDown || m.Button == tea.MouseWheelUp {
			run(o, tea.MouseWheelMsg(m))
		} else {
			run(o, tea.MouseClickMsg(m))
		}
		return m.String()
	case n < 93:
		size := sizes[r.IntN(len(sizes))]
		run(o, tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		return fmt.Sprint(size)
	case n < 96 && w.script != nil:
		w.script.checks()
	default:
		o.Update(tickMsg{})
	}
	return "time"
}

// answerSome does one step of what a person would do with the question in front.
func answerSome(r *rand.Rand, o *Operator, w *witness, press func(tea.KeyPressMsg) string) string {
	d := o.dialog
	if d.Focus >= len(d.Fields) {
		if d.Focus < len(d.Fields)+d.Yes() && r.IntN(4) > 0 {
			return press(keyNamed("right"))
		}
		return press(keyNamed([]string{"enter", "enter", "y", "left"}[r.IntN(4)]))
	}
	f := &d.Fields[d.Focus]
	switch {
	case f.Must != "" && f.Edit.Value() != f.Must:
		press(keyNamed("ctrl+u"))
		w.paste(o, f.Must)
		return "the word"
	case f.Edit.Value() == "" && dialog.ExampleOf(f.Field) != "":
		return press(keyNamed("tab"))
	case f.Edit.Value() == "":
		w.paste(o, "somebody")
		return "a word"
	}
	return press(keyNamed("enter"))
}
