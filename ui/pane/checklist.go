package pane

import (
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// Checklist is the pane's name.
const Checklist ID = "checklist"

func checklistPane() Kind {
	return Kind{ID: Checklist, Title: "Checklist", content: Pane.checklistContent, Edge: Pane.checklistEdge}
}

// RowKind says what a selectable row is.
type RowKind string

// The kinds of rows.
const (
	RowItem    RowKind = "item"    // of the checklist before the gate
	RowConfirm RowKind = "confirm" // a confirmation before a phase
	RowWatch   RowKind = "watch"   // a check that must hold through the phases; nothing to tick
	RowAfter   RowKind = "after"   // of a stage after the last phase
)

// Row is one selectable row of the checklist.
type Row struct {
	ID    string // the item's
	Group string // the group's id
	Kind  RowKind
}

// section is one group as the checklist shows it now.
type section struct {
	group runbook.Group
	kind  RowKind
	later bool           // its turn has not come
	whole *runbook.Group // where a filter has left some items only: all of them; else nil
}

// watchGroup is the id of the group of checks that must hold through the phases.
const watchGroup = "watch"

// ChecklistRows are the selectable rows of the checklist in their order: those
// of the stage now on. Before the GO that is the checklist; then the next
// phase's confirmations and the checks that must go on holding; then the
// stages after the last phase. A nil or empty state has none.
func ChecklistRows(s *phases.State) []Row { return FilteredRows(s, "") }

// sections are the groups of the stage now on, of an ended run the stage it ended in.
func sections(s *phases.State) []section {
	current := s.Current()
	switch {
	case current < 0:
		return afterSections(s)
	case s.Gate.Decision != phases.Go:
		return groupSections(s.Runbook.Checklist, RowItem)
	}
	var out []section
	if p := s.Phases[current].Plan; len(p.Confirm) > 0 {
		g := runbook.Group{ID: runbook.ConfirmGroup(p.ID), Title: "Before " + p.Title, Items: p.Confirm}
		out = append(out, section{group: g, kind: RowConfirm})
	}
	// Until T-0 the whole checklist still holds the first phase.
	if s.T0.IsZero() {
		return append(out, groupSections(s.Runbook.Checklist, RowItem)...)
	}
	if watch := watchItems(s); len(watch) > 0 {
		g := runbook.Group{ID: watchGroup, Title: "Must hold through the phases", Items: watch}
		out = append(out, section{group: g, kind: RowWatch})
	}
	return out
}

func groupSections(groups []runbook.Group, kind RowKind) []section {
	out := make([]section, len(groups))
	for i, g := range groups {
		out[i] = section{group: g, kind: kind}
	}
	return out
}

func afterSections(s *phases.State) []section {
	out := groupSections(s.Runbook.After, RowAfter)
	for i := s.CurrentAfter() + 1; i < len(out); i++ {
		out[i].later = true
	}
	return out
}

func watchItems(s *phases.State) []runbook.Item {
	var out []runbook.Item
	for _, g := range s.Runbook.Checklist {
		for _, it := range g.Items {
			if it.Check != nil && it.Check.Through {
				out = append(out, it)
			}
		}
	}
	return out
}

// checklistEdge is how much of the list is done.
func (p Pane) checklistEdge() string {
	rows, done := ChecklistRows(p.State), 0
	for _, r := range rows {
		if it, _, ok := p.State.Runbook.Item(r.ID); ok && p.State.ItemDone(it) {
			done++
		}
	}
	return fmt.Sprintf("%d of %d done", done, len(rows))
}

// checklistContent draws the items of the stage now on, the selected one with its
// fields and help.
func (p Pane) checklistContent() content {
	if !p.Ready() {
		return p.empty("The checklist appears with the run.")
	}
	secs := siftedSections(p.State, p.Filter)
	found, of := 0, 0
	if p.Filter != "" {
		found, of = len(FilteredRows(p.State, p.Filter)), len(ChecklistRows(p.State))
	}
	switch {
	case len(secs) == 0 && of > 0:
		return content{body: p.nothingFound(), windowed: true, of: of}
	case len(secs) == 0:
		return content{body: p.nothingToTick(), windowed: true}
	}
	return content{body: p.checklistWindow(secs, p.checklistTop(secs)), windowed: true, found: found, of: of}
}

// checklistTop is the first line in sight. Heights first, text only for what is
// seen: a list of thousands costs no more than a page of it.
func (p Pane) checklistTop(secs []section) int {
	height, from, to := p.checklistHeights(secs)
	top := p.Scroll
	if from >= 0 {
		if to > top+p.Height {
			top = to - p.Height
		}
		top = min(top, from)
	}
	return max(0, min(top, height-p.Height))
}

// ItemAt is the id of the item that a line of the checklist shows, from 0 at its
// top; empty where the line shows none.
func ItemAt(p Pane, line int) string {
	if !p.Ready() || line < 0 || line >= p.Height {
		return ""
	}
	secs := siftedSections(p.State, p.Filter)
	at := -p.checklistTop(secs)
	for i, sec := range secs {
		if i > 0 {
			at++
		}
		at += len(p.groupLines(sec))
		for j := range sec.group.Items {
			it := &sec.group.Items[j]
			if at += p.itemHeight(it, sec); line < at {
				if line >= at-p.itemHeight(it, sec) {
					return it.ID
				}
				return ""
			}
		}
	}
	return ""
}

// itemHeight is how many lines an item takes.
func (p Pane) itemHeight(it *runbook.Item, sec section) int {
	switch {
	case it.ID == p.Cursor:
		return len(p.itemLines(it, sec))
	case p.remedyShown(it):
		return 2
	}
	return 1
}

// checklistHeights gives the lines of the whole list, and where the selected
// item begins and ends; from is -1 when none is selected.
func (p Pane) checklistHeights(secs []section) (total, from, to int) {
	from = -1
	for i, sec := range secs {
		if i > 0 {
			total++
		}
		start := total
		total += len(p.groupLines(sec))
		for j := range sec.group.Items {
			it := &sec.group.Items[j]
			h := p.itemHeight(it, sec)
			if it.ID == p.Cursor {
				from, to = total, total+h
				if j == 0 {
					from = start
				}
			}
			total += h
		}
	}
	return total, from, to
}

// checklistWindow draws the lines from top on, no more than the pane shows.
func (p Pane) checklistWindow(secs []section, top int) []look.Line {
	var out []look.Line
	at := 0
	put := func(height int, lines func() []look.Line) bool {
		if at+height > top {
			for i, l := range lines() {
				if at+i >= top && len(out) < p.Height {
					out = append(out, l)
				}
			}
		}
		at += height
		return len(out) < p.Height
	}
	for i, sec := range secs {
		if i > 0 && !put(1, func() []look.Line { return []look.Line{{}} }) {
			return out
		}
		head := p.groupLines(sec)
		if !put(len(head), func() []look.Line { return head }) {
			return out
		}
		for j := range sec.group.Items {
			it := &sec.group.Items[j]
			if !put(p.itemHeight(it, sec), func() []look.Line { return p.itemLines(it, sec) }) {
				return out
			}
		}
	}
	return out
}

// groupLines are a group's heading, and at the point of no return what it means.
func (p Pane) groupLines(sec section) []look.Line {
	out := []look.Line{p.groupLine(sec)}
	if i := p.State.Current(); sec.kind == RowConfirm && i >= 0 && p.State.Phases[i].Plan.PointOfNoReturn {
		ph := &p.State.Phases[i]
		text := "Point of no return: after its COMMIT " + p.State.AfterCommit(ph)
		if t, _ := p.State.RestoreTime(); t > 0 && !p.State.Keeps(ph) {
			text += ", about " + phases.Span(t)
		}
		out = append(out, p.paragraph("  "+p.Styles.Mark.NoReturn+" ", &p.Styles.Bad, text)...)
	}
	return out
}

// groupLine is a group's heading.
func (p Pane) groupLine(sec section) look.Line {
	st := p.Styles
	all := sec.group
	if sec.whole != nil {
		all = *sec.whole
	}
	done, total := p.State.GroupDone(all)
	style, mark := &st.Title, st.Mark.Running
	switch {
	case sec.later:
		style, mark = &st.Dim, st.Mark.Todo
	case done == total:
		style, mark = &st.Good, st.Mark.Done
	}
	l := look.Row(style, mark+" "+sec.group.Title)
	figures := plainCount(done) + " of " + plainCount(total) + " done"
	if sec.kind == RowWatch {
		figures = plainCount(done) + " of " + plainCount(total) + " hold"
	}
	late := p.State.Clock(p.Now) - sec.group.Due
	overdue := sec.group.Due != 0 && done < total && late >= time.Second && !sec.later && p.State.Outcome == ""
	if sec.group.Due != 0 && p.Width >= 60 {
		figures += ", due " + planClock(sec.group.Due)
		if overdue {
			figures += ", " + look.Ago(late)
		}
	} else if overdue {
		figures = plainCount(done) + " of " + plainCount(total) + ", overdue"
	}
	if overdue {
		return l.End(&st.Warn, st.Mark.NoReturn+" "+figures)
	}
	return l.End(style, figures)
}

// nothingToTick is the checklist of a stage that has none.
func (p Pane) nothingToTick() []look.Line {
	s := p.State
	if i := s.Current(); i >= 0 && s.Gate.Decision == phases.Go {
		return p.paragraph("", &p.Styles.Dim, "Nothing to confirm before "+s.Phases[i].Plan.Title+".")
	}
	return []look.Line{look.Row(&p.Styles.Dim, "The runbook has no items for this stage.")}
}
