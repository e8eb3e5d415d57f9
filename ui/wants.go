package ui

import (
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/phases/runbook"
	"tminus/ui/pane"
)

// wants is the binding that brings an open item on. It is empty where the item
// needs nobody: its check answers by itself, its action runs or will begin, or
// another has to end first; due tells that one is to begin now.
func (v *Viewer) wants(it runbook.Item, due bool, now time.Time) string {
	s := v.state
	ask := s.Ask(it)
	mend, mends := s.Mends(it, now)
	switch {
	case s.ItemDone(it) && it.Check != nil: // its answer is too old
		return ""
	case s.ItemDone(it): // the backup that it records is
		if it.Action != nil && v.ifCan("action", it, now) != "" {
			return "action"
		}
		return v.ifCan("edit", it, now)
	case ask.Need == phases.NeedField:
		return v.ifCan("edit", it, now)
	case begins(s, it), s.Stirred(it, now), it.Action != nil && due:
		return "" // another would begin while the key's question stands
	case mends && mend.Need == phases.NeedField:
		return v.ifCan("edit", it, now)
	case mends && mend.Need == phases.NeedWindow:
		return "extend"
	case mends && mend.Need == phases.NeedSession:
		return "session"
	case mends, ask.Need == phases.NeedAction, ask.Need == phases.NeedTelling, s.ByAction(it):
		return v.ifCan("action", it, now)
	case ask.Need == phases.NeedTick, ask.Need == phases.NeedSign:
		return v.ifCan("tick", it, now)
	}
	return ""
}

// ifCan is a binding that would do something on an item, or nothing.
func (v *Viewer) ifCan(id string, it runbook.Item, now time.Time) string {
	can := canTickItem
	switch id {
	case "edit":
		can = canEditItem
	case "action":
		can = canActItem
	}
	if can(v, it, now) != nil {
		return ""
	}
	return id
}

// acted is the item on which the key of an action acts: the selected one, or the
// one whose action mends what its check found.
func (v *Viewer) acted(it runbook.Item, now time.Time) runbook.Item {
	if m, ok := v.state.Mends(it, now); ok && m.Need == phases.NeedAction {
		return m.Item
	}
	return it
}

// filled is the item whose form is opened on an item: its own, or the one whose
// field mends what its check found. anew is that field.
func (v *Viewer) filled(it runbook.Item, now time.Time) (in runbook.Item, anew string) {
	if v.state.Ask(it).Need == phases.NeedField {
		return it, ""
	}
	if m, ok := v.state.Mends(it, now); ok && m.Need == phases.NeedField {
		return m.Item, m.Field.ID
	}
	if it.Check != nil || len(it.Fields) == 0 || !v.state.ItemDone(it) {
		return it, ""
	}
	for _, h := range v.holds(now) { // of a backup that no item's check asks about
		if h.Item == "" && h.Mender() == it.ID {
			return it, v.state.Runbook.Backup.TimeField
		}
	}
	return it, ""
}

// holds are what keeps the run from going on: the gate, or the next phase, closed.
func (v *Viewer) holds(now time.Time) []phases.Hold {
	s := v.state
	switch s.Stage() {
	case phases.StageChecklist:
		return s.GateHolds(now)
	case phases.StagePhases:
		if s.OpenPhase() == nil {
			return s.PhaseHolds(s.Current(), now)
		}
	}
	return nil
}

// open are the items that hold what comes next: the gate, the next phase, or
// the end of the run.
func (v *Viewer) open() map[string]bool {
	s := v.state
	out := map[string]bool{}
	if i := s.CurrentAfter(); s.Stage() == phases.StageAfter && i < len(s.Runbook.After) {
		for _, it := range s.Runbook.After[i].Items {
			out[it.ID] = !s.ItemDone(it)
		}
	}
	for _, h := range v.holds(v.moment()) {
		if id := h.Mender(); id != "" {
			out[id] = true
		}
	}
	return out
}

// openItem is a row whose item is open, and what brings it on.
type openItem struct {
	row    int
	id     string
	group  string
	wants  string // a binding; empty where the item needs nobody
	failed bool   // its check has found what must not be, or too long ago: it is asked again
}

