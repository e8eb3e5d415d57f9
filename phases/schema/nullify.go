package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Nullable reports whether a row can lose the reference of a key by NULL: one
// column that takes it is enough, but where the key is MATCH FULL, which takes
// all of them.
func (k *Key) Nullable() bool {
	if k.Full {
		return !slices.ContainsFunc(k.Columns, Column.takesNone)
	}
	return slices.ContainsFunc(k.Columns, func(c Column) bool { return !c.NotNull })
}

func (c Column) takesNone() bool { return c.NotNull }

// ToNull are the columns that are set to NULL for rows to lose the reference of a
// key that is Nullable; none of any other. Of those that would do it is one that no
// CHECK may refuse, and of these the one that the fewest other keys share, and the
// last: what several keys have in common is a tenant or a project, which the row
// still belongs to.
func (s *Schema) ToNull(k *Key) []string {
	if !k.Nullable() {
		return nil
	}
	if k.Full {
		return k.Referring
	}
	may := slices.DeleteFunc(slices.Clone(k.Columns), Column.takesNone)
	if len(may) == 1 {
		return []string{may[0].Name}
	}
	slices.Reverse(may)
	return []string{slices.MinFunc(may, func(a, b Column) int {
		return cmp.Or(cmp.Compare(len(a.Checks), len(b.Checks)), cmp.Compare(s.shared(k, a.Name), s.shared(k, b.Name)))
	}).Name}
}

// Checks are the CHECK constraints that may refuse a NULL in one of the columns,
// each once.
func (k *Key) Checks(columns []string) []string {
	var out []string
	for _, c := range k.Columns {
		if slices.Contains(columns, c.Name) {
			out = append(out, c.Checks...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shared counts the other keys of a table that a column is part of.
func (s *Schema) shared(k *Key, column string) (n int) {
	for i := range s.Keys {
		if o := &s.Keys[i]; o.From == k.From && s.Whole(o) != s.Whole(k) && slices.Contains(o.Referring, column) {
			n++
		}
	}
	return n
}

// Whole is the key that one of a partition was made for, whichever of its sides is
// the partition; any other key is one itself.
func (s *Schema) Whole(k *Key) *Key {
	for up := s.Above(k); up != nil; up = s.Above(k) {
		k = up
	}
	return k
}

// Above is the key that one of a partition was made for, one level up; nil for any
// other.
func (s *Schema) Above(k *Key) *Key { return s.keys[k.Parent] }

// Nullify is the statement by which all rows lose the reference of a key; of a
// key to a partition of the table that its own key refers to, those that refer to
// rows of this partition. It is empty where the key is not Nullable.
func (s *Schema) Nullify(k *Key) string {
	from, to := s.Relation(k.From), s.Relation(k.To)
	columns := s.ToNull(k)
	if from == nil || to == nil || len(columns) == 0 {
		return ""
	}
	var set, where []string
	for _, c := range columns {
		set = append(set, Quoted(c)+" = NULL")
		where = append(where, Quoted(c)+" IS NOT NULL")
	}
	if whole := s.Whole(k); whole.To != k.To {
		where = []string{fmt.Sprintf("(%s) IN (SELECT %s FROM %s.%s)", listed(k.Referring), listed(k.Referred), Quoted(to.Schema), Quoted(to.Name))}
	}
	return fmt.Sprintf("UPDATE %s.%s SET %s WHERE %s", Quoted(from.Schema), Quoted(from.Name), strings.Join(set, ", "), strings.Join(where, " OR "))
}

func listed(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, Quoted(n))
	}
	return strings.Join(out, ", ")
}

// Quoted is an identifier as a statement writes it.
func Quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
