package pane

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"tminus/phases"
	"tminus/ui/look"
)

// Log is the pane's name.
const Log ID = "log"

func logPane() Kind {
	return Kind{ID: Log, Title: "Events", content: Pane.logContent, Beside: true}
}

// logContent is what happened, the newest at the bottom. Scroll goes by
// entries. Only what is shown is laid out, however long the log is.
func (p Pane) logContent() content {
	if p.State == nil || len(p.State.Log) == 0 {
		return p.empty("Nothing has happened yet.")
	}
	entries := p.State.Log
	found, of := 0, 0
	if p.Filter != "" {
		if entries, of = p.logFiltered(entries), len(entries); len(entries) == 0 {
			return content{body: p.nothingFound(), windowed: true, of: of}
		}
		found = len(entries)
	}
	skip := max(0, min(-p.Scroll, len(entries)-1))
	var out []look.Line // newest first
	for i := len(entries) - 1 - skip; i >= 0 && len(out) < p.Height; i-- {
		lines := p.logLines(entries[i])
		slices.Reverse(lines)
		out = append(out, lines...)
	}
	slices.Reverse(out)
	if over := len(out) - p.Height; over > 0 {
		out = out[over:]
	}
	if skip > 0 && p.Height >= 3 && len(out) == p.Height {
		out[len(out)-1] = look.Row(&p.Styles.Dim, "  ↓ "+look.Plural(skip, "newer entry", "newer entries"))
	}
	return content{body: out, windowed: true, back: func() int { return p.logBack(entries) }, found: found, of: of}
}

// logFiltered are the entries that have in them what the reader looks for.
func (p Pane) logFiltered(entries []phases.LogLine) []phases.LogLine {
	lower := strings.ToLower(p.Filter)
	var out []phases.LogLine
	for _, e := range entries {
		if has(e.Text, lower) {
			out = append(out, e)
		}
	}
	return out
}

// logBack is how many entries the log can go back: the oldest stay in sight,
// as many as there is room for.
func (p Pane) logBack(entries []phases.LogLine) int {
	lines := 0
	for i, e := range entries {
		if lines += len(p.logLines(e)); lines >= p.Height {
			return len(entries) - 1 - i
		}
	}
	return 0
}

// logLines is one entry: T-clock, level as mark and word, text.
func (p Pane) logLines(e phases.LogLine) []look.Line {
	st := p.Styles
	when := ""
	if p.Width >= 44 {
		when = p.logClock(e)
		when += strings.Repeat(" ", max(1, 11-look.Width(when)))
	}
	mark, word, style := p.levelWord(e.Level)
	if p.Width < 60 {
		word = ""
	} else {
		word = look.Pad(word, 5)
	}
	lead := when + mark + " " + word
	text := &st.Text
	if e.Level == phases.LevelBad || e.Level == phases.LevelWarn {
		text = style
	}
	lines := p.paragraph(lead, text, e.Text)
	if len(lines[0].Spans) > 1 {
		lines[0].Spans = append([]look.Span{{Text: when, Style: &st.Dim}, {Text: mark + " " + word, Style: style}}, lines[0].Spans[1:]...)
	}
	return lines
}

func (p Pane) logClock(e phases.LogLine) string {
	s := p.State
	if s.Runbook == nil || (s.T0.IsZero() && s.Opened.PlannedT0.IsZero()) {
		return p.at(e.At)
	}
	// Counted from T-0 as it came, not as it was planned when the line was written.
	return s.ClockCell(e.At)
}

// levelWord is a level as mark, word and style.
func (p Pane) levelWord(l phases.Level) (mark, word string, style *lipgloss.Style) {
	st := p.Styles
	switch l {
	case phases.LevelGood:
		return st.Mark.Done, "ok", &st.Good
	case phases.LevelWarn:
		return st.Mark.NoReturn, "warn", &st.Warn
	case phases.LevelBad:
		return st.Mark.Failed, "FAIL", &st.Bad
	default:
		return st.Mark.Todo, "", &st.Dim
	}
}
