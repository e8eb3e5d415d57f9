package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Detach is the statement that sets a key to NULL in all rows of its table: then
// none of them refers to anything. One column that takes NULL is enough. Empty
// where none does.
func (s *Schema) Detach(k *Key) string {
	r := s.Relation(k.From)
	i := slices.IndexFunc(k.Columns, func(c Column) bool { return !c.NotNull })
	if r == nil || i < 0 {
		return ""
	}
	column := Quoted(k.Columns[i].Name)
	return fmt.Sprintf("UPDATE %s.%s SET %s = NULL WHERE %s IS NOT NULL", Quoted(r.Schema), Quoted(r.Name), column, column)
}

// Quoted is an identifier as a statement writes it.
func Quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
