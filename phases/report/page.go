package report

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// pageWidth is what fits a terminal, a mail and a sheet of paper.
const pageWidth = 80

// page writes lines of at most pageWidth columns where words allow it. Its
// first error stays, and comes out of flush.
type page struct {
	w     *bufio.Writer
	first bool // nothing was written yet
}

func newPage(w io.Writer) *page { return &page{w: bufio.NewWriter(w), first: true} }

func (p *page) flush() error { return p.w.Flush() }

// line writes one line as it is, without blanks at its end.
func (p *page) line(text string) {
	p.first = false
	p.w.WriteString(strings.TrimRight(text, " "))
	p.w.WriteByte('\n')
}

// section writes a heading between rules, and what it is in capitals.
func (p *page) section(what string, of ...string) {
	if !p.first {
		p.line("")
	}
	p.line(strings.Repeat("=", pageWidth))
	for _, l := range wrap(title(strings.ToUpper(what), of), pageWidth) {
		p.line(l)
	}
	p.line(strings.Repeat("=", pageWidth))
}

// labelWidth is the column of the labels, with their colon.
const labelWidth = 19

// pair writes a label and its value, wrapped beside it. A hash has no room
// there: it goes below.
func (p *page) pair(label, value string) {
	if value == "" {
		value = "-"
	}
	if utf8.RuneCountInString(value) > pageWidth-labelWidth && !strings.Contains(value, " ") {
		p.line(label + ":")
		p.line("  " + value)
		return
	}
	p.hang(pad(label+":", labelWidth), value)
}

// hang writes text behind a lead; its further lines stand under its first.
func (p *page) hang(lead, text string) {
	indent := utf8.RuneCountInString(lead)
	for i, l := range wrap(text, pageWidth-indent) {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		p.line(lead + l)
	}
}

// wrap breaks text at blanks. A word that is longer than width gets its own
// line and is not broken: it may have to be copied.
func wrap(text string, width int) []string { return wrapWords(strings.Fields(text), width) }

func wrapWords(words []string, width int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range words {
		n := utf8.RuneCountInString(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(lines, line)
}

// pad fills a text up with blanks on its right.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// padLeft fills a text up with blanks on its left.
func padLeft(text string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))) + text
}
