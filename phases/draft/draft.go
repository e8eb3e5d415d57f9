package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// Wish is what somebody wants cleared.
type Wish struct {
	Schema  string   // of names without one; empty is public
	Clear   []string // tables, as a runbook writes them
	Protect []string
}

// Impossible lists what stands against a wish: somebody has to decide.
type Impossible []string

// Error is a line for each.
func (e Impossible) Error() string { return strings.Join(e, "\n") }

// Draft is what follows from a wish, before it is written down.
type Draft struct {
	Book    *runbook.Runbook // schema and names alone
	Schema  *schema.Schema
	Clear   []*schema.Relation // in the order in which nothing refuses
	Why     map[uint32]string  // of what was not wished for: why it goes too
	Nullify []*schema.Key      // set to NULL before the first delete
	Changed []*schema.Relation // rows that stay and lose a reference, by ON DELETE
	Protect []*schema.Relation
	// Together is set where a key is asked only at a phase's end: then all of it
	// is one phase.
	Together bool

	protected map[uint32]*schema.Relation // the table of Protect that a relation is, or is a part of
	told      map[string]bool             // what was said of a protected table and a key
	via       map[uint32]*schema.Key      // of what was not wished for: the key by which it is reached
	emptied   map[uint32]*schema.Relation // by which step a relation is emptied
	problems  Impossible
}

// New works out what follows from a wish. The error is an Impossible where
// somebody has to decide something.
func New(s *schema.Schema, w Wish) (*Draft, error) {
	d, err := begin(s, w)
	if err != nil {
		return nil, err
	}
	for _, r := range d.find(w.Protect) {
		d.Protect = append(d.Protect, r)
		for _, part := range s.Tree(r) {
			d.protected[part.OID] = cmp.Or(d.protected[part.OID], r)
		}
	}
	wished := d.find(w.Clear)
	if len(wished) == 0 && len(d.problems) == 0 {
		d.problem("nothing is to be cleared: name at least one table")
	}
	for _, r := range wished {
		d.empty(r, nil, "")
	}
	d.follow()
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	d.order()
	d.wholly()
	if d.named(); len(d.problems) > 0 {
		return nil, d.problems
	}
	return d, nil
}

// begin is a draft before anything follows from the wish.
func begin(s *schema.Schema, w Wish) (*Draft, error) {
	book, err := runbook.Deleting(cmp.Or(w.Schema, "public"), append(slices.Clone(w.Clear), w.Protect...))
	if err != nil {
		return nil, err
	}
	return &Draft{
		Book: &runbook.Runbook{Schema: book.Schema}, Schema: s, Why: map[uint32]string{}, via: map[uint32]*schema.Key{},
		protected: map[uint32]*schema.Relation{}, told: map[string]bool{}, emptied: map[uint32]*schema.Relation{},
	}, nil
}

func (d *Draft) problem(format string, args ...any) {
	if text := phases.Clean(fmt.Sprintf(format, args...)); !slices.Contains(d.problems, text) {
		d.problems = append(d.problems, text)
	}
}

// named notes the tables that no runbook can name.
func (d *Draft) named() {
	for _, r := range slices.Concat(d.Clear, d.kept(), d.Protect) {
		if c, found := runbook.Unwritable(r.Schema + r.Name); found {
			d.problem("%s has the character %U in its name, which no runbook takes: rename it first", d.name(r), c)
		}
	}
}

// find gives the tables of names, and notes those that are none.
func (d *Draft) find(names []string) []*schema.Relation {
	var out []*schema.Relation
	for _, n := range names {
		schemaName, name := d.Book.SplitTable(n)
		r := d.Schema.Find(schemaName, name)
		switch {
		case r == nil:
			d.problem("table %s does not exist%s", n, d.near(name))
		case r.Temporary:
			d.problem("%s is temporary: another session does not have it", n)
		case r.Kind != schema.Ordinary && r.Kind != schema.Partitioned:
			d.problem("%s is %s, not a table of this database: name the table behind it", n, r.Kind)
		case !slices.Contains(out, r):
			out = append(out, r)
		}
	}
	return out
}

func (d *Draft) near(name string) string {
	var all []string
	full := map[string]string{}
	for i := range d.Schema.Relations {
		r := &d.Schema.Relations[i]
		if (r.Kind == schema.Ordinary || r.Kind == schema.Partitioned) && !r.Partition {
			all = append(all, r.Name)
			full[r.Name] = d.name(r)
		}
	}
	slices.Sort(all)
	if near := runbook.Nearest(name, all); near != "" {
		return ", " + full[near] + " does"
	}
	return ""
}

func (d *Draft) name(r *schema.Relation) string { return d.Book.TableName(r.Schema, r.Name) }

