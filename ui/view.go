package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// Frame draws the screen as of now: exactly as many lines as the terminal has,
// each exactly as wide, joined by line feeds. It changes nothing and touches
// nothing outside: for the same viewer and moment it gives the same text, so
// that readers of the same size may share it.
func (v *Viewer) Frame(now time.Time) string {
	status := v.statusLine(now)
	return strings.Join(v.overlaid(v.lines(now, status, v.hintLine(now)), status, now, v.able), "\n")
}

// lines draws the screen with the given end: what the run waits for, in as many
// lines as it takes, and the keys.
func (v *Viewer) lines(now time.Time, status, hints string) []string {
	l, ok := v.layout()
	if !ok {
		return v.tooSmall()
	}
	foot := strings.Split(status, "\n")
	l.lift(len(foot) - 1)
	out := append(v.headerLines(now), v.bannerLines()...)
	if l.strip >= 0 {
		out = append(out, v.stripLine())
	}
	if v.nav.help {
		out = append(out, v.helpLines(l.body, now)...)
	} else {
		out = append(out, v.bodyLines(l, now)...)
	}
	out = append(append(out, foot...), hints)
	for i := range out {
		out[i] = look.Pad(out[i], v.width)
	}
	return out
}

// tooSmall is the screen for terminals on which nothing can be shown.
func (v *Viewer) tooSmall() []string {
	return look.TooSmall(v.width, v.height, minWidth, minHeight)
}

// bodyLines draws the areas side by side. They cover the body without gaps.
func (v *Viewer) bodyLines(l layout, now time.Time) []string {
	out := make([]string, l.body.h)
	at := make([]int, l.body.h) // how far each line is drawn
	for _, a := range l.areas {
		for i, line := range v.drawArea(a, now) {
			y := a.y - l.body.y + i
			if y < 0 || y >= len(out) || at[y] != a.x {
				continue
			}
			out[y] += look.Pad(line, a.w)
			at[y] += a.w
		}
	}
	return out
}

// drawArea draws a pane with its frame.
func (v *Viewer) drawArea(a area, now time.Time) []string {
	in := a.inside()
	kind, p := pane.KindOf(a.pane), v.paneOf(a, now)
	lines := strings.Split(kind.Draw(p), "\n")
	frame := v.frameStyle(a.pane)
	out := make([]string, 0, a.h)
	out = append(out, v.titleRule(a, frame, kind, p))
	side := ""
	if a.framed {
		side = look.Paint(frame, "│")
	}
	for i := range in.h {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out = append(out, side+" "+look.Pad(line, in.w)+" "+side)
	}
	if a.framed {
		out = append(out, look.Paint(frame, "╰"+strings.Repeat("─", max(0, a.w-2))+"╯"))
	}
	return out
}

func (v *Viewer) frameStyle(p pane.ID) lipgloss.Style {
	focused := p == v.nav.focus
	if v.state == nil || v.state.Opened.Environment == phases.Demo {
		if focused {
			return v.styles.Focus
		}
		return v.styles.Border
	}
	// Where something is at stake every frame says so, the focused one too.
	return v.styles.Frame(v.state.Opened.Environment).Bold(focused)
}

// titleRule is a pane's upper edge: the digit that leads there, its name, and a
// word on what it holds.
func (v *Viewer) titleRule(a area, frame lipgloss.Style, kind pane.Kind, p pane.Pane) string {
	left, right := "─", "─"
	if a.framed {
		left, right = "╭", "╮"
	}
	name := strings.TrimLeft(pane.Digit(a.pane)+" "+kind.Title, " ")
	title := v.styles.Title
	if a.pane == v.nav.focus {
		name = v.styles.Mark.Cursor + " " + name
	}
	word := ""
	switch filter := v.filterWord(kind, p); {
	case filter != "":
		word = " " + filter + " "
	case kind.Edge != nil && p.Ready() && kind.Edge(p) != "":
		word = " " + kind.Edge(p) + " "
	}
	rule := a.w - 4 - look.Width(name) - look.Width(word) - 2
	if rule < 0 {
		word, rule = "", max(0, a.w-6-look.Width(name))
	}
	return look.Paint(frame, left+"─ ") + look.Paint(title, look.Clip(name, max(0, a.w-6))) + " " +
		look.Paint(frame, strings.Repeat("─", rule)) + look.Paint(v.styles.Dim, word) + look.Paint(frame, "─"+right)
}

