package runbook

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a duration and a number of rows look like, for the JSON Schema.
const (
	durationPattern = `((0|[1-9][0-9]*)h)?((0|[1-9][0-9]*)m)?((0|[1-9][0-9]*)s)?((0|[1-9][0-9]*)ms)?`
	rowsPattern     = `^(any|(0|[1-9][0-9]*)(\.\.(0|[1-9][0-9]*)?)?)$`
)

// How a value is written, as a mistake and the reference say it.
const (
	lineFix     = "one line, without tabs"
	durationFix = "a duration is written like 90s, 15m or 1m30s"
	momentFix   = "a moment is written like T-60m or T+1m30s"
	rowsFix     = "a number of rows is written 10, 100..500, 100.. or any"
	statusFix   = "a status is written 200, or 200..299"
	headersFix  = "a mapping of names and values: {Authorization: 'Bearer ${API_TOKEN}'}"
	addressFix  = "write http://host/path or https://host/path"
)

// shapely are the forms of text that a pattern tells, each with how it is
// written. None can be taken for an option of a command.
var shapely = map[form]struct{ pattern, fix string }{
	aRef:         {`^[A-Za-z0-9_][A-Za-z0-9_./#@+-]*$`, "a branch or a remote as git calls it: letters, digits and _ . / # @ + -, and no address"},
	aPath:        {`^[^/]*[^/.][^/]*(/[^/]*[^/.][^/]*)*$`, "a path below the folder, with / between its parts and no .. among them: .github/workflows/refill.yml"},
	aHost:        {`^[A-Za-z0-9.:_][A-Za-z0-9.:_%-]*$`, "a host's name or address, without a user and a port"},
	aFingerprint: {`^SHA256:[A-Za-z0-9+/]{43}$`, "as ssh-keygen -l prints it: SHA256: and 43 characters"},
	aSum:         {`^[0-9a-f]{64}$`, "64 hexadecimal digits, in small letters"},
	aRepository:  {`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`, "as GitHub calls it: OWNER/NAME"},
	aMatcher:     {`^[A-Za-z_][A-Za-z0-9_]*(=~|!~|!=|=)("[^"\\]*"|[^"\\{},\s]+)$`, "as Alertmanager has it: severity=\"page\", with =, !=, =~ or !~, and in YAML all of it in single quotes"},
	aResource:    {`^[A-Za-z0-9_][A-Za-z0-9_.:/@-]*$`, "as kubectl calls it: letters, digits and _ . : / @ -"},
	aPeriod:      {keepPattern, "a number of days, as 30d"},
	aVariable:    {`^[A-Za-z_][A-Za-z0-9_]*$`, "the name of a variable of the environment: letters, digits and _"},
	aLabel:       {`^[a-z_][a-z0-9_]*$`, "a name of small letters, digits and _"},
	aHandle:      {`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`, "a name as pgBackRest or barman has it: letters, digits and _ . -"},
}

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
				if u.unit >= last || number > int64(MaxDuration/u.unit) {
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
	return total, last != math.MaxInt64 && total <= MaxDuration
}

// anyDuration reads a length of time in Go's own form, which holds the
// runbook's: a rule of another time may have been wider.
func anyDuration(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// parseDue reads a moment relative to T-0, T-60m, T+15m or T-0, whose length of
// time parse reads.
func parseDue(s string, parse func(string) (time.Duration, bool)) (time.Duration, bool) {
	rest, ok := strings.CutPrefix(s, "T")
	if !ok || rest == "" {
		return 0, false
	}
	if rest == "-0" {
		return 0, true
	}
	d, ok := parse(rest[1:])
	switch rest[0] {
	case '-':
		return -d, ok
	case '+':
		return d, ok
	}
	return 0, false
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

// parseRows reads 10, 100..500, 100.. and any.
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

// digits reads a number that can be read in one way only.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

func plainNumber(s string) bool {
	if strings.ContainsAny(s, "_xXpPiInN") {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func plainTime(s string) bool {
	return s == "now" || slices.ContainsFunc([]string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "15:04:05", "15:04"}, func(layout string) bool {
		_, err := time.Parse(layout, s)
		return err == nil
	})
}
