package phases

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// ofRun are the checks that the run's own facts answer, by name.
var ofRun = map[string]func(*runbook.Check, Facts, time.Time) Answer{
	check.BackupAge:  BackupAnswer,
	check.BackupSize: SizeAnswer,
	"mirror.present": MirrorAnswer,

	check.RehearsalCompleted: CompletedAnswer,
	"rehearsal.protected":    ProtectedAnswer,
	"rehearsal.clean":        CleanAnswer,
	check.RehearsalSchema:    SchemaAnswer,

	check.RunBaseline:  courseAnswer,
	check.RunDeletions: courseAnswer,
	check.RunItems:     courseAnswer,
	check.RunPhase:     courseAnswer,
	check.RunProtected: courseAnswer,
	check.RunVerified:  courseAnswer,
}

// OfRun answers a check from the run's own facts; ok is false where the
// database has to be asked.
func OfRun(c *runbook.Check, f Facts, now time.Time) (a Answer, ok bool) {
	if answer, ok := ofRun[c.Name]; ok {
		return answer(c, f, now), true
	}
	return Answer{}, false
}

// BackupAnswer answers with moments, not with an age: what time alone changes is
// no other answer, and nobody reads an age that has grown since. State.Found
// counts it.
func BackupAnswer(c *runbook.Check, f Facts, now time.Time) Answer {
	limit := backupLimit(c, f.BackupMax) + f.BackupExtra
	a := backupAge(f.BackupTime, limit, now)
	if f.BackupTime.IsZero() || a.Value == clockSetBack {
		return a
	}
	stale, word := f.BackupTime.Add(limit).UTC(), "since"
	if a.Pass {
		word = "from"
	}
	form := time.DateTime
	if taken := f.BackupTime.UTC(); taken.YearDay() == stale.YearDay() && limit < 24*time.Hour {
		form = time.TimeOnly
	}
	a.Value = fmt.Sprintf("a backup of %s UTC, stale %s %s UTC", f.BackupTime.UTC().Format(time.DateTime), word, stale.Format(form))
	return a
}

// backupLimit is how old a backup may be for a check.
func backupLimit(c *runbook.Check, general time.Duration) time.Duration {
	if c.MaxAge > 0 {
		return c.MaxAge
	}
	return general
}

// Found is what an item's check has found, as it reads at now: a backup's age
// is counted anew. It is empty where there is no answer.
func (s *State) Found(it runbook.Item, now time.Time) string {
	c := s.Item(it.ID).Check
	if c == nil || it.Check == nil {
		return ""
	}
	if taken := s.BackupTime(); it.Check.Name == check.BackupAge && c.Error == "" && !taken.IsZero() {
		return backupAge(taken, backupLimit(it.Check, s.Runbook.Backup.MaxAge)+s.Extra, now).Value
	}
	return c.Value
}

// backupAge passes a backup whose snapshot at now is at most limit old.
func backupAge(taken time.Time, limit time.Duration, now time.Time) Answer {
	if taken.IsZero() {
		return Answer{Value: "no backup time recorded"}
	}
	age := now.Sub(taken).Round(time.Second)
	switch {
	case age > limit:
		return Answer{Value: fmt.Sprintf("%s old, over the limit of %s", Span(age), Span(limit))}
	case age < -clockSlack:
		return Answer{Value: clockSetBack}
	}
	return Answer{Pass: true, Value: fmt.Sprintf("%s old, stale in %s", Span(age), Span(limit-age))}
}

// MirrorAnswer answers who watches.
func MirrorAnswer(c *runbook.Check, f Facts, _ time.Time) Answer {
	watching := strings.Join(f.Observers, ", ")
	switch {
	case watching == "":
		return Answer{Value: "nobody watches"}
	case c.Observer != "" && !slices.Contains(f.Observers, c.Observer):
		return Answer{Value: c.Observer + " does not watch; " + watching + " does"}
	}
	return Answer{Pass: true, Value: watching}
}
