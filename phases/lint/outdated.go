package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var viewOutdated = &Code{
	Name: "view-outdated", Severity: phases.SeverityNote,
	Means: "Materialized views read tables of which the run deletes or changes rows, by themselves or through views: they show the old rows until they are refreshed.",
	Do:    "refresh them after the last phase",
}

var outdated = rule{[]*Code{viewOutdated}, func(v *View) []phases.Finding {
	var views, refresh []string
	for _, x := range v.outdatedViews() {
		r := v.Schema.Relation(x.View)
		how := ""
		if x.Unique {
			how = "CONCURRENTLY "
		}
		views = append(views, v.Plain(r))
		refresh = append(refresh, fmt.Sprintf("REFRESH MATERIALIZED VIEW %s%s.%s", how, schema.Quoted(r.Schema), schema.Quoted(r.Name)))
	}
	if views == nil {
		return nil
	}
	remedy := ""
	if len(views) <= 5 {
		remedy = "after the last phase: " + strings.Join(refresh, "; ")
	}
	return []phases.Finding{viewOutdated.at("", "", "these show the old rows until they are refreshed: "+few(views), remedy)}
}}

// outdatedViews are the materialized views that read what the run deletes or
// changes, each once, those first that others read.
func (v *View) outdatedViews() []schema.Reader {
	depth := map[uint32]int{} // of what has other rows afterwards: tables 1, and each view above all that it reads
	for _, set := range []map[uint32]bool{v.reach.Emptied, v.reach.Changed} {
		for oid := range set {
			for _, r := range v.Schema.Line(v.Schema.Relation(oid)) { // who reads the whole reads its parts
				depth[r.OID] = 1
			}
		}
	}
	deepest := len(v.Schema.Readers) + 1 // views that read each other in a circle, which nobody can query
	for more := true; more; {
		more = false
		for _, x := range v.Schema.Readers {
			if depth[x.Reads] > 0 && depth[x.View] <= depth[x.Reads] && depth[x.Reads] < deepest {
				depth[x.View], more = depth[x.Reads]+1, true
			}
		}
	}
	var out []schema.Reader
	for _, x := range v.Schema.Readers {
		r := v.Schema.Relation(x.View)
		if depth[x.View] > 1 && x.Filled && r != nil && !v.refreshes(r) && !slices.ContainsFunc(out, func(o schema.Reader) bool { return o.View == x.View }) {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b schema.Reader) int { return cmp.Compare(depth[a.View], depth[b.View]) })
	return out
}

// refreshes reports whether a step of the runbook refreshes a view once the last
// delete is done.
func (v *View) refreshes(r *schema.Relation) bool {
	if len(v.steps) == 0 {
		return false
	}
	last := v.steps[len(v.steps)-1]
	for i := last.phase; i < len(v.Book.Phases); i++ {
		for j, s := range v.Book.Phases[i].Steps {
			if name := s.Rewrites(); name != "" && (i > last.phase || j > last.step) && v.Find(name) == r {
				return true
			}
		}
	}
	return false
}
