package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tminus/phases"
)

const (
	nameWidth   = 36
	columnWidth = 11
)

// command goes beneath its sentence.
func (p *page) command(text, command string) {
	p.line("")
	p.hang("", text)
	for line := range strings.SplitSeq(command, "\n") {
		for _, part := range wrapWords(phases.CommandWords(line), pageWidth-2) {
			p.line("  " + part)
		}
	}
}

// group writes a checklist, an item below the other.
func (p *page) group(t *layout, g Group) {
	p.hang("", fmt.Sprintf("%s: %d of %d done", g.Title, g.Done, len(g.Items)))
	for _, it := range g.Items {
		p.hang("  "+pad(strings.ToUpper(it.State), 8)+" ", it.Text)
		for _, l := range t.itemLines(it) {
			p.hang("           ", l)
		}
	}
}

func (p *page) grid(g grid) {
	p.columns(g.head[0], g.head[1:]...)
	for _, row := range g.rows {
		if row.cells == nil {
			p.hang("", row.name)
		} else {
			p.columns(row.name, row.cells...)
		}
		if row.note != "" {
			p.hang("    ", row.note)
		}
	}
	if g.foot != nil {
		p.columns(g.foot[0], g.foot[1:]...)
	}
}

// columns writes a name and right-aligned cells. A name that is too long gets
// a line of its own: it is never cut.
func (p *page) columns(name string, cells ...string) {
	var row strings.Builder
	for _, c := range cells {
		row.WriteString(padLeft(c, columnWidth))
	}
	if utf8.RuneCountInString(name) > nameWidth {
		p.line(name)
		name = ""
	}
	p.line(pad(name, nameWidth) + row.String())
}

func (p *page) events(t *layout, lead string, lines []Line) {
	if lead != "" {
		p.line(lead)
	}
	for _, l := range lines {
		level := ""
		if l.Level == phases.LevelWarn || l.Level == phases.LevelBad {
			level = string(l.Level)
		}
		p.hang(fmt.Sprintf("%s %s %s ", t.clock(l.At), pad(t.tClock(l), 9), pad(level, 4)), l.Text)
	}
}

// picture draws nothing: what it would show stands in words.
func (p *page) picture(picture) {}

func (p *page) blank(who string) {
	p.line("")
	if utf8.RuneCountInString(who) > 8 {
		p.line(who)
		who = ""
	}
	p.line(pad(who, 9) + strings.Repeat("_", 40) + "  Date " + strings.Repeat("_", 20))
}
