package runbook

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
)

const durationFix = "a duration is written like 90s, 15m or 1m30s"

// parseDuration reads 90s, 15m, 1m30s, 1h or 500ms: whole numbers, largest
// unit first, each unit once. It is stricter than Go's own form, so that one
// length of time has few spellings.
func parseDuration(s string) (time.Duration, bool) {
	units := []struct {
		name string
		unit time.Duration
	}{{"h", time.Hour}, {"ms", time.Millisecond}, {"m", time.Minute}, {"s", time.Second}}
	var total time.Duration
	last := time.Duration(math.MaxInt64)
	for s != "" {
		i := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' })
		if i <= 0 || i > 9 {
			return 0, false
		}
		number, ok := digits(s[:i])
		if !ok {
			return 0, false
		}
		s = s[i:]
		found := false
		for _, u := range units {
			if strings.HasPrefix(s, u.name) {
				if u.unit >= last || number > int64(maxDuration/u.unit) {
					return 0, false
				}
				last, found = u.unit, true
				total += time.Duration(number) * u.unit
				s = s[len(u.name):]
				break
			}
		}
		if !found {
			return 0, false
		}
	}
	return total, last != math.MaxInt64 && total <= maxDuration
}

// duration gives a length of time from least to most, or absent when the key
// is not there.
func (m *mapping) duration(key string, absent, least, most time.Duration) time.Duration {
	n := m.value(key)
	if n == nil {
		return absent
	}
	switch n.kind {
	case isNumber:
		m.fault(n, fmt.Sprintf("%s is %s, without a unit", key, clean(n.text)), fmt.Sprintf("write %ss or %sm: %s", clean(n.text), clean(n.text), durationFix))
		return absent
	case isText:
	default:
		m.wrongKind(n, "a duration for "+key+": "+durationFix)
		return absent
	}
	d, ok := parseDuration(strings.TrimSpace(n.text))
	switch {
	case !ok:
		m.fault(n, fmt.Sprintf("%s is %s, which is not a duration", key, clean(quote(n.text))), durationFix)
	case d < least || d > most:
		m.fault(n, fmt.Sprintf("%s is %s", key, FormatDuration(d)), fmt.Sprintf("from %s to %s", FormatDuration(least), FormatDuration(most)))
	default:
		return d
	}
	return absent
}

// due gives a moment relative to T-0, written T-60m or T+15m.
func (m *mapping) due(key string) time.Duration {
	n, ok := m.scalar(key)
	if !ok {
		return 0
	}
	rest, ok := strings.CutPrefix(n.text, "T")
	if ok && rest == "-0" {
		return 0
	}
	if ok && (strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+")) {
		if d, good := parseDuration(rest[1:]); good {
			if rest[0] == '-' {
				return -d
			}
			return d
		}
	}
	m.fault(n, fmt.Sprintf("%s is %s", key, clean(quote(n.text))), "a moment is written like T-60m or T+1m30s")
	return 0
}

// FormatDuration writes d as a runbook does: 1m30s, 15m, 60m is 1h.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.unit
		}
	}
	return b.String()
}

// rows gives an accepted number of rows. absent is true when the key is not
// there or cannot be read.
func (m *mapping) rows(key string) (rows Rows, absent bool) {
	n := m.value(key)
	if n == nil {
		return Rows{}, true
	}
	if n.kind == isText || n.kind == isNumber {
		if r, ok := parseRows(n.text); ok {
			return r, false
		}
	}
	m.fault(n, fmt.Sprintf("%s is %s", key, clean(quote(n.text))), "a number of rows is written 10, 100..500, 100.. or any")
	return Rows{}, true
}

func parseRows(s string) (Rows, bool) {
	if s == "any" {
		return Rows{Min: 0, Max: -1}, true
	}
	low, high, isRange := strings.Cut(s, "..")
	least, ok := digits(low)
	if !ok {
		return Rows{}, false
	}
	if !isRange {
		return Rows{Min: least, Max: least}, true
	}
	if high == "" {
		return Rows{Min: least, Max: -1}, true
	}
	most, ok := digits(high)
	return Rows{Min: least, Max: most}, ok && most >= least
}

const idFix = "an id is lower-case letters, digits, - and _, begins with a letter, and has at most 64 characters"

func goodID(s string) bool {
	if s == "" || len(s) > maxID || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// goodName reports whether s can be one part of a name as the catalog has it.
// Names are taken as they stand: nothing is folded to lower case.
func goodName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i, c := range s {
		switch {
		case c == '_', unicode.IsLetter(c):
		case i > 0 && (c == '$' || unicode.IsDigit(c)):
		default:
			return false
		}
	}
	return true
}

const (
	nameFix  = "a name as the catalog has it: letters, digits, _ and $, at most 63 bytes, without quotes"
	tableFix = "a table is written name or schema.name, as the catalog has it, without quotes"
)

func goodTable(s string) bool {
	schema, name, qualified := strings.Cut(s, ".")
	if !qualified {
		return goodName(s)
	}
	return goodName(schema) && goodName(name)
}
