package phases

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tminus/phases/runbook"
)

// maxField is the longest value of a field, in bytes.
const maxField = 500

// ParseField gives the form in which a field's value is recorded, or says what
// would be right. An empty value is right: it clears the field. Times of day
// without a date are the last such moment before now.
func ParseField(f runbook.Field, value string, now time.Time) (string, error) {
	value = strings.TrimSpace(value)
	if value == "" {
		return "", nil
	}
	if len(value) > maxField {
		return "", fmt.Errorf("at most %d bytes", maxField)
	}
	if strings.IndexFunc(value, unicode.IsControl) >= 0 {
		return "", errors.New("no control characters")
	}
	switch f.Type {
	case runbook.FieldTime:
		t, err := parseTime(value, now)
		if err != nil {
			return "", err
		}
		return t.UTC().Format(time.RFC3339), nil
	case runbook.FieldYesNo:
		switch strings.ToLower(value) {
		case "y", "yes":
			return "yes", nil
		case "n", "no":
			return "no", nil
		}
		return "", errors.New("yes or no")
	case runbook.FieldNumber:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return "", errors.New("a number")
		}
	case runbook.FieldDuration:
		d, err := time.ParseDuration(strings.ReplaceAll(value, " ", ""))
		if err != nil || d <= 0 {
			return "", errors.New("how long it took, such as 12m or 1h30m")
		}
		return runbook.FormatDuration(d), nil
	case runbook.FieldPhone:
		if strings.IndexFunc(value, unicode.IsDigit) < 0 {
			return "", errors.New("a phone number, such as +00 000 0000")
		}
	}
	return value, nil
}

// parseTime reads a moment as it is typed: one without a zone is UTC, as all times are
// that whoever types it sees.
func parseTime(value string, now time.Time) (time.Time, error) {
	now = now.UTC()
	if strings.EqualFold(value, "now") {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return notAfter(t, now)
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, value, now.Location()); err == nil {
			return notAfter(t, now)
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.ParseInLocation(layout, value, now.Location()); err == nil {
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location())
			if t.After(now) {
				t = t.AddDate(0, 0, -1)
			}
			return t, nil
		}
	}
	return time.Time{}, errors.New("a time in UTC: now, 14:05, 2026-01-30 14:05, or RFC 3339")
}

// notAfter refuses a moment in the future: evidence of what is yet to happen
// would look fresh for too long.
func notAfter(t, now time.Time) (time.Time, error) {
	if t.After(now.Add(time.Minute)) {
		return t, errors.New("a time that is not in the future")
	}
	return t, nil
}

// AssumedValue is what is taken for a field where nobody knows better: its
// example, or a value that its type takes. An unattended run records it as
// assumed, and a demo's form offers it.
func AssumedValue(f runbook.Field) string {
	switch {
	case f.Example != "":
		return f.Example
	case f.Type == runbook.FieldTime:
		return "now"
	case f.Type == runbook.FieldYesNo:
		return "yes"
	case f.Type == runbook.FieldNumber:
		return "0"
	case f.Type == runbook.FieldDuration:
		return "15m"
	case f.Type == runbook.FieldPhone:
		return "+00 000 0000"
	}
	return "assumed"
}
