package lint

import (
	"maps"
	"math"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// What a run does most, as multiples of what the server was measured to take: a
// query by an index (Costs.Query) and a row of a scan (Costs.Row). They were
// fitted on PostgreSQL 15, and hold as far as other servers are as much quicker
// or slower at all of it.
const (
	queriesPerKey     = 2.0 // a foreign key's own query for one row that goes, by an index
	queriesPerGone    = 0.2 // one row deleted by a statement
	queriesPerCascade = 1.2 // one row deleted by a key's query, beside that
	queriesPerChange  = 1.5 // one row changed by a key's query
	queriesPerEntry   = 0.7 // a changed row's entry in one index
	queriesPerTrigger = 5.0 // a trigger's function for one row, which nobody can know
	rowsPerScanned    = 0.5 // a row that a key's query passes by
	rowsPerPage       = 2.0 // a page that it passes by
	rowsPerTidied     = 20  // a page that the first look after a COMMIT tidies up
	rowsPerHashed     = 20  // a row of a protected table in its fingerprint
)

// Round figures of a phase beside its rows: exchanges with the server, and what
// it does in each. Tables of few pages are asked for together, and not measured
// before they go.
const (
	phaseTime, phaseExchanges = 10 * time.Millisecond, 10
	writeTime, writeExchanges = 10 * time.Millisecond, 20
	stepTime, stepExchanges   = 2 * time.Millisecond, 8
	lookTime, lookExchanges   = time.Millisecond / 4, 1

	smallPages          = 16
	smallStep, oneMore  = time.Millisecond / 5, 1
	smallLook, together = time.Millisecond / 20, 50
)

const (
	walPerGone  = 60      // bytes of WAL that a deleted row writes
	walPerEntry = 80      // and an index's entry of a changed one
	slowestDisk = 100     // bytes in a microsecond: what a table takes to be read that is not in memory
	enoughRows  = 0.5     // below that no row is left
	mostVisits  = 100_000 // ways through the keys of one phase that are followed
)

// Prices are what the runbook's phases are reckoned to take, one each, in its
// order: what came before in the run is reckoned with.
func (v *View) Prices() []phases.Price { return v.reckon().prices }

// reckon reckons with what spares the phases work.
func (v *View) reckon() *reckoning {
	with := make([]phases.PhaseWays, len(v.Book.Phases))
	for _, w := range v.Ways() {
		_, i := v.Book.Phase(w.Phase)
		with[i] = w
	}
	return v.reckonWith(with)
}

// reckoning is a run on paper: phase by phase, step by step, with what is left in
// each relation.
type reckoning struct {
	*View
	costs  schema.Costs
	prices []phases.Price
	scans  map[*schema.Key]float64 // by a key's root: the ns that it takes to go without an index
	probes map[*schema.Key]float64 // and those that the same would take with one
	lacks  []map[lack]lacked       // by phase: the same, by key and relation

	with    []phases.PhaseWays   // by phase: what spares it work; nil where nothing is to be spared
	at      int                  // the phase under way
	cleared []map[uint32]float64 // by phase: the relations that it empties, and the rows that went
	aheads  [][]phases.Ahead     // by phase: the rows that are worth deleting before those that they refer to

	left map[uint32]float64   // rows by relation
	free map[*schema.Key]bool // keys that were set to NULL in all rows
	dead map[uint32]float64   // rows that the phase under way deleted or replaced: they are in the way still
	off  []string             // triggers that the run disables

	now     *phases.Price
	takes   float64 // ns, of the phase under way
	rows    float64
	changed map[uint32]float64 // share of a relation's rows that the phase under way took or changed
	indexed map[uint32]bool    // of those, where index pages are written too
	locked  map[uint32]bool
	visits  int
}

func (v *View) reckonWith(with []phases.PhaseWays) *reckoning {
	r := &reckoning{
		View: v, with: with, costs: v.Schema.Costs, scans: map[*schema.Key]float64{}, probes: map[*schema.Key]float64{},
		left: map[uint32]float64{}, free: map[*schema.Key]bool{}, off: v.Book.DisabledTriggers(),
	}
	if r.costs.Query == 0 {
		r.costs = schema.UsualCosts()
	}
	for i := range v.Schema.Relations {
		rel := &v.Schema.Relations[i]
		r.left[rel.OID] = v.Schema.Guess(rel)
	}
	for i := range v.Book.Phases {
		r.phase(i)
	}
	return r
}

func (r *reckoning) query(n float64) float64 { return n * float64(r.costs.Query) }
func (r *reckoning) row(n float64) float64   { return n * float64(r.costs.Row) }

// longest is as good as for ever, and leaves room to be doubled: keys without an
// index on two large tables take longer than a duration holds.
const longest = 100 * 365 * 24 * time.Hour

// span is a duration of so many ns.
func span(ns float64) time.Duration { return time.Duration(min(ns, float64(longest))) }

// talk is time that passes whatever there is in the tables.
func (r *reckoning) talk(at time.Duration, exchanges int) {
	r.takes += float64(at) + float64(exchanges)*float64(r.costs.Exchange)
}

func (r *reckoning) phase(i int) {
	p := &r.Book.Phases[i]
	r.prices = append(r.prices, phases.Price{Phase: p.ID, Measured: r.costs.Measured})
	r.now, r.takes, r.rows = &r.prices[i], 0, 0
	r.dead, r.changed, r.indexed = map[uint32]float64{}, map[uint32]float64{}, map[uint32]bool{}
	r.locked, r.visits, r.at = map[uint32]bool{}, 0, i
	r.lacks, r.aheads = append(r.lacks, map[lack]lacked{}), append(r.aheads, nil)
	r.talk(phaseTime, phaseExchanges)
	if p.Writes() {
		r.talk(writeTime, writeExchanges)
	}
	looked := slices.Concat(p.Count, p.Zero, p.Filled)
	swept := 0 // steps below it went by a TRUNCATE
	for at, s := range p.Steps {
		rel := r.Find(s.Delete)
		if s.Delete != "" && at >= swept {
			swept = max(swept, r.sweep(p, at))
		}
		if at < swept {
			looked = append(looked, s.Delete)
			continue
		}
		if s.Delete != "" && rel != nil && r.small(rel) {
			r.talk(smallStep, oneMore)
		} else {
			r.talk(stepTime, stepExchanges)
		}
		if s.Delete == "" {
			r.statement(&s)
			continue
		}
		if rel == nil {
			continue
		}
		r.unknown(rel)
		share := r.share(rel, s.Where)
		r.ahead(at)
		for _, part := range r.Schema.Tree(rel) {
			r.remove(part, r.left[part.OID]*share, false)
		}
		looked = append(looked, s.Delete)
	}
	for _, t := range looked {
		r.count(t, 1)
	}
	if i == 0 { // the baseline
		for _, t := range r.emptied() {
			r.count(t, 1)
		}
	}
	for _, t := range r.Book.Protected {
		r.count(t, rowsPerHashed)
	}
	r.notesEmptied()
	r.sum()
}

// sum writes down what the phase came to.
func (r *reckoning) sum() {
	var read, pages int64
	for oid, share := range r.changed {
		rel := r.Schema.Relation(oid)
		read += rel.Bytes
		written := rel.Heap
		if r.indexed[oid] {
			written = rel.Bytes
		}
		pages += int64(float64(written) * min(1, share*100)) // a page holds some hundred rows
	}
	p := r.now
	p.Takes, p.Rows = span(r.takes), int64(math.Round(r.rows))
	p.Least, p.Most = p.Takes/2, 2*p.Takes
	if read > r.costs.Buffers {
		p.Most += time.Duration(read/slowestDisk) * time.Microsecond
	}
	p.MostWAL = p.WAL + p.WAL/5
	if r.costs.FullPages {
		p.MostWAL += pages
	}
	for oid := range r.locked {
		p.Locks += 1 + r.Schema.Relation(oid).Indexes
	}
}

// statement reckons with the runbook's own SQL as if it changed each row of what
// it touches once: but for keys that are set to NULL, nobody can know.
func (r *reckoning) statement(step *runbook.Step) {
	keys := r.nulls[step.SQL]
	for _, k := range keys {
		r.free[k] = true
		for _, part := range r.Schema.Tree(r.Schema.Relation(k.From)) {
			r.change(part, r.left[part.OID]*(1-k.Nulls))
		}
	}
	if keys != nil {
		return
	}
	r.now.Guessed = true
	for _, t := range step.Touch {
		if rel := r.Find(t); rel != nil {
			for _, part := range r.Schema.Tree(rel) {
				r.change(part, r.left[part.OID])
			}
		}
	}
}

// unknown notes a table that was never analyzed.
func (r *reckoning) unknown(rel *schema.Relation) {
	if n, _ := r.Schema.Rows(rel); n < 0 && !slices.Contains(r.now.Unanalyzed, r.Name(rel.OID)) {
		r.now.Unanalyzed = append(r.now.Unanalyzed, r.Name(rel.OID))
	}
}

// share is how much of a table a condition takes, as the planner estimates it;
// all of it where that was not asked.
func (r *reckoning) share(rel *schema.Relation, where string) float64 {
	if where == "" {
		return 1
	}
	for _, e := range r.Schema.Estimates {
		if e.Relation == rel.OID && e.Where == where {
			var all float64
			for _, part := range r.Schema.Tree(rel) {
				all += r.Schema.Guess(part)
			}
			return min(1, e.Rows/max(all, 1))
		}
	}
	r.now.Guessed = true
	return 1
}

// count reckons with a look at all of a table; rows is what a row of it takes.
func (r *reckoning) count(table string, rows float64) {
	rel := r.Find(table)
	if rel == nil {
		return
	}
	if r.small(rel) && rows == 1 {
		r.takes += float64(smallLook) + float64(r.costs.Exchange)/together
	} else {
		r.talk(lookTime, lookExchanges)
	}
	r.unknown(rel)
	for _, part := range r.Schema.Tree(rel) {
		r.locked[part.OID] = true // against nobody, and it takes places
		r.takes += r.row((r.left[part.OID]+r.dead[part.OID])*rows + r.pages(part)*rowsPerTidied)
	}
}

// emptied are the tables that deletes reach, each once.
func (r *reckoning) emptied() []string {
	names := map[string]bool{}
	for oid := range r.reach.Emptied {
		names[r.Name(oid)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// small reports whether a table is so small that it goes by one statement.
func (r *reckoning) small(rel *schema.Relation) bool {
	pages := 0.0
	for _, part := range r.Schema.Tree(rel) {
		pages += r.pages(part)
	}
	return pages <= smallPages
}

func (r *reckoning) pages(rel *schema.Relation) float64 {
	return float64(rel.Heap) / float64(max(r.costs.Block, 1))
}

// remove takes rows of one relation, by its step or by a key, and fires the keys
// that refer to them.
func (r *reckoning) remove(rel *schema.Relation, n float64, byKey bool) {
	r.locked[rel.OID] = true
	if n < enoughRows {
		return // no row goes, so no key is asked
	}
	if r.visits++; r.visits > mostVisits {
		r.now.Guessed = true
		return
	}
	share := n / max(r.left[rel.OID], 1)
	r.left[rel.OID] -= n
	r.dead[rel.OID] += n
	part := n / max(r.Schema.Guess(rel), 1)
	r.changed[rel.OID] += part
	r.rows += n
	r.now.Bytes += int64(part * float64(rel.Heap))
	r.now.WAL += int64(n * walPerGone)
	r.takes += r.query(n * queriesPerGone)
	if byKey {
		r.takes += r.query(n * queriesPerCascade)
	}
	r.fire(rel, schema.OnDelete, n)
	seen := map[*schema.Key]bool{}
	for _, k := range r.Schema.KeysTo(rel.OID) {
		root := r.reach.roots[k.OID]
		if child := r.Schema.Relation(root.From); child != nil && !seen[root] {
			seen[root] = true
			r.key(root, child, n, share)
		}
	}
}

// key reckons a foreign key's queries for n rows that go, a share of those there
// were, and what becomes of the rows that refer to them.
func (r *reckoning) key(k *schema.Key, child *schema.Relation, n, share float64) {
	takes := queriesPerKey
	if k.Action == schema.NoAction { // it also looks whether the row is there again
		takes *= 2
	}
	r.takes += r.query(n * takes)
	for _, part := range r.Schema.Referring(child) {
		if part.Kind != schema.Ordinary {
			continue
		}
		r.locked[part.OID] = true
		refer := r.left[part.OID] * min(1, share) * (1 - k.Nulls)
		if r.free[k] {
			refer = 0
		}
		if usable := part == child && k.Indexed || part != child && r.reach.usage[[2]uint32{k.OID, part.OID}]; !usable {
			met := r.left[part.OID] + r.dead[part.OID]
			if k.Action == schema.SetNull || k.Action == schema.SetDefault {
				met += refer // what was changed is met in both versions
			}
			r.scan(k, part, n*r.row(met*rowsPerScanned+r.pages(part)*rowsPerPage), r.query(n*takes), r.row(met*rowsPerIndexed+r.pages(part)*rowsPerPage))
		} else if part != child {
			r.takes += r.query(n * takes / 4) // one query, and an index for each part
		}
		switch k.Action {
		case schema.Cascade:
			r.remove(part, refer, true)
		case schema.SetNull, schema.SetDefault:
			r.change(part, refer)
		}
	}
}

// change reckons with rows that stay and get a new version.
func (r *reckoning) change(rel *schema.Relation, n float64) {
	if rel.Kind != schema.Ordinary {
		return
	}
	r.locked[rel.OID], r.indexed[rel.OID] = true, true
	entries := float64(rel.Indexes)
	all := max(r.Schema.Guess(rel), 1)
	r.dead[rel.OID] += n
	r.changed[rel.OID] += n / all
	r.rows += n
	r.now.WAL += int64(n * (walPerGone + float64(rel.Heap)/all + entries*walPerEntry))
	r.takes += r.query(n * (queriesPerChange + entries*queriesPerEntry))
	r.fire(rel, schema.OnUpdate, n)
}

// fire reckons with the triggers for each of n rows.
func (r *reckoning) fire(rel *schema.Relation, on schema.Event, n float64) {
	for _, t := range r.Schema.TriggersOn(rel.OID) {
		if t.Fires(on) && t.Event&schema.ForEachRow != 0 && !slices.Contains(r.off, t.Name) {
			r.takes += r.query(n * queriesPerTrigger)
			r.now.Guessed = true
		}
	}
}
