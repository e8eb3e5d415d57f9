package draft

import (
	"cmp"
	"fmt"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

// Proposal is what a table looks like, by its shape: somebody decides.
type Proposal int

// The proposals.
const (
	NoProposal     Proposal = iota
	ProposeClear            // a hub: much hangs on it
	ProposeProtect          // configuration: others rest on it, or nothing does
)

// Candidate is a table that can be chosen, with its partitions.
type Candidate struct {
	Relation *schema.Relation
	Rows     float64 // the planner's estimate; -1 when it was never analyzed
	Bytes    int64
	In, Out  int    // keys from other tables, and to others
	Along    Amount // what would go with it, itself left out
	Proposal Proposal
	Why      string // of the proposal

	holders int     // tables that refer to it
	refuse  int     // keys of In that refuse a delete
	largest float64 // rows of the largest table that refers to it
}

// Choices are the tables of a schema, to choose from. It belongs to one goroutine.
type Choices struct {
	Tables []*Candidate // the most useful first: hubs, then by what would go, configuration last
	graph  *graph
}

const (
	// fewRows is the most that a table of configuration has, and fewBytes its
	// size where it was never analyzed. It has such a part of all rows at most,
	// since all tables of a small database are small; a handful is always few.
	fewRows  = 1000
	fewBytes = 64 << 10
	fewShare = 0.01
	aHandful = 10
	// A hub has so many tables that refer to it, and so many that would go; what
	// goes, itself included, is such a part of all rows.
	hubHolders = 3
	hubTables  = 3
	hubShare   = 0.1
	// overshadowed is how many times as many rows rest on a list as it has.
	overshadowed = 20
)

// Propose lists the tables of a schema, and says of which it looks as if they
// were to be cleared or protected. It goes by keys, rows and sizes, and by no
// name: what it says is a hint, and nothing is chosen by it.
func Propose(s *schema.Schema) *Choices {
	c := &Choices{graph: newGraph(s)}
	for i, r := range c.graph.tables {
		t := &Candidate{Relation: r}
		t.Rows, t.Bytes = s.Rows(r)
		own := map[int]bool{i: true}
		for at := []int{i}; len(at) > 0; at = at[1:] {
			for _, heir := range c.graph.inherits[at[0]] {
				if !own[heir] {
					own[heir] = true
					at = append(at, heir)
				}
			}
		}
		c.Tables = append(c.Tables, t)
		t.Along = c.graph.amount(slices.DeleteFunc(c.graph.reach(i), func(at int) bool { return own[at] }))
	}
	c.count()
	c.hubs()
	c.configuration()
	slices.SortStableFunc(c.Tables, func(a, b *Candidate) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.Along.Tables, a.Along.Tables),
			cmp.Compare(b.Along.Rows+max(0, b.Rows), a.Along.Rows+max(0, a.Rows)),
			cmp.Compare(a.Relation.Schema, b.Relation.Schema), cmp.Compare(a.Relation.Name, b.Relation.Name))
	})
	return c
}

// Follow gives what becomes of the tables when some are cleared, by their OIDs,
// and how much goes in all. It is what New would plan if nothing stood against it.
func (c *Choices) Follow(cleared []*schema.Relation) (map[uint32]Fate, Amount) {
	var from []int
	for _, r := range cleared {
		if i, known := c.graph.at[r.OID]; known {
			from = append(from, i)
		}
	}
	fates, all := map[uint32]Fate{}, c.graph.reach(from...)
	for _, i := range all {
		fates[c.graph.tables[i].OID] = Goes
	}
	for _, i := range all {
		for _, loser := range c.graph.bares[i] {
			if oid := c.graph.tables[loser].OID; fates[oid] == Stays {
				fates[oid] = Loses
			}
		}
	}
	return fates, c.graph.amount(all)
}

func (t *Candidate) rank() int {
	switch t.Proposal {
	case ProposeClear:
		return 0
	case ProposeProtect:
		return 2
	}
	return 1
}

// count counts the keys between the tables: those of partitions with their
// table's, and none of a table to itself.
func (c *Choices) count() {
	holders := map[[2]int]bool{}
	for i := range c.graph.schema.Keys {
		k := &c.graph.schema.Keys[i]
		from, known := c.graph.at[k.From]
		to, also := c.graph.at[k.To]
		if !known || !also || from == to || k.Parent != 0 {
			continue
		}
		referring, referred := c.Tables[from], c.Tables[to]
		referring.Out++
		referred.In++
		referred.largest = max(referred.largest, referring.Rows)
		if k.Action.Refuses() {
			referred.refuse++
		}
		if !holders[[2]int{from, to}] {
			holders[[2]int{from, to}] = true
			referred.holders++
		}
	}
}

