package schema

// Publication is one of logical replication, with the tables that it publishes.
type Publication struct {
	Name                     string
	Update, Delete, Truncate bool // what it publishes of them
	Tables                   []Published
}

// Published is one table of a publication. A partitioned table stands for all of
// its partitions.
type Published struct {
	Relation uint32
	Filter   []string // columns that its row filter looks at; empty without a filter
	List     []string // columns that are published; empty for all
}

// Identity is what tells a subscriber which row changed or went.
type Identity struct {
	Full    bool     // the whole old row
	Columns []string // of the index that is the identity; empty for Full, and for none
}

// None reports whether there is no identity at all: the server refuses to update
// and delete what is published.
func (i Identity) None() bool { return !i.Full && len(i.Columns) == 0 }

// Publishes gives how a publication publishes a relation: itself, or as a
// partition of a table that it publishes. It gives nil when it does not.
func (s *Schema) Publishes(p *Publication, r *Relation) *Published {
	for r != nil {
		for i := range p.Tables {
			if p.Tables[i].Relation == r.OID {
				return &p.Tables[i]
			}
		}
		if !r.Partition || len(r.Parents) != 1 {
			return nil
		}
		r = s.Relation(r.Parents[0])
	}
	return nil
}
