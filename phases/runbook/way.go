package runbook

import (
	"slices"

	"tminus/phases/step"
)

// IndexWay is how a phase gets the indexes that its foreign keys lack.
type IndexWay string

// The ways. The zero value is IndexInPhase.
const (
	IndexInPhase IndexWay = "phase"  // in its transaction, dropped before COMMIT
	IndexBefore  IndexWay = "before" // before the gate, beside others' work; dropped after the run
	IndexKeep    IndexWay = "keep"   // the same, and it stays
	IndexOff     IndexWay = "off"    // none is made
)

var indexWays = []IndexWay{IndexInPhase, IndexBefore, IndexKeep, IndexOff}

// Before reports whether the indexes are made before the gate.
func (w IndexWay) Before() bool { return w == IndexBefore || w == IndexKeep }

// defaults are what a runbook says for all of its phases, or a phase for all of
// its steps.
type defaults struct {
	way      string
	indexes  IndexWay // empty: nothing is said
	vacuumed bool     // false: off
}

// waysKeys stand in a runbook and in a phase alike.
func waysKeys(of string) []key {
	return []key{
		{"way", false, ofWords("", ways()...), "how the rows of delete steps go that do not say so themselves, and that have no `where`; " + of},
		{"indexes", false, ofWords("", bare(indexWays...)...), "where a foreign key has no index and would take longer than making one: `phase`, the default, makes it in the phase's transaction and drops it before COMMIT; `before` makes it before the gate, while others work, and drops it after the run; `keep` does so and keeps it; `off` makes none; " + of},
		{"vacuum", false, ofWords("", bare("off")...), "do not vacuum what a phase has emptied: by default that follows its COMMIT where the tables are large, and the phase has no `after_commit`; " + of},
	}
}

// way is a way by its name. One that this version does not know is passed over.
func (f fields) way() string {
	name := f.text("way")
	if _, known := step.FindWay(name); !known {
		f.pass(f.node.value("way").line, "way")
	}
	return name
}

// indexWay is the same of indexes.
func (f fields) indexWay() IndexWay {
	w := IndexWay(f.text("indexes"))
	if w != "" && !slices.Contains(indexWays, w) {
		f.pass(f.node.value("indexes").line, "indexes")
		return ""
	}
	return w
}

func (f fields) defaults() defaults {
	return defaults{way: f.way(), indexes: f.indexWay(), vacuumed: !f.word("vacuum", "off")}
}

// by gives a phase with what is said for all of its steps, where they say
// nothing themselves. What goes by a condition has no other way than the first.
func (p Phase) by(d defaults) Phase {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Delete != "" && s.Where == "" && s.Way == "" {
			s.Way = d.way
		}
	}
	if p.Indexes == "" {
		p.Indexes = d.indexes
	}
	p.NoVacuum = p.NoVacuum || !d.vacuumed
	return p
}

// Sweeps reports whether the rows of a delete step may go by a TRUNCATE.
func (s Step) Sweeps() bool {
	way, known := step.FindWay(s.Way)
	return known && way.Sweeps && s.Delete != "" && s.Where == ""
}

// Sweep are the steps from one on that one TRUNCATE may stand for: delete steps in
// a row whose ways allow it. It gives the first that is not of them.
func (p *Phase) Sweep(from int) (to int) {
	for to = from; to < len(p.Steps) && p.Steps[to].Sweeps(); to++ {
	}
	return to
}

// Vacuum is the maintenance that follows where a phase says nothing.
func Vacuum(tables []string) Maintenance {
	return Maintenance{Kind: "vacuum", Tables: tables, Limit: maintenanceLimit}
}
