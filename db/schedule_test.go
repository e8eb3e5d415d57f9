package db

import (
	"testing"
	"time"
)

// Each schedule from Saturday, 14 March 2026, 02:00, for 25 minutes, and for 17
// days. What is expected is what pg_cron does.
func TestSchedules(t *testing.T) {
	from := time.Date(2026, 3, 14, 2, 0, 20, 0, time.UTC)
	for text, want := range map[string][2]string{
		"* * * * *":             {"14 02:00", "14 02:00"},
		"*/15 * * * *":          {"14 02:00", "14 02:00"},
		"7-59/10 * * * *":       {"14 02:07", "14 02:07"},
		"5,20 2 14 3 *":         {"14 02:05", "14 02:05"},
		"20 2 14 MAR *":         {"14 02:20", "14 02:20"},
		"25 2 * * *":            {"14 02:25", "14 02:25"},
		"26 2 * * *":            {"", "14 02:26"},
		"5 3 * * *":             {"", "14 03:05"},
		"5 2 * jan-feb,apr *":   {"", ""},
		"0 0 * * 7":             {"", "15 00:00"},
		"0 0 * * 0":             {"", "15 00:00"},
		"0 0 * * Mon-Fri":       {"", "16 00:00"},
		"0 0 * * 5-7":           {"", "15 00:00"},
		"0 0 20 * 2":            {"", "17 00:00"}, // on the 20th, and on Tuesdays
		"0 0 */10 * 2":          {"", "31 00:00"}, // on the 1st, 11th, 21st and 31st, when it is a Tuesday
		"0 0 $ * *":             {"", "31 00:00"},
		"0 0 15,$ * *":          {"", "15 00:00"},
		"@reboot":               {"", ""},
		"@hourly":               {"14 02:00", "14 02:00"},
		"@daily":                {"", "15 00:00"},
		"@midnight":             {"", "15 00:00"},
		"@weekly":               {"", "15 00:00"},
		"@monthly":              {"", ""},
		"@yearly":               {"", ""},
		"@annually":             {"", ""},
		"30 seconds":            {"14 02:00", "14 02:00"},
		"1 Second":              {"14 02:00", "14 02:00"},
		" 5\t2   * * * ":        {"14 02:05", "14 02:05"},
		"59 23 31 12 0,1,2,3-6": {"", ""},
	} {
		s, err := parseSchedule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for i, length := range []time.Duration{25 * time.Minute, 17 * 24 * time.Hour} {
			got := ""
			if at, ok := s.due(from, from.Add(length)); ok {
				got = at.Format("02 15:04")
			}
			if got != want[i] {
				t.Errorf("%q within %s: %q, want %q", text, length, got, want[i])
			}
		}
	}
}

func TestSchedulesThatAreNotUnderstoodAreErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "none of five fields", "* * * *": "none of five fields", "* * * * * *": "none of five fields",
		"@sometimes": "none of five fields", "60 seconds": "none of five fields", "5 minutes": "none of five fields",
		"60 * * * *": `"60"`, "* 24 * * *": `"24"`, "* * 0 * *": `"0"`, "* * * 13 *": `"13"`, "* * * * 8": `"8"`,
		"5/15 * * * *": `"5/15"`, "*/0 * * * *": `"*/0"`, "*/x * * * *": `"*/x"`, "20-10 * * * *": `"20-10"`,
		"5, * * * *": `""`, "5-60 * * * *": `"5-60"`, "x-5 * * * *": `"x-5"`, "* * L * *": `"L"`,
		"* * * * 1#2": `"1#2"`, "$ * * * *": `"$"`, "-5 * * * *": `"-5"`, "mon * * * *": `"mon"`,
	} {
		_, err := parseSchedule(text)
		wantError(t, err, want)
	}
}

// A job is due by the clock of its zone.
func TestSchedulesFollowTheZone(t *testing.T) {
	zone := time.FixedZone("two hours ahead", 2*60*60)
	from := time.Date(2026, 3, 13, 23, 0, 0, 0, time.UTC)
	s, err := parseSchedule("5 1 14 * *")
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := s.due(from.In(zone), from.Add(25*time.Minute).In(zone)); !ok || !at.Equal(from.Add(5*time.Minute)) {
		t.Errorf("due %v %v", at, ok)
	}
	if at, ok := s.due(from, from.Add(25*time.Minute)); ok {
		t.Errorf("due %v in UTC", at)
	}
}
