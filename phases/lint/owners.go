package lint

import (
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var vacuumSkipped = &Code{
	Name: "vacuum-skipped", Severity: phases.SeverityWarning,
	Means: "The server passes over the VACUUM of a table, or of a part of one, where the role owns neither it nor the database: the maintenance after the COMMIT fails, and the phase stays committed.",
	Do:    "have the owner vacuum it, or grant MAINTAIN on it, which PostgreSQL 17 knows",
}

// vacuuming finds the tables that maintenance cannot vacuum.
var vacuuming = rule{[]*Code{vacuumSkipped}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for i := range v.Book.Phases {
		p := &v.Book.Phases[i]
		for _, m := range p.AfterCommit {
			for _, t := range m.Tables {
				r := v.Find(t)
				if r == nil {
					continue
				}
				for _, part := range v.Schema.Tree(r) {
					if part.Kind == schema.Ordinary && !part.Vacuums {
						out = append(out, vacuumSkipped.at(p.ID, t, fmt.Sprintf("%s owns neither %s nor the database: its VACUUM is passed over", v.Schema.Server.Role, v.Book.FullName(v.Plain(part))), v.join(part.Owner)))
					}
				}
			}
		}
	}
	return out
}}

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
	var out []phases.Finding
	said := map[*schema.Relation]bool{}
	for _, t := range v.Schema.Triggers {
		r := v.Schema.Relation(t.Relation)
		if r == nil || r.Owns || said[r] || !v.turnedOff(t, r) {
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
	text := fmt.Sprintf("GRANT %s TO %s", schema.Quoted(other), schema.Quoted(s.Role))
	switch {
	case s.Version >= inheritFrom:
		text += " WITH INHERIT TRUE"
	case !s.Inherits:
		text += fmt.Sprintf("; ALTER ROLE %s INHERIT", schema.Quoted(s.Role))
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
		out = append(out, rightMissing.at("", "", s.Role+" "+text, remedy+" TO "+schema.Quoted(s.Role)))
	}
	ledger := v.Schema.Find(ledgerSchema, "ledger")
	if ledger == nil {
		if !s.MakesSchemas {
			lacks("may not make the schema of the ledger, tminus, which a runbook with ledger: none does without", "GRANT CREATE ON DATABASE "+schema.Quoted(s.Database))
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
