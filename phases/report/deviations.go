package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
)

// lateAfter is what a human's delay may be before it is one.
const lateAfter = time.Minute

// deviate records what departs from the plan as it happens.
func (b *builder) deviate(e phases.Event) {
	s := b.state
	switch e := e.(type) {
	case phases.PhaseStarted:
		if late := s.T0.Sub(s.Opened.PlannedT0); s.At.Equal(s.T0) && late > lateAfter {
			b.add("late: T-0 came %s after the planned one", phases.Span(late))
		} else if s.At.Equal(s.T0) && s.KeepsTimes() && -late > lateAfter {
			b.add("early: T-0 came %s before the planned one", phases.Span(-late))
		}
		if e.Attempt > 1 {
			b.add("retried: %s, attempt %d", s.PhaseName(e.Phase), e.Attempt)
		}
	case phases.PhaseCommitted:
		if e.Settled {
			b.add("settled: COMMIT of %s lost its answer; the ledger says that it was committed", s.PhaseName(e.Phase))
		}
		if len(e.Warned) > 0 {
			b.add("warned: %s: %s", s.PhaseName(e.Phase), phases.WarnedWords(e.Warned))
		}
		b.slow(e.Phase)
	case phases.PhasePassed:
		b.slow(e.Phase)
	case phases.PhaseRolledBack:
		b.add("rolled back: %s: %s", s.PhaseName(e.Phase), e.Reason)
	case phases.PhaseFailed:
		b.add("failed: %s: %s", s.PhaseName(e.Phase), e.Reason)
	case phases.OutcomeUnknown:
		b.add("unknown: %s: %s", s.PhaseName(e.Phase), e.Reason)
	case phases.PhaseUndone:
		b.add("undone: %s: %s", s.PhaseName(e.Phase), e.Reason)
	case phases.MaintenanceEnded:
		if line, ok := phases.Describe(s, e); ok && e.Error != "" {
			b.add("%s", line.Text)
		}
	case phases.WindowExtended, phases.ScheduleLeft, phases.PhaseConfirmed, phases.UndoneAccepted, phases.ConditionRaised, phases.GateClosed, phases.RunResumed, phases.BackendEnded, phases.FindingsAcknowledged, phases.RunInterrupted, phases.CapsuleLeft, phases.ItemWaived, phases.WaiverWithdrawn, phases.SmokeDecided:
		if line, ok := phases.Describe(s, e); ok {
			b.add("%s", line.Text)
		}
	case phases.GatePassed:
		due := s.Schedule().Gate
		if late := s.At.Sub(due); late > lateAfter && !e.Assumed {
			b.add("late: the decision came %s after it was due", phases.Span(late))
		}
		if e.Assumed {
			b.add("assumed: nobody approved")
		}
	case phases.ItemUnticked:
		if line, ok := phases.Describe(s, e); ok && s.Gate.Decision == phases.Go {
			b.add("%s", line.Text)
		}
	}
}

func (b *builder) add(format string, args ...any) {
	b.report.Deviations = append(b.report.Deviations, b.line(phases.LevelWarn, fmt.Sprintf(format, args...)))
}

func (b *builder) slow(id string) {
	for i := range b.state.Phases {
		p := &b.state.Phases[i]
		if p.Plan.ID == id && p.Plan.Planned > 0 && p.Took > p.Plan.Planned {
			b.add("late: %s took %s, planned %s", b.state.PhaseName(id), phases.Span(p.Took), phases.Span(p.Plan.Planned))
		}
	}
}

