package pick

import (
	"errors"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/ui/look"
)

// binding is one key: what it is called, what it does, and why it does nothing
// now. Dispatch, the hint line and the help page read the same table.
type binding struct {
	id    string
	keys  []string // as tea.KeyPressMsg.String gives them
	label string   // how hints write the keys
	name  string   // in the hint line
	help  string   // in the help page: a sentence's part
	group string   // heading in the help page
	can   func(s *Screen) error
	do    func(s *Screen) tea.Cmd
}

type keymap []binding

func (k keymap) press(key string) (binding, bool) {
	i := slices.IndexFunc(k, func(b binding) bool { return slices.Contains(b.keys, key) })
	if i < 0 {
		return binding{}, false
	}
	return k[i], true
}

func (k keymap) get(id string) binding {
	return k[slices.IndexFunc(k, func(b binding) bool { return b.id == id })]
}

// The help page's headings.
const (
	groupTables = "The tables"
	groupMove   = "Moving about"
	groupLeave  = "This screen"
)

func bindings() keymap {
	return keymap{
		{id: "clear", keys: []string{"space"}, label: "space", name: "clear", help: "tick the table to be cleared; again takes that back", group: groupTables, can: canClear, do: (*Screen).clear},
		{id: "protect", keys: []string{"p"}, label: "p", name: "protect", help: "protect the table, as it is; again takes that back", group: groupTables, can: canProtect, do: (*Screen).protect},
		{id: "yes", keys: []string{"y"}, label: "y", name: "as proposed", help: "do with the table as is proposed: clear? or protect?", group: groupTables, can: canYes, do: (*Screen).yes},
		{id: "protect all", keys: []string{"Y"}, label: "Y", name: "protect as proposed", help: "protect all tables that this is proposed for", group: groupTables, can: canProtectAll, do: (*Screen).protectAll},
		{id: "go", keys: []string{"enter"}, label: "enter", name: "go on", help: "go on: what would be written, and where", group: groupTables, can: canGo, do: (*Screen).goOn},

		{id: "up", keys: []string{"up", "k"}, label: "↑ k", name: "up", help: "one line up", group: groupMove, do: moves(-1)},
		{id: "down", keys: []string{"down", "j"}, label: "↓ j", name: "down", help: "one line down", group: groupMove, do: moves(1)},
		{id: "pgup", keys: []string{"pgup", "ctrl+u"}, label: "pgup", name: "page up", help: "ten lines up", group: groupMove, do: moves(-10)},
		{id: "pgdown", keys: []string{"pgdown", "ctrl+d"}, label: "pgdn", name: "page down", help: "ten lines down", group: groupMove, do: moves(10)},
		{id: "top", keys: []string{"g", "home"}, label: "g", name: "top", help: "to the top", group: groupMove, do: moves(-farAway)},
		{id: "bottom", keys: []string{"G", "end"}, label: "G", name: "bottom", help: "to the bottom", group: groupMove, do: moves(farAway)},
		{id: "next", keys: []string{"n"}, label: "n", name: "next proposal", help: "the next table with a proposal", group: groupMove, can: canNext, do: (*Screen).next},
		{id: "aside", keys: []string{"tab", "shift+tab", "left", "right"}, label: "tab", name: "what follows", help: "from the tables to what follows, and back", group: groupMove, do: (*Screen).turn},
		{id: "filter", keys: []string{"/"}, label: "/", name: "find", help: "find tables by a part of their names", group: groupMove, do: (*Screen).find},
		{id: "sort", keys: []string{"s"}, label: "s", name: "sort", help: "sort by what would go, by size, by name", group: groupMove, do: (*Screen).resort},

		{id: "help", keys: []string{"?"}, label: "?", name: "keys", help: "this page", group: groupLeave, do: (*Screen).turnHelp},
		{id: "back", keys: []string{"esc"}, label: "esc", name: "back", help: "close this page, show all tables again, or leave", group: groupLeave, do: (*Screen).back},
		{id: "quit", keys: []string{"q", "ctrl+c"}, label: "q", name: "leave", help: "leave; nothing is written", group: groupLeave, do: func(*Screen) tea.Cmd { return tea.Quit }},
	}
}

// farAway is further than any list is long.
const farAway = 1 << 30

func canClear(s *Screen) error {
	r, err := s.current()
	if err == nil && s.marks[r.Relation.OID] == toProtect {
		return errors.New(r.name + " is protected: p takes that back")
	}
	return err
}

func (s *Screen) clear() tea.Cmd { return s.flip(toClear) }

func canProtect(s *Screen) error {
	r, err := s.current()
	if err == nil && s.marks[r.Relation.OID] == toClear {
		return errors.New(r.name + " is ticked: space takes that back")
	}
	return err
}

func (s *Screen) protect() tea.Cmd { return s.flip(toProtect) }

// flip gives the current row a mark, or takes it back.
func (s *Screen) flip(to mark) tea.Cmd {
	r, err := s.current()
	if err != nil {
		return nil
	}
	if s.marks[r.Relation.OID] == to {
		to = unmarked
	}
	return s.put(to, r)
}

func canYes(s *Screen) error {
	r, err := s.current()
	switch {
	case err != nil:
		return err
	case r.Proposal == draft.NoProposal:
		return errors.New("nothing is proposed for " + r.name + ": space clears it, p protects it")
	case !s.open(r):
		return errors.New("that is decided: space and p take it back")
	}
	return nil
}

