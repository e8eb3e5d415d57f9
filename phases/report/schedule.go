package report

import (
	"time"

	"tminus/phases"
)

// Schedule is the run's planned times, and who left them.
type Schedule struct {
	Kept       bool        `json:"kept"` // the gate and the first phase waited for them
	GateAt     *time.Time  `json:"gate_at"`
	T0At       *time.Time  `json:"t0_at"` // the planned T-0, or later where a NO-GO came before
	NoGo       *NoGoBefore `json:"no_go"` // after which the checklist's time began anew; null without one
	Departures []Departure `json:"departures"`
}

// NoGoBefore is the run before, which ended as NO-GO.
type NoGoBefore struct {
	RunID   string     `json:"run_id"`
	Journal string     `json:"journal"` // file name
	At      *time.Time `json:"at"`
	Reason  string     `json:"reason"`
}

// Departure is a decision to go early or late.
type Departure struct {
	Way    phases.Way `json:"way"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
	At     *time.Time `json:"at"`
}

// schedule is for a run whose times somebody planned, or that came after a NO-GO.
func (b *builder) schedule() {
	s := b.state
	sched := s.Schedule()
	if !s.Opened.Planned && !sched.Kept {
		return
	}
	out := &Schedule{Kept: sched.Kept, GateAt: moment(sched.Gate), T0At: moment(sched.T0), Departures: []Departure{}}
	if n := s.Opened.NoGo; n != nil {
		out.NoGo = &NoGoBefore{RunID: phases.Clean(n.RunID), Journal: phases.Clean(n.Journal), At: moment(n.At), Reason: phases.Clean(n.Reason)}
	}
	for _, d := range s.Departures {
		out.Departures = append(out.Departures, Departure{Way: d.Way, By: phases.Clean(d.By), Reason: phases.Clean(d.Reason), At: moment(d.At)})
	}
	b.report.Schedule = out
}

// schedule says what the decision waited for, beside it.
func (t *layout) schedule() {
	sched := t.r.Schedule
	if sched == nil {
		return
	}
	kept := ", not kept: nothing waited for it"
	if sched.Kept {
		kept = ", kept"
	}
	t.pair("Its time", t.stamp(sched.GateAt)+", T-0 at "+t.stamp(sched.T0At)+kept)
	if n := sched.NoGo; n != nil {
		t.pair("NO-GO before", t.stamp(n.At)+", run "+n.RunID+": "+n.Reason)
	}
	for _, d := range sched.Departures {
		t.pair("Off schedule", string(d.Way)+", at "+t.stamp(d.At)+", on the decision of "+d.By+": "+d.Reason)
	}
}
