package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

var (
	rightMissing = &Code{
		Name: "right-missing", Severity: phases.SeverityError, Stops: true,
		Means: "The role lacks a right that the run needs: USAGE of the schema, SELECT to count and fingerprint, DELETE to delete and to lock, INSERT, UPDATE or DELETE for what a statement touches.",
		Do:    "grant it, or connect as the owner",
	}
	rightUnsure = &Code{
		Name: "right-unsure", Severity: phases.SeverityWarning,
		Means: "A statement of the runbook, or a trigger of what it deletes, touches a table on which the role lacks INSERT, UPDATE or DELETE, and whether it needs that is not known: a trigger writes as the role, or as the owner of its function.",
		Do:    "rehearse it as the same role, or grant all three",
	}
	rowsHidden = &Code{
		Name: "rows-hidden", Severity: phases.SeverityError, Stops: true,
		Means: "Row-level security hides rows of the table from the role, or may: what it cannot see it neither deletes nor counts.",
		Do:    "give the role BYPASSRLS, or connect as a role that has it, or as the owner where FORCE ROW LEVEL SECURITY is not set",
	}
)

var rights = rule{[]*Code{rightMissing, rightUnsure, rowsHidden}, func(v *View) []phases.Finding {
	out := v.tableRights()
	out = append(out, v.keyRights()...)
	out = append(out, v.triggerRights()...)
	return append(out, v.ledgerRights()...)
}}

// tableRights are what the role lacks on the tables of the runbook and on those
// that go with them.
func (v *View) tableRights() []phases.Finding {
	var out []phases.Finding
	needs := v.rightsNeeded()
	role := v.Schema.Server.Role
	for _, r := range v.sorted(needs.any) {
		name, table := v.Name(r.OID), v.Book.FullName(v.Plain(r))
		if !r.Rights.Usage {
			out = append(out, rightMissing.at("", name, fmt.Sprintf("%s may not use the schema of %s", role, table), usage(r, role)))
		}
		lacks, perhaps := needs.lacking(r)
		if lacks != nil {
			out = append(out, rightMissing.at(v.phaseOf(name), name, fmt.Sprintf("%s lacks %s on %s", role, strings.Join(lacks, " and "), table), grant(lacks, r, role)))
		}
		if perhaps != nil {
			out = append(out, rightUnsure.at(v.phaseOf(name), name, fmt.Sprintf("%s lacks %s on %s: nobody knows whether what touches it needs that", role, strings.Join(perhaps, " and "), table), grant(perhaps, r, role)))
		}
		if r.Filtered {
			out = append(out, rowsHidden.at(v.phaseOf(name), name, fmt.Sprintf("row-level security hides rows of %s from %s", table, role), fmt.Sprintf("ALTER ROLE %s BYPASSRLS", schema.Quoted(role))))
		}
	}
	return out
}

func usage(r *schema.Relation, role string) string {
	return fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", schema.Quoted(r.Schema), schema.Quoted(role))
}

func grant(words []string, r *schema.Relation, role string) string {
	return fmt.Sprintf("GRANT %s ON %s.%s TO %s", strings.Join(words, ", "), schema.Quoted(r.Schema), schema.Quoted(r.Name), schema.Quoted(role))
}

// needed are the relations on which the run needs rights: by OID, the words of
// GRANT; those that it locks; those that a statement touches in a way that nobody
// knows; and those that triggers write, as the role or as their functions' owners.
type needed struct {
	any, lock, unsure, triggers map[uint32]bool
	words                       map[uint32][]string
}

// lacking are the words of what the role lacks on a relation, and of what it may
// lack.
func (n needed) lacking(r *schema.Relation) (lacks, perhaps []string) {
	has := r.Rights
	locks := has.Update || has.Delete || has.Truncate
	for _, right := range []struct {
		word string
		has  bool
	}{{"SELECT", has.Select}, {"INSERT", has.Insert}, {"UPDATE", has.Update}, {"DELETE", has.Delete}, {"TRUNCATE", has.Truncate}} {
		writes := right.word != "SELECT" && right.word != "TRUNCATE"
		switch {
		case right.has:
		case slices.Contains(n.words[r.OID], right.word):
			lacks = append(lacks, right.word)
			locks = locks || right.word == "UPDATE" || right.word == "DELETE" || right.word == "TRUNCATE"
		case n.unsure[r.OID] && writes && !has.Insert && !locks:
			lacks = append(lacks, right.word)
		case (n.unsure[r.OID] || n.triggers[r.OID]) && writes:
			perhaps = append(perhaps, right.word)
		}
	}
	if n.lock[r.OID] && !locks && !slices.Contains(lacks, "DELETE") {
		lacks = append(lacks, "DELETE")
	}
	return lacks, perhaps
}

func (v *View) rightsNeeded() needed {
	n := needed{map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}, map[uint32]bool{}, map[uint32][]string{}}
	need := func(r *schema.Relation, words ...string) bool {
		if r == nil || r.Kind != schema.Ordinary && r.Kind != schema.Partitioned {
			return false
		}
		n.any[r.OID] = true
		n.words[r.OID] = append(n.words[r.OID], words...)
		return true
	}
	for _, t := range v.Book.Tables() {
		need(v.Find(t), "SELECT")
	}
	for _, d := range v.steps {
		need(d.relation, "DELETE")
	}
	for oid := range v.reach.Emptied { // a part is counted with its table
		need(v.Find(v.Name(oid)), "SELECT")
	}
	for i := range v.Book.Phases {
		p := &v.Book.Phases[i]
		for _, step := range p.Steps {
			v.touched(step, need, &n)
		}
		for _, t := range p.Zero { // locked with the rest, so that they stay empty
			if r := v.Find(t); p.Writes() && need(r) {
				n.lock[r.OID] = true
			}
		}
	}
	return n
}

// touched adds what a step needs on the tables that it touches.
func (v *View) touched(s runbook.Step, need func(*schema.Relation, ...string) bool, n *needed) {
	known := map[*schema.Relation]bool{}
	for t, words := range s.Rights() {
		if r := v.Find(t); need(r, words...) {
			known[r] = true
		}
	}
	for _, t := range s.Touch {
		r := v.Find(t)
		switch {
		case !need(r):
		case s.Delete != "":
			n.triggers[r.OID] = true
		default:
			n.lock[r.OID] = true
			n.unsure[r.OID] = n.unsure[r.OID] || !known[r]
		}
	}
}
