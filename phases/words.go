package phases

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from outside (database, command, runbook, an observer's
// name) safe for one line of a terminal: escape sequences are gone, white space
// of any kind becomes a space; control characters, and those that turn the
// direction of text or take no room, are gone; bytes that are no UTF-8 become
// U+FFFD.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return r
		case unicode.IsSpace(r):
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, sequences.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), ""))
}

// sequences are what a terminal takes for commands, as ECMA-48 has them: control
// sequences, and strings such as a window's title, which end with BEL or ST. One
// that is not ended on its line is left, without its escape character.
var sequences = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]" +
	"|(?:\x1b[]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c\n]*(?:\x07|\x1b\\\\|\u009c)" +
	"|\x1b[!-/]+[0-~]|\x1b[0-Z^-~]")

func isClean(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || r != ' ' && unicode.IsSpace(r) || hidden(r) {
			return false
		}
	}
	return true
}

// hidden tells the characters that could move a cursor, or show a name as
// another: U+202E makes "gnp.exe" of "exe.png".
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// Digits is a number with a comma at each thousand.
func Digits(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// Rows is a number of rows in words.
func Rows(n int64) string { return Plural(n, "row") }

// Plural is a number of things in words: "1 stage", "14 stages".
func Plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Digits(n) + " " + one + "s"
}

// Bytes is a size in words, as pg_size_pretty has it: in steps of 1,024.
func Bytes(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	size, at := float64(n), 0
	for size >= 10*1024 && at < len(units)-1 {
		size, at = size/1024, at+1
	}
	return fmt.Sprintf("%.0f %s", size, units[at])
}

// PhaseName is what a line of text calls a phase: by its number, as the panes do; one
// that the runbook does not have, by its id.
func (s *State) PhaseName(id string) string {
	for i := range s.Phases {
		if s.Phases[i].Plan.ID == id {
			return phaseNumber(i)
		}
	}
	return "phase " + id
}

func phaseNumber(i int) string { return fmt.Sprintf("phase %d", i+1) }

func by(who string) string {
	if who == "" {
		return ""
	}
	return ", by " + who
}
