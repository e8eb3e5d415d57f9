package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

// keyRights are what foreign keys on the way lack: what a key does, it does as
// the owner of its table, who may have been left without a right on it.
func (v *View) keyRights() []phases.Finding {
	var out []phases.Finding
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		child := v.Schema.Relation(k.From)
		if child == nil || !v.reach.Emptied[k.To] || v.reach.roots[k.OID] != k {
			continue
		}
		looks, removes := k.Action.Refuses(), k.Action == schema.Cascade
		out = append(out, v.ownerLacks(k, child, right{"SELECT", true, child.OwnerRights.Select},
			right{"DELETE", removes, child.OwnerRights.Delete}, right{"UPDATE", !removes, child.OwnerRights.Update})...)
		if parent := v.Schema.Relation(k.To); looks && parent != nil && parent != child { // it looks for another row that may stand in
			out = append(out, v.ownerLacks(k, parent, right{"SELECT", true, parent.OwnerRights.Select}, right{"UPDATE", true, parent.OwnerRights.Update})...)
		}
	}
	return out
}

// right is one that is needed, and whether it is there.
type right struct {
	word   string
	needed bool
	has    bool
}

// lacking are the words of those that are needed and not there.
func lacking(of ...right) []string {
	var out []string
	for _, r := range of {
		if r.needed && !r.has {
			out = append(out, r.word)
		}
	}
	return out
}

func (v *View) ownerLacks(k *schema.Key, r *schema.Relation, needs ...right) []phases.Finding {
	var out []phases.Finding
	parent, table := v.Name(k.To), v.Book.FullName(v.Plain(r))
	text := fmt.Sprintf("foreign key %s of %s acts as %s, who", k.Name, v.Book.FullName(v.Plain(v.Schema.Relation(k.From))), r.Owner)
	if !r.OwnerRights.Usage {
		out = append(out, rightMissing.at(v.phaseOf(parent), parent, text+" may not use the schema of "+table, usage(r, r.Owner)))
	}
	if lacks := lacking(needs...); lacks != nil {
		out = append(out, rightMissing.at(v.phaseOf(parent), parent, fmt.Sprintf("%s lacks %s on %s", text, strings.Join(lacks, " and "), table), grant(lacks, r, r.Owner)))
	}
	return out
}

// triggerRights are the tables that the role does not own and whose triggers the
// runbook disables: no right but the owner's is enough.
func (v *View) triggerRights() []phases.Finding {
	names := v.Book.DisabledTriggers()
	schemas := []string{v.Book.Schema}
	for _, t := range v.Book.Tables() {
		name, _ := v.Book.SplitTable(t)
		schemas = append(schemas, name)
	}
	var out []phases.Finding
	said := map[*schema.Relation]bool{}
	for _, t := range v.Schema.Triggers {
		r := v.Schema.Relation(t.Relation)
		if r == nil || r.Owns || said[r] || !slices.Contains(names, t.Name) || !slices.Contains(schemas, r.Schema) {
			continue
		}
		said[r] = true
		role := v.Schema.Server.Role
		out = append(out, rightMissing.at("", v.Name(r.OID), fmt.Sprintf("%s does not own %s, whose trigger %s the runbook disables", role, v.Book.FullName(v.Plain(r)), t.Name), v.join(r.Owner)))
	}
	return out
}

// inheritFrom is the first version in which a membership itself says whether it
// inherits; before, the role does.
const inheritFrom = 160000

// join gives the role what another one may.
func (v *View) join(other string) string {
	s := v.Schema.Server
	text := fmt.Sprintf("GRANT %s TO %s", quoted(other), quoted(s.Role))
	switch {
	case s.Version >= inheritFrom:
		text += " WITH INHERIT TRUE"
	case !s.Inherits:
		text += fmt.Sprintf("; ALTER ROLE %s INHERIT", quoted(s.Role))
	}
	return text
}

// ledgerRights are what the role lacks to write the ledger, or to make it.
func (v *View) ledgerRights() []phases.Finding {
	if !v.Book.Ledger {
		return nil
	}
	var out []phases.Finding
	s := v.Schema.Server
	lacks := func(text, remedy string) {
		out = append(out, rightMissing.at("", "", s.Role+" "+text, remedy+" TO "+quoted(s.Role)))
	}
	ledger := v.Schema.Find(ledgerSchema, "ledger")
	if ledger == nil {
		if !s.MakesSchemas {
			lacks("may not make the schema of the ledger, tminus", "GRANT CREATE ON DATABASE "+quoted(s.Database))
		}
		if s.FillsLedger != nil && !*s.FillsLedger {
			lacks("may not make the ledger in schema tminus", "GRANT USAGE, CREATE ON SCHEMA tminus")
		}
		return out
	}
	if !ledger.Rights.Usage {
		lacks("may not use the schema of the ledger, tminus", "GRANT USAGE ON SCHEMA tminus")
	}
	if !ledger.Rights.Select || !ledger.Rights.Insert {
		lacks("lacks SELECT or INSERT on the ledger", "GRANT SELECT, INSERT ON tminus.ledger")
	}
	return out
}
