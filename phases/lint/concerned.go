package lint

import (
	"cmp"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

// Concerned are the relations that the runbook names, their parts, and those
// that its deletes reach, by OID.
func (v *View) Concerned() []uint32 {
	set := map[uint32]bool{}
	for oid := range v.reach.Emptied {
		set[oid] = true
	}
	for oid := range v.reach.Changed {
		set[oid] = true
	}
	for _, table := range v.Book.Tables() {
		if r := v.Find(table); r != nil {
			for _, d := range v.Schema.Tree(r) {
				set[d.OID] = true
			}
		}
	}
	out := make([]uint32, 0, len(set))
	for oid := range set {
		out = append(out, oid)
	}
	slices.Sort(out)
	return out
}

// Sizes are the planner's estimates of what is concerned, parts added to the
// table that they are accounted to, in the order of their names.
func (v *View) Sizes() []phases.TableSize {
	total := map[string]*phases.TableSize{}
	for _, oid := range v.Concerned() {
		r := v.Schema.Relation(oid)
		size := total[v.Name(oid)]
		if size == nil {
			size = &phases.TableSize{Table: v.Name(oid)}
			total[size.Table] = size
		}
		size.Bytes += r.Bytes
		switch {
		case r.Kind != schema.Ordinary:
		case r.Rows < 0 || size.Rows < 0:
			size.Rows = -1
		default:
			size.Rows += int64(r.Rows)
		}
	}
	out := make([]phases.TableSize, 0, len(total))
	for _, size := range total {
		out = append(out, *size)
	}
	slices.SortFunc(out, func(a, b phases.TableSize) int { return cmp.Compare(a.Table, b.Table) })
	return out
}
