package runbook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// maxMistakes bounds what is reported of one file. A file with more is not a
// runbook with mistakes in it.
const maxMistakes = 500

// maxShownLine is how many runes of a source line a mistake carries.
const maxShownLine = 160

// Mistake is one thing that is wrong in a runbook.
type Mistake struct {
	File    string // as it was given to Parse
	Line    int    // from 1, which is also where a mistake of the whole file stands
	Column  int    // from 1, in characters of Text
	Text    string // the source line, without control characters, cut when it is very long; empty for a file that is no text
	Problem string // what is wrong, lower case, without a full stop
	Fix     string // what would be right; may be empty
}

// String shows the mistake as compilers do: the place and the problem, the
// line with a caret below the column, and what would be right.
func (m Mistake) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", m.File, m.Line, m.Column, m.Problem)
	if m.Text != "" {
		number := fmt.Sprintf("%5d", m.Line)
		blank := strings.Repeat(" ", len(number))
		fmt.Fprintf(&b, "\n%s | %s", number, m.Text)
		fmt.Fprintf(&b, "\n%s | %s^", blank, strings.Repeat(" ", displayColumn(m.Text, m.Column)))
	}
	if m.Fix != "" {
		b.WriteString("\n        " + m.Fix)
	}
	return b.String()
}

// Mistakes are all mistakes of one file, in the order of its lines. It is the
// error that Parse and Load return for a file that could be read.
type Mistakes []Mistake

// Error shows every mistake, and how many there are.
func (ms Mistakes) Error() string {
	parts := make([]string, 0, len(ms)+1)
	for _, m := range ms {
		parts = append(parts, m.String())
	}
	switch {
	case len(ms) == 1:
		parts = append(parts, "1 mistake")
	case len(ms) >= maxMistakes:
		parts = append(parts, fmt.Sprintf("%d mistakes; there may be more", len(ms)))
	default:
		parts = append(parts, fmt.Sprintf("%d mistakes", len(ms)))
	}
	return strings.Join(parts, "\n\n")
}

// report collects the mistakes of one file.
type report struct {
	file     string
	lines    []string
	mistakes Mistakes
}

// at records a mistake at a line and a column, both from 1.
func (r *report) at(line, column int, problem, fix string) {
	if len(r.mistakes) >= maxMistakes {
		return
	}
	m := Mistake{File: r.file, Line: line, Column: max(column, 1), Problem: problem, Fix: fix}
	if line >= 1 && line <= len(r.lines) {
		m.Text, m.Column = excerpt(r.lines[line-1], m.Column)
	}
	r.mistakes = append(r.mistakes, m)
}

func (r *report) wrongKind(n *node, want string) {
	r.at(n.line, n.column, "found "+n.kind.String(), "expected "+want)
}

// fault records a mistake at a value.
func (r *report) fault(n *node, problem, fix string) { r.at(n.line, n.column, problem, fix) }

// faultAt records a mistake inside a text, at its source line where that can
// be told: in a block after |, or in a text of one line.
func (r *report) faultAt(n *node, offset int, problem, fix string) {
	offset = min(max(offset, 0), len(n.text))
	before := n.text[:offset]
	down := strings.Count(before, "\n")
	across := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	if n.literal {
		lines := strings.Split(n.text, "\n")
		if i := n.line + down; i < len(r.lines) && strings.HasSuffix(r.lines[i], lines[down]) {
			indent := utf8.RuneCountInString(r.lines[i]) - utf8.RuneCountInString(lines[down])
			r.at(i+1, indent+across+1, problem, fix)
			return
		}
	}
	if down == 0 && n.line <= len(r.lines) {
		if source := []rune(r.lines[n.line-1]); n.column-1 <= len(source) {
			rest := string(source[n.column-1:])
			for i := range 2 { // without and with an opening quote
				if len(rest) >= i && strings.HasPrefix(rest[i:], n.text) {
					r.at(n.line, n.column+i+across, problem, fix)
					return
				}
			}
		}
	}
	r.fault(n, problem, fix)
}

// err gives the mistakes in the order of the file, or nil.
func (r *report) err() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(r.mistakes, func(a, b Mistake) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(r.mistakes)
}

// excerpt makes a source line fit to print: one visible rune for each of its
// own, and no more of them than a screen has room for. It gives the column's
// place in the result.
func excerpt(line string, column int) (string, int) {
	runes := []rune(strings.ToValidUTF8(line, "\uFFFD"))
	column = min(column, len(runes)+1)
	for i, c := range runes {
		switch {
		case c == '\t':
			runes[i] = ' '
		case !printable(c):
			runes[i] = '\uFFFD'
		}
	}
	if len(runes) > maxShownLine {
		start := min(max(column-1-maxShownLine/2, 0), len(runes)-maxShownLine)
		runes = runes[start : start+maxShownLine]
		column -= start
	}
	return string(runes), column
}

// displayColumn is how many terminal cells stand before a column, where wide
// East Asian letters and emoji take two and combining marks none.
func displayColumn(text string, column int) int {
	before := text
	for i := range text {
		if column--; column == 0 {
			before = text[:i]
			break
		}
	}
	return displaywidth.String(before)
}

// printable reports whether a rune may stand in a runbook: no control
// character, and none that reorders or hides the text around it.
func printable(c rune) bool {
	switch {
	case c == utf8.RuneError, unicode.IsControl(c):
		return false
	case c >= 0x202A && c <= 0x202E, c >= 0x2066 && c <= 0x2069, c == 0x200E, c == 0x200F, c == 0x061C:
		return false // bidirectional overrides: what is read is not what runs
	case c == 0x2028, c == 0x2029, c == 0xFEFF, c == 0x200B, c == 0x00AD:
		return false
	}
	return true
}

// clean makes one printable line of a text from outside.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if !printable(c) {
			return ' '
		}
		return c
	}, s)
}

func quote(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return strconv.Quote(s)
}
