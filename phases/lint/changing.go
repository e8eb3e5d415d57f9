package lint

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

var (
	nullRefused = &Code{
		Name: "null-refused", Severity: phases.SeverityError,
		Means: "A foreign key is ON DELETE SET NULL, and a column of it is NOT NULL: the delete fails as soon as a row refers to what goes.",
		Do:    "delete the referring rows first",
	}
	nullMayRefuse = &Code{
		Name: "null-may-refuse", Severity: phases.SeverityWarning,
		Means: "A step takes a column's reference away, and a CHECK constraint of its table asks something of it that a NULL may not hold: it fails as soon as a row breaks it.",
		Do:    "see whether any row would, by the constraint's condition; delete such rows first, or give them what it asks for",
	}
	defaultRefused = &Code{
		Name: "default-refused", Severity: phases.SeverityError,
		Means: "A foreign key is ON DELETE SET DEFAULT, and the table that it refers to is emptied: the row that the default refers to goes too, and the delete fails as soon as a row refers to what goes.",
		Do:    "keep the default's row by a condition, or delete the referring rows first",
	}
	defaultMayGo = &Code{
		Name: "default-may-go", Severity: phases.SeverityWarning,
		Means: "A foreign key is ON DELETE SET DEFAULT: the row that the default refers to has to stay.",
		Do:    "look whether the condition keeps the default's row",
	}
)

var changing = rule{[]*Code{nullRefused, nullMayRefuse, defaultRefused, defaultMayGo}, func(v *View) []phases.Finding {
	var out []phases.Finding
	said := map[*schema.Key]bool{}
	for i := range v.Schema.Keys {
		k := &v.Schema.Keys[i]
		if f, found := v.nulled(k); found {
			out = append(out, f)
		}
		root := v.reach.roots[k.OID]
		if k.Action != schema.SetNull && k.Action != schema.SetDefault || !v.reach.Emptied[k.To] || said[root] {
			continue
		}
		is, d, _ := v.fateOf(k)
		if is == gone {
			continue
		}
		said[root] = true
		phase, child, parent := v.Book.Phases[d.phase].ID, v.Name(k.From), v.Name(k.To)
		refers := fmt.Sprintf("rows of %s that refer to %s (%s, ON DELETE %s)", child, parent, phases.Clean(root.Name), k.Action)
		switch column := firstNotNull(k); {
		case column != "":
			out = append(out, nullRefused.at(phase, child, fmt.Sprintf("deleting from %s fails on %s: %s is NOT NULL and has no other value to take", d.table, refers, column), fmt.Sprintf("delete from %s first", child)))
		case k.Action == schema.SetDefault && hasDefault(k) && d.where == "":
			out = append(out, defaultRefused.at(phase, child, fmt.Sprintf("deleting from %s fails on %s: the row of their default goes too", d.table, refers), ""))
		case k.Action == schema.SetDefault && hasDefault(k):
			out = append(out, defaultMayGo.at(phase, child, fmt.Sprintf("%s take their default, whose row has to stay", refers), ""))
		}
	}
	return out
}}

// nulled finds the step by which rows lose the reference of a key, where a CHECK
// may refuse it.
func (v *View) nulled(k *schema.Key) (phases.Finding, bool) {
	checks := k.Checks(v.Schema.ToNull(k))
	if checks == nil {
		return phases.Finding{}, false
	}
	for i := range v.Book.Phases {
		for _, step := range v.Book.Phases[i].Steps {
			if slices.Contains(v.nulls[step.SQL], k) {
				return nullMayRefuse.at(v.Book.Phases[i].ID, v.Name(k.From), fmt.Sprintf("rows of %s lose their reference to %s (%s), which fails where it breaks %s",
					v.Name(k.From), v.Name(k.To), phases.Clean(k.Name), phases.Clean(strings.Join(checks, ", "))), ""), true
			}
		}
	}
	return phases.Finding{}, false
}

// firstNotNull is a column that the key's action would set to NULL and that
// takes none; empty for none.
func firstNotNull(k *schema.Key) string {
	for _, c := range k.Columns {
		if c.NotNull && (k.Action == schema.SetNull || c.Default == "") {
			return c.Name
		}
	}
	return ""
}

func hasDefault(k *schema.Key) bool {
	for _, c := range k.Columns {
		if c.Default != "" {
			return true
		}
	}
	return false
}
