package phases

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What a difference may take: lines that are told, runes of each, and cells of
// the table that finds the least of it.
const (
	mostDiffering = 12
	longestLine   = 100
	mostCompared  = 4_000_000
)

// differingLines are the lines in which two texts differ, as diff -U0 has them:
// where, then each line of the first that is gone and of the second that has
// come. They are few: what is left out is counted. Nil where the texts are the
// same.
func differingLines(from, to string) []string {
	if from == to {
		return nil
	}
	a, b := strings.Split(from, "\n"), strings.Split(to, "\n")
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < min(len(a), len(b))-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out []string
	for _, h := range hunks(a[start:len(a)-end], b[start:len(b)-end]) {
		out = append(out, fmt.Sprintf("@@ -%s +%s @@", place(start+h.a, len(h.gone)), place(start+h.b, len(h.come))))
		for _, line := range h.gone {
			out = append(out, "-"+told(line))
		}
		for _, line := range h.come {
			out = append(out, "+"+told(line))
		}
	}
	if more := len(out) - mostDiffering; more > 0 {
		out = append(out[:mostDiffering], "and "+Plural(int64(more), "line")+" more")
	}
	return out
}

// hunk is one place where two texts differ: the lines from a of the first, and
// from b of the second, both from 0.
type hunk struct {
	a, b       int
	gone, come []string
}

// hunks are the least differences of two texts, or one of all where they are too
// long to look for that.
func hunks(a, b []string) []hunk {
	if len(a)*len(b) > mostCompared {
		return []hunk{{gone: a, come: b}}
	}
	// common[i][j] is how many lines a[i:] and b[j:] have in common, in order.
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i, line := range slices.Backward(a) {
		for j := len(b) - 1; j >= 0; j-- {
			if line == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []hunk
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		h := hunk{a: i, b: j}
		for (i < len(a) || j < len(b)) && (i == len(a) || j == len(b) || a[i] != b[j]) {
			if j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				j++
			}
		}
		if h.gone, h.come = a[h.a:i], b[h.b:j]; len(h.gone)+len(h.come) > 0 {
			out = append(out, h)
		}
		for i < len(a) && j < len(b) && a[i] == b[j] {
			i, j = i+1, j+1
		}
	}
	return out
}

// place is where a hunk's lines stand: its first line, and how many unless that
// is one. Where there is none, it is the line before.
func place(at, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", at)
	case 1:
		return fmt.Sprint(at + 1)
	}
	return fmt.Sprintf("%d,%d", at+1, n)
}

// told is a line as it is told.
func told(line string) string {
	line = Clean(strings.TrimRight(line, " \r"))
	if utf8.RuneCountInString(line) > longestLine {
		return string([]rune(line)[:longestLine]) + "…"
	}
	return line
}