func (s *Screen) yes() tea.Cmd {
	r, err := s.current()
	if err != nil {
		return nil
	}
	if r.Proposal == draft.ProposeClear {
		return s.put(toClear, r)
	}
	return s.put(toProtect, r)
}

// proposed are the rows that wait to be protected.
func (s *Screen) proposed() []row {
	return slices.DeleteFunc(slices.Clone(s.rows), func(r row) bool { return r.Proposal != draft.ProposeProtect || !s.open(r) })
}

func canProtectAll(s *Screen) error {
	if len(s.proposed()) == 0 {
		return errors.New("no table is left that is proposed to protect")
	}
	return nil
}

func (s *Screen) protectAll() tea.Cmd {
	rows := s.proposed()
	cmd := s.put(toProtect, rows...)
	s.say(phases.LevelInfo, look.Plural(len(rows), "table is", "tables are")+" protected now.")
	return cmd
}

func canNext(s *Screen) error {
	if !slices.ContainsFunc(s.shown, s.open) {
		return errors.New("no proposal is open")
	}
	return nil
}

func (s *Screen) next() tea.Cmd {
	for i := range s.shown {
		if at := (s.cursor + 1 + i) % len(s.shown); s.open(s.shown[at]) {
			s.cursor = at
			return nil
		}
	}
	return nil
}

// canGo says why there is nothing to go on with. What is not worked out yet may
// turn out well.
func canGo(s *Screen) error {
	switch {
	case s.count(toClear) == 0:
		return errors.New("nothing is ticked: space ticks the table under the cursor")
	case s.settled() && s.worked.err != nil:
		first, _, more := strings.Cut(s.worked.err.Error(), "\n")
		if more {
			first += "; tab leads to the others"
		}
		return errors.New(first)
	}
	return nil
}

func (s *Screen) goOn() tea.Cmd {
	if !s.settled() {
		s.going = true
		s.say(phases.LevelInfo, "One moment: what follows is being worked out.")
		return nil
	}
	return s.ask()
}

// moves goes up or down in what has the keys.
func moves(by int) func(*Screen) tea.Cmd {
	return func(s *Screen) tea.Cmd {
		switch {
		case s.help:
			s.helpScroll += by
		case s.aside:
			s.scroll += by
		default:
			s.cursor += by
		}
		return nil
	}
}

func (s *Screen) turn() tea.Cmd {
	s.aside = !s.aside
	return nil
}

func (s *Screen) find() tea.Cmd {
	s.typing, s.aside = true, false
	return s.filter.Focus()
}

func (s *Screen) resort() tea.Cmd {
	s.sort = (s.sort + 1) % orders
	s.pickShown()
	s.cursor = 0
	s.say(phases.LevelInfo, "Sorted "+s.sort.String()+".")
	return nil
}

func (s *Screen) turnHelp() tea.Cmd {
	s.help, s.helpScroll = !s.help, 0
	return nil
}

func (s *Screen) back() tea.Cmd {
	switch {
	case s.help:
		s.help = false
	case s.filter.Value() != "":
		s.filter.SetValue("")
		s.pickShown()
	case s.aside:
		s.aside = false
	default:
		return tea.Quit
	}
	return nil
}

// key goes to the dialog, to the filter, or to the table of keys.
func (s *Screen) key(msg tea.KeyPressMsg) tea.Cmd {
	s.said, s.going = "", false
	name := msg.String()
	switch {
	case name == "ctrl+c":
		return tea.Quit
	case s.small():
		if s.dialog == nil && (name == "q" || name == "esc") {
			return tea.Quit
		}
		return nil // nobody answers what nobody can read
	case s.dialog != nil:
		d := s.dialog
		cmd, done := d.Key(msg, s.now())
		if done {
			s.dialog = nil
		}
		return cmd
	case s.typing && s.typed(msg):
		return nil
	}
	b, known := s.keys.press(name)
	if !known || s.help && b.group == groupTables {
		s.say(phases.LevelInfo, look.Sanitize(name)+" does nothing here: ? shows the keys.")
		return nil
	}
	if b.can != nil {
		if err := b.can(s); err != nil {
			s.say(phases.LevelWarn, b.label+" ("+b.name+"): "+err.Error()+".")
			return nil
		}
	}
	return b.do(s)
}

// typed has a key for the filter; it tells whether that was all.
func (s *Screen) typed(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "esc":
		s.filter.SetValue("")
	case "enter":
	case "up", "down", "pgup", "pgdown", "tab":
		s.endTyping()
		return false
	default:
		s.filter, _ = s.filter.Update(msg)
		s.pickShown()
		return true
	}
	s.endTyping()
	s.pickShown()
	return true
}

func (s *Screen) endTyping() {
	s.typing = false
	s.filter.Blur()
}

// paste goes into what is typed, and nowhere else.
func (s *Screen) paste(msg tea.PasteMsg) {
	switch {
	case s.small():
	case s.dialog != nil:
		s.dialog.Paste(msg, s.now())
	case s.typing:
		s.filter, _ = s.filter.Update(tea.PasteMsg{Content: look.Sanitize(msg.Content)})
		s.pickShown()
	default:
		s.say(phases.LevelInfo, "Pasted text has no place here.")
	}
}
