package pane

import (
	"fmt"
	"slices"

	"tminus/phases"
	"tminus/ui/look"
)

// Reach is the pane's name.
const Reach ID = "reach"

func reachPane() Kind {
	return Kind{
		ID: Reach, Title: "Reach", content: Pane.reachContent, Edge: Pane.reachEdge,
		there: func(s *phases.State) bool { return s.Survey != nil },
	}
}

// reachContent is what the runbook means in this database: what the survey found,
// the gravest first, and what the deletes reach through foreign keys.
func (p Pane) reachContent() content {
	if p.State == nil || p.State.Survey == nil {
		return p.empty("What the deletes reach appears when the database has been surveyed.")
	}
	sv := p.State.Survey
	lines := p.findings(sv)
	lines = append(lines, look.Line{})
	lines = append(lines, p.prices(sv)...)
	return content{body: append(lines, p.reached(sv)...)}
}

// prices are what each phase is reckoned to take here; nothing in old journals.
func (p Pane) prices(sv *phases.Survey) []look.Line {
	st := p.Styles
	var rows []look.GridRow
	for _, price := range sv.Prices {
		gone := "–"
		if price.Rows > 0 {
			gone = look.Count(price.Rows)
		}
		wal := "–"
		if price.MostWAL > 0 {
			wal = price.WALWords()
		}
		mark := ""
		if price.Guessed || !price.Measured || len(price.Unanalyzed) > 0 {
			mark = " ?"
		}
		rows = append(rows, look.GridRow{Fields: []look.Field{
			look.One(&st.Text, price.Phase+mark), look.One(&st.Text, phases.Span(price.Takes)),
			look.One(&st.Dim, phases.Span(price.Least)+" to "+phases.Span(price.Most)), look.One(&st.Text, gone), look.One(&st.Dim, wal),
		}})
	}
	if rows == nil {
		return nil
	}
	columns := []look.Column{{Head: "phase", Flex: 12}, {Head: "takes", Right: true}, {Head: "between"}, {Head: "rows", Right: true}, {Head: "WAL", Rank: 1}}
	title := look.Row(&st.Text, "Reckoned for this server, without waiting for locks and people; ? has a guess in it:")
	return append(append([]look.Line{title}, look.Grid(columns, rows, p.Width, &st.Dim)...), look.Line{})
}

// reachEdge counts what somebody should know before the window.
func (p Pane) reachEdge() string {
	if p.State == nil || p.State.Survey == nil {
		return ""
	}
	n := p.State.Survey.Count(phases.SeverityError) + p.State.Survey.Count(phases.SeverityWarning)
	if n == 0 {
		return ""
	}
	return look.Plural(n, "finding", "findings")
}

func (p Pane) findings(sv *phases.Survey) []look.Line {
	st := p.Styles
	var lines []look.Line
	for _, f := range sv.Findings {
		mark, style := st.LevelMark(phases.LevelInfo), &st.Dim
		switch f.Severity {
		case phases.SeverityError:
			mark, style = st.LevelMark(phases.LevelBad), &st.Bad
		case phases.SeverityWarning:
			mark, style = st.LevelMark(phases.LevelWarn), &st.Warn
		}
		text := f.Text
		if f.Phase != "" {
			text = p.State.PhaseName(f.Phase) + ": " + text
		}
		entry := p.paragraph(mark+" "+string(f.Severity)+" ", style, text)
		lines = append(lines, joined(append(entry, p.paragraph("    ", &st.Dim, f.Remedy+" ("+f.Code+")")...))...)
	}
	for _, w := range sv.Warnings {
		lines = append(lines, p.paragraph(st.LevelMark(phases.LevelWarn)+" ", &st.Warn, w)...)
	}
	if lines == nil {
		lines = append(lines, look.Row(&st.Good, "Nothing was found that stands against this runbook here."))
	}
	return lines
}

// reached are the tables that go or change with others, each with the key that
// does it and the planner's estimate.
func (p Pane) reached(sv *phases.Survey) []look.Line {
	st := p.Styles
	if len(sv.Reach) == 0 {
		return []look.Line{look.Row(&st.Dim, "The deletes reach no other table through foreign keys.")}
	}
	sizes := map[string]int64{}
	for _, size := range sv.Sizes {
		sizes[size.Table] = size.Rows
	}
	var rows []look.GridRow
	for _, e := range sv.Reach {
		name := look.One(&st.Text, e.Table)
		switch {
		case e.Protected:
			name = look.One(&st.Bad, e.Table+" (protected)")
		case !slices.Contains(sv.Deletes, e.Table):
			name = look.One(&st.Warn, e.Table)
		}
		about := "–"
		if n, known := sizes[e.Table]; known && n >= 0 {
			about = look.Count(n)
		}
		index := look.One(&st.Dim, "yes")
		if !e.Indexed {
			index = look.One(&st.Warn, "none")
		}
		if i := sv.IndexFor(e); !e.Indexed && i != nil {
			by := "by phase"
			if i.Before {
				by = "before"
			}
			index = look.One(&st.Dim, by)
		}
		rows = append(rows, look.GridRow{Fields: []look.Field{name, look.One(&st.Text, e.From), look.One(&st.Dim, string(e.Action)), look.One(&st.Text, about), index}})
	}
	title := look.Row(&st.Text, fmt.Sprintf("%s through foreign keys, rows as the planner estimates them:", look.Plural(len(sv.Reach), "way", "ways")))
	columns := []look.Column{{Head: "reached", Flex: 18}, {Head: "from", Flex: 12}, {Head: "on delete"}, {Head: "rows", Right: true}, {Head: "index", Rank: 1}}
	return append([]look.Line{title}, look.Grid(columns, rows, p.Width, &st.Dim)...)
}
