package lint

import (
	"slices"

	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// View is a runbook on a schema. New makes one; its questions are pure.
type View struct {
	*schema.Named

	protected map[uint32]bool // those that must come out as they went in, parts included
	steps     []delete
	reach     Reach
	closed    []closure                // by step
	nulls     map[string][]*schema.Key // by statement of the runbook: the keys whose references it takes away, as a draft does
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
	v := &View{Named: schema.Name(s, book), protected: map[uint32]bool{}}
	for _, t := range book.Protected {
		if r := v.Find(t); r != nil {
			for _, d := range s.Tree(r) {
				v.protected[d.OID] = true
			}
		}
	}
	for i := range book.Phases {
		for j, step := range book.Phases[i].Steps {
			if step.Delete == "" {
				continue
			}
			v.steps = append(v.steps, delete{phase: i, step: j, table: step.Delete, where: step.Where, relation: v.Find(step.Delete)})
		}
	}
	v.reach, v.closed, v.nulls = v.computeReach(), v.closures(), v.nullifying()
	return v
}

func (v *View) nullifying() map[string][]*schema.Key {
	out := map[string][]*schema.Key{}
	for i := range v.Book.Phases {
		for _, step := range v.Book.Phases[i].Steps {
			if step.SQL != "" {
				out[step.SQL] = nil
			}
		}
	}
	for i := range v.Schema.Keys {
		if len(out) == 0 {
			break
		}
		k := &v.Schema.Keys[i]
		sql := v.Schema.Nullify(k)
		if _, runs := out[sql]; runs {
			out[sql] = append(out[sql], k)
		}
	}
	return out
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
