package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/phases/step"
)

var (
	indexMade = &Code{
		Name: "index-made", Severity: phases.SeverityNote,
		Means: "A foreign key of the reach has no usable index, and would take longer without one than making it does: the phase makes it in its own transaction, after its locks, and drops it right before COMMIT. Meanwhile nobody else writes to that table.",
		Do:    "nothing; or write `indexes: off`, or make the index before the window",
	}
	indexBefore = &Code{
		Name: "index-before", Severity: phases.SeverityNote,
		Means: "As the runbook says (`indexes: before` or `keep`), an index that a foreign key of the reach lacks is made before the gate, by CREATE INDEX CONCURRENTLY: others go on writing. An item of the checklist makes it, and holds the gate; where it is waived, or the index is gone by then, the phase makes its own. It is dropped after the run, or kept.",
		Do:    "leave time for it before the gate; it waits for the transactions that are open by then",
	}
	sweepProven = &Code{
		Name: "truncate-chosen", Severity: phases.SeverityNote,
		Means: "The catalog has nothing against one TRUNCATE in the place of these steps. Under its locks the phase looks at the rows, and with `way: auto` whether anybody else is connected; then it truncates, or deletes and says why. Until its end nobody reads these tables, and a snapshot that another session took before sees them empty afterwards.",
		Do:    "nothing; or write `way: delete`",
	}
	sweepRefused = &Code{
		Name: "truncate-refused", Severity: phases.SeverityError,
		Means: "The runbook asks for a TRUNCATE that is not proven to end as the deletes would: the phase would be rolled back.",
		Do:    "put that right, or write `way: auto` or `way: delete`",
	}
	sweepPassed = &Code{
		Name: "truncate-passed", Severity: phases.SeverityNote,
		Means: "With `way: auto` these rows are deleted: a TRUNCATE is not proven to end in the same state.",
		Do:    "nothing; or put that right where the deletes take too long",
	}
	childrenFirst = &Code{
		Name: "children-first", Severity: phases.SeverityNote,
		Means: "The rows that a key would take with each row that goes are deleted before, by statements of their own: the same rows, in less time and with progress. It is looked at under the phase's locks whether that still ends alike; otherwise the key takes them.",
		Do:    "nothing",
	}
	vacuumFollows = &Code{
		Name: "vacuum-follows", Severity: phases.SeverityNote,
		Means: "What a phase empties is vacuumed after its COMMIT, where the tables are large: else every later look at them reads what was there. It has a limit, can be skipped, and undoes nothing where it fails.",
		Do:    "nothing; or write `vacuum: off`, or an `after_commit` of your own",
	}
)

// sparing says before the window which way a step will go, what is made for a
// phase, and what follows it.
var sparing = rule{[]*Code{sweepRefused, indexMade, indexBefore, childrenFirst, sweepProven, sweepPassed, vacuumFollows}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for _, w := range v.Ways() {
		p, _ := v.Book.Phase(w.Phase)
		when := ""
		if slices.ContainsFunc(w.Sweeps, func(s phases.Sweep) bool { return s.Why == "" }) {
			when = "where its rows are deleted, "
		}
		for _, i := range w.Indexes {
			if i.Before {
				out = append(out, indexBefore.at(w.Phase, i.Table, beforeWords(i), ""))
				continue
			}
			out = append(out, indexMade.at(w.Phase, i.Table, fmt.Sprintf("%sthe phase makes %s for the foreign key %s, in %s or so, and drops it before COMMIT: its queries take %s instead of %s; nobody else writes to %s meanwhile",
				when, i, i.Constraint, phases.Span(i.Build), phases.Span(i.Probes), phases.Span(i.Scans), i.Table), ""))
		}
		for i, step := range p.Steps {
			if first := w.AheadOf(i); first != nil {
				out = append(out, childrenFirst.at(w.Phase, step.Delete, fmt.Sprintf("%sbefore the rows of %s go those that refer to them: of %s", when, step.Delete, few(aheadTables(first))), ""))
			}
		}
		for _, s := range w.Sweeps {
			table := p.Steps[s.Step].Delete
			switch {
			case s.Why == "":
				out = append(out, sweepProven.at(w.Phase, table, sweepWords(p, s), ""))
			case s.Apart:
				out = append(out, sweepPassed.at(w.Phase, table, fmt.Sprintf("rows of %s are deleted, not truncated: %s", stepsOf(p, s), s.Why), ""))
			default:
				out = append(out, sweepRefused.at(w.Phase, table, fmt.Sprintf("no TRUNCATE of %s is proven to end as deletes would: %s", stepsOf(p, s), s.Why), ""))
			}
		}
		if len(w.Vacuum) > 0 {
			out = append(out, vacuumFollows.at(w.Phase, "", fmt.Sprintf("%sVACUUM of %s follows the COMMIT", when, few(w.Vacuum)), ""))
		}
	}
	return out
}}

