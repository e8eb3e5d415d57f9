package ui

import (
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// binding is one key: what it is called, what it does, and why it does nothing
// now. Dispatch, the hint line and the help page read the same table, so a key
// that works is a key that is shown.
//
// A binding with move is a reader's: it changes what is looked at. One with
// open is the operator's: it opens a dialog or sends a command. A table never
// holds the operator's bindings unless there is an operator.
type binding struct {
	id    string   // what next() and tests call it
	keys  []string // as tea.KeyPressMsg.String gives them
	label string   // how hints and help write the keys
	name  string   // in the hint line: one to three words
	help  string   // in the help page: a sentence's part
	group string   // heading in the help page

	steps bool // one of many: no use in a list of what can be done
	own   bool // its caller does it, and the table only names it
	blind bool // ends something: possible on a screen that no longer follows the journal

	move func(v *Viewer)
	can  func(v *Viewer, now time.Time) error // nil: always
	open func(o *Operator, now time.Time) tea.Cmd
}

// keymap is a table of bindings.
type keymap []binding

// press finds the binding of a key.
func (k keymap) press(key string) (binding, bool) {
	for _, b := range k {
		for _, name := range b.keys {
			if name == key {
				return b, true
			}
		}
	}
	return binding{}, false
}

// get finds a binding by its id.
func (k keymap) get(id string) (binding, bool) {
	for _, b := range k {
		if b.id == id {
			return b, true
		}
	}
	return binding{}, false
}

// rows are the table as the help page has it: by heading.
func (k keymap) rows() []look.KeyRow {
	var out []look.KeyRow
	for _, group := range helpGroups() {
		for _, b := range k {
			if b.group == group {
				out = append(out, look.KeyRow{Group: group, Keys: b.keys, Help: b.help})
			}
		}
	}
	return out
}

// The help page's headings.
const (
	groupMove   = "Moving about"
	groupItems  = "Checklist"
	groupRun    = "The run"
	groupReplay = "The replay"
	groupLeave  = "This screen"
)

// helpGroups are the headings in their order.
func helpGroups() []string {
	return []string{groupReplay, groupItems, groupRun, groupMove, groupLeave}
}

// readerKeys are what a reader may press: nothing in it can act.
func readerKeys() keymap {
	out := keymap{
		{id: "up", steps: true, keys: []string{"up", "k"}, label: "↑ k", name: "up", help: "one row or line up", group: groupMove, move: func(v *Viewer) { v.step(-1) }},
		{id: "down", steps: true, keys: []string{"down", "j"}, label: "↓ j", name: "down", help: "one row or line down", group: groupMove, move: func(v *Viewer) { v.step(1) }},
		{id: "pgup", steps: true, keys: []string{"pgup", "ctrl+u"}, label: "pgup", name: "page up", help: "ten rows or lines up", group: groupMove, move: func(v *Viewer) { v.step(-10) }},
		{id: "pgdown", steps: true, keys: []string{"pgdown", "ctrl+d"}, label: "pgdn", name: "page down", help: "ten rows or lines down", group: groupMove, move: func(v *Viewer) { v.step(10) }},
		{id: "top", steps: true, keys: []string{"g", "home"}, label: "g", name: "top", help: "to the top", group: groupMove, move: func(v *Viewer) { v.edge(-1) }},
		{id: "bottom", steps: true, keys: []string{"G", "end"}, label: "G", name: "bottom", help: "to the bottom", group: groupMove, move: func(v *Viewer) { v.edge(1) }},
		{id: "next pane", keys: []string{"tab", "right", "l"}, label: "tab", name: "next pane", help: "the next pane", group: groupMove, move: func(v *Viewer) { v.cycle(1) }},
		{id: "last pane", keys: []string{"shift+tab", "left", "h"}, label: "shift+tab", name: "pane before", help: "the pane before", group: groupMove, move: func(v *Viewer) { v.cycle(-1) }},
	}
	for _, k := range pane.Kinds() {
		name := strings.ToLower(k.Title)
		key := pane.Digit(k.ID)
		if key == "" {
			key = ":" + name // as it is typed into the palette
		}
		out = append(out, binding{
			id: pane.Binding(k.ID), keys: []string{key}, label: key, name: name, help: "the pane " + name, group: groupMove,
			move: func(v *Viewer) { v.goTo(k.ID) }, can: isThere(k),
		})
	}
	return append(out,
		binding{id: "next open", keys: []string{"n"}, label: "n", name: "next open item", help: "the next item that needs you, or else is not done", group: groupMove, move: (*Viewer).nextOpen, can: canNextOpen},
		binding{id: "follow", keys: []string{"f"}, label: "f", name: "follow the run", help: "back to where the run is, and stay with it", group: groupMove, move: (*Viewer).follow},
		binding{id: "filter", keys: []string{"/"}, label: "/", name: "find", help: "show only what has a text in it; esc takes that back", group: groupMove, move: (*Viewer).beginFilter},
		binding{id: "more", keys: []string{pane.KeyMore}, label: pane.KeyMore, name: "more, or less", help: "all about the selected item, or one line of it", group: groupMove, move: func(v *Viewer) { v.nav.more = !v.nav.more }, can: canFold},
		binding{id: "palette", keys: []string{":", "ctrl+p"}, label: ":", name: "all that can be done", help: "all that can be done now, and why not of the rest", group: groupLeave, move: (*Viewer).openPalette},
		binding{id: "help", keys: []string{"?"}, label: "?", name: "keys", help: "the page of keys", group: groupLeave, move: func(v *Viewer) { v.nav.help, v.nav.helpScroll = !v.nav.help, 0 }},
		binding{id: "close", keys: []string{"esc"}, label: "esc", name: "close", help: "close the page of keys, or follow the run again", group: groupLeave, move: (*Viewer).escape},
	)
}

// isThere says why a pane cannot be gone to yet.
func isThere(k pane.Kind) func(*Viewer, time.Time) error {
	return func(v *Viewer, _ time.Time) error {
		if !k.IsThere(v.state) {
			return errors.New("there is nothing in it yet")
		}
		return nil
	}
}

func canNextOpen(v *Viewer, _ time.Time) error {
	items := v.openItems()
	switch {
	case len(items) == 0:
		return errors.New("no item is open")
	case v.nav.focus == pane.Checklist && after(items, rowIndex(v.rows(), v.nav.cursor)) == "":
		return errors.New("no other item is open")
	}
	return nil
}

// watchKeys are a local reader's: it can leave.
func watchKeys() keymap {
	return append(readerKeys(), binding{
		id: "quit", keys: []string{"q", "ctrl+c"}, label: "q", name: "leave", help: "leave; the run goes on", group: groupLeave,
		open: func(*Operator, time.Time) tea.Cmd { return tea.Quit },
	})
}

// operatorKeys are the operator's: a reader's, and those that act.
func operatorKeys() keymap {
	return append(readerKeys(),
		binding{id: "tick", keys: []string{"space"}, label: "space", name: "tick", help: "tick or sign the item, or take that back", group: groupItems, can: onItem(canTickItem), open: (*Operator).tick},
		binding{id: "edit", keys: []string{"enter"}, label: "enter", name: "fill in", help: "fill in what the item records, or sign it", group: groupItems, can: onItem(canEditItem), open: (*Operator).edit},
		binding{id: "action", keys: []string{"x"}, label: "x", name: "do it", help: "have the item's work done, or cancel it", group: groupItems, can: onItem(canActItem), open: (*Operator).action},
		binding{id: "recheck", keys: []string{"r"}, label: "r", name: "check again", help: "ask the item's check again; elsewhere, all checks", group: groupItems, can: anyRun, open: (*Operator).recheck},
		binding{id: "waive", keys: []string{"v"}, label: "v", name: "waive", help: "waive the item by name, or take that back", group: groupItems, can: canWaive, open: (*Operator).waive},
		binding{id: "decide", keys: []string{"D"}, label: "D", name: "decide", help: "a smoke test failed: go on, or restore or undo", group: groupItems, can: canDecide, open: (*Operator).decide},

		binding{id: "acknowledge", keys: []string{"u"}, label: "u", name: "understood", help: "take on by its name what was found that is grave", group: groupRun, can: asks(acknowledgeNow), open: (*Operator).acknowledge},
		binding{id: "go", keys: []string{"o"}, label: "o", name: "GO", help: "GO: open the gate", group: groupRun, can: asks(goNow), open: (*Operator).passGate},
		binding{id: "no-go", keys: []string{"N"}, label: "N", name: "NO-GO", help: "NO-GO: end the run before its first phase", group: groupRun, can: asks(noGoNow), open: (*Operator).declareNoGo},
		binding{id: "start", keys: []string{"s"}, label: "s", name: "start the phase", help: "start the next phase", group: groupRun, can: asks(startNow), open: (*Operator).startPhase},
		binding{id: "commit", keys: []string{"c"}, label: "c", name: "COMMIT", help: "COMMIT the phase that waits for it", group: groupRun, can: asks(commitNow), open: (*Operator).commit},
		binding{id: "rollback", keys: []string{"b"}, label: "b", name: "ROLLBACK", help: "ROLLBACK: take the open phase back", group: groupRun, blind: true, can: asks(rollbackNow), open: (*Operator).rollback},
		binding{id: "session", keys: []string{"t"}, label: "t", name: "end a session", help: "cancel or end a session that blocks the phase, or the item's check", group: groupRun, can: canEndSession, open: (*Operator).endSession},
		binding{id: "skip", keys: []string{"S"}, label: "S", name: "skip maintenance", help: "leave out what runs after a COMMIT", group: groupRun, can: asks(skipNow), open: (*Operator).skipMaintenance},
		binding{id: "extend", keys: []string{"e"}, label: "e", name: "extend the window", help: "move the abort limit", group: groupRun, can: asks(extendNow), open: (*Operator).extend},
		binding{id: "schedule", keys: []string{"T"}, label: "T", name: "go early, or late", help: "go early, or late, where the planned time holds", group: groupRun, can: canLeaveSchedule, open: (*Operator).leaveSchedule},
		binding{id: "accept", keys: []string{"A"}, label: "A", name: "accept as committed", help: "let a phase count as committed whose rows are back", group: groupRun, can: asks(acceptNow), open: (*Operator).accept},
		binding{id: "leave fence", keys: []string{"L"}, label: "L", name: "leave it off", help: "leave a fence as it is that cannot be brought back", group: groupRun, can: canLeaveFence, open: (*Operator).leaveFence},
		binding{id: "abort", keys: []string{"a"}, label: "a", name: "abort", help: "abort the run; an open phase is rolled back", group: groupRun, blind: true, can: asks(abortNow), open: (*Operator).abort},
		binding{id: "close run", keys: []string{"d"}, label: "d", name: "close the run", help: "close the run when all is done", group: groupRun, can: asks(closeNow), open: (*Operator).closeRun},
		binding{id: "tell", keys: []string{"m"}, label: "m", name: "send again", help: "send again what a channel did not take", group: groupRun, can: canTellAgain, open: (*Operator).tellAgain},
		binding{id: "copy", keys: []string{"y"}, label: "y", name: "copy", help: "copy the undo or resume command, or the blocking query", group: groupRun, can: canCopy, open: (*Operator).copyOut},
		binding{id: "note", keys: []string{"w"}, label: "w", name: "write a note", help: "write a note into the execution log", group: groupRun, can: anyRun, open: (*Operator).note},

		binding{id: "quit", keys: []string{"q", "ctrl+c"}, label: "q", name: "leave", help: "leave; an unfinished run can be resumed", group: groupLeave, open: (*Operator).quit},
		binding{id: "suspend", keys: []string{"ctrl+z"}, label: "ctrl+z", name: "suspend", help: "does nothing: it would stop the run too", group: groupLeave, can: func(*Viewer, time.Time) error {
			return errors.New("suspending would stop the run, with its locks held: use another terminal")
		}, open: func(*Operator, time.Time) tea.Cmd { return nil }},
	)
}

var errNoRun = errors.New("the journal is still being read")

// run gives the run, or why there is none to act on.
func (v *Viewer) run() (*phases.State, error) {
	if v.state == nil || v.state.Runbook == nil {
		return nil, errNoRun
	}
	return v.state, nil
}

func anyRun(v *Viewer, _ time.Time) error {
	_, err := v.run()
	return err
}

// asks makes a command's own refusal a binding's. What a dialog asks for is
// filled in with stand-ins, so that only what stands in the way now is left.
func asks(command func(s *phases.State) phases.Command) func(*Viewer, time.Time) error {
	return func(v *Viewer, now time.Time) error {
		s, err := v.run()
		if err != nil {
			return err
		}
		return s.Can(command(s), now)
	}
}

func goNow(s *phases.State) phases.Command {
	return phases.PassGate{Approver: "-", Typed: s.Target.Database}
}

// acknowledgeNow is about the first kind of finding that nobody has taken on.
func acknowledgeNow(s *phases.State) phases.Command {
	code := ""
	if open := s.Unacknowledged(); len(open) > 0 {
		code = open[0].Code
	}
	return phases.Acknowledge{Code: code, Who: "-", Typed: code}
}

func noGoNow(*phases.State) phases.Command { return phases.DeclareNoGo{Reason: "-"} }

func startNow(s *phases.State) phases.Command {
	return phases.StartPhase{Phase: s.CurrentID(), Typed: s.Target.Database}
}

func commitNow(s *phases.State) phases.Command { return phases.Commit{Phase: openID(s)} }

func rollbackNow(s *phases.State) phases.Command {
	return phases.Rollback{Phase: openID(s), Reason: "-"}
}

func extendNow(*phases.State) phases.Command {
	return phases.ExtendWindow{By: "-", Reason: "-", Extra: 10 * time.Minute}
}

func abortNow(*phases.State) phases.Command { return phases.Abort{Reason: "-"} }

func acceptNow(s *phases.State) phases.Command {
	return phases.AcceptUndone{Phase: s.CurrentID(), Reason: "-"}
}

func skipNow(*phases.State) phases.Command { return phases.SkipMaintenance{} }

func closeNow(*phases.State) phases.Command { return phases.CloseRun{} }

// onItem makes what is possible on an item a binding's, for the selected one.
func onItem(can func(v *Viewer, it runbook.Item, now time.Time) error) func(*Viewer, time.Time) error {
	return func(v *Viewer, now time.Time) error {
		it, err := v.selected()
		if err != nil {
			return err
		}
		return can(v, it, now)
	}
}

func canTickItem(v *Viewer, it runbook.Item, now time.Time) error {
	s := v.state
	if it.Sign != "" {
		return canSign(v, it, now)
	}
	if s.Item(it.ID).Ticked {
		return s.Can(phases.Untick{Item: it.ID}, now)
	}
	if it.Check == nil && s.Ask(it).Need == phases.NeedField {
		return canEditItem(v, it, now) // the form comes first, then the tick
	}
	return s.Can(phases.Tick{Item: it.ID}, now)
}

func canEditItem(v *Viewer, it runbook.Item, now time.Time) error {
	it, _ = v.filled(it, now)
	if len(it.Fields) == 0 {
		return nothingToFill(v, it, now)
	}
	return v.state.Can(phases.Record{Item: it.ID, Field: it.Fields[0].ID}, now)
}

func canActItem(v *Viewer, it runbook.Item, now time.Time) error {
	if it.Message != "" {
		return v.state.Can(itemTells(v.state, it)[0], now)
	}
	if v.state.Can(phases.CancelAction{Item: it.ID}, now) == nil {
		return nil
	}
	return v.state.Can(phases.Act{Item: v.acted(it, now).ID}, now)
}

// openID is the open phase's id; empty when none is open.
func openID(s *phases.State) string {
	if p := s.OpenPhase(); p != nil {
		return p.Plan.ID
	}
	return ""
}
