package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tminus/phases"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// width is how many cells a styled text of one line takes.
func width(s string) int { return ansi.StringWidth(s) }

// clip cuts a styled line to at most n cells; what was cut ends in "…".
func clip(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if width(s) <= n {
		return s
	}
	return ansi.Truncate(s, n, "…")
}

// pad makes a styled line exactly n cells wide: cut, or filled on the right.
func pad(s string, n int) string {
	s = clip(s, n)
	return s + strings.Repeat(" ", max(0, n-width(s)))
}

// padLeft makes a styled line exactly n cells wide: cut, or filled on the left.
func padLeft(s string, n int) string {
	s = clip(s, n)
	return strings.Repeat(" ", max(0, n-width(s))) + s
}

// between puts left and right at the ends of a line of exactly n cells. Where
// both don't fit, left is cut and right stays.
func between(left, right string, n int) string {
	right = clip(right, n)
	room := n - width(right)
	if right != "" && room > 0 {
		room--
	}
	return pad(left, room) + strings.Repeat(" ", max(0, n-width(right)-room)) + right
}

// wrap breaks plain text into lines of at most n cells, between words where it
// can. An empty text is one empty line.
func wrap(s string, n int) []string {
	if n <= 0 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, n, ""), "\n")
}

// sanitize makes foreign text fit for a terminal and for one line.
func sanitize(s string) string { return phases.Clean(s) }

// clock is a T-clock: "T-58:12", "T+03:10", "T+1:03:10".
func clock(d time.Duration) string {
	sign := "+"
	if d < 0 {
		// The second that has begun counts: T-00:01 until T-0 is there.
		sign, d = "-", -d+time.Second-1
	}
	return "T" + sign + minutes(d)
}

// minutes is "03:10" or "1:03:10"; a negative duration counts as none.
func minutes(d time.Duration) string {
	s := int64(max(0, d) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// countdown is the time that is left, "01:58"; the second that has begun counts.
func countdown(d time.Duration) string {
	if d <= 0 {
		return "00:00"
	}
	return minutes(d + time.Second - 1)
}

// duration is how long something took: "0.4 s", "12 s", "3m 05s", "1h 02m".
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", float64(d.Truncate(100*time.Millisecond))/float64(time.Second))
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d/time.Second%60)
	}
	return fmt.Sprintf("%dh %02dm", d/time.Hour, d/time.Minute%60)
}

// ago is an age: "now", "12 s ago", "3 min ago", "2 h ago", "5 d ago".
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d d ago", d/(24*time.Hour))
}

// count is a number with its thousands apart: "1,234,567". Below zero nobody
// knows it: "–".
func count(n int64) string {
	if n < 0 {
		return "–"
	}
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plural is "1 row", "2 rows", "1,234 rows".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + many
}

// percent is a share as "42 %"; only what is done is 100 %.
func percent(share float64) string {
	p := int(share * 100)
	if share < 1 {
		p = min(99, p)
	}
	return fmt.Sprintf("%d %%", max(0, min(100, p)))
}

// paint applies a style to plain text; an empty text stays empty.
func paint(st lipgloss.Style, s string) string {
	if s == "" {
		return ""
	}
	return st.Render(s)
}

// initial is a text with its first letter in upper case.
func initial(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
