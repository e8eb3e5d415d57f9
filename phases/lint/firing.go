package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	triggerFires = &Code{
		Name: "trigger-fires", Severity: phases.SeverityWarning,
		Means: "A trigger fires on rows that the run deletes or changes. What it writes to other tables has to be declared under touch: else the phase is rolled back.",
		Do:    "disable it for the run by an item's action, or rehearse and declare under touch what it writes",
	}
	ruleFires = &Code{
		Name: "rule-fires", Severity: phases.SeverityWarning,
		Means: "A rule of the table adds to what a DELETE does, or does something else.",
		Do:    "rehearse, and declare under touch what it writes",
	}
	ruleKeeps = &Code{
		Name: "rule-keeps", Severity: phases.SeverityError,
		Means: "A rule of the table does nothing, or something else, instead of a DELETE: its rows stay, and the phase is rolled back.",
		Do:    "drop the rule for the run, or take the table out of the runbook",
	}
)

var firing = rule{[]*Code{triggerFires}, func(v *View) []phases.Finding {
	truncated := v.truncated()
	var out []phases.Finding
	parents := map[uint32]bool{} // triggers of tables whose parts are reached with them
	for _, t := range v.Schema.Triggers {
		parents[t.OID] = v.reach.Emptied[t.Relation] || v.reach.Changed[t.Relation]
	}
	for _, t := range v.Schema.Triggers {
		r := v.Schema.Relation(t.Relation)
		if r == nil || parents[t.Parent] || v.turnedOff(t, r) {
			continue
		}
		when := ""
		switch {
		case v.reach.Emptied[r.OID] && t.Fires(schema.OnDelete):
			when = "rows are deleted"
		case v.reach.Changed[r.OID] && t.Fires(schema.OnUpdate):
			when = "a foreign key is set to null or default"
		case truncated[r.OID] != "" && t.Fires(schema.OnTruncate):
			when = "the table is truncated"
		default:
			continue
		}
		each := "once a statement"
		if t.Event&schema.ForEachRow != 0 {
			each = "for each row"
		}
		if t.Deferred {
			each += " at the end of the phase, after all its work"
		}
		table := v.Name(r.OID)
		out = append(out, triggerFires.at(cmp.Or(v.phaseOf(table), truncated[r.OID]), table, fmt.Sprintf("trigger %s on %s fires when %s, %s: %s", t.Name, v.Plain(r), when, each, t.Function), ""))
	}
	return out
}}

// turnedOff reports whether the runbook's actions disable a trigger: they look for
// it by name in the runbook's schema and in those of the tables that it names, and
// on the parts of these.
func (v *View) turnedOff(t schema.Trigger, on *schema.Relation) bool {
	if !slices.Contains(v.Book.DisabledTriggers(), t.Name) {
		return false
	}
	return on.Schema == v.Book.Schema || v.Names(on) || slices.ContainsFunc(v.Book.Tables(), func(table string) bool {
		name, _ := v.Book.SplitTable(table)
		return name == on.Schema
	})
}

// truncated are the relations that a statement of the runbook truncates, with
// its phase: a delete step does not, so their triggers fire for nothing else.
func (v *View) truncated() map[uint32]string {
	out := map[uint32]string{}
	for i := range v.Book.Phases {
		for _, s := range v.Book.Phases[i].Steps {
			if words := strings.Fields(s.SQL); len(words) == 0 || !strings.EqualFold(words[0], "truncate") {
				continue
			}
			for _, t := range s.Touch {
				if r := v.Find(t); r != nil {
					for _, d := range v.Schema.Tree(r) {
						out[d.OID] = v.Book.Phases[i].ID
					}
				}
			}
		}
	}
	return out
}

var rewriting = rule{[]*Code{ruleKeeps, ruleFires}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for _, rule := range v.Schema.Rules {
		r := v.Schema.Relation(rule.Relation)
		if r == nil || rule.On != schema.OnDelete || !v.reach.Emptied[r.OID] {
			continue
		}
		table := v.Name(r.OID)
		switch {
		case rule.Instead && rule.Nothing:
			out = append(out, ruleKeeps.at(v.phaseOf(table), table, fmt.Sprintf("rule %s on %s does nothing instead of a DELETE", rule.Name, v.Plain(r)), ""))
		case rule.Instead:
			out = append(out, ruleKeeps.at(v.phaseOf(table), table, fmt.Sprintf("rule %s on %s does something else instead of a DELETE", rule.Name, v.Plain(r)), ""))
		default:
			out = append(out, ruleFires.at(v.phaseOf(table), table, fmt.Sprintf("rule %s on %s adds to each DELETE", rule.Name, v.Plain(r)), ""))
		}
	}
	return out
}}