// paneOf is a pane as it stands in its area.
func (v *Viewer) paneOf(a area, now time.Time) pane.Pane {
	in := a.inside()
	return pane.Pane{
		State: v.state, Now: now.UTC(), Styles: v.styles, Width: in.w, Height: in.h, Cursor: v.nav.cursor,
		Focused: a.pane == v.nav.focus, ReadOnly: !v.acts(), Scroll: v.nav.scroll[a.pane], Journal: v.opts.Journal,
		Filter: v.nav.filters[a.pane], Folded: !a.framed && !v.nav.more,
	}
}

// statusLine says what the run waits for, or why the screen stands still.
func (v *Viewer) statusLine(now time.Time) string {
	if v.nav.typing != "" {
		return v.filterLine()
	}
	if v.saying.text != "" {
		return v.message(v.saying.level, v.saying.text)
	}
	if v.fault != nil {
		return v.message(phases.LevelBad, "The journal cannot be read on: "+v.fault.Error())
	}
	if s := v.state; s != nil && s.Outcome == "" {
		if s.Interrupted != "" {
			return v.message(phases.LevelBad, "Interrupted: "+s.Interrupted+". "+v.resumeHint())
		}
	}
	st := v.next(now)
	if s := v.state; s != nil && s.Outcome == "" && s.Awaited != nil {
		return v.message(phases.LevelWarn, "Waiting for the database: "+s.Awaited.What+", "+look.Seconds(now.Sub(s.Awaited.Since))+". "+st.text)
	}
	if s := v.state; s != nil && s.Runbook != nil {
		if untold := s.UntoldWords(); untold != "" {
			if s.OpenPhase() != nil { // what that waits for comes first
				return v.message(st.level, st.text+" NOT TOLD: "+untold+".")
			}
			return v.message(phases.LevelBad, "NOT TOLD: "+untold+". "+st.text)
		}
	}
	return v.message(st.level, st.text)
}

func (v *Viewer) resumeHint() string {
	if v.opts.Journal == "" {
		return "It can be resumed."
	}
	if v.state == nil {
		return "To go on: " + phases.ShellCommand("", "resume", v.opts.Journal)
	}
	return "To go on: " + v.state.Command("resume", v.opts.Journal)
}

// mostSaid is how many lines a sentence below or above the panes may take: its
// end matters, and what it is about has to stay in sight.
func (v *Viewer) mostSaid() int { return 2 + max(0, v.height-minHeight)/8 }

// message is a sentence with its level's mark and colour, in as many lines as it
// takes. One that is longer than mostSaid is cut at its end.
func (v *Viewer) message(level phases.Level, text string) string {
	return strings.Join(v.styles.Said(level, text, v.width, v.mostSaid()), "\n")
}

// hintLine is the keys that lead on, as many as there is room for; help and the
// way out always stand at its end.
func (v *Viewer) hintLine(now time.Time) string {
	if v.entering() {
		return v.enteringHint()
	}
	if v.nav.help {
		return v.hints(false, []string{"down", "up"}, []string{"close", "quit"}, now)
	}
	st := v.next(now)
	ids := st.keys
	if v.nav.focus != v.nav.want && v.nav.focus != st.at {
		ids, st.waits = append([]string{"follow"}, ids...), false
	}
	if v.nav.focus == pane.Undo { // behind what leads on; not on every screen
		ids = slices.Insert(slices.Clone(ids), min(1, len(ids)), "copy")
	}
	if s := v.state; s != nil && s.Runbook != nil && s.UntoldWords() != "" {
		ids = slices.Insert(slices.Clone(ids), min(1, len(ids)), "tell")
	}
	if v.blocked() && canEndSession(v, now) == nil {
		ids = append(slices.Clone(ids), "copy") // the query that is in the way
	}
	ids = slices.Concat(v.lead, ids)
	return v.hints(st.waits && v.acts(), append(ids, "next pane", "palette", "filter"), []string{"help", "quit"}, now)
}

// acts tells that the keys are an operator's.
func (v *Viewer) acts() bool {
	_, ok := v.keys.get("tick")
	return ok
}

