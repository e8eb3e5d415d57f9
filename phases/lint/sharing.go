package lint

import (
	"fmt"
	"slices"

	"tminus/phases"
	"tminus/phases/schema"
)

// leaves says why a key may leave rows as they are when those that they refer to go;
// empty where it leaves none.
func (v *View) leaves(k *schema.Key) string {
	why := v.reach.inert[v.reach.roots[k.OID].OID]
	if why == "" {
		return ""
	}
	return fmt.Sprintf("%s %s: what refers by it may stay as it is", v.keyOf(k), why)
}

// shares says which other key the order decides about, beside one that sets columns
// to NULL or to their default: where rows refer by those columns to what goes as well,
// or others refer to them, it tells which of the two acts first. Of a key of one
// column that is set to NULL by both it does not.
func (v *View) shares(k *schema.Key, goes func(oid uint32) bool) string {
	sets := func(column string) bool {
		return slices.ContainsFunc(k.Columns, func(c schema.Column) bool { return c.Name == column })
	}
	for i := range v.Schema.Keys {
		o := &v.Schema.Keys[i]
		alike := k.Action == schema.SetNull && o.Action == schema.SetNull && len(k.Columns) == 1 && len(o.Referring) == 1
		// To partitions, a key has others of its own, which it is.
		same := v.reach.roots[o.OID] == v.reach.roots[k.OID]
		refers := !same && o.From == k.From && goes(o.To) && !alike && slices.ContainsFunc(o.Referring, sets)
		if refers || o.To == k.From && slices.ContainsFunc(o.Referred, sets) {
			return fmt.Sprintf("%s and %s share columns, and the order of the deletes decides what is left", v.keyOf(k), v.keyOf(o))
		}
	}
	return ""
}

func (v *View) keyOf(k *schema.Key) string {
	table := "a table that is not known"
	if r := v.Schema.Relation(k.From); r != nil {
		table = v.Plain(r)
	}
	return phases.Clean(fmt.Sprintf("foreign key %s of %s", k.Name, table))
}