// hubs proposes what much hangs on, the greatest first, and of those that would
// go with another only that one.
func (c *Choices) hubs() {
	var all float64
	var found []int
	for i, t := range c.Tables {
		all += c.graph.own[i].Rows
		if t.holders >= hubHolders && t.Along.Tables >= hubTables && t.filled() && !(t.small() && t.refuses()) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.Tables[b].Along.Tables, c.Tables[a].Along.Tables), cmp.Compare(c.Tables[b].Along.Rows, c.Tables[a].Along.Rows))
	})
	gone := map[int]bool{}
	for _, i := range found {
		t := c.Tables[i]
		if goes := t.Along.Rows + max(0, t.Rows); gone[i] || goes < hubShare*all {
			continue
		}
		for _, at := range c.graph.reach(i) {
			gone[at] = true
		}
		t.Proposal = ProposeClear
		t.Why = fmt.Sprintf("%s refer to it, and %s would go with it, with %s", phases.Plural(int64(t.holders), "table"), phases.Plural(int64(t.Along.Tables), "table"), t.Along.Words())
	}
}

// configuration proposes what is small and does not change with a hub: lists
// that larger tables pick from, what stands alone, and what refers to such ones
// and to nothing else.
func (c *Choices) configuration() {
	var hubs []*schema.Relation
	for _, t := range c.Tables {
		if t.Proposal == ProposeClear {
			hubs = append(hubs, t.Relation)
		}
	}
	fates, _ := c.Follow(hubs)
	var all float64
	for i := range c.graph.own {
		all += c.graph.own[i].Rows
	}
	propose := func(t *Candidate, why string) {
		t.Proposal, t.Why = ProposeProtect, t.howMany()+", "+why
	}
	open := slices.DeleteFunc(slices.Clone(c.Tables), func(t *Candidate) bool {
		return t.Proposal != NoProposal || fates[t.Relation.OID] != Stays || !t.small() || !t.filled() || t.Rows > max(aHandful, fewShare*all)
	})
	for _, t := range open {
		switch {
		case t.list():
			propose(t, fmt.Sprintf("deletes refused by %s to it, and %s rest on it", phases.Plural(int64(t.refuse), "key"), phases.Rows(int64(t.resting()))))
		case t.In == 0 && t.Out == 0:
			propose(t, "and no key leads to another table or from one")
		}
	}
	rests := c.restsOn()
	for again := true; again; {
		again = false
		for _, t := range open {
			if t.Proposal == NoProposal && t.Out > 0 && !slices.ContainsFunc(rests[t], func(on *Candidate) bool { return on.Proposal != ProposeProtect }) {
				propose(t, "and it refers to nothing but tables proposed to protect")
				again = true
			}
		}
	}
}

// restsOn are the tables that each refers to.
func (c *Choices) restsOn() map[*Candidate][]*Candidate {
	out := map[*Candidate][]*Candidate{}
	for i := range c.graph.schema.Keys {
		k := &c.graph.schema.Keys[i]
		from, known := c.graph.at[k.From]
		to, also := c.graph.at[k.To]
		if known && also && from != to {
			out[c.Tables[from]] = append(out[c.Tables[from]], c.Tables[to])
		}
	}
	return out
}

// list reports whether a table looks like a list that others pick from: small
// beside what rests on it, which refuses that a line of it goes.
func (t *Candidate) list() bool {
	return t.small() && t.refuses() && t.resting() >= overshadowed*max(1, t.Rows)
}

// refuses reports whether half of the keys to a table or more refuse a delete.
func (t *Candidate) refuses() bool { return t.In > 0 && 2*t.refuse >= t.In }

// resting are the rows that could not stay without a table, or the largest table
// that refers to it.
func (t *Candidate) resting() float64 { return max(t.largest, t.Along.Rows) }

// small reports whether a table holds as little as configuration does.
func (t *Candidate) small() bool {
	if t.Rows < 0 {
		return t.Bytes <= fewBytes
	}
	return t.Rows <= fewRows
}

// filled reports whether a table may hold anything.
func (t *Candidate) filled() bool { return t.Rows != 0 }

func (t *Candidate) howMany() string {
	if t.Rows < 0 {
		return phases.Bytes(t.Bytes) + ", never analyzed"
	}
	return phases.Rows(int64(t.Rows))
}

// Words is how many rows an amount has: "about 1,234 rows", "at least 1,234
// rows" where some tables were never analyzed.
func (a Amount) Words() string {
	if a.Unknown > 0 {
		return "at least " + phases.Rows(int64(a.Rows))
	}
	return "about " + phases.Rows(int64(a.Rows))
}