// hints draws bindings as "key name"; those that the table lacks, or that do
// nothing now, are left out. Where the run goes on by itself the line begins with
// a word in the place of a key: nothing has to be pressed.
func (v *Viewer) hints(waits bool, ids, last []string, now time.Time) string {
	tail := ""
	for _, id := range last {
		if b, ok := v.keys.get(id); ok && (len(ids) == 0 || ids[0] != id) {
			tail += "  " + v.hint(b, now)
		}
	}
	out := ""
	if waits {
		out = "  " + look.Paint(v.styles.Dim, "wait")
	}
	seen := map[string]bool{}
	for _, id := range ids {
		b, ok := v.keys.get(id)
		if !ok || seen[id] || b.can != nil && b.can(v, now) != nil {
			continue
		}
		seen[id] = true
		h := v.hint(b, now)
		if look.Width(out)+look.Width(h)+2+look.Width(tail) > v.width-2 {
			break
		}
		out += "  " + h
	}
	return look.Between(strings.TrimPrefix(out, " "), strings.TrimPrefix(tail, "  ")+" ", v.width)
}

func (v *Viewer) hint(b binding, now time.Time) string {
	name := v.nameNow(b, now)
	if it, err := v.selected(); err == nil && name == b.name {
		name = v.nameOn(b, it, now)
	}
	return look.Paint(v.styles.Key, b.label) + " " + look.Paint(v.styles.Dim, name)
}

// nameNow is what a key is called where the run is now: what it would do.
func (v *Viewer) nameNow(b binding, now time.Time) string {
	if b.open == nil {
		return b.name
	}
	switch b.id {
	case "start":
		if p := v.state.Next(now).Phase; p != nil {
			return "start " + look.Clip(look.Sanitize(p.Plan.Title), 32)
		}
	case "copy":
		return copyName(v)
	}
	return b.name
}

// nameOn is what a key is called on an item: what it would do there.
func (v *Viewer) nameOn(b binding, it runbook.Item, now time.Time) string {
	s := v.state
	switch b.id {
	case "action":
		does := v.acted(it, now).Action
		switch {
		case s.Can(phases.CancelAction{Item: it.ID}, now) == nil:
			return "cancel it"
		case it.Message != "":
			return "send the message"
		case does != nil && does.Text != "":
			return look.Clip(look.Sanitize(does.Text), 32)
		}
	case "edit":
		in, anew := v.filled(it, now)
		for _, f := range in.Fields {
			if f.ID == anew {
				return "anew: " + look.Clip(look.Sanitize(f.Label), 26)
			}
		}
	case "tick":
		switch {
		case s.Item(it.ID).Signed != nil:
			return "withdraw the signature"
		case it.Sign != "":
			return "sign"
		case s.Item(it.ID).Ticked:
			return "take the tick back"
		}
	}
	return b.name
}

// View is the frame with what a terminal can be told beside it: title, and how
// far the running phase is.
func (v *Viewer) View(now time.Time) tea.View {
	return v.view(v.Frame(now))
}

func (v *Viewer) view(frame string) tea.View {
	out := tea.NewView(v.styles.Write(frame))
	out.AltScreen = true
	out.WindowTitle = v.windowTitle()
	out.ProgressBar = v.progressBar()
	return out
}

func (v *Viewer) windowTitle() string {
	s := v.state
	if s == nil || s.Runbook == nil {
		return "tminus"
	}
	what := s.Runbook.Title
	switch p := s.OpenPhase(); {
	case s.Outcome != "":
		what = s.Outcome.Word()
	case p != nil:
		what = p.Plan.Title
	}
	return look.Sanitize(fmt.Sprintf("tminus %s %s: %s", strings.ToUpper(string(s.Opened.Environment)), s.Target.Database, what))
}

// progressBar is the open phase's share for the terminal's own bar.
func (v *Viewer) progressBar() *tea.ProgressBar {
	if v.state == nil {
		return nil
	}
	p := v.state.OpenPhase()
	if p == nil {
		return nil
	}
	switch p.Status {
	case phases.PhaseHolding:
		return tea.NewProgressBar(tea.ProgressBarWarning, 100)
	case phases.PhaseInDoubt:
		return tea.NewProgressBar(tea.ProgressBarError, 100)
	case phases.PhaseRunning:
		if share, ok := phaseShare(p); ok {
			return tea.NewProgressBar(tea.ProgressBarDefault, int(share*100))
		}
	}
	return tea.NewProgressBar(tea.ProgressBarIndeterminate, 0)
}

// phaseShare weighs each table's share by the rows that it is expected to have.
func phaseShare(p *phases.PhaseState) (float64, bool) {
	done, total := 0.0, 0.0
	for _, t := range p.Tables {
		if t.Role != phases.RoleDelete {
			continue
		}
		weight := float64(max(1, t.Expected))
		total += weight
		if share, ok := t.Share(); ok {
			done += weight * share
		}
	}
	if total == 0 {
		return 0, false
	}
	return done / total, true
}
