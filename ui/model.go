package ui

import (
	"errors"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/runbook"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// ViewerOptions is what a Viewer is told once.
type ViewerOptions struct {
	Styles   *look.Styles // nil: PlainStyles
	ReadOnly string       // shown in the header, "READ-ONLY"; empty on the operator's screen
	Journal  string       // the journal's path as the reader knows it; shown at the end; may be empty
	Note     string       // one sentence that the header shows, such as where the mirror listens; may be empty
	HostKey  string       // the fingerprint of the mirror's host key, shown whole; empty without a mirror
}

// Viewer is the screen that looks and cannot touch: what is known of a run, and
// where the reader stands in it. It holds no Commander and can be given none.
// The zero value is not usable: NewViewer gives one. A Viewer belongs to one
// goroutine.
type Viewer struct {
	opts   ViewerOptions
	styles *look.Styles
	keys   keymap
	lead   []string      // bindings that stand first in the hint line
	home   pane.ID       // where the reader stands by themselves; empty: where the run is
	state  *phases.State // nil before the first record
	fault  error         // why the journal is not read on; nil while it is
	saying said          // stands where the run's own word would; empty for that
	clock  time.Time     // as of the last key or tick; zero where nobody tells
	width  int
	height int
	nav    nav
}

// nav is where the reader stands.
type nav struct {
	focus      pane.ID // keys go there
	main       pane.ID // in the main rectangle
	place      string  // where the run is: changes when the screen should turn to something else
	want       pane.ID // the pane for that
	moved      bool    // the reader went somewhere else
	stays      bool    // at home: the screen turns to nothing else by itself
	cursor     string  // id of the selected item
	chosen     bool    // the reader has moved it since the last act: it stays there
	scroll     map[pane.ID]int
	filters    map[pane.ID]string // what is looked for in a pane; none where it is all shown
	typing     pane.ID            // whose filter is being typed; empty for none
	palette    palette
	more       bool   // what is folded where there is little room is open
	called     string // what the operator was called back for last
	help       bool
	helpScroll int
}

// NewViewer gives a Viewer of a run of which nothing is known yet.
func NewViewer(opts ViewerOptions) *Viewer {
	if opts.Styles == nil {
		opts.Styles = look.PlainStyles()
	}
	return &Viewer{
		opts: opts, styles: opts.Styles, keys: readerKeys(),
		nav: nav{focus: pane.Checklist, main: pane.Checklist, want: pane.Checklist, scroll: map[pane.ID]int{}, filters: map[pane.ID]string{}},
	}
}

// Fold moves what is known on by records of the journal, in their order. On an
// error the records before it are taken, and the screen says that it stopped;
// the same error comes back from every later call.
func (v *Viewer) Fold(recs []journal.Record) error {
	if v.fault != nil {
		return v.fault
	}
	if len(recs) == 0 {
		return nil
	}
	if v.state == nil {
		v.state = &phases.State{}
	}
	for _, rec := range recs {
		if err := v.state.Apply(rec); err != nil {
			v.fault = err
			break
		}
	}
	v.turn()
	return v.fault
}

// Show makes the viewer draw a state that somebody else folds, such as one that
// many screens share. Whoever folds it must not do so during a call of the
// viewer's, and calls Show again after each change.
func (v *Viewer) Show(s *phases.State) {
	v.state = s
	v.turn()
}

// Stop makes the screen say why the journal is not read on.
func (v *Viewer) Stop(err error) { v.fault = err }

// State is what is known of the run; nil before its first record. It is read only.
func (v *Viewer) State() *phases.State { return v.state }

// Resize tells the viewer the terminal's size in cells. Any size will do; one that
// no terminal has keeps the last.
func (v *Viewer) Resize(width, height int) {
	if !plausible(width, height) {
		return
	}
	v.width, v.height = max(0, width), max(0, height)
}

// SetStyles changes the looks, when the terminal's background becomes known.
func (v *Viewer) SetStyles(s *look.Styles) { v.styles = s }

// Navigate takes a key that moves, scrolls, switches panes or shows help, and
// reports whether the key was one.
func (v *Viewer) Navigate(key tea.KeyPressMsg) bool {
	if v.entering() {
		v.enter(key)
		return true
	}
	b, ok := v.keys.press(key.String())
	if !ok || b.move == nil {
		return false
	}
	if v.small() {
		return true // nothing of it could be seen
	}
	if v.nav.help && v.scrollHelp(b.id) {
		return true
	}
	if b.can == nil || b.can(v, time.Time{}) == nil {
		b.move(v)
	}
	return true
}

func (v *Viewer) small() bool { return v.width < minWidth || v.height < minHeight }

// layout is where everything stands now. What has the keys is in sight: where it has
// no place beside the main pane it takes that one's.
func (v *Viewer) layout() (layout, bool) {
	l, ok := v.arranged(v.nav.main)
	if _, inSight := l.find(v.nav.focus); ok && !inSight {
		return v.arranged(v.nav.focus)
	}
	return l, ok
}

// arranged is the layout with a pane in the main rectangle.
func (v *Viewer) arranged(main pane.ID) (layout, bool) {
	side := v.side(main)
	l, ok := arrange(v.width, v.height, len(v.bannerLines()), v.nav.focus, main, side)
	if ok && v.state != nil {
		l.share(side, func(a area) int { return pane.KindOf(a.pane).Lines(v.paneOf(a, v.state.At)) })
	}
	return l, ok
}

// side is the second pane of a wide screen: what the main one makes one ask for.
func (v *Viewer) side(main pane.ID) pane.ID {
	passed := v.state != nil && v.state.Gate.Decision == phases.Go
	switch {
	case main == pane.Undo:
		return pane.Phase
	case main == pane.Phase && v.blocked():
		return pane.Activity
	case passed:
		return pane.Undo
	case main == pane.Gate:
		return pane.Checklist
	}
	return pane.Gate
}

// turn follows the run: when it has come to another place, the screen shows
// that, unless the reader went somewhere else within the same stage.
func (v *Viewer) turn() {
	if _, err := v.run(); err != nil {
		return
	}
	if v.entering() {
		return // letters are text: no screen changes under whoever types them
	}
	want, place := v.whereabouts()
	if place == v.nav.place && v.calls(want) {
		v.follow()
		return
	}
	if place == v.nav.place {
		v.advance()
		return
	}
	stageChanged := want == pane.End || v.nav.want == pane.Gate && want == pane.Phase
	v.nav.place, v.nav.want = place, want
	stageChanged = v.calls(want) || stageChanged
	if v.nav.stays || v.nav.moved && !stageChanged {
		if v.nav.cursor == "" {
			v.nav.cursor = v.firstOpen(place)
		}
		return
	}
	v.follow()
}

// whereabouts says which pane shows what the run is at, and names the place.
func (v *Viewer) whereabouts() (pane.ID, string) {
	s := v.state
	switch s.Stage() {
	case phases.StageEnded:
		return pane.End, "end"
	case phases.StageChecklist:
		if len(phases.Untimed(s.GateHolds(s.At))) == 0 {
			return pane.Gate, "gate"
		}
		return pane.Checklist, "checklist"
	case phases.StageAfter:
		if i := s.CurrentAfter(); i < len(s.Runbook.After) {
			return pane.Checklist, s.Runbook.After[i].ID
		}
		return pane.Checklist, "done"
	}
	p := &s.Phases[s.Current()]
	group := runbook.Group{ID: runbook.ConfirmGroup(p.Plan.ID), Items: p.Plan.Confirm}
	if done, total := s.GroupDone(group); !p.Status.Open() && !p.Status.MustLook() && done < total {
		return pane.Checklist, group.ID
	}
	if s.Next(v.moment()).Wait == phases.WaitHeld && v.mendedByItems() {
		return pane.Checklist, "held " + p.Plan.ID
	}
	return pane.Phase, p.Plan.ID
}

// follow goes back to where the run is, and stays with it.
func (v *Viewer) follow() {
	v.nav.moved, v.nav.stays, v.nav.chosen = false, false, false
	v.focusOn(v.nav.want)
	v.nav.scroll[v.nav.want] = 0
	if v.nav.want == pane.Checklist {
		v.setFilter(pane.Checklist, "")
		if id := v.firstOpen(v.nav.place); id != "" {
			v.nav.cursor = id
		}
		if it, failed := v.smokeFailed(); failed {
			v.nav.cursor = it
		}
	}
}

// focusOn gives a pane the keys, and the main rectangle when it is not in sight.
func (v *Viewer) focusOn(p pane.ID) {
	v.nav.focus = p
	if pane.KindOf(p).Beside {
		return
	}
	if l, ok := v.arranged(v.nav.main); ok && !v.following(p) {
		if _, inSight := l.find(p); inSight && p != l.second {
			return
		}
	}
	v.nav.main = p
}

// following reports whether a pane is the one that the run is at: that one
// belongs into the main rectangle, even where it is in sight elsewhere.
func (v *Viewer) following(p pane.ID) bool { return p == v.nav.want }

// goTo is the reader's choice of a pane.
func (v *Viewer) goTo(p pane.ID) {
	if !pane.KindOf(p).IsThere(v.state) {
		return
	}
	v.nav.help = false
	v.focusOn(p)
	v.nav.moved, v.nav.stays = p != v.nav.want, p == v.home
}

// cycle goes to the next pane, of those in sight where there are several.
func (v *Viewer) cycle(by int) {
	var panes []pane.ID
	if l, ok := v.layout(); ok && len(l.areas) > 2 {
		for _, a := range l.areas {
			panes = append(panes, a.pane)
		}
		if at := slices.Index(panes, l.second); at >= 0 && at == (slices.Index(panes, v.nav.focus)+by+len(panes))%len(panes) {
			// From one to the next nothing moves: else tab would never come past it.
			v.nav.help, v.nav.focus, v.nav.moved = false, l.second, l.second != v.nav.want
			return
		}
	} else {
		for _, k := range pane.Kinds() {
			panes = append(panes, k.ID)
		}
	}
	panes = slices.DeleteFunc(panes, func(p pane.ID) bool { return !pane.KindOf(p).IsThere(v.state) })
	at := slices.Index(panes, v.nav.focus)
	if at < 0 {
		v.goTo(panes[0])
		return
	}
	v.goTo(panes[(at+by+len(panes))%len(panes)])
}

// escape closes the help page, takes a filter back, or follows the run again.
func (v *Viewer) escape() {
	switch {
	case v.nav.help:
		v.nav.help = false
		return
	case v.nav.filters[v.nav.focus] != "":
		v.setFilter(v.nav.focus, "")
		return
	}
	v.follow()
}

// step moves the cursor of the checklist, or scrolls any other pane.
func (v *Viewer) step(by int) {
	if v.nav.focus != pane.Checklist {
		v.scrollPane(v.nav.focus, by)
		return
	}
	v.stepRow(by)
}

// stepRow moves the cursor of the checklist.
func (v *Viewer) stepRow(by int) {
	rows := v.shownRows()
	if len(rows) == 0 {
		return
	}
	at := rowIndex(rows, v.nav.cursor)
	v.nav.scroll[pane.Checklist] = 0
	v.nav.cursor, v.nav.chosen = rows[max(0, min(len(rows)-1, at+by))].ID, true
}

// edge goes to the first or last row or line.
func (v *Viewer) edge(to int) { v.step(to * 100_000) }

// scrollPane moves a pane by lines, as far as it has any: the way back starts at
// once.
func (v *Viewer) scrollPane(id pane.ID, by int) {
	l, ok := v.layout()
	if !ok || v.state == nil {
		return
	}
	l.lift(v.Foot(v.moment()) - 2)
	a, ok := l.find(id)
	if !ok {
		return
	}
	back, forth := pane.KindOf(a.pane).Room(v.paneOf(a, v.state.At))
	from := max(-back, min(v.nav.scroll[a.pane], forth))
	v.nav.scroll[a.pane] = max(-back, min(from+by, forth))
}

// rows are the checklist's selectable rows.
func (v *Viewer) rows() []pane.Row {
	if v.state == nil || v.state.Runbook == nil {
		return nil
	}
	return pane.ChecklistRows(v.state)
}

// shownRows are those that the checklist's filter leaves.
func (v *Viewer) shownRows() []pane.Row {
	if v.state == nil || v.state.Runbook == nil {
		return nil
	}
	return pane.FilteredRows(v.state, v.nav.filters[pane.Checklist])
}

func rowIndex(rows []pane.Row, id string) int {
	for i, r := range rows {
		if r.ID == id {
			return i
		}
	}
	return 0
}

// selected is the item under the cursor, or why there is none.
func (v *Viewer) selected() (runbook.Item, error) {
	s, err := v.run()
	if err != nil {
		return runbook.Item{}, err
	}
	if v.nav.focus != pane.Checklist {
		return runbook.Item{}, errors.New("select an item first: 1 goes to the checklist")
	}
	it, _, ok := s.Runbook.Item(v.nav.cursor)
	if !ok {
		return it, fmt.Errorf("select an item first: %s", "↑ and ↓ move")
	}
	return it, v.unseenRow()
}
