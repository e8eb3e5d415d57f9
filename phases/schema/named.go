package schema

import (
	"slices"

	"tminus/phases/runbook"
)

// Named is a schema with the names that a runbook gives to its tables. Name
// makes one; its questions are pure.
type Named struct {
	Book   *runbook.Runbook
	Schema *Schema

	named map[uint32]bool // relations that the runbook names
	acted map[uint32]bool // those that it deletes from or touches
}

// Name looks up what a runbook names.
func Name(s *Schema, book *runbook.Runbook) *Named {
	n := &Named{Book: book, Schema: s, named: map[uint32]bool{}, acted: map[uint32]bool{}}
	note := func(set map[uint32]bool, tables []string) {
		for _, t := range tables {
			if r := n.Find(t); r != nil {
				set[r.OID] = true
			}
		}
	}
	note(n.named, book.Tables())
	for i := range book.Phases {
		note(n.acted, book.Phases[i].Changes())
	}
	return n
}

// Find is a relation by the name that the runbook calls it; nil where there is none.
func (n *Named) Find(table string) *Relation {
	schema, name := n.Book.SplitTable(table)
	return n.Schema.Find(schema, name)
}

// Plain is what a run calls a relation by itself.
func (n *Named) Plain(r *Relation) string { return n.Book.TableName(r.Schema, r.Name) }

// Name is the table that a relation is accounted to. Of itself and those it is
// a partition or an only child of, that is the nearest one which the runbook
// deletes from or touches, else the nearest one which it names, else the root.
func (n *Named) Name(oid uint32) string {
	r := n.Schema.Relation(oid)
	if r == nil {
		return ""
	}
	line := n.Schema.Line(r)
	for _, set := range []map[uint32]bool{n.acted, n.named} {
		for _, r := range line {
			if set[r.OID] {
				return n.Plain(r)
			}
		}
	}
	return n.Plain(line[len(line)-1])
}

// Names reports whether the runbook names a relation, or what it is a part of.
func (n *Named) Names(r *Relation) bool {
	return slices.ContainsFunc(n.Schema.Line(r), func(r *Relation) bool { return n.named[r.OID] })
}
