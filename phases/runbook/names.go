package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const idFix = "an id is lower-case letters, digits, - and _, begins with a letter, and has at most 64 characters"

// What an id, a name and a table are, in a form that Go and the JSON Schema
// both read. A name is one part of a name as the catalog has it: nothing is
// folded to lower case. One with other characters is quoted, as in SQL.
const (
	idPattern    = `^[a-z][a-z0-9_-]*$`
	barePart     = `[\p{L}_][\p{L}\p{Nd}_$]*`
	namePart     = `(` + barePart + `|"([^"]|"")+")`
	namePattern  = `^` + namePart + `$`
	tablePattern = `^` + namePart + `(\.` + namePart + `)?$`
)

var (
	idForm    = regexp.MustCompile(idPattern)
	bareForm  = regexp.MustCompile(`^` + barePart + `$`)
	nameForm  = regexp.MustCompile(namePattern)
	tableForm = regexp.MustCompile(tablePattern)
)

func goodID(s string) bool { return len(s) <= maxID && idForm.MatchString(s) }

func goodName(s string) bool { return nameForm.MatchString(s) && len(unquoted(s)) <= maxName }

const (
	nameFix  = "a name as the catalog has it, at most 63 bytes; one with other characters than letters, digits, _ and $ in double quotes"
	tableFix = `a table is written name or schema.name, as the catalog has it; a name with other characters than letters, digits, _ and $ in double quotes, all of it in single ones: '"App"."Order lines"'`
)

func goodTable(s string) bool {
	if !tableForm.MatchString(s) {
		return false
	}
	schema, name := splitTable(s)
	return len(schema) <= maxName && len(name) <= maxName
}

// unquoted is a part of a name as the catalog has it.
func unquoted(part string) string {
	inner, ok := strings.CutPrefix(part, `"`)
	if !ok || len(inner) == 0 {
		return part
	}
	return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
}

// asWritten is a part of a name as a runbook writes it: in quotes only where
// it needs them.
func asWritten(part string) string {
	if bareForm.MatchString(part) {
		return part
	}
	return `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
}

// splitTable gives the parts of a table's name as the catalog has them; schema
// is empty where the name has none.
func splitTable(table string) (schema, name string) {
	quoted := false
	for i, c := range table {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			return unquoted(table[:i]), unquoted(table[i+1:])
		}
	}
	return "", unquoted(table)
}

// SplitTable gives schema and name of a table, as the catalog has them.
func (r *Runbook) SplitTable(table string) (schema, name string) {
	if schema, name = splitTable(table); schema == "" {
		schema = r.Schema
	}
	return schema, name
}

// TableName is what a run calls a table: one name for one table, however the
// file writes it. It is bare in the runbook's schema, and quoted where it needs
// to be.
func (r *Runbook) TableName(schema, name string) string {
	if schema == r.Schema {
		return asWritten(name)
	}
	return asWritten(schema) + "." + asWritten(name)
}

// FullName is a table's name with its schema, whatever the runbook's is.
func (r *Runbook) FullName(table string) string {
	schema, name := r.SplitTable(table)
	return asWritten(schema) + "." + asWritten(name)
}

// Tables are all tables that the runbook names, each once: those of the phases
// first, in their order.
func (r *Runbook) Tables() []string {
	var out []string
	add := func(tables ...string) {
		for _, t := range tables {
			if t != "" && !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		for _, s := range p.Steps {
			add(s.Delete)
			add(s.Touch...)
		}
		add(p.Count...)
		add(p.Zero...)
		add(p.Filled...)
		for _, m := range p.AfterCommit {
			add(m.Tables...)
		}
	}
	add(r.Protected...)
	for _, g := range r.Groups() {
		for _, it := range g.Items {
			if it.Check != nil {
				add(it.Check.Tables...)
			}
		}
	}
	return out
}

// DisabledTriggers are the triggers that an item's action, or a fence, disables,
// each once.
func (r *Runbook) DisabledTriggers() []string {
	var out []string
	add := func(names []string) {
		for _, name := range names {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	for _, g := range r.Groups() {
		for _, it := range g.Items {
			if it.Action != nil {
				add(it.Action.Triggers)
			}
		}
	}
	for _, f := range r.Fences {
		add(f.Triggers)
	}
	return out
}

// Deleting is a runbook that does nothing but delete tables, in their order:
// for questions about what that reaches. schema is that of names without one.
func Deleting(schema string, tables []string) (*Runbook, error) {
	if !goodName(schema) {
		return nil, fmt.Errorf("%s is not a schema: %s", quote(schema), nameFix)
	}
	b := &Runbook{Schema: unquoted(schema), Phases: []Phase{{ID: "delete"}}}
	for _, t := range tables {
		if !goodTable(t) {
			return nil, fmt.Errorf("%s is not a table: %s", quote(t), tableFix)
		}
		b.Phases[0].Steps = append(b.Phases[0].Steps, Step{Delete: b.TableName(b.SplitTable(t))})
	}
	return b, nil
}

// Unwritable is the first character of a name that keeps it out of every runbook:
// one that hides or reorders text, or moves a cursor. Line feeds and tabs are
// such, as they are read as blanks.
func Unwritable(name string) (rune, bool) {
	for _, c := range name {
		if !printable(c) {
			return c, true
		}
	}
	return 0, false
}

// Nearest gives the name that is a typing mistake away from word, or "".
func Nearest(word string, names []string) string { return nearest(word, names) }

// nearest gives the name that a typing mistake away from word, or "".
func nearest(word string, names []string) string {
	best, bound := "", max(2, utf8.RuneCountInString(word)/3)+1
	word = strings.ToLower(word)
	if word == "" || len(word) > maxID {
		return ""
	}
	for _, name := range names {
		if d := distance([]rune(word), []rune(strings.ToLower(name))); d < bound {
			best, bound = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove or replace.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
