package lint

import (
	"cmp"
	"fmt"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

// Sweep is one TRUNCATE in the place of delete steps in a row, with all that has
// to hold of the rows for it to end as the deletes would. What the catalog tells
// has been looked at; the rows are asked under the locks.
type Sweep struct {
	Steps  int               // how many it stands for
	Tables []Swept           // what it names, the steps' own tables first
	Keys   []SweptKey        // of other tables, that refer to these
	Unused []*schema.Key     // between these tables, by which no row may refer
	parts  map[uint32]uint32 // each relation that loses its rows, and which of Tables it is a part of
}

// Swept is a table that loses all of its rows.
type Swept struct {
	*schema.Relation
	// By are keys that cascade to it from tables that stand before it: each row has
	// to refer by one of them, or it would stay. Empty for a step's own table.
	By []*schema.Key
}

// SweptKey is a key that is taken out for the TRUNCATE and put back. Where it sets
// columns to NULL, that is done before; else no row may refer by it.
type SweptKey struct {
	*schema.Key
	Sets bool
}

// sweeping is a Sweep under way.
type sweeping struct {
	*View
	*Sweep
	off   func(schema.Trigger, *schema.Relation) bool
	first map[uint32]int // by table: the step with which its rows go at the latest; those of a cascade with the step it starts from
}

// Sweep gives the TRUNCATE that stands for so many steps of a phase, from one on,
// or why there is none. off says of a trigger that the run disables it before; nil:
// what is enabled fires.
func (v *View) Sweep(phase, from, to int, off func(schema.Trigger, *schema.Relation) bool) (*Sweep, string) {
	if off == nil {
		off = noneOff
	}
	s := &sweeping{v, &Sweep{Steps: to - from, parts: map[uint32]uint32{}}, off, map[uint32]int{}}
	steps := v.Book.Phases[phase].Steps
	for i := from; i < to; i++ {
		r := v.Find(steps[i].Delete)
		switch {
		case r == nil:
			return nil, steps[i].Delete + " is not there"
		case steps[i].Rows != nil && to-from > 1:
			return nil, fmt.Sprintf("the step of %s says how many rows go by itself, and one TRUNCATE takes %d tables", v.Plain(r), to-from)
		}
		if _, again := s.first[r.OID]; !again {
			s.add(r, nil, i)
		}
	}
	for i := 0; i < len(s.Tables); i++ {
		s.cascade(s.Tables[i].Relation)
	}
	if why := v.unknownToSweep(); why != "" {
		return nil, why
	}
	for _, t := range s.Tables {
		if why := s.fits(t); why != "" {
			return nil, why
		}
	}
	if why := s.keys(); why != "" {
		return nil, why
	}
	if why := s.keptFrom(phase, to); why != "" {
		return nil, why
	}
	return s.Sweep, ""
}

// noneOff is for triggers that are as they are by now.
func noneOff(schema.Trigger, *schema.Relation) bool { return false }

// unknownToSweep says what of the database's outside decides, and is not known or
// stands against it.
func (v *View) unknownToSweep() string {
	for _, u := range v.Schema.Unread {
		if slices.Contains([]string{"the publications", "the event triggers", "the replication slots"}, u.What) {
			return phases.Clean(fmt.Sprintf("%s could not be read: %s", u.What, u.Why))
		}
	}
	for _, slot := range v.Schema.Replication.Slots {
		if slot.Database == v.Schema.Server.Database {
			return phases.Clean(fmt.Sprintf("replication slot %s decodes this database", slot.Name))
		}
	}
	return ""
}

func (s *sweeping) add(r *schema.Relation, by []*schema.Key, step int) {
	s.Tables = append(s.Tables, Swept{r, by})
	s.first[r.OID] = step
	for _, part := range s.Schema.Tree(r) {
		s.parts[part.OID] = r.OID
	}
}

// cascade adds what goes with a table's rows. A table that is reached again by a
// later one has one key more by which its rows may go.
func (s *sweeping) cascade(from *schema.Relation) {
	for _, k := range s.Schema.KeysTo(from.OID) {
		child := s.Schema.Relation(k.From)
		if child == nil || k.Action != schema.Cascade || k.Parent != 0 || s.protected[child.OID] {
			continue
		}
		if i := slices.IndexFunc(s.Tables, func(t Swept) bool { return t.Relation == child }); i < 0 {
			s.add(child, []*schema.Key{k}, s.first[from.OID])
		} else if at := slices.IndexFunc(s.Tables, func(t Swept) bool { return t.Relation == from }); s.Tables[i].By != nil && at < i {
			s.Tables[i].By = append(s.Tables[i].By, k)
		}
	}
}

// fits looks at one table: what of it a TRUNCATE does in another way than a DELETE.
func (s *sweeping) fits(t Swept) string {
	name := s.Plain(t.Relation)
	for _, k := range t.By {
		if why := s.leaves(k); why != "" {
			return why
		}
	}
	switch {
	case s.protected[t.OID]:
		return name + " is protected"
	case t.Partition:
		return name + " is a partition, and its table keeps the others"
	case !t.Rights.Truncate:
		return "the role lacks TRUNCATE on " + name
	}
	for _, r := range s.Schema.Tree(t.Relation) {
		name := s.Plain(r)
		inherits := r.Kind == schema.Ordinary && (len(r.Children) > 0 || len(r.Parents) > 0 && !r.Partition)
		switch {
		case inherits:
			return name + " inherits, or is inherited from"
		case r.Kind == schema.Partitioned:
		case r.Kind != schema.Ordinary || r.Temporary:
			return name + " is " + r.Kind.String() + ": a TRUNCATE of it is another matter"
		case r.Method != "heap":
			return fmt.Sprintf("%s has the access method %s", name, phases.Clean(r.Method))
		case r.Filtered:
			return "row-level security hides rows of " + name
		}
		if why := s.fires(r, schema.OnDelete|schema.OnTruncate); why != "" {
			return why
		}
		for i := range s.Schema.Publications {
			if s.Schema.Publishes(&s.Schema.Publications[i], r) != nil {
				return fmt.Sprintf("publication %s publishes %s", phases.Clean(s.Schema.Publications[i].Name), name)
			}
		}
	}
	return ""
}

func (s *sweeping) fires(r *schema.Relation, on schema.Event) string { return s.acting(r, on, s.off) }

// acting says which trigger or rule of a relation would act; empty for none. off says
// of a trigger that it will be disabled by then.
func (v *View) acting(r *schema.Relation, on schema.Event, off func(schema.Trigger, *schema.Relation) bool) string {
	for _, t := range v.Schema.TriggersOn(r.OID) {
		if t.Fires(on) && !off(*t, r) {
			return phases.Clean(fmt.Sprintf("trigger %s of %s is enabled", t.Name, v.Plain(r)))
		}
	}
	for _, rule := range v.Schema.Rules {
		if rule.Relation == r.OID && rule.On&on != 0 {
			return phases.Clean(fmt.Sprintf("rule %s of %s would act", rule.Name, v.Plain(r)))
		}
	}
	return ""
}

// keys looks at all foreign keys that refer to what goes.
func (s *sweeping) keys() string {
	for i := range s.Schema.Keys {
		k := &s.Schema.Keys[i]
		to, goes := s.parts[k.To]
		if !goes || k.Parent != 0 && s.parts[s.reach.roots[k.OID].To] != 0 {
			continue // a partition's goes with that of its table
		}
		child := s.Schema.Relation(k.From)
		if child == nil {
			return fmt.Sprintf("foreign key %s is of a table that is not known", phases.Clean(k.Name))
		}
		why := ""
		if from, inside := s.parts[k.From]; inside {
			why = s.within(k, child, from, to)
		} else {
			why = s.outside(k, child)
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// within judges a key between two tables that go. The deletes would ask it, or let
// it act, as long as rows refer to what has gone before them.
func (s *sweeping) within(k *schema.Key, child *schema.Relation, from, to uint32) string {
	before := s.first[from] < s.first[to] && s.by(from) == nil
	switch {
	case k.Action == schema.Cascade || before:
	case k.Action == schema.NoAction && (k.Deferred || from == to && s.by(from) == nil):
	case k.Action == schema.SetNull && !slices.ContainsFunc(k.Columns, func(c schema.Column) bool { return c.NotNull || len(c.Checks) > 0 }):
		return cmp.Or(s.fires(child, schema.OnUpdate), s.shares(k, s.goes))
	default:
		s.Unused = append(s.Unused, k)
	}
	return ""
}

// goes reports whether a relation loses all of its rows.
func (s *sweeping) goes(oid uint32) bool {
	_, is := s.parts[oid]
	return is
}

func (s *sweeping) by(table uint32) []*schema.Key {
	i := slices.IndexFunc(s.Tables, func(t Swept) bool { return t.OID == table })
	return s.Tables[i].By
}

// outside judges a key of a table that stays: TRUNCATE refuses as long as there is
// one, whether rows refer by it or not.
func (s *sweeping) outside(k *schema.Key, child *schema.Relation) string {
	name, to := s.Plain(child), s.Schema.Relation(k.To)
	key := s.keyOf(k)
	if s.Book.FullName(name) == "" || to == nil {
		return key + " is not known"
	}
	sets := k.Action == schema.SetNull && !s.protected[child.OID]
	switch {
	case child.Kind != schema.Ordinary || child.Partition || len(child.Children) > 0 || to.Kind != schema.Ordinary || to.Partition:
		return key + " is one of parts, and is not taken out"
	case !child.Owns || !to.Owns:
		return key + " is the owner's to take out and put back"
	case sets && !child.Rights.Update:
		return "the role lacks UPDATE on " + name
	case child.Filtered:
		return "row-level security hides rows of " + name
	}
	for _, w := range s.Schema.Watches {
		if w.Fires("ALTER TABLE") || w.Event == "sql_drop" || w.Event == "table_rewrite" {
			return phases.Clean(fmt.Sprintf("event trigger %s fires when %s is taken out", w.Name, key))
		}
	}
	if sets {
		if why := cmp.Or(s.leaves(k), s.fires(child, schema.OnUpdate), s.shares(k, s.goes)); why != "" {
			return why
		}
	}
	s.Keys = append(s.Keys, SweptKey{k, sets})
	return ""
}

// keptFrom makes sure that the capsule holds what the phase does to the tables whose
// keys are taken out: from then on nobody else can read them, so that it is written
// before, and nothing may come after.
func (s *sweeping) keptFrom(phase, to int) string {
	p := &s.Book.Phases[phase]
	if !s.Book.Keeps(p) || len(s.Keys) == 0 {
		return ""
	}
	after := map[uint32]int{}
	for _, step := range p.Steps[to:] {
		for _, t := range append([]string{step.Delete}, step.Touch...) {
			if r := s.Find(t); r != nil {
				s.rounds(r, after, func(*schema.Key) bool { return true })
			}
		}
	}
	changes := map[uint32]bool{}
	for i := range s.Schema.Keys {
		if k := &s.Schema.Keys[i]; after[k.To] != 0 && !k.Action.Refuses() {
			changes[k.From] = true
		}
	}
	for _, k := range s.Keys {
		if changes[k.From] || after[k.From] != 0 {
			return fmt.Sprintf("a later step may change rows of %s, which the capsule cannot read once %s is taken out", s.Plain(s.Schema.Relation(k.From)), s.keyOf(k.Key))
		}
	}
	return ""
}
