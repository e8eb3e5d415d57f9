package monitor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tminus/phases"
)

// sample is one value of a family, with its labels in the family's order.
type sample struct {
	value  float64
	labels []string
}

// family is one metric: what it is called, and what a picture gives for it. What
// does not apply gives nothing, so that no number stands for "unknown".
type family struct {
	name, help string
	labels     []string
	counts     bool // it only ever grows
	of         func(p *Picture, now time.Time) []sample
}

// families are all metrics, in the order of docs/watching.md.
func families() []family {
	return append(runFamilies(), phaseFamilies()...)
}

func runFamilies() []family {
	return []family{
		{"tminus_run_info", "What runs where; always 1.", []string{"title", "environment", "database", "host", "run_id", "runbook_sha256", "version"}, false, func(p *Picture, _ time.Time) []sample {
			return []sample{{1, []string{p.Title, p.Environment, p.Database, p.Host, p.RunID, p.SHA256, p.Program}}}
		}},
		{"tminus_run_stage", "1 for the stage that the run is in, 0 for the others.", []string{"stage"}, false, func(p *Picture, _ time.Time) []sample {
			return oneOf(p.Stage, phases.StageChecklist, phases.StagePhases, phases.StageAfter, phases.StageEnded)
		}},
		{"tminus_run_outcome", "1 for how the run has ended; 0 for all as long as it has not.", []string{"outcome"}, false, func(p *Picture, _ time.Time) []sample {
			return oneOf(p.Outcome, phases.Completed, phases.NoGo, phases.Aborted, phases.Unfinished)
		}},
		{"tminus_run_interrupted", "1 when the program has left a run that has not ended.", nil, false, func(p *Picture, _ time.Time) []sample { return truth(p.Interrupted != "") }},
		{"tminus_run_program", "1 while a program has the journal open, to go on with the run.", nil, false, func(p *Picture, _ time.Time) []sample { return truth(p.Alive) }},
		{"tminus_clock_seconds", "The T-clock: from T-0, below 0 before it; from the planned T-0 until the first phase begins.", nil, false, func(p *Picture, now time.Time) []sample {
			if p.Outcome != "" {
				now = p.EventAt
			}
			return seconds(now.Sub(first(p.T0, p.PlannedT0)), !first(p.T0, p.PlannedT0).IsZero())
		}},
		{"tminus_window_remaining_seconds", "Until the abort limit; below 0 behind it. From T-0 to the run's end.", nil, false, func(p *Picture, now time.Time) []sample {
			return seconds(p.AbortAt.Sub(now), !p.AbortAt.IsZero() && p.Outcome == "")
		}},
		{"tminus_backup_age_seconds", "Since the recorded backup's snapshot.", nil, false, func(p *Picture, now time.Time) []sample {
			return seconds(now.Sub(p.BackupAt), !p.BackupAt.IsZero())
		}},
		{"tminus_holds", "How many things keep the gate, or the next phase, closed now.", nil, false, func(p *Picture, _ time.Time) []sample { return number(float64(p.holding)) }},
		{"tminus_holds_oldest_seconds", "For how long something has kept it closed without a break, as this program has seen it.", nil, false, func(p *Picture, now time.Time) []sample {
			return seconds(now.Sub(p.HeldSince), !p.HeldSince.IsZero())
		}},
		{"tminus_hold_open", "1 while a verified phase waits for COMMIT or ROLLBACK.", nil, false, func(p *Picture, _ time.Time) []sample { return truth(p.Hold != nil) }},
		{"tminus_hold_until_timestamp_seconds", "When the phase on hold is rolled back by itself.", nil, false, func(p *Picture, _ time.Time) []sample {
			if p.Hold == nil {
				return nil
			}
			return number(unix(p.Hold.Until))
		}},
		{"tminus_lock_waiting", "1 while a phase waits for a lock.", nil, false, func(p *Picture, _ time.Time) []sample { return truth(p.Lock != nil) }},
		{"tminus_lock_waited_seconds", "For how long it has waited, as last recorded.", nil, false, func(p *Picture, _ time.Time) []sample {
			if p.Lock == nil {
				return nil
			}
			return number(p.Lock.Waited)
		}},
		{"tminus_lock_blockers", "Sessions that hold what it waits for, as last recorded.", nil, false, func(p *Picture, _ time.Time) []sample {
			if p.Lock == nil {
				return nil
			}
			return number(float64(p.Lock.Blockers))
		}},
		{"tminus_in_doubt", "Phases of whose COMMIT nobody knows what came.", nil, false, func(p *Picture, _ time.Time) []sample { return number(float64(len(p.Doubt))) }},
		{"tminus_triggers_off", "1 from before triggers are switched off until they are known to be back.", nil, false, func(p *Picture, _ time.Time) []sample { return truth(p.TriggersOff) }},
		{"tminus_fences_off", "Fences that are off for the run, or may be, and are not back; after its end too.", nil, false, func(p *Picture, _ time.Time) []sample { return number(float64(len(p.FencesOff))) }},
		{"tminus_observers", "Who watches the mirror of this program.", nil, false, func(p *Picture, _ time.Time) []sample { return number(float64(p.Watching)) }},
		{"tminus_journal_records_total", "Records of the journal.", nil, true, func(p *Picture, _ time.Time) []sample { return number(float64(p.Seq)) }},
		{"tminus_journal_last_event_timestamp_seconds", "When the last of them was written.", nil, false, func(p *Picture, _ time.Time) []sample { return number(unix(p.EventAt)) }},
		{"tminus_journal_readable", "0 when the journal cannot be read on: all else is then as it was.", nil, false, func(p *Picture, _ time.Time) []sample { return truth(p.Fault == "") }},
	}
}

