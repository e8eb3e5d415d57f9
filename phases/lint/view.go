package lint

import (
	"slices"

	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// View is a runbook on a schema. New makes one; its questions are pure.
type View struct {
	Book   *runbook.Runbook
	Schema *schema.Schema

	named     map[uint32]bool // relations that the runbook names
	acted     map[uint32]bool // those that it deletes from or touches
	protected map[uint32]bool // those that must come out as they went in, parts included
	steps     []delete
	reach     Reach
	closed    []map[uint32]bool // by step: what it empties, itself and by cascade
}

// delete is one delete step.
type delete struct {
	phase, step int
	table       string
	where       string
	relation    *schema.Relation // nil when there is none of that name
}

// New looks at a runbook on a schema.
func New(book *runbook.Runbook, s *schema.Schema) *View {
	v := &View{Book: book, Schema: s, named: map[uint32]bool{}, acted: map[uint32]bool{}, protected: map[uint32]bool{}}
	for _, t := range book.Tables() {
		if r := v.Find(t); r != nil {
			v.named[r.OID] = true
		}
	}
	for _, t := range book.Protected {
		if r := v.Find(t); r != nil {
			for _, d := range s.Tree(r) {
				v.protected[d.OID] = true
			}
		}
	}
	for i := range book.Phases {
		for j, step := range book.Phases[i].Steps {
			for _, t := range step.Touch {
				if r := v.Find(t); r != nil {
					v.acted[r.OID] = true
				}
			}
			if step.Delete == "" {
				continue
			}
			d := delete{phase: i, step: j, table: step.Delete, where: step.Where, relation: v.Find(step.Delete)}
			v.steps = append(v.steps, d)
			if d.relation != nil {
				v.acted[d.relation.OID] = true
			}
		}
	}
	v.reach, v.closed = v.computeReach(), v.closures()
	return v
}

// Find is a relation by the name that the runbook calls it; nil where there is none.
func (v *View) Find(table string) *schema.Relation {
	schema, name := v.Book.SplitTable(table)
	return v.Schema.Find(schema, name)
}

// Plain is what a run calls a relation by itself.
func (v *View) Plain(r *schema.Relation) string { return v.Book.TableName(r.Schema, r.Name) }

// Name is the table that a relation is accounted to. Of itself and those it is
// a partition or an only child of, that is the nearest one which the runbook
// deletes from or touches, else the nearest one which it names, else the root.
func (v *View) Name(oid uint32) string {
	r := v.Schema.Relation(oid)
	if r == nil {
		return ""
	}
	line := v.Schema.Line(r)
	for _, set := range []map[uint32]bool{v.acted, v.named} {
		for _, r := range line {
			if set[r.OID] {
				return v.Plain(r)
			}
		}
	}
	return v.Plain(line[len(line)-1])
}

// Deleted are the relations that the runbook deletes from, each once, in its order.
func (v *View) Deleted() []*schema.Relation {
	var out []*schema.Relation
	for _, d := range v.steps {
		if d.relation != nil && !slices.Contains(out, d.relation) {
			out = append(out, d.relation)
		}
	}
	return out
}

// empties are the steps that delete all rows of a relation, itself or as a part
// of its table.
func (v *View) empties(oid uint32) []delete {
	var out []delete
	for _, d := range v.steps {
		if d.relation == nil || d.where != "" {
			continue
		}
		if slices.ContainsFunc(v.Schema.Tree(d.relation), func(r *schema.Relation) bool { return r.OID == oid }) {
			out = append(out, d)
		}
	}
	return out
}
