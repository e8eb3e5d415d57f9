package schema

import (
	"cmp"
	"slices"
)

// Schema is a snapshot. Relations and keys refer to each other by OID, as
// PostgreSQL's catalogs do.
type Schema struct {
	Server    Server
	Relations []Relation
	Keys      []Key
	Triggers  []Trigger
	Rules     []Rule
	Costs     Costs
	Estimates []Estimate // of conditions that were asked for

	Publications []Publication
	Identities   map[uint32]Identity // of what can be published, by OID; nil without publications

	Primaries   map[uint32]Attribute // the column of each primary key that has one alone, by its table
	Loose       []Attribute          // columns that are named and typed as references to those may be, and have no key
	Watches     []Watch              // event triggers that fire in an ordinary session
	Guards      []Guard              // of tables whose columns a key sets
	Readers     []Reader             // views of either kind, and what they read
	Replication Replication
	Unread      []Unread // what could not be read

	// Definitions are of the relations that were asked for, in no order.
	Definitions []Definition

	byOID    map[uint32]*Relation
	byName   map[[2]string]*Relation
	keys     map[uint32]*Key
	keysTo   map[uint32][]*Key
	triggers map[uint32][]*Trigger
}

// Server is what the server and the role can do.
type Server struct {
	Version     int    // server_version_num
	Role        string // current_user
	Database    string
	SearchPath  string // of the role in this database, before this program set its own
	InRecovery  bool
	ReadOnly    bool // transactions are read-only by default
	SeesOthers  bool // pg_read_all_stats, or a superuser
	Fsync       bool
	TrackCounts bool
	Inherits    bool // the role may do by itself what those it is a member of may

	Styles []string // settings of the role by which a time is read, as "TimeZone Europe/Berlin", that are not UTC, ISO, MDY and postgres

	MakesSchemas bool  // CREATE on the database
	FillsLedger  *bool // USAGE and CREATE on the ledger's schema; nil where there is none

	Pooled   bool    // the connection goes through a pooler that shares sessions
	Sessions int     // how many a run has at its widest; 0 where it was not asked
	Limits   []Limit // on them, those that hold for the role
}

// Limit is one of the numbers that bound how many sessions there are.
type Limit struct {
	Most, Others int    // Others: how many of them are somebody else's
	Raise        string // what to do for more
}

// Unread is a part of the snapshot that is missing: nothing is known of it.
type Unread struct {
	What string // "the publications"
	Why  string // the server's sentence
}

// Kind is pg_class.relkind.
type Kind string

// The kinds of relation.
const (
	Ordinary         Kind = "r"
	Partitioned      Kind = "p"
	Foreign          Kind = "f"
	View             Kind = "v"
	MaterializedView Kind = "m"
)

// String is the kind in words, with its article.
func (k Kind) String() string {
	switch k {
	case Ordinary:
		return "a table"
	case Partitioned:
		return "a partitioned table"
	case Foreign:
		return "a foreign table"
	case View:
		return "a view"
	case MaterializedView:
		return "a materialized view"
	}
	return "no table"
}

// Relation is one row of pg_class.
type Relation struct {
	OID       uint32
	Schema    string
	Name      string
	Kind      Kind
	Method    string  // its table access method; empty where it has no rows of its own
	Rows      float64 // the planner's estimate; -1 when it was never analyzed
	Heap      int64   // bytes of its rows alone: 0 is exactly empty
	Bytes     int64   // with indexes and TOAST; without its parts
	Width     int64   // bytes of a row as its columns' types have it, with what a row takes beside them
	Indexes   int
	Partition bool // of a partitioned table
	Temporary bool
	Parents   []uint32 // what it is a partition or an inheritance child of
	Children  []uint32
	Rights    Rights
	Filtered  bool    // row-level security hides rows from this role
	Modified  int64   // rows written since it was analyzed last, as the server counts them; 0 where that is unknown
	Analyzed  float64 // rows as of the last ANALYZE or VACUUM; -1 before the first

	Owner       string
	Owns        bool   // the role is the owner, or may do what the owner may
	Vacuums     bool   // VACUUM does not pass it over
	Indexable   bool   // the role may make an index on it
	OwnerRights Rights // the owner's own: what foreign keys of the table do, they do as the owner
}

// Rights are what the role may do to a relation.
type Rights struct {
	Usage  bool // of its schema
	Select bool
	Insert bool
	Update bool
	Delete bool
	// Truncate is not used to truncate: it allows to lock, as Update and Delete do.
	Truncate bool
}

// Holds reports whether a relation can hold rows of its own.
func (r *Relation) Holds() bool { return r.Kind == Ordinary || r.Kind == Foreign }

// Column is one of a key's columns on the referencing side.
type Column struct {
	Name    string
	NotNull bool     // it takes no NULL: by itself, its domain or a CHECK that says just that; or it is generated
	Default string   // its expression; empty where it has none
	Checks  []string // CHECK constraints, as SQL has them, that may refuse a NULL in it
}

// Action is what a key does when a referenced row is deleted: pg_constraint.confdeltype.
type Action string

// The actions.
const (
	NoAction   Action = "a"
	Restrict   Action = "r"
	Cascade    Action = "c"
	SetNull    Action = "n"
	SetDefault Action = "d"
)

// String is the action as SQL has it.
func (a Action) String() string {
	switch a {
	case Restrict:
		return "RESTRICT"
	case Cascade:
		return "CASCADE"
	case SetNull:
		return "SET NULL"
	case SetDefault:
		return "SET DEFAULT"
	}
	return "NO ACTION"
}

// Refuses reports whether the key refuses a delete as long as a row refers to
// what goes.
func (a Action) Refuses() bool { return a == NoAction || a == Restrict }