// openItems are the rows of the checklist that are open, in their order.
func (v *Viewer) openItems() []openItem {
	if v.state == nil || v.state.Runbook == nil {
		return nil
	}
	open, now := v.open(), v.moment()
	due := v.state.Due(now) != ""
	var out []openItem
	for i, r := range v.rows() {
		it, _, ok := v.state.Runbook.Item(r.ID)
		if !open[r.ID] || !ok {
			continue
		}
		failed := it.Check != nil && v.state.Item(r.ID).Check != nil && !comes(v.state, it, due, now)
		out = append(out, openItem{row: i, id: r.ID, group: r.Group, wants: v.wants(it, due, now), failed: failed})
	}
	return out
}

// mendedByItems reports whether the checklist is where a hold ends: an item has a key
// that brings it on, or what it lacks comes by itself, since somebody has pressed one.
func (v *Viewer) mendedByItems() bool {
	return slices.ContainsFunc(v.openItems(), func(o openItem) bool { return o.wants != "" || !o.failed })
}

// comes reports whether what an item lacks comes by itself: its action runs or
// will begin, or has to wait for another's; its check is just being asked again; or
// the backup that its check is about is under way.
func comes(s *phases.State, it runbook.Item, due bool, now time.Time) bool {
	if begins(s, it) || s.Stirred(it, now) || it.Action != nil && (due || s.Acting() != nil) {
		return true
	}
	if it.Check == nil || check.Of(it.Check.Name).Rests&(check.BackupTime|check.BackupProof) == 0 {
		return false
	}
	for _, g := range s.Runbook.Checklist {
		for _, other := range g.Items {
			if a := other.Action; a != nil && strings.HasPrefix(a.Name, "backup.") && begins(s, other) {
				return true
			}
		}
	}
	return false
}

// begins reports whether an item's action runs, or will begin by itself.
func begins(s *phases.State, it runbook.Item) bool {
	act := s.Item(it.ID).Action
	_, byItself := s.Begins(it)
	return act != nil && act.Running || byItself && (act == nil || act.Error == "")
}

// needs is how much an open item needs somebody: first what a key brings on,
// then what failed and is mended elsewhere, then what answers by itself.
func (o openItem) needs() int {
	switch {
	case o.wants != "":
		return 2
	case o.failed:
		return 1
	}
	return 0
}

// firstOpen is the first item of those that need somebody most; of a place's
// group where that has one; empty when none is open.
func (v *Viewer) firstOpen(place string) string {
	best, most := "", -1
	for _, o := range v.openItems() {
		rank := 2 * o.needs()
		if o.group == place {
			rank++
		}
		if rank > most {
			best, most = o.id, rank
		}
	}
	return best
}

// after is the open item after a row that needs somebody most, starting over at
// the end; empty when no other is open.
func after(items []openItem, row int) string {
	best, most := "", -1
	for _, again := range []bool{false, true} {
		for _, o := range items {
			if o.row != row && (o.row < row) == again && o.needs() > most {
				best, most = o.id, o.needs()
			}
		}
	}
	return best
}

// nextOpen selects the next item after the cursor that needs somebody, starting
// over at the end; where none does, the next that is not done.
func (v *Viewer) nextOpen() {
	v.setFilter(pane.Checklist, "")
	v.goTo(pane.Checklist)
	if id := after(v.openItems(), rowIndex(v.rows(), v.nav.cursor)); id != "" {
		v.nav.cursor, v.nav.chosen = id, false
	}
}

// advance goes on from an item that needs nobody, as it is done or answers by
// itself, to the next that does; not from where the reader went.
func (v *Viewer) advance() {
	if v.nav.cursor == "" {
		v.nav.cursor = v.firstOpen(v.nav.place)
		return
	}
	if c := v.state.Item(v.nav.cursor).Check; v.nav.chosen || c != nil && c.Ended {
		return // of several sessions in the way of an item one was ended: the rest follow
	}
	items, row := v.openItems(), rowIndex(v.rows(), v.nav.cursor)
	for _, o := range items {
		if o.row == row && o.wants != "" {
			return
		}
	}
	id := after(items, row)
	for _, o := range items {
		if o.id == id && o.wants != "" {
			if !slices.ContainsFunc(v.shownRows(), func(r pane.Row) bool { return r.ID == id }) {
				v.setFilter(pane.Checklist, "") // what is next is not hidden
			}
			v.nav.cursor = id
			v.nav.scroll[pane.Checklist] = 0
		}
	}
}
