package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteMarkdown writes the report as GitHub-flavoured Markdown, in the order of
// the text. Nothing that it is handed becomes markup. Errors are w's.
func (r *Report) WriteMarkdown(w io.Writer) error {
	m := &markdown{w: bufio.NewWriter(w)}
	m.put("# %s\n\n**%s**\n", inline(r.Title), inline(r.Status))
	for _, s := range r.sheet().sections {
		m.put("\n## %s\n", inline(s.title))
		for _, v := range views([]section{s})[0].Blocks {
			m.block(v)
		}
	}
	if err := m.w.Flush(); err != nil {
		return fmt.Errorf("write report as Markdown: %w", err)
	}
	return nil
}

type markdown struct{ w *bufio.Writer }

// put writes; the writer's first error stays, and comes out of its Flush.
func (m *markdown) put(format string, args ...any) { fmt.Fprintf(m.w, format, args...) }

func (m *markdown) block(b blockView) {
	switch {
	case b.Head != "":
		m.put("\n### %s\n", inline(b.Head))
	case b.Text != "":
		m.put("\n%s\n", escape(b.Text))
	case b.Pairs != nil:
		m.put("\n")
		for _, p := range b.Pairs {
			m.put("- **%s:** %s\n", inline(p.Label), inline(p.Value))
		}
	case b.Marks != nil:
		m.put("\n")
		for _, l := range b.Marks {
			m.put("- %s\n", escape(strings.TrimSpace(l.Mark+" "+l.Text)))
		}
	case b.Command != nil:
		m.put("\n%s\n\n%s\n", escape(b.Command.Text), fenced(b.Command.Command))
	case b.Blank != "":
		m.put("\n%s: `%s` Date: `%s`\n", escape(b.Blank), strings.Repeat("_", 40), strings.Repeat("_", 20))
	case b.Table != nil:
		m.table(b.Table)
	}
}

func (m *markdown) table(t *tableView) {
	if !t.Told {
		m.put("\n%s\n", escape(t.Caption))
	}
	m.put("\n")
	m.row(t.Head)
	rule := make([]string, len(t.Head))
	for i := range rule {
		rule[i] = "---"
		if t.Numbers[i] {
			rule[i] = "---:"
		}
	}
	m.put("| %s |\n", strings.Join(rule, " | "))
	for _, row := range t.Rows {
		name := row.Name
		if row.Note != "" {
			name += " (" + row.Note + ")"
		}
		cells := append([]string{name}, row.Cells...)
		for len(cells) < len(t.Head) {
			cells = append(cells, "")
		}
		m.row(cells)
	}
	if t.Foot != nil {
		m.row(t.Foot)
	}
	if t.Left > 0 {
		m.put("\n%d rows are left out here; tminus report --format json has all.\n", t.Left)
	}
}

func (m *markdown) row(cells []string) {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = inline(c)
	}
	m.put("| %s |\n", strings.Join(out, " | "))
}

// marks are what GitHub reads as markup within a line.
const marks = "\\`*_[]|~#$!"

// inline keeps text from being markup within a line: in a table's cell, or behind
// a label.
func inline(text string) string {
	if hashlike.MatchString(text) {
		return "`" + text + "`" // to be compared, not read
	}
	var out strings.Builder
	word := false // the character before is one of a word
	for i, c := range text {
		switch {
		case c == '<':
			out.WriteString("&lt;")
		case c == '>':
			out.WriteString("&gt;")
		case c == '&':
			out.WriteString("&amp;")
		case c == '@' && !word:
			out.WriteString("&#64;") // it calls nobody
		case c == ':' && strings.HasPrefix(text[i+1:], "//"):
			out.WriteString("&#58;") // an address is no link
		case strings.ContainsRune(marks, c):
			out.WriteString("\\" + string(c))
		default:
			out.WriteRune(c)
		}
		word = unicode.IsLetter(c) || unicode.IsDigit(c)
	}
	return out.String()
}

// escape is inline for text that begins a line: what would begin a list, a rule or
// a heading there is text too.
func escape(text string) string {
	out := inline(text)
	digits := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	switch {
	case strings.HasPrefix(text, "+"), strings.HasPrefix(text, "-"), strings.HasPrefix(text, "="):
		return "\\" + out
	case digits > 0 && (text[digits] == '.' || text[digits] == ')'):
		return out[:digits] + "\\" + out[digits:]
	}
	return out
}

// fenced is a block of code that its own content cannot end.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + text + "\n" + fence
}
