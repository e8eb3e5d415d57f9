package phases

import (
	"time"

	"tminus/phases/runbook"
)

// checklistOpen reports whether the checklist can still be answered: until the
// first phase begins, and again when the gate has to be passed anew.
func (s *State) checklistOpen() bool { return s.T0.IsZero() || s.Gate.Decision != Go }

// Asked are the items whose checks are asked at this stage: the checklist's
// while it is open, and those that must hold through the phases
// until the last has ended, the next phase's confirmations, and the current one
// of the stages after.
func (s *State) Asked() []runbook.Item {
	var out []runbook.Item
	add := func(items []runbook.Item, counts func(*runbook.Check) bool) {
		for _, it := range items {
			if it.Check != nil && counts(it.Check) {
				out = append(out, it)
			}
		}
	}
	all := func(*runbook.Check) bool { return true }
	switch s.Stage() {
	case StageEnded:
		return nil
	case StageAfter:
		for i := 0; i <= s.CurrentAfter() && i < len(s.Runbook.After); i++ {
			// What a stage found is not asked for ever: smoke tests write rows
			// again. Triggers that were brought back have to stay.
			current := i == s.CurrentAfter()
			add(s.Runbook.After[i].Items, func(c *runbook.Check) bool {
				return current || c.Named().Lasts || c.Name == runbook.FenceBack
			})
		}
		return out
	}
	for _, g := range s.Runbook.Checklist {
		add(g.Items, func(c *runbook.Check) bool { return s.checklistOpen() || c.Through })
	}
	if cur := s.Current(); cur >= 0 && s.Gate.Decision == Go && !s.Phases[cur].Status.Open() {
		add(s.Phases[cur].Plan.Confirm, all)
	}
	return out
}

// Facts are what checks need of the run.
func (s *State) Facts() Facts {
	// Who extends the window also answers for the backup's age.
	f := Facts{
		Triggers: s.Triggers, BackupTime: s.BackupTime(), BackupMax: s.Runbook.Backup.MaxAge, BackupExtra: s.Extra,
		PlannedT0: s.earliest(), AbortAt: s.AbortAt(), rehearsal: s.rehearsing(), course: s.course(),
	}
	f.WALToCome, f.WALGuessed = s.walToCome()
	f.Backup, f.Taken, f.Verified, f.Proven = s.RecordedBackup(), s.Taken, s.Verified, s.Proven
	if s.Baseline != nil {
		f.Protected = s.Baseline.Protected
	}
	for _, o := range s.Observers {
		f.Observers = append(f.Observers, o.Name)
	}
	return f
}

// Facts are what a database check may need of the run.
type Facts struct {
	Triggers    []Trigger     // recorded before they were disabled
	Protected   []Fingerprint // the baseline's
	BackupTime  time.Time     // zero when not recorded
	BackupMax   time.Duration
	BackupExtra time.Duration // by which the window was extended
	Observers   []string      // who watches a mirror
	PlannedT0   time.Time     // when the first phase may start; zero where it need not wait for its time
	AbortAt     time.Time     // when no phase may start any more; zero before T-0

	rehearsal rehearsing
	course    map[*runbook.Check]Answer // of the checks about the run itself that are asked now

	WALToCome  *int64 // bytes, at most, of the phases that are not done; nil when nobody reckoned
	WALGuessed bool   // some of it nobody can know

	Backup   Backup          // as recorded; its zero value for none
	Taken    *BackupTaken    // nil before one
	Verified *BackupVerified // nil before one
	Proven   *BackupProven   // nil before one
}

// Answer is what a check found.
type Answer struct {
	Pass     bool
	Value    string    // what was found, short: "0 connections", "4 of 4 disabled"
	InTheWay []Blocker // the sessions for which it does not pass, at most MostInTheWay
}
