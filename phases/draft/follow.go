package draft

import (
	"fmt"
	"slices"
	"strings"

	"tminus/phases/schema"
)

// Known says what is wrong with the names of a wish, before anything is chosen:
// an Impossible, or an error where one is no name at all.
func Known(s *schema.Schema, w Wish) error {
	d, err := begin(s, w)
	if err != nil {
		return err
	}
	d.find(w.Clear)
	d.find(w.Protect)
	if len(d.problems) > 0 {
		return d.problems
	}
	return nil
}

// Amount is how much the draft clears.
func (d *Draft) Amount() Amount {
	sum := Amount{Tables: len(d.Clear)}
	for oid := range d.emptied {
		r := d.Schema.Relation(oid)
		sum.Bytes += r.Bytes
		switch {
		case !r.Holds():
		case r.Rows < 0:
			sum.Unknown++
		default:
			sum.Rows += r.Rows
		}
	}
	return sum
}

// Phases is how many phases the runbook will have.
func (d *Draft) Phases() int {
	return len(d.detached()) + len(d.groups()) + 2 // counting, before and after
}

// Losing are the keys by which rows that stay lose a reference by themselves, ON
// DELETE. Those of Nullify are not among them.
func (d *Draft) Losing() []*schema.Key {
	var out []*schema.Key
	for i := range d.Schema.Keys {
		k := &d.Schema.Keys[i]
		if k.Parent == 0 && !k.Action.Refuses() && d.emptied[k.From] == nil && d.emptied[k.To] != nil && d.Schema.Relation(k.From) != nil {
			out = append(out, k)
		}
	}
	return out
}

// way tells how a key was come to, where more than the key itself led there:
// "; the way there: users, orders, items".
func (d *Draft) way(k *schema.Key) string {
	out := []string{d.name(d.Schema.Relation(k.From))}
	for k != nil && len(out) <= len(d.emptied)+1 {
		table := d.emptied[k.To]
		out = append(out, d.name(table))
		k = d.via[table.OID]
	}
	if len(out) <= 2 {
		return ""
	}
	slices.Reverse(out)
	return fmt.Sprintf("; the way there: %s", strings.Join(out, ", "))
}