// empty takes a table into the plan, with its parts. A partition that is reached
// goes with its whole table, which holds its rows; one that is wished for goes alone.
func (d *Draft) empty(r *schema.Relation, by *schema.Key, why string) {
	if why != "" {
		r = d.root(r)
	}
	if d.emptied[r.OID] != nil {
		return
	}
	parts, against := d.Schema.Tree(r), false
	for _, part := range parts {
		switch protected := d.protected[part.OID]; {
		case protected != nil && why == "":
			d.problem("%s is to be cleared and is protected, itself or a part of it (%s)", d.name(r), d.name(protected))
		case protected != nil:
			d.against(protected, by, "would go: "+why, "")
		case part.Kind == schema.Foreign:
			d.problem("%s has the foreign table %s as a part: detach it, or clear the other parts by their names", d.name(r), d.name(part))
		default:
			continue
		}
		against = true
	}
	if against { // what would follow from it is not to be decided before
		return
	}
	for _, part := range parts {
		if old := d.emptied[part.OID]; old != nil { // a part that had a step of its own goes with its table
			d.Clear = slices.DeleteFunc(d.Clear, func(c *schema.Relation) bool { return c == part })
		}
		d.emptied[part.OID] = r
	}
	if why != "" {
		d.Why[r.OID], d.via[r.OID] = why, by
	}
	d.Clear = append(d.Clear, r)
}

// against notes what a key means for a protected table: once for the keys that
// partitions have alike.
func (d *Draft) against(protected *schema.Relation, k *schema.Key, what, then string) {
	mark := fmt.Sprintf("%d %d %q", protected.OID, d.root(d.Schema.Relation(k.To)).OID, k.Referring)
	if !d.told[mark] {
		d.told[mark] = true
		d.problem("%s is protected, and %s%s%s", d.name(protected), what, d.way(k), then)
	}
}

// follow takes in what the plan's deletes reach, until nothing more is reached. It
// goes on where something stands against the plan, so that all of it is told.
func (d *Draft) follow() {
	for again := true; again; {
		before := len(d.emptied) + len(d.Nullify) + len(d.Changed)
		for _, r := range slices.Clone(d.Clear) {
			for _, part := range d.Schema.Tree(r) {
				for _, k := range d.Schema.KeysTo(part.OID) {
					d.reach(k)
				}
			}
		}
		again = len(d.emptied)+len(d.Nullify)+len(d.Changed) != before
	}
}

// reach decides what becomes of the rows that refer by a key to rows that go.
func (d *Draft) reach(k *schema.Key) {
	child, parent := d.Schema.Relation(k.From), d.Schema.Relation(k.To)
	if child == nil || d.emptied[child.OID] != nil {
		return
	}
	refers := fmt.Sprintf("its key %s refers to %s, ON DELETE %s", k.Name, d.name(parent), k.Action)
	switch {
	case k.Action == schema.Cascade:
		d.empty(child, k, refers)
	case k.Action.Refuses() && k.Nullable():
		d.lose(child, k, refers)
	case k.Action.Refuses():
		d.empty(child, k, refers+", and takes no NULL")
	case stuck(k):
		d.empty(child, k, refers+", which its columns do not take")
	case d.protected[child.OID] != nil:
		d.against(d.protected[child.OID], k, "its rows would change: "+refers, "")
	case !slices.Contains(d.Changed, d.root(child)):
		d.Changed = append(d.Changed, d.root(child))
	}
}

// lose has a key that refuses set to NULL, so that its rows stay.
func (d *Draft) lose(child *schema.Relation, k *schema.Key, refers string) {
	if d.protected[child.OID] != nil {
		d.against(d.protected[child.OID], k, "its rows refuse the delete: "+refers, "; decide whether they may lose their reference, then it is not protected as it is")
		return
	}
	if !slices.Contains(d.Nullify, k) {
		d.Nullify = append(d.Nullify, k)
	}
}

// wholly leaves one of the keys that a partitioned table's key was made into: its
// own where all of the table that it refers to goes, else one for each partition
// that does.
func (d *Draft) wholly() {
	keys := d.Nullify
	d.Nullify = nil
	for _, k := range keys {
		for up := d.Schema.Above(k); up != nil && d.emptied[up.To] != nil; up = d.Schema.Above(k) {
			k = up
		}
		if k.From == d.Schema.Whole(k).From && !slices.Contains(d.Nullify, k) {
			d.Nullify = append(d.Nullify, k)
		}
	}
}

func (d *Draft) root(r *schema.Relation) *schema.Relation { return whole(d.Schema, r) }

// stuck reports whether SET NULL or SET DEFAULT cannot do what it says: a column
// takes no NULL, or the default's row goes too.
func stuck(k *schema.Key) bool {
	if k.Action != schema.SetNull && k.Action != schema.SetDefault {
		return false
	}
	return slices.ContainsFunc(k.Columns, func(c schema.Column) bool {
		if k.Action == schema.SetDefault && c.Default != "" {
			return !strings.HasPrefix(strings.ToUpper(c.Default), "NULL")
		}
		return c.NotNull
	})
}