// Key is one row of pg_constraint for a foreign key. A partitioned table's key
// has a row for each partition besides its own: Parent is that one's.
type Key struct {
	OID, Parent uint32
	Name        string
	From, To    uint32 // referencing and referenced relation
	Action      Action
	Deferrable  bool
	Deferred    bool     // INITIALLY DEFERRED
	NotValid    bool     // NOT VALID: it was never held against all rows
	Off         bool     // one of its triggers is disabled
	Full        bool     // MATCH FULL: its columns are NULL together, or none of them
	Referring   []string // its columns on the referring side, in the key's order
	Referred    []string // and those that they refer to
	Columns     []Column // those of them that the key's action changes
	Indexed     bool     // by a usable index with its columns first
	Nulls       float64  // share of the rows that refer to nothing, as the planner has it; 0 when unknown
	Unused      bool     // when it was asked, no row referred by it; false where nobody asked, or got no answer
}

// Event is what fires a trigger, as pg_trigger.tgtype has it.
type Event int16

// The bits of an event.
const (
	ForEachRow Event = 1 << 0
	OnInsert   Event = 1 << 2
	OnDelete   Event = 1 << 3
	OnUpdate   Event = 1 << 4
	OnTruncate Event = 1 << 5
)

// Trigger is a user's trigger.
type Trigger struct {
	OID      uint32
	Relation uint32
	Parent   uint32 // the partitioned table's trigger that it was made for; 0 for none
	Name     string
	Enabled  string // pg_trigger.tgenabled: O, D, R or A
	Event    Event
	Deferred bool   // a constraint trigger that fires at the transaction's end
	Function string // schema and name, as a statement writes it
}

// Fires reports whether an ordinary session's statement fires it.
func (t Trigger) Fires(on Event) bool {
	return t.Event&on != 0 && (t.Enabled == "O" || t.Enabled == "A")
}

// Rule is a rewrite rule of a table.
type Rule struct {
	Relation uint32
	Name     string
	On       Event // OnInsert, OnUpdate or OnDelete
	Instead  bool
	Nothing  bool // DO INSTEAD NOTHING, without a condition
}

// Index makes the snapshot's questions quick. Whoever reads a snapshot calls it
// once, before anything else.
func (s *Schema) Index() {
	s.byOID, s.byName, s.keys = map[uint32]*Relation{}, map[[2]string]*Relation{}, map[uint32]*Key{}
	s.keysTo, s.triggers = map[uint32][]*Key{}, map[uint32][]*Trigger{}
	for i := range s.Relations {
		r := &s.Relations[i]
		s.byOID[r.OID], s.byName[[2]string{r.Schema, r.Name}] = r, r
	}
	for i := range s.Keys {
		k := &s.Keys[i]
		s.keys[k.OID] = k
		s.keysTo[k.To] = append(s.keysTo[k.To], k)
	}
	for i := range s.Triggers {
		t := &s.Triggers[i]
		s.triggers[t.Relation] = append(s.triggers[t.Relation], t)
	}
}

// Relation is a relation by its OID; nil where there is none.
func (s *Schema) Relation(oid uint32) *Relation { return s.byOID[oid] }

// Find is a relation by its name as the catalog has it; nil where there is none.
func (s *Schema) Find(schema, name string) *Relation { return s.byName[[2]string{schema, name}] }

// KeysTo are the keys that refer to a relation itself.
func (s *Schema) KeysTo(oid uint32) []*Key { return s.keysTo[oid] }

// TriggersOn are the triggers of a relation itself.
func (s *Schema) TriggersOn(oid uint32) []*Trigger { return s.triggers[oid] }

// Tree is a relation and all that descend from it, itself first.
func (s *Schema) Tree(r *Relation) []*Relation {
	out := []*Relation{r}
	seen := map[uint32]bool{r.OID: true}
	for i := 0; i < len(out); i++ {
		for _, oid := range out[i].Children {
			if child := s.byOID[oid]; child != nil && !seen[oid] {
				seen[oid] = true
				out = append(out, child)
			}
		}
	}
	return out
}

// Referring are the relations whose rows a key of a relation refers by: itself,
// and its partitions. What inherits from a table has keys of its own.
func (s *Schema) Referring(r *Relation) []*Relation {
	if r.Kind == Partitioned {
		return s.Tree(r)
	}
	return []*Relation{r}
}

// Line is a relation and those that it is the only part of or a partition of, up
// to the root.
func (s *Schema) Line(r *Relation) []*Relation {
	out := []*Relation{r}
	for len(r.Parents) == 1 && len(out) <= len(s.Relations) {
		if r = s.byOID[r.Parents[0]]; r == nil {
			break
		}
		out = append(out, r)
	}
	return out
}

// Rows are the planner's estimate of a relation and all its parts, and their
// size; rows is -1 where a part that holds rows was never analyzed.
func (s *Schema) Rows(r *Relation) (rows float64, bytes int64) {
	for _, d := range s.Tree(r) {
		bytes += d.Bytes
		switch {
		case !d.Holds():
		case d.Rows < 0 || rows < 0:
			rows = -1
		default:
			rows += d.Rows
		}
	}
	return rows, bytes
}

// Guess is how many rows a relation itself holds: the planner's estimate, and of
// one that was never analyzed what fits into its size.
func (s *Schema) Guess(r *Relation) float64 {
	switch {
	case r.Kind != Ordinary:
		return 0
	case r.Rows >= 0:
		return r.Rows
	}
	return float64(r.Heap) / float64(max(r.Width, 28))
}

// SortRelations puts relations into the order of their names.
func SortRelations(of []*Relation) {
	slices.SortFunc(of, func(a, b *Relation) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
}
