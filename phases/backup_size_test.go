package phases

import (
	"reflect"
	"testing"
	"time"

	"tminus/phases/runbook"
)

func TestSizeOfABackup(t *testing.T) {
	const mb = 1 << 20
	at := time.Date(2026, 1, 30, 14, 5, 0, 0, time.UTC)
	one := Backup{ID: "B-2", At: at}
	of := func(n int64) *int64 { return &n }
	before := func(n int64) *BackupBefore { return &BackupBefore{ID: "B-1", At: at.Add(-time.Hour), Bytes: n} }
	for name, c := range map[string]struct {
		facts Facts
		least *int64
		want  Answer
	}{
		"none":           {Facts{}, nil, Answer{Value: "no backup recorded"}},
		"by hand":        {Facts{Backup: one}, nil, Answer{Value: "nobody knows its size: B-2 of 2026-01-30 14:05:00 UTC was recorded by hand"}},
		"of another":     {Facts{Backup: one, Taken: &BackupTaken{Backup: Backup{ID: "B-1", At: at}, Bytes: mb}}, nil, Answer{Value: "nobody knows its size: B-2 of 2026-01-30 14:05:00 UTC was recorded by hand"}},
		"by a command":   {Facts{Backup: one, Taken: &BackupTaken{Backup: one, How: "barman"}}, nil, Answer{Value: "nobody knows its size: barman took B-2 of 2026-01-30 14:05:00 UTC, and does not say"}},
		"tables unknown": {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 34 * mb, Before: before(mb)}}, nil, Answer{Value: "34 MB, and nobody knows how much the tables held then: take another one"}},
		"good":           {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 34 * mb, TablesBytes: of(190 * mb), Before: before(33 * mb)}}, nil, Answer{Pass: true, Value: "34 MB, 18 % of the tables' 190 MB; the one before had 33 MB"}},
		"the first":      {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 34 * mb, TablesBytes: of(190 * mb)}}, nil, Answer{Pass: true, Value: "34 MB, 18 % of the tables' 190 MB; there is none before it"}},
		"no rows":        {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 4000, TablesBytes: of(0)}}, nil, Answer{Pass: true, Value: "4000 bytes, and the tables hold nothing; there is none before it"}},
		"exactly half":   {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 17 * mb, TablesBytes: of(190 * mb), Before: before(34 * mb)}}, nil, Answer{Pass: true, Value: "17 MB, 8.9 % of the tables' 190 MB; the one before had 34 MB"}},
		"less than half": {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 17*mb - 1, TablesBytes: of(190 * mb), Before: before(34 * mb)}}, nil, Answer{Value: "17 MB, 8.9 % of the tables' 190 MB; the one before, B-1, had 34 MB, at least half of that wanted"}},
		"exactly enough": {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 20 * mb, TablesBytes: of(1000 * mb)}}, nil, Answer{Pass: true, Value: "20 MB, 2 % of the tables' 1000 MB; there is none before it"}},
		"too small":      {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 20*mb - 1, TablesBytes: of(1000 * mb)}}, nil, Answer{Value: "20 MB, 2 % of the tables' 1000 MB, at least 2 % wanted; there is none before it"}},
		"least is given": {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 34 * mb, TablesBytes: of(190 * mb), Before: before(33 * mb)}}, of(20), Answer{Value: "34 MB, 18 % of the tables' 190 MB, at least 20 % wanted; the one before had 33 MB"}},
		"nothing wanted": {Facts{Backup: one, Taken: &BackupTaken{Backup: one, Bytes: 1, TablesBytes: of(190 * mb)}}, of(0), Answer{Pass: true, Value: "1 bytes, 5e-07 % of the tables' 190 MB; there is none before it"}},
	} {
		if got := SizeAnswer(&runbook.Check{Min: c.least}, c.facts, at); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestWALThatIsToCome(t *testing.T) {
	s := &State{Phases: []PhaseState{
		{Plan: &runbook.Phase{ID: "a"}, Status: PhaseIsCommitted}, {Plan: &runbook.Phase{ID: "b"}}, {Plan: &runbook.Phase{ID: "c"}, Status: PhaseIsRolledBack},
	}}
	if most, _ := s.walToCome(); most != nil {
		t.Errorf("before the survey: %d", *most)
	}
	s.Survey = &Survey{Prices: []Price{{Phase: "a", MostWAL: 1, Guessed: true}, {Phase: "b", MostWAL: 20}, {Phase: "c", MostWAL: 300}}}
	if most, guessed := s.walToCome(); most == nil || *most != 320 || guessed {
		t.Errorf("got %v, guessed %v", most, guessed)
	}
	s.Survey.Prices = s.Survey.Prices[:2]
	if most, _ := s.walToCome(); most != nil {
		t.Errorf("without a phase's price: %d", *most)
	}
}
