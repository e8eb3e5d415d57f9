package phases

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PhaseWays is what a survey found to spare a phase work: what a phase does
// beside its steps, and what its steps' ways may do, is of it or is not done.
type PhaseWays struct {
	Phase   string       `json:"phase"`
	Indexes []PhaseIndex `json:"indexes,omitempty"`
	Sweeps  []Sweep      `json:"sweeps,omitempty"`
	Ahead   []Ahead      `json:"ahead,omitempty"`
	Vacuum  []string     `json:"vacuum,omitempty"` // tables that it empties, and that are vacuumed after its COMMIT
}

// PhaseIndex is an index that a foreign key of a phase lacks. The phase makes it in
// its own transaction, and drops it before its COMMIT; or it is there before the
// gate.
type PhaseIndex struct {
	Table      string   `json:"table"`
	Columns    []string `json:"columns"` // as the catalog has them
	Constraint string   `json:"constraint"`

	Scans  time.Duration `json:"scans_ns"`  // what the key is reckoned to take without it
	Probes time.Duration `json:"probes_ns"` // and with it
	Build  time.Duration `json:"build_ns"`  // and what making it takes

	Before bool  `json:"before,omitempty"` // made before the gate, and dropped after the run
	Keep   bool  `json:"keep,omitempty"`   // of such a one: it stays
	Bytes  int64 `json:"bytes,omitempty"`  // of such a one: its size, reckoned
}

// String names the index by what it is for.
func (i PhaseIndex) String() string {
	return Clean(fmt.Sprintf("an index on %s (%s)", i.Table, strings.Join(i.Columns, ", ")))
}

// Ahead is rows that a delete step takes by a key that cascades, and that are deleted
// before its own: those that refer by the key.
type Ahead struct {
	Step       int    `json:"step"` // from 0
	Table      string `json:"table"`
	Constraint string `json:"constraint"`
}

// AheadOf are those of a step, in their order.
func (w *PhaseWays) AheadOf(step int) (out []Ahead) {
	if w == nil {
		return nil
	}
	for _, a := range w.Ahead {
		if a.Step == step {
			out = append(out, a)
		}
	}
	return out
}

// Sweep is one TRUNCATE that may stand for delete steps in a row.
type Sweep struct {
	Step  int        `json:"step"`            // the first, from 0
	Steps int        `json:"steps"`           // how many
	Also  []string   `json:"also,omitempty"`  // tables that go with them, all of their rows
	Keys  []SweepKey `json:"keys,omitempty"`  // of other tables, that are taken out for it and put back
	Why   string     `json:"why,omitempty"`   // why it can not stand for them; empty: the catalog has nothing against it
	Apart bool       `json:"apart,omitempty"` // only while nobody else is connected
}

// SweepKey is a foreign key that refers to what a TRUNCATE empties.
type SweepKey struct {
	Table      string `json:"table"`
	Constraint string `json:"constraint"`
	Sets       bool   `json:"sets,omitempty"` // what it sets to NULL is set before
}

// Ways is what the survey found for a phase; nil where that is nothing.
func (s *Survey) Ways(phase string) *PhaseWays {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.PhaseWays, func(w PhaseWays) bool { return w.Phase == phase })
	if i < 0 {
		return nil
	}
	return &s.PhaseWays[i]
}

// Sweep is the one that begins with a step; nil where none does.
func (w *PhaseWays) Sweep(step int) *Sweep {
	if w == nil {
		return nil
	}
	i := slices.IndexFunc(w.Sweeps, func(s Sweep) bool { return s.Step == step })
	if i < 0 {
		return nil
	}
	return &w.Sweeps[i]
}

// Words say what the ways of a phase keep from others, a sentence each.
func (w *PhaseWays) Words() []string {
	if w == nil {
		return nil
	}
	var out []string
	if i := slices.IndexFunc(w.Sweeps, func(s Sweep) bool { return s.Why == "" }); i >= 0 {
		when := ""
		if w.Sweeps[i].Apart {
			when = ", where nobody else is connected"
		}
		out = append(out, "A TRUNCATE stands for deletes"+when+": nobody reads its tables from then to the phase's end.")
	}
	if len(w.Indexes) > 0 {
		made := "an index"
		if n := len(w.Indexes); n > 1 {
			made = fmt.Sprintf("%d indexes", n)
		}
		var tables []string
		for _, i := range w.Indexes {
			if !slices.Contains(tables, i.Table) {
				tables = append(tables, i.Table)
			}
		}
		out = append(out, Clean("Where rows are deleted, it makes "+made+" for "+few(tables)+", and drops what it made before COMMIT."))
	}
	return out
}

