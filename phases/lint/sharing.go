package lint

import (
	"fmt"

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

func (v *View) keyOf(k *schema.Key) string {
	table := "a table that is not known"
	if r := v.Schema.Relation(k.From); r != nil {
		table = v.Plain(r)
	}
	return phases.Clean(fmt.Sprintf("foreign key %s of %s", k.Name, table))
}