func phaseFamilies() []family {
	phase := []string{"phase"}
	return []family{
		{"tminus_phase_status", "1 for the status that a phase has, 0 for the others.", []string{"phase", "status"}, false, func(p *Picture, _ time.Time) (out []sample) {
			for _, ph := range p.Phases {
				for _, s := range oneOf(ph.Status, statuses()...) {
					out = append(out, sample{s.value, []string{ph.ID, s.labels[0]}})
				}
			}
			return out
		}},
		{"tminus_phase_attempt", "The number of a phase's last attempt; 0 before the first.", phase, false, eachPhase(func(ph Phase, _ time.Time) float64 { return float64(ph.Attempt) })},
		{"tminus_phase_planned_seconds", "What the runbook plans for a phase.", phase, false, eachPhase(func(ph Phase, _ time.Time) float64 { return ph.Planned })},
		{"tminus_phase_elapsed_seconds", "What its last attempt takes, or took; 0 before it.", phase, false, eachPhase(func(ph Phase, now time.Time) float64 { return ph.elapsed(now).Seconds() })},
		{"tminus_phase_rows", "Rows of a table that a phase's last attempt has deleted, changed by cascades, updated or inserted; 0 once it is rolled back.", []string{"phase", "table", "effect"}, false, eachTable(func(t Table) []sample {
			return []sample{
				{float64(t.Deleted), []string{"deleted"}},
				{float64(t.Cascaded), []string{"cascaded"}},
				{float64(t.Updated), []string{"updated"}},
				{float64(t.Inserted), []string{"inserted"}},
			}
		})},
		{"tminus_phase_rows_expected", "Rows that should be there when the phase begins, where that is known.", []string{"phase", "table"}, false, eachTable(func(t Table) []sample {
			if t.Expected < 0 {
				return nil
			}
			return []sample{{float64(t.Expected), nil}}
		})},
	}
}

// statuses are all that a phase can have.
func statuses() []phases.PhaseStatus {
	return []phases.PhaseStatus{
		phases.PhasePending, phases.PhaseLocking, phases.PhaseRunning, phases.PhaseVerifying, phases.PhaseHolding, phases.PhaseCommitting, phases.PhaseInDoubt,
		phases.PhaseIsCommitted, phases.PhaseIsRolledBack, phases.PhaseIsPassed, phases.PhaseIsFailed, phases.PhaseUnknown, phases.PhaseIsUndone,
	}
}

func eachPhase(of func(Phase, time.Time) float64) func(*Picture, time.Time) []sample {
	return func(p *Picture, now time.Time) (out []sample) {
		for _, ph := range p.Phases {
			out = append(out, sample{of(ph, now), []string{ph.ID}})
		}
		return out
	}
}

func eachTable(of func(Table) []sample) func(*Picture, time.Time) []sample {
	return func(p *Picture, _ time.Time) (out []sample) {
		for _, ph := range p.Phases {
			for _, t := range ph.Tables {
				for _, s := range of(t) {
					out = append(out, sample{s.value, append([]string{ph.ID, t.Name}, s.labels...)})
				}
			}
		}
		return out
	}
}

func oneOf[T ~string](is T, all ...T) (out []sample) {
	for _, one := range all {
		out = append(out, sample{truth(one == is)[0].value, []string{string(one)}})
	}
	return out
}

func truth(holds bool) []sample {
	if holds {
		return number(1)
	}
	return number(0)
}

func number(n float64) []sample { return []sample{{value: n}} }

func seconds(d time.Duration, known bool) []sample {
	if !known {
		return nil
	}
	return number(d.Seconds())
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func first(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// collector makes metrics of the latest picture when it is asked.
type collector struct {
	latest func() *Picture
	now    func() time.Time
}

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range families() {
		to <- f.desc()
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	p := c.latest()
	if p == nil {
		return
	}
	now := c.now()
	for _, f := range families() {
		kind := prometheus.GaugeValue
		if f.counts {
			kind = prometheus.CounterValue
		}
		desc := f.desc()
		for _, s := range f.of(p, now) {
			m, err := prometheus.NewConstMetric(desc, kind, s.value, s.labels...)
			if err != nil {
				m = prometheus.NewInvalidMetric(desc, err)
			}
			to <- m
		}
	}
}

func (f family) desc() *prometheus.Desc { return prometheus.NewDesc(f.name, f.help, f.labels, nil) }
