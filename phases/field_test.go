package phases_test

import (
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

func TestParseField(t *testing.T) {
	now := time.Date(2026, 1, 30, 2, 10, 0, 0, time.UTC)
	for _, c := range []struct {
		kind        runbook.FieldType
		value, want string // want "!" for a refusal
	}{
		{runbook.FieldText, "  gym-production.dump ", "gym-production.dump"},
		{runbook.FieldText, "", ""},
		{runbook.FieldText, "a\x1b[31mb", "!"},
		{runbook.FieldTime, "now", "2026-01-30T02:10:00Z"},
		{runbook.FieldTime, "02:05", "2026-01-30T02:05:00Z"},
		{runbook.FieldTime, "23:50", "2026-01-29T23:50:00Z"}, // the last such moment
		{runbook.FieldTime, "2026-01-30 01:59", "2026-01-30T01:59:00Z"},
		{runbook.FieldTime, "2026-01-30T02:30:00Z", "!"}, // still to come
		{runbook.FieldTime, "soon", "!"},
		{runbook.FieldYesNo, "Y", "yes"},
		{runbook.FieldYesNo, "no", "no"},
		{runbook.FieldYesNo, "perhaps", "!"},
		{runbook.FieldNumber, "12.5", "12.5"},
		{runbook.FieldNumber, "many", "!"},
		{runbook.FieldPhone, "+00 000 0000", "+00 000 0000"},
		{runbook.FieldPhone, "none", "!"},
		{runbook.FieldDuration, "1h 30m", "1h30m"},
		{runbook.FieldDuration, "12", "!"},
		{runbook.FieldDuration, "-5m", "!"},
	} {
		got, err := phases.ParseField(runbook.Field{ID: "f", Type: c.kind}, c.value, now)
		if c.want == "!" && err == nil {
			t.Errorf("%s %q was accepted as %q", c.kind, c.value, got)
		} else if c.want != "!" && (err != nil || got != c.want) {
			t.Errorf("%s %q: got %q, %v, want %q", c.kind, c.value, got, err, c.want)
		}
	}
}

// Whoever types a time reads UTC on the same screen.
func TestATypedTimeIsUTC(t *testing.T) {
	now := time.Date(2026, 1, 30, 4, 10, 0, 0, time.FixedZone("EET", 2*60*60))
	for value, want := range map[string]string{"02:05": "2026-01-30T02:05:00Z", "2026-01-30 01:59": "2026-01-30T01:59:00Z", "now": "2026-01-30T02:10:00Z"} {
		if got, err := phases.ParseField(runbook.Field{ID: "f", Type: runbook.FieldTime}, value, now); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", value, got, err, want)
		}
	}
}

// What a tried restore took counts more than what the runbook expects, unless
// nobody measured it.
func TestRestoreTimeIsTheMeasuredOne(t *testing.T) {
	s := &phases.State{
		Runbook: &runbook.Runbook{Backup: runbook.Backup{RestoreTime: 15 * time.Minute, TookField: "took"}},
		Fields:  map[string]phases.FieldValue{},
	}
	check := func(want time.Duration, wantMeasured bool) {
		t.Helper()
		if got, measured := s.RestoreTime(); got != want || measured != wantMeasured {
			t.Errorf("got %s, %v, want %s, %v", got, measured, want, wantMeasured)
		}
	}
	check(15*time.Minute, false)
	s.Fields["took"] = phases.FieldValue{Value: "12m", Assumed: true}
	check(15*time.Minute, false)
	s.Fields["took"] = phases.FieldValue{Value: "12m"}
	check(12*time.Minute, true)
}
