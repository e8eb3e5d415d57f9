package pick

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/ui"
	"tminus/ui/dialog"
	"tminus/ui/look"
)

// mark is what somebody has said of a table.
type mark int

const (
	unmarked mark = iota
	toClear
	toProtect
)

// row is a table of the list.
type row struct {
	*draft.Candidate
	name string // as a runbook writes it
	find string // what the filter looks into
}

// order is how the list is sorted.
type order int

const (
	byReach order = iota
	bySize
	byName
	orders
)

func (o order) String() string {
	return [...]string{"by what would go", "by size", "by name"}[o]
}

// Screen is the choice as it stands, and how it is looked at. It is a tea.Model.
type Screen struct {
	opts    Options
	dress   look.Dress
	manners ui.Manners
	styles  *look.Styles
	now     func() time.Time
	choices *draft.Choices
	book    *runbook.Runbook // for names alone
	keys    keymap

	rows   []row        // in the order of draft.Propose
	widest []look.Field // as wide as the widest of them
	by     map[uint32]row
	marks  map[uint32]mark
	given  []string // protected by a name that is none of the list's, such as a partition's

	fates  map[uint32]draft.Fate // at once, with each tick
	amount draft.Amount
	gen    int       // how often the choice has changed
	worked workedMsg // what follows from it, or from one before
	busy   bool      // that is being worked out
	going  bool      // enter waits for it

	width, height int
	shown         []row // those that the filter lets through, as sorted
	sort          order
	cursor, top   int // in shown: the row under the cursor, and the first in sight
	filter        textinput.Model
	typing        bool // keys go into the filter
	aside         bool // keys go to what follows
	scroll        int
	text          []look.Line // what follows, wrapped
	textWidth     int
	stale         bool // text is that of another choice
	help          bool
	helpScroll    int
	said          string // the answer to the last key
	saidLevel     phases.Level
	dialog        *dialog.Dialog
	written       bool
}

// New makes a screen on a terminal, on which nothing is chosen but what the wish
// protects.
// Names that the wish has and the schema has not are draft.Known's to find.
func New(opts Options, on ui.Options) *Screen {
	dress := look.NewDress(on.Looks.Theme, on.Env)
	s := &Screen{
		opts: opts, dress: dress, manners: ui.MannersOf(on.Env), styles: dress.Styles(), now: time.Now, choices: draft.Propose(opts.Schema), book: &runbook.Runbook{},
		keys: bindings(), by: map[uint32]row{}, marks: map[uint32]mark{}, filter: dialog.NewField("", runbook.Field{}, "").Edit, stale: true,
	}
	if book, err := runbook.Deleting(cmp.Or(opts.Wish.Schema, "public"), nil); err == nil {
		s.book = book
	}
	for _, t := range s.choices.Tables {
		name := s.book.TableName(t.Relation.Schema, t.Relation.Name)
		r := row{Candidate: t, name: name, find: strings.ToLower(name)}
		s.rows = append(s.rows, r)
		s.by[t.Relation.OID] = r
	}
	for _, name := range opts.Wish.Protect {
		r := opts.Schema.Find(s.book.SplitTable(name))
		if r == nil || s.by[r.OID].Candidate == nil {
			s.given = append(s.given, name)
			continue
		}
		s.marks[r.OID] = toProtect
	}
	s.widest = s.widestOf(s.rows)
	s.pickShown()
	return s
}

// wish is the choice.
func (s *Screen) wish() draft.Wish {
	w := draft.Wish{Schema: s.opts.Wish.Schema, Protect: slices.Clone(s.given)}
	for _, r := range s.rows {
		switch s.marks[r.Relation.OID] {
		case toClear:
			w.Clear = append(w.Clear, r.name)
		case toProtect:
			w.Protect = append(w.Protect, r.name)
		}
	}
	return w
}

// count is how many tables have a mark.
func (s *Screen) count(m mark) int {
	n := 0
	for _, r := range s.rows {
		if s.marks[r.Relation.OID] == m {
			n++
		}
	}
	return n
}

// current is the row under the cursor, or why there is none.
func (s *Screen) current() (row, error) {
	if s.cursor >= len(s.shown) {
		return row{}, errors.New("no table is in sight: esc takes the filter back")
	}
	return s.shown[s.cursor], nil
}

// open reports whether a row's proposal waits for an answer.
func (s *Screen) open(r row) bool {
	return r.Proposal != draft.NoProposal && s.marks[r.Relation.OID] == unmarked
}

// put marks tables, and has worked out what follows.
func (s *Screen) put(m mark, rows ...row) tea.Cmd {
	for _, r := range rows {
		s.marks[r.Relation.OID] = m
	}
	var cleared []*schema.Relation
	for _, r := range s.rows {
		if s.marks[r.Relation.OID] == toClear {
			cleared = append(cleared, r.Relation)
		}
	}
	s.fates, s.amount = s.choices.Follow(cleared)
	s.gen++
	s.scroll, s.stale = 0, true
	return s.work()
}

// settled reports whether what follows is that of the choice as it stands.
func (s *Screen) settled() bool { return s.worked.gen == s.gen }

// work works out what follows from the choice, one at a time.
func (s *Screen) work() tea.Cmd {
	if s.busy || s.settled() {
		return nil
	}
	if s.count(toClear) == 0 {
		s.worked = workedMsg{gen: s.gen}
		return nil
	}
	s.busy = true
	of, w, gen := s.opts.Schema, s.wish(), s.gen
	return func() tea.Msg {
		d, err := draft.New(of, w)
		return workedMsg{gen: gen, draft: d, err: err}
	}
}

// take takes what was worked out; if the choice has changed since, it begins anew.
func (s *Screen) take(msg workedMsg) tea.Cmd {
	s.busy, s.worked, s.stale = false, msg, true
	if !s.settled() {
		return s.work()
	}
	if s.going {
		s.going, s.said = false, ""
		return s.ask()
	}
	return nil
}

// pickShown filters and sorts the list anew; the cursor stays on its table.
func (s *Screen) pickShown() {
	before, err := s.current()
	needle := strings.ToLower(strings.TrimSpace(s.filter.Value()))
	s.shown = nil
	for _, r := range s.rows {
		if strings.Contains(r.find, needle) {
			s.shown = append(s.shown, r)
		}
	}
	switch s.sort {
	case bySize:
		slices.SortStableFunc(s.shown, func(a, b row) int { return cmp.Compare(b.Bytes, a.Bytes) })
	case byName:
		slices.SortStableFunc(s.shown, func(a, b row) int { return cmp.Compare(a.name, b.name) })
	}
	at := slices.IndexFunc(s.shown, func(r row) bool { return r.Candidate == before.Candidate })
	if err != nil || at < 0 {
		at = 0
	}
	s.cursor = at
}

func (s *Screen) say(level phases.Level, text string) { s.said, s.saidLevel = text, level }
