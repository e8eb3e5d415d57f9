package runbook

import "testing"

func TestStepRewrites(t *testing.T) {
	for sql, want := range map[string]string{
		"":                                       "",
		"SELECT 1":                               "",
		"UPDATE t SET a = 1":                     "",
		"REFRESH MATERIALIZED VIEW totals":       "totals",
		"refresh materialized view m.totals;":    "m.totals",
		"ALTER SEQUENCE t_id_seq RESTART":        "t_id_seq",
		"ALTER SEQUENCE IF EXISTS m.s RESTART 5": "m.s",
	} {
		if got := (Step{SQL: sql}).Rewrites(); got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}