// planDeviations adds what only the whole run tells.
func (b *builder) planDeviations() {
	s := b.state
	if age := b.report.Backup.AgeAtT0Seconds; age != nil && *age > b.report.Backup.MaxAgeSeconds && b.report.Backup.MaxAgeSeconds > 0 {
		b.add("backup: %s old at T-0, at most %s", span(*age), span(b.report.Backup.MaxAgeSeconds))
	}
	if n := b.assumed(); n > 0 {
		b.add("assumed: %s, at which nobody looked", phases.Plural(int64(n), "answer"))
	}
	if s.Current() < 0 {
		end := b.lastEnd()
		if took := end.Sub(s.T0); took > s.Runbook.Window.Planned {
			b.add("late: the phases took %s, planned %s", phases.Span(took), phases.Span(s.Runbook.Window.Planned))
		}
	}
	if n := b.leftOpen(); n > 0 && s.Outcome == phases.Completed {
		b.add("open: %s after the last phase not done", phases.Plural(int64(n), "item"))
	}
	b.rehearsalDeviations()
	b.undoDeviations()
	b.fencesOff()
	b.messageDeviations()
	if !s.Runbook.Ledger {
		b.add("no ledger: the runbook wants none, a lost COMMIT could be settled by counts only")
	}
}

func (b *builder) assumed() int {
	n := 0
	for _, it := range b.state.Items {
		if it.Assumed {
			n++
		}
	}
	for _, f := range b.state.Fields {
		if f.Assumed {
			n++
		}
	}
	return n
}

func (b *builder) leftOpen() int {
	n := 0
	for _, g := range b.state.Runbook.After {
		done, total := b.state.GroupDone(g)
		n += total - done
	}
	return n
}

// status is the template's overall status. A phase that is undone tarnishes
// every outcome: the database is not what the run made of it.
func (r *Report) status() string {
	var undone []string
	for i := range r.Phases {
		if r.Phases[i].Outcome == phases.PhaseIsUndone {
			undone = append(undone, fmt.Sprintf("phase %d", i+1))
		}
	}
	if len(undone) > 0 {
		return "FAILED: UNDONE: the database does not hold what was committed by " + strings.Join(undone, ", ")
	}
	switch r.Outcome {
	case phases.NoGo:
		_, short := r.untouched()
		return "NO-GO: " + short + r.notBack()
	case phases.Aborted:
		return "FAILED: aborted" + r.notBack()
	case phases.Completed:
		return r.completed()
	}
	return "UNFINISHED: the run has not ended"
}

// untouched is how little was done before a NO-GO, as the summary begins with it
// and as the status has it. What a command of the operator's own did, nobody knows.
func (r *Report) untouched() (sentence, short string) {
	switch {
	case r.commanded:
		return "No phase was begun in", "no phase was begun"
	case r.fenced() || r.disabled:
		return "No row was deleted or changed in", "nothing was deleted"
	}
	return "Nothing was done to", "nothing was done"
}

// fenced is whether something was switched off for the run.
func (r *Report) fenced() bool {
	return slices.ContainsFunc(r.Fences, func(f Fence) bool { return f.State != "untaken" })
}

// notBack says that an ended run has left something switched off, or may have.
func (r *Report) notBack() string {
	n := 0
	for _, f := range r.Fences {
		if f.State == "off" || f.State == "unknown" || f.State == "changed" {
			n++
		}
	}
	var left []string
	if n > 0 {
		left = append(left, phases.Plural(int64(n), "fence"))
	}
	if r.triggersOff {
		left = append(left, "triggers")
	}
	if left == nil {
		return ""
	}
	return ", and " + strings.Join(left, " and ") + " NOT BACK"
}

func (r *Report) completed() string {
	for _, p := range r.Protected {
		if p.Intact != nil && !*p.Intact {
			return "FAILED: protected table " + p.Name + " is not as at the baseline"
		}
	}
	issues := 0
	for i := range r.Phases {
		issues += len(r.Phases[i].Issues)
	}
	n := len(r.Deviations)
	switch {
	case issues == 0 && n > 0:
		return "COMPLETE, with " + phases.Plural(int64(n), "deviation") + " from the plan"
	case issues > 0:
		return "ISSUES: complete, with " + phases.Plural(int64(n), "deviation") + " and " + phases.Plural(int64(issues), "issue")
	}
	return "COMPLETE"
}
