package look

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/phases"
)

// Clip cuts a styled line to at most n cells; what was cut ends in "…".
func Clip(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if Width(s) <= n {
		return s
	}
	return ansi.Truncate(s, n, "…")
}

// Pad makes a styled line exactly n cells wide: cut, or filled on the right.
func Pad(s string, n int) string {
	w := Width(s)
	if w > n {
		s = Clip(s, n)
		w = Width(s)
	}
	return s + strings.Repeat(" ", max(0, n-w))
}

// PadLeft makes a styled line exactly n cells wide: cut, or filled on the left.
func PadLeft(s string, n int) string {
	s = Clip(s, n)
	return strings.Repeat(" ", max(0, n-Width(s))) + s
}

// Between puts left and right at the ends of a line of exactly n cells. Where
// both don't fit, left is cut and right stays.
func Between(left, right string, n int) string {
	right = Clip(right, n)
	room := n - Width(right)
	if right != "" && room > 0 {
		room--
	}
	return Pad(left, room) + strings.Repeat(" ", max(0, n-Width(right)-room)) + right
}

// Wrap breaks plain text into lines of at most n cells, between words where it
// can, and never at a hyphen: an option is one word. An empty text is one empty
// line.
func Wrap(s string, n int) []string {
	if n <= 0 {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(s, "\n") {
		for _, spans := range wrapSpans([]Span{{Text: part}}, n, 0) {
			line := ""
			for _, span := range spans {
				line += span.Text
			}
			out = append(out, line)
		}
	}
	return out
}

// Sanitize makes foreign text fit for a terminal and for one line.
func Sanitize(s string) string { return phases.Clean(s) }

// Clock is a T-clock: "T-58:12", "T+03:10", "T+1:03:10".
func Clock(d time.Duration) string { return phases.TClock(d) }

// Minutes is a duration in a column: "03:10", "1:03:10".
func Minutes(d time.Duration) string { return phases.Minutes(d) }

// Countdown is the time that is left, in a column or beside a label: "01:58". The
// second that has begun counts.
func Countdown(d time.Duration) string {
	if d <= 0 {
		return phases.Minutes(0)
	}
	return phases.Minutes(d + time.Second - 1)
}

// Left is the time that is left, in a sentence: "1 min 58 s". The second that has
// begun counts.
func Left(d time.Duration) string { return Seconds(max(0, d) + time.Second - 1) }

// Seconds is a wait that is watched: whole seconds, so that it counts up calmly.
func Seconds(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.Itoa(int(max(0, d)/time.Second)) + " s"
	}
	return phases.Span(d.Truncate(time.Second))
}

// Duration is how long something has taken until now, in a sentence: "0.4 s",
// "12 s", "3 min 05 s". What has not passed does not count.
func Duration(d time.Duration) string {
	if d < 10*time.Second {
		return phases.Span(max(0, d).Truncate(100 * time.Millisecond))
	}
	return phases.Span(d.Truncate(time.Second))
}

// Took is how long something has taken, in a column: "00:12", "03:05", and where
// tenths matter, below ten seconds, "0.4 s".
func Took(d time.Duration) string {
	if d < 10*time.Second {
		return Duration(d)
	}
	return phases.Minutes(d)
}

// Ago is an age: "now", "12 s ago", "3 min ago", "2 h ago", "5 d ago".
func Ago(d time.Duration) string { return phases.Age(d) }

// Count is a number with its thousands apart: "1,234,567". Below zero nobody
// knows it: "–".
func Count(n int64) string {
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

// Plural is "1 row", "2 rows", "1,234 rows".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(int64(n)) + " " + many
}

// Percent is a share as "42 %"; only what is done is 100 %.
func Percent(share float64) string {
	p := int(math.Round(share * 100))
	if share < 1 {
		p = min(99, p)
	}
	return fmt.Sprintf("%d %%", max(0, min(100, p)))
}

// Paint applies a style to plain text; an empty text stays empty.
func Paint(st lipgloss.Style, s string) string {
	if s == "" {
		return ""
	}
	return st.Render(s)
}

// Initial is a text with its first letter in upper case.
func Initial(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// TooSmall is a whole screen of w times h cells that says that it needs more. It
// stays inside of any size, 0 and 1 included.
func TooSmall(w, h, needW, needH int) []string {
	if w == 0 || h == 0 {
		return nil
	}
	lines := Wrap(fmt.Sprintf("terminal too small: %dx%d, needs at least %dx%d", w, h, needW, needH), w)
	out := make([]string, h)
	for i := range out {
		line := ""
		if i < len(lines) {
			line = strings.TrimRight(lines[i], " ")
		}
		out[i] = Pad(line, w)
	}
	return out
}
