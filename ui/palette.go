package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/ui/dialog"
	"tminus/ui/look"
)

// palette is a list of all that can be done now, made from the table of keys: so it
// leads nowhere that a key does not, and a reader's has nothing that acts.
type palette struct {
	open  bool
	typed string
	// selected is a binding's id: what the run does meanwhile moves others about, and
	// enter does what was seen to be selected.
	selected string
}

// choice is a binding as the palette has it: why it does nothing now, or nil.
type choice struct {
	binding
	refused error
}

// able says why a binding does nothing now.
type able func(b binding, now time.Time) error

// able is why a reader's binding does nothing.
func (v *Viewer) able(b binding, now time.Time) error {
	if b.can == nil {
		return nil
	}
	return b.can(v, now)
}

// choices are the bindings that match what is typed: where nothing is, what leads the
// run on, then those that do something, then those whose name is nearest, then in the order of the help page.
func (v *Viewer) choices(now time.Time, can able) []choice {
	typed := strings.ToLower(strings.Join(strings.Fields(v.nav.palette.typed), " "))
	type ranked struct {
		choice
		rank int
	}
	var leads []string // what leads the run on comes before all that can be done
	if typed == "" {
		leads = v.next(now).keys
	}
	var all []ranked
	groups := helpGroups()
	for _, b := range v.keys {
		if b.steps || b.id == "palette" || b.id == "close" {
			continue
		}
		rank, ok := match(b, typed)
		if !ok {
			continue
		}
		rank = rank*len(groups) + slices.Index(groups, b.group)
		c := choice{binding: b, refused: can(b, now)}
		if first := slices.Index(leads, b.id); first >= 0 && c.refused == nil {
			rank += first - 1000
		}
		if c.refused != nil {
			rank += 100
		}
		all = append(all, ranked{c, rank})
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	out := make([]choice, len(all))
	for i := range all {
		out[i] = all[i].choice
	}
	return out
}

// match ranks a binding by where it has a text: the lower, the better.
func match(b binding, lower string) (rank int, ok bool) {
	name := strings.ToLower(b.name)
	switch {
	case lower == "", lower == name:
		return 0, true
	case strings.HasPrefix(name, lower):
		return 1, true
	case strings.Contains(name, lower):
		return 2, true
	case strings.Contains(strings.ToLower(b.help+" "+b.group), lower):
		return 3, true
	}
	return 0, false
}

// openPalette shows it, empty.
func (v *Viewer) openPalette() {
	v.nav.help, v.nav.palette = false, palette{open: true}
	v.selectFirst(v.moment(), v.able)
}

// selectFirst selects the palette's first choice. It is kept by its id: what comes
// first meanwhile is not what enter does.
func (v *Viewer) selectFirst(now time.Time, can able) {
	v.nav.palette.selected = ""
	if all := v.choices(now, can); len(all) > 0 {
		v.nav.palette.selected = all[0].id
	}
}

// selectedAt is the place of the selected one among choices; 0 where it is not there.
func (p palette) selectedAt(all []choice) int {
	return max(0, slices.IndexFunc(all, func(c choice) bool { return c.id == p.selected }))
}

// paletteKey takes a key for the palette, and gives the binding that it chose. One
// that does nothing now is not chosen: the palette says why, and stays.
func (v *Viewer) paletteKey(key tea.KeyPressMsg, now time.Time, can able) (b binding, chosen bool) {
	p := &v.nav.palette
	by := map[string]int{"up": -1, "shift+tab": -1, "down": 1, "tab": 1, "pgup": -10, "pgdown": 10}[key.String()]
	switch name := key.String(); {
	case name == "esc", name == "ctrl+p":
		*p = palette{}
		return b, false
	case name == "enter":
		c, ok := v.selectedChoice(now, can)
		if !ok || c.refused != nil {
			return b, false
		}
		*p = palette{}
		return c.binding, true
	case by == 0:
		text, ok := edited(p.typed, key)
		if !ok {
			return b, false
		}
		p.typed, p.selected = text, ""
	}
	if all := v.choices(now, can); len(all) > 0 {
		p.selected = all[max(0, min(p.selectedAt(all)+by, len(all)-1))].id
	}
	return b, false
}

// selectedChoice is the one under the palette's cursor.
func (v *Viewer) selectedChoice(now time.Time, can able) (choice, bool) {
	all := v.choices(now, can)
	if !v.nav.palette.open || len(all) == 0 {
		return choice{}, false
	}
	return all[v.nav.palette.selectedAt(all)], true
}

// overlaid is a frame with the palette over it, where that is open. It leaves the
// frame's status in sight.
func (v *Viewer) overlaid(lines []string, status string, now time.Time, can able) []string {
	l, ok := v.layout()
	if !ok || !v.nav.palette.open {
		return lines
	}
	l.lift(strings.Count(status, "\n"))
	laid, _, _ := dialog.Over(lines, v.paletteBox(l.body, now, can), l.body.y, l.body.h, v.width)
	return laid
}

// paletteWidth is the most cells that the palette takes.
const paletteWidth = 100

// paletteBox draws the palette for a body: what is typed, what matches, and all
// about the selected one.
func (v *Viewer) paletteBox(body rect, now time.Time, can able) []string {
	st := v.styles
	outer := min(paletteWidth, body.w)
	inner := max(1, outer-4)
	all := v.choices(now, can)
	at := v.nav.palette.selectedAt(all)
	about := []string{""}
	if len(all) > 0 {
		about = look.Wrap(choiceText(all[at]), inner)
	}
	// Its height stays while somebody types: the list gives way to a long reason.
	height := max(1, min(len(v.keys), body.h-6)) + 2
	if most := height - 1; len(about) > most {
		about = append(about[:most-1], look.Clip(strings.Join(about[most-1:], " "), inner))
	}
	for len(about) < min(2, height-1) {
		about = append(about, "")
	}
	rows := height - len(about)
	top := max(0, min(at-rows/2, len(all)-rows))

	lines := []string{look.Paint(st.Key, ":") + look.Paint(st.Input, look.Clip(v.nav.palette.typed, max(0, inner-2))) + look.Paint(st.Dim, "_")}
	for i := top; i < top+rows; i++ {
		switch {
		case i < len(all):
			lines = append(lines, v.choiceLine(all[i], i == at, inner))
		case i == 0:
			lines = append(lines, look.Paint(st.Dim, "No key does that: backspace, or esc."))
		default:
			lines = append(lines, "")
		}
	}
	lines = append(lines, look.Paint(st.Dim, paletteRule(top, len(all)-top-rows, inner)))
	for _, l := range about {
		lines = append(lines, look.Paint(st.Text, l))
	}
	title := "All that can be done"
	out := []string{look.Paint(st.Focus, "╭─ ") + look.Paint(st.Title, title) + look.Paint(st.Focus, " "+strings.Repeat("─", max(0, outer-5-look.Width(title)))+"╮")}
	for _, l := range lines {
		out = append(out, look.Paint(st.Focus, "│")+" "+look.Pad(l, inner)+" "+look.Paint(st.Focus, "│"))
	}
	return append(out, look.Paint(st.Focus, "╰"+strings.Repeat("─", max(0, outer-2))+"╯"))
}

// paletteRule stands below the list, and says how much of it is not in sight.
func paletteRule(above, below, inner int) string {
	word := ""
	if above > 0 {
		word = fmt.Sprintf(" ↑ %d more", above)
	}
	if below > 0 {
		word += fmt.Sprintf(" ↓ %d more", below)
	}
	if word != "" {
		word += " ─"
	}
	return look.Clip(strings.Repeat("─", max(0, inner-look.Width(word)))+word, inner)
}

// choiceText is what a binding does, or why it does nothing.
func choiceText(c choice) string {
	if c.refused != nil {
		return "Not now: " + look.Sanitize(c.refused.Error()) + "."
	}
	return look.Initial(look.Sanitize(c.help)) + "."
}

// choiceLine is one binding on a line: its key, its name, and what it does or why not.
func (v *Viewer) choiceLine(c choice, selected bool, inner int) string {
	st := v.styles
	mark, about := " ", c.help
	if selected {
		mark = st.Mark.Cursor
	}
	if c.refused != nil {
		about = "not now: " + c.refused.Error()
	}
	label, name := look.Pad(c.label, 10), look.Pad(c.name, 22)
	if selected {
		return look.Paint(st.Selected, look.Pad(mark+" "+label+" "+name+" "+look.Sanitize(about), inner))
	}
	named := st.Text
	if c.refused != nil {
		named = st.Dim
	}
	return mark + " " + look.Paint(st.Key, label) + " " + look.Paint(named, name) + " " + look.Paint(st.Dim, look.Clip(look.Sanitize(about), max(0, inner-36)))
}

// able says why a binding does nothing on the operator's screen.
func (o *Operator) able(b binding, now time.Time) error {
	if b.open != nil && b.id != "quit" {
		if err := o.deaf(b.blind); err != nil {
			return err
		}
	}
	return o.Viewer.able(b, now)
}

// enterKey takes a key while letters are text. What is chosen from the palette
// begins as its key would: with its question.
func (o *Operator) enterKey(msg tea.KeyPressMsg, now time.Time) tea.Cmd {
	if !o.nav.palette.open || o.small() {
		o.enter(msg)
		return nil
	}
	b, chosen := o.paletteKey(msg, now, o.able)
	var cmd tea.Cmd
	switch {
	case !chosen:
	case b.move != nil:
		b.move(o.Viewer)
	default:
		cmd = o.begin(b, now)
	}
	if o.entering() {
		return cmd
	}
	// Only now: what was chosen is about what was on screen.
	at := o.nav.cursor
	if o.turn(); at != "" && o.nav.cursor != at {
		o.landed = now
	}
	return cmd
}

// enteringHint are the keys while letters are text.
func (v *Viewer) enteringHint() string {
	st := v.styles
	pairs := [][2]string{{"enter", "keep the filter"}, {"esc", "take it back"}, {"↑↓", "move"}}
	if v.nav.palette.open {
		pairs = [][2]string{{"enter", "do it"}, {"↑↓", "choose"}, {"esc", "close"}}
	}
	out := ""
	for _, p := range pairs {
		out += " " + look.Paint(st.Key, p[0]) + " " + look.Paint(st.Dim, p[1]) + " "
	}
	return look.Pad(out, v.width)
}