// beforeWords say what is made before the gate.
func beforeWords(i phases.PhaseIndex) string {
	after := "dropped after the run"
	if i.Keep {
		after = "kept"
	}
	return fmt.Sprintf("%s for the foreign key %s is made before the gate, by CREATE INDEX CONCURRENTLY, in %s or so and with some %s, and %s: the phase's queries of it take %s instead of %s",
		i, i.Constraint, phases.Span(i.Build), phases.Bytes(i.Bytes), after, phases.Span(i.Probes), phases.Span(i.Scans))
}

func stepsOf(p *runbook.Phase, s phases.Sweep) string {
	var names []string
	for _, step := range p.Steps[s.Step : s.Step+s.Steps] {
		names = append(names, step.Delete)
	}
	return few(names)
}

func aheadTables(of []phases.Ahead) (names []string) {
	for _, a := range of {
		if !slices.Contains(names, a.Table) {
			names = append(names, a.Table)
		}
	}
	return names
}

func sweepWords(p *runbook.Phase, s phases.Sweep) string {
	text := "one TRUNCATE takes " + stepsOf(p, s)
	if len(s.Also) > 0 {
		text += ", and with them " + few(s.Also)
	}
	var keys, sets []string
	for _, k := range s.Keys {
		keys = append(keys, k.Constraint)
		if k.Sets {
			sets = append(sets, k.Table)
		}
	}
	if keys != nil {
		text += fmt.Sprintf("; taken out for it and put back: %s", few(keys))
	}
	if sets != nil {
		text += fmt.Sprintf("; set to NULL before: the references of %s", few(sets))
	}
	if s.Apart {
		text += "; where no other session is connected"
	}
	return text
}

// Ways are what spares the phases work, in their order, of those where something
// does.
func (v *View) Ways() []phases.PhaseWays {
	plain := v.reckonWith(nil)
	var out []phases.PhaseWays
	for i := range v.Book.Phases {
		p := &v.Book.Phases[i]
		w := phases.PhaseWays{Phase: p.ID, Indexes: plain.indexes(i), Sweeps: v.sweeps(i), Ahead: plain.aheads[i]}
		if !p.NoVacuum {
			w.Vacuum = plain.vacuums(i)
		}
		if len(w.Indexes)+len(w.Sweeps)+len(w.Vacuum)+len(w.Ahead) > 0 {
			out = append(out, w)
		}
	}
	return out
}

// sweeps are the TRUNCATEs of a phase, possible or not.
func (v *View) sweeps(phase int) []phases.Sweep {
	p := &v.Book.Phases[phase]
	var out []phases.Sweep
	for i := 0; i < len(p.Steps); i++ {
		to := p.Sweep(i)
		if to == i {
			continue
		}
		// As many as go together: what stands against one of them leaves the others.
		s, why := v.Sweep(phase, i, to, v.turnedOff)
		for s == nil && to > i+1 {
			to--
			s, why = v.Sweep(phase, i, to, v.turnedOff)
		}
		found := phases.Sweep{Step: i, Steps: to - i, Why: phases.Clean(why), Apart: Apart(p, i, to)}
		if s != nil {
			for _, t := range s.Tables[ownTables(p, i, to):] {
				found.Also = append(found.Also, v.Plain(t.Relation))
			}
			for _, k := range s.Keys {
				found.Keys = append(found.Keys, phases.SweepKey{Table: v.Plain(v.Schema.Relation(k.From)), Constraint: k.Name, Sets: k.Sets})
			}
		}
		out = append(out, found)
		i = to - 1
	}
	return out
}

// ownTables are how many tables steps name, each once.
func ownTables(p *runbook.Phase, from, to int) int {
	var names []string
	for _, s := range p.Steps[from:to] {
		if !slices.Contains(names, s.Delete) {
			names = append(names, s.Delete)
		}
	}
	return len(names)
}

// Apart reports whether steps go by TRUNCATE only while nobody else is connected:
// where one of them leaves the choice.
func Apart(p *runbook.Phase, from, to int) bool {
	return slices.ContainsFunc(p.Steps[from:to], func(s runbook.Step) bool {
		way, known := step.FindWay(s.Way)
		return known && !way.Proves
	})
}

const (
	rowsPerIndexed = 12.0 // a row in the making of an index
	concurrently   = 2.5  // that, while others write: it looks at the table twice, and syncs
	bytesPerEntry  = 12.0 // of an index, beside its columns
	bytesPerColumn = 8.0
	worthIndex     = 30 * time.Millisecond  // what an index has to spare, beyond what making it takes
	worthScanned   = 100 * time.Millisecond // what a key's scans of an emptied table take
	worthVacuum    = 50_000                 // rows that go from a table
)

// lack is a foreign key that goes without an index on one relation, in one phase.
type lack struct {
	key  *schema.Key
	part *schema.Relation
}

// lacked is what that takes.
type lacked struct {
	scans, probes, build float64 // ns
}

