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
	closed    []map[uint32]bool // by step: what it empties, itself and by cascade
	detached  map[*schema.Key]detach
	detaching map[detach]bool // the steps that do so
}

// delete is one delete step.
type delete struct {
	phase, step int
	table       string
	where       string
	relation    *schema.Relation // nil when there is none of that name
}

// detach is the step that sets a key to NULL in all rows.
type detach struct{ phase, step int }

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
	v.reach, v.closed = v.computeReach(), v.closures()
	v.detached, v.detaching = v.detaches(), map[detach]bool{}
	for _, at := range v.detached {
		v.detaching[at] = true
	}
	return v
}

// detaches finds the steps that set a key to NULL by the very statement that a
// draft writes for it: what other statements do nobody reads here.
func (v *View) detaches() map[*schema.Key]detach {
	steps := map[string]detach{}
	for i := range v.Book.Phases {
		for j, s := range v.Book.Phases[i].Steps {
			if _, known := steps[s.SQL]; !known && s.SQL != "" {
				steps[s.SQL] = detach{i, j}
			}
		}
	}
	out := map[*schema.Key]detach{}
	if len(steps) == 0 {
		return out
	}
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		if at, is := steps[v.Schema.Nullify(k)]; is {
			out[k] = at
		}
	}
	return out
}

// freed reports whether all rows' references by a key were set to NULL before a step.
func (v *View) freed(k *schema.Key, phase, step int) bool {
	at, is := v.detached[v.reach.roots[k.OID]]
	return is && (at.phase < phase || at.phase == phase && at.step < step)
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
