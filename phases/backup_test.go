package phases

import (
	"strings"
	"testing"
	"time"

	"tminus/phases/runbook"
)

func TestWhetherItIsTheSameBackup(t *testing.T) {
	at := time.Date(2026, 1, 30, 14, 5, 0, 0, time.UTC)
	one := Backup{ID: "B-1", At: at}
	for name, c := range map[string]struct {
		other Backup
		want  bool
	}{
		"itself":         {one, true},
		"without an ID":  {Backup{At: at}, true},
		"another ID":     {Backup{ID: "B-2", At: at}, false},
		"another moment": {Backup{ID: "B-1", At: at.Add(time.Second)}, false},
	} {
		if got := one.Same(c.other); got != c.want || c.other.Same(one) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (Backup{}).Same(Backup{}) {
		t.Error("no backup is one")
	}
}

func TestProofOfABackup(t *testing.T) {
	at := time.Date(2026, 1, 30, 14, 5, 0, 0, time.UTC)
	one, other := Backup{ID: "B-1", At: at}, Backup{ID: "B-2", At: at.Add(time.Minute)}
	good := &BackupProven{Backup: one, At: at.Add(time.Minute), Restore: 90 * time.Second}
	bad := &BackupProven{Backup: one, At: at.Add(time.Minute), Differences: []string{"a: 1 row came back, and its snapshot had 2", "b: it is not there"}}
	for name, c := range map[string]struct {
		facts Facts
		after time.Duration
		pass  bool
		want  string
	}{
		"none":               {Facts{}, 0, false, "no backup recorded"},
		"by hand":            {Facts{Backup: one}, 0, false, "was recorded by hand, and is not restored"},
		"taken":              {Facts{Backup: one, Taken: &BackupTaken{Backup: one}}, 0, false, "is not restored yet"},
		"proven":             {Facts{Backup: one, Proven: good}, 5 * time.Minute, true, "restored in 1 min 30 s at 14:06:00 UTC, counts until 14:16:00 UTC"},
		"long ago":           {Facts{Backup: one, Proven: good}, 12 * time.Minute, false, "too long ago since 2026-01-30 14:16:00 UTC"},
		"window extended":    {Facts{Backup: one, Proven: good, BackupExtra: 5 * time.Minute}, 12 * time.Minute, true, "counts until 14:21:00 UTC"},
		"clock set back":     {Facts{Backup: one, Proven: good}, -5 * time.Minute, false, clockSetBack},
		"of another":         {Facts{Backup: other, Taken: &BackupTaken{Backup: other}, Proven: good}, 5 * time.Minute, false, "B-2 of 2026-01-30 14:06:00 UTC is not restored yet"},
		"with a difference":  {Facts{Backup: one, Proven: bad}, 5 * time.Minute, false, "a: 1 row came back, and its snapshot had 2, and 1 more"},
		"other by hand then": {Facts{Backup: other, Taken: &BackupTaken{Backup: one}, Proven: good}, 0, false, "B-2 of 2026-01-30 14:06:00 UTC was recorded by hand"},
	} {
		got := RestoredAnswer(&runbook.Check{MaxAge: 10 * time.Minute}, c.facts, at.Add(c.after))
		if got.Pass != c.pass || !strings.Contains(got.Value, c.want) {
			t.Errorf("%s: %+v, want %v %q", name, got, c.pass, c.want)
		}
	}
}

func TestProgressOfAnAction(t *testing.T) {
	for want, p := range map[string]ActionProgress{
		"": {}, "dump, 12 of 40 tables, 340 MB": {What: "dump", Tables: 12, Of: 40, Bytes: 340 << 20}, "compare": {What: "compare"},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