// indexes are those that are worth making in a phase.
func (r *reckoning) indexes(phase int) []phases.PhaseIndex {
	way := r.Book.Phases[phase].Indexes
	if way == runbook.IndexOff || len(r.Schema.Watches) > 0 && slices.ContainsFunc(r.Schema.Watches, func(w schema.Watch) bool { return w.Fires("CREATE INDEX") || w.Fires("DROP INDEX") }) {
		return nil
	}
	var out []phases.PhaseIndex
	for l, n := range r.lacks[phase] {
		build := n.build
		if way.Before() { // that is not the window's
			build = 0
		}
		if span(n.scans-n.probes-build) < worthIndex || !l.part.Indexable || l.part.Temporary || l.part.Method != "heap" {
			continue
		}
		i := phases.PhaseIndex{
			Table: r.Plain(l.part), Columns: l.key.Referring, Constraint: l.key.Name,
			Scans: span(n.scans), Probes: span(n.probes), Build: span(n.build),
		}
		if way.Before() {
			i.Before, i.Keep, i.Build = true, way == runbook.IndexKeep, span(n.build*concurrently)
			i.Bytes = int64(r.Schema.Guess(l.part) * (bytesPerEntry + bytesPerColumn*float64(len(i.Columns))))
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b phases.PhaseIndex) int {
		return cmp.Or(cmp.Compare(b.Scans, a.Scans), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Constraint, b.Constraint))
	})
	// Keys of the same columns share one.
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(i phases.PhaseIndex) bool {
		key := i.Table + "\x00" + strings.Join(i.Columns, "\x00")
		again := seen[key]
		seen[key] = true
		return again
	})
}

// made is the index that a key lacks on a relation, and that is there when the
// phase under way needs it: made by it, or before the gate. Nil where there is none.
func (r *reckoning) made(k *schema.Key, part *schema.Relation) *phases.PhaseIndex {
	name := r.Plain(part)
	for at := range r.with {
		for i := range r.with[at].Indexes {
			x := &r.with[at].Indexes[i]
			if (at == r.at || x.Before) && x.Table == name && slices.Equal(x.Columns, k.Referring) {
				return x
			}
		}
	}
	return nil
}

// notesEmptied notes what the phase that ends emptied, and how many rows went of each.
func (r *reckoning) notesEmptied() {
	emptied := map[uint32]float64{}
	for oid, n := range r.dead {
		if r.left[oid] < enoughRows {
			emptied[oid] = n
		}
	}
	r.cleared = append(r.cleared, emptied)
}

// vacuums are the tables that a phase empties and that are worth a VACUUM: large
// ones, and those that a key without an index scans in a later phase.
func (r *reckoning) vacuums(phase int) []string {
	var names []string
	for oid, n := range r.cleared[phase] {
		rel := r.Schema.Relation(oid)
		if rel.Vacuums && (n >= worthVacuum || r.scannedAfter(phase, rel)) {
			names = append(names, r.Plain(rel))
		}
	}
	slices.Sort(names)
	return names
}

func (r *reckoning) scannedAfter(phase int, rel *schema.Relation) bool {
	for _, lacks := range r.lacks[phase+1:] {
		for l, n := range lacks {
			if l.part == rel && span(n.scans) >= worthScanned {
				return true
			}
		}
	}
	return false
}

// scan reckons with a key's queries that go without an index: what they take, what
// they would with one, and what making it takes.
func (r *reckoning) scan(k *schema.Key, part *schema.Relation, scans, probes, build float64) {
	l := lack{k, part}
	n := r.lacks[r.at][l]
	build = max(build, n.build)
	switch made := r.made(k, part); { // where it is made, the key's own look is reckoned already
	case made != nil && made.Before:
	case made != nil:
		r.takes += build - n.build
	default:
		r.takes += scans
		r.scans[k] += scans
		r.probes[k] += probes
	}
	r.lacks[r.at][l] = lacked{n.scans + scans, n.probes + probes, build}
}

// sweep reckons with a TRUNCATE that begins with a step: what it takes is to count
// the rows. It gives the first step that it does not stand for; 0 where there is none.
func (r *reckoning) sweep(p *runbook.Phase, at int) int {
	if r.with == nil {
		return 0
	}
	s := r.with[r.at].Sweep(at)
	if s == nil || s.Why != "" {
		return 0
	}
	tables := slices.Clone(s.Also)
	for _, step := range p.Steps[at : at+s.Steps] {
		tables = append(tables, step.Delete)
	}
	for _, t := range tables {
		r.talk(stepTime, stepExchanges)
		rel := r.Find(t)
		if rel == nil {
			continue
		}
		r.unknown(rel)
		for _, part := range r.Schema.Tree(rel) {
			n := r.left[part.OID]
			r.takes += r.row(n)
			r.rows += n
			r.now.Bytes += int64(float64(part.Heap) * min(1, n/max(r.Schema.Guess(part), 1)))
			r.left[part.OID], r.locked[part.OID] = 0, true
		}
	}
	for _, k := range s.Keys {
		if rel := r.Find(k.Table); rel != nil && k.Sets {
			r.change(rel, r.left[rel.OID])
		}
	}
	return at + s.Steps
}
