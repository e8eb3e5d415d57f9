package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// mostTyped is how long a filter, or what is typed into the palette, may be.
const mostTyped = 60

// entering reports whether letters are text now, and no keys.
func (v *Viewer) entering() bool { return v.nav.typing != "" || v.nav.palette.open }

// enter takes a key as part of a filter or of the palette's text.
func (v *Viewer) enter(key tea.KeyPressMsg) {
	switch {
	case v.small() && key.String() != "esc":
		return // nobody types what nobody can read
	case v.nav.palette.open:
		if b, chosen := v.paletteKey(key, v.moment(), v.able); chosen && b.move != nil {
			b.move(v)
		}
	default:
		v.filterKey(key)
	}
	if !v.entering() {
		v.turn() // what the run has come to meanwhile
	}
}

// edited is a text after a key that is part of it; ok is false for other keys.
func edited(text string, key tea.KeyPressMsg) (out string, ok bool) {
	switch key.String() {
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(text)
		return text[:len(text)-n], true
	case "ctrl+u":
		return "", true
	}
	if key.Text == "" {
		return text, false
	}
	return appended(text, key.Text), true
}

// appended is a text with more typed or pasted behind it.
func appended(text, more string) string {
	// A space at the end waits for the next word: cleaning would take it away.
	for _, r := range more {
		if r == ' ' || look.Sanitize(string(r)) == string(r) {
			text += string(r)
		}
	}
	if r := []rune(text); len(r) > mostTyped {
		text = string(r[:mostTyped])
	}
	return text
}

// EnteringKeys are the keys while letters are text, for a page of keys.
func EnteringKeys() []look.KeyRow {
	const filter, list = "A filter", "The list of all that can be done"
	return []look.KeyRow{
		{Group: filter, Keys: []string{"enter"}, Help: "keep it, and have the keys again"},
		{Group: filter, Keys: []string{"esc"}, Help: "take it back"},
		{Group: filter, Keys: []string{"up", "down"}, Help: "one row or line up or down"},
		{Group: filter, Keys: []string{"backspace", "ctrl+u"}, Help: "delete a letter, or all that is typed"},
		{Group: list, Keys: []string{"enter"}, Help: "do what is selected, as its key would"},
		{Group: list, Keys: []string{"esc", "ctrl+p"}, Help: "close it; nothing is done"},
		{Group: list, Keys: []string{"up", "shift+tab"}, Help: "select the one before"},
		{Group: list, Keys: []string{"down", "tab"}, Help: "select the next one"},
		{Group: list, Keys: []string{"pgup", "pgdown"}, Help: "ten up or down"},
		{Group: list, Keys: []string{"backspace", "ctrl+u"}, Help: "delete a letter, or all that is typed"},
	}
}

// beginFilter makes letters the filter of the pane that has the keys.
func (v *Viewer) beginFilter() { v.nav.help, v.nav.typing = false, v.nav.focus }

func (v *Viewer) filterKey(key tea.KeyPressMsg) {
	of := v.nav.typing
	switch key.String() {
	case "enter":
		v.nav.typing = ""
		return
	case "esc":
		v.nav.typing = ""
		v.setFilter(of, "")
		return
	case "up":
		v.step(-1)
		return
	case "down":
		v.step(1)
		return
	}
	if text, ok := edited(v.nav.filters[of], key); ok {
		v.setFilter(of, text)
	}
}

// setFilter changes what is looked for in a pane. The cursor stays on a row that is
// shown: no key acts on one that is not.
func (v *Viewer) setFilter(of pane.ID, text string) {
	if text == "" {
		delete(v.nav.filters, of)
	} else {
		v.nav.filters[of] = text
	}
	v.nav.scroll[of] = 0
	if of != pane.Checklist {
		return
	}
	v.nav.chosen = text != "" // what is looked for stays in sight until the next act
	rows := v.shownRows()
	for _, r := range rows {
		if r.ID == v.nav.cursor {
			return
		}
	}
	if len(rows) > 0 {
		v.nav.cursor = rows[0].ID
	}
}

// pasteText takes pasted text into the filter or the palette.
func (v *Viewer) pasteText(text string) {
	switch {
	case v.small():
	case v.nav.palette.open:
		v.nav.palette.typed = appended(v.nav.palette.typed, text)
		v.selectFirst(v.moment(), v.able)
	case v.nav.typing != "":
		v.setFilter(v.nav.typing, appended(v.nav.filters[v.nav.typing], text))
	}
}

// unseenRow says why the item under the cursor must not be acted on.
func (v *Viewer) unseenRow() error {
	filter := v.nav.filters[pane.Checklist]
	if filter == "" {
		return nil
	}
	for _, r := range v.shownRows() {
		if r.ID == v.nav.cursor {
			return nil
		}
	}
	return errors.New("the filter /" + filter + " hides the selected item: esc takes it back")
}

// filterWord says what a pane is filtered by, and how much of it is left; empty
// where it is not.
func (v *Viewer) filterWord(kind pane.Kind, p pane.Pane) string {
	if p.Filter == "" {
		return ""
	}
	found, of := kind.Found(p)
	return fmt.Sprintf("/%s  %d of %d", p.Filter, found, of)
}

// filterLine is the status line while a filter is typed.
func (v *Viewer) filterLine() string {
	of := v.nav.typing
	text := "Show in " + strings.ToLower(pane.KindOf(of).Title) + " only what has in it: /" + v.nav.filters[of] + "_"
	return v.message(phases.LevelInfo, text)
}

// canFold says why there is nothing to fold.
func canFold(v *Viewer, _ time.Time) error {
	switch {
	case v.nav.focus != pane.Checklist:
		return errors.New("only the checklist's selected item has more: 1 goes there")
	case !v.single():
		return errors.New("there is room: nothing is folded")
	}
	return nil
}

// single reports whether one pane is shown at a time.
func (v *Viewer) single() bool {
	l, ok := v.layout()
	return ok && l.strip >= 0
}