// IndexFor is the index that a key lacks, and that is made for the run; nil where
// none is.
func (s *Survey) IndexFor(key Reach) *PhaseIndex {
	for w := range s.PhaseWays {
		all := s.PhaseWays[w].Indexes
		if i := slices.IndexFunc(all, func(i PhaseIndex) bool { return i.Table == key.Table && Clean(i.Constraint) == key.Constraint }); i >= 0 {
			return &all[i]
		}
	}
	return nil
}

// Locks are the tables that the phase locks beside those of its steps, each once:
// an index is not made beside writers, and what is counted stays so.
func (w *PhaseWays) Locks() []string {
	var out []string
	if w == nil {
		return nil
	}
	add := func(table string) {
		if !slices.Contains(out, table) {
			out = append(out, table)
		}
	}
	for _, i := range w.Indexes {
		add(i.Table)
	}
	for _, s := range w.Sweeps {
		if s.Why != "" {
			continue
		}
		for _, t := range s.Also {
			add(t)
		}
		for _, k := range s.Keys {
			add(k.Table)
		}
	}
	return out
}

// IndexBuilt occurs when a phase has made an index for a foreign key.
type IndexBuilt struct {
	Phase string        `json:"phase"`
	Name  string        `json:"name"`
	Took  time.Duration `json:"took_ns"`
	PhaseIndex
}

// Kind implements Event.
func (IndexBuilt) Kind() string { return "index_built" }

func (IndexBuilt) weight(*State) Weight { return Fleeting } // its transaction is open

func (e IndexBuilt) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Lock = PhaseRunning, nil
	return nil
}

func (e IndexBuilt) words(s *State) (Level, string) {
	return LevelInfo, fmt.Sprintf("%s: made %s for the foreign key %s in %s: it goes before COMMIT", s.PhaseName(e.Phase), e.PhaseIndex, Clean(e.Constraint), Span(e.Took))
}

// IndexesDropped occurs when a phase has dropped the indexes that it made, right
// before its COMMIT.
type IndexesDropped struct {
	Phase string        `json:"phase"`
	Names []string      `json:"names"`
	Took  time.Duration `json:"took_ns"`
}

// Kind implements Event.
func (IndexesDropped) Kind() string { return "indexes_dropped" }

func (IndexesDropped) weight(*State) Weight { return Fleeting }

func (IndexesDropped) apply(*State) error { return nil }

func (e IndexesDropped) words(s *State) (Level, string) {
	return LevelInfo, Clean(fmt.Sprintf("%s: dropped what it had made, in %s: %s", s.PhaseName(e.Phase), Span(e.Took), few(e.Names)))
}

// WayChosen occurs when a step may go in more than one way: before its rows are
// deleted, or when they are truncated, which the server may have refused until then.
type WayChosen struct {
	Phase string   `json:"phase"`
	Step  int      `json:"step"`
	Way   string   `json:"way"`           // what the server is sent: TRUNCATE or DELETE
	With  []string `json:"with"`          // of a TRUNCATE: all tables that it names
	Why   string   `json:"why,omitempty"` // of a DELETE: what stands against a TRUNCATE
}

// Kind implements Event.
func (WayChosen) Kind() string { return "way_chosen" }

func (WayChosen) weight(*State) Weight { return Fleeting }

func (e WayChosen) apply(s *State) error {
	if len(e.With) > 0 {
		s.Phase(e.Phase).Swept = append(s.Phase(e.Phase).Swept, e.With...)
	}
	return nil
}

func (e WayChosen) words(s *State) (Level, string) {
	name := fmt.Sprintf("step %d", e.Step+1)
	if step := s.Phase(e.Phase).step(e.Step); step != nil {
		name = step.Name()
	}
	if e.Why != "" {
		return LevelWarn, fmt.Sprintf("%s: %s: no TRUNCATE, its rows are deleted: %s", s.PhaseName(e.Phase), name, e.Why)
	}
	return LevelInfo, Clean(fmt.Sprintf("%s: %s: one TRUNCATE takes %s", s.PhaseName(e.Phase), name, few(e.With)))
}

// few are some names, and how many more there are.
func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
