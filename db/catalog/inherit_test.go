package catalog_test

import (
	"fmt"
	"testing"
)

func TestInheritance(t *testing.T) {
	t.Parallel()
	const heir = `CREATE TABLE heir (id int PRIMARY KEY) INHERITS (parent); INSERT INTO heir VALUES (20);`
	const user = `CREATE TABLE usr (id int PRIMARY KEY, heir int REFERENCES heir%s); CREATE INDEX ON usr (heir); INSERT INTO usr VALUES (1, 20);`
	// What inherits from a table that goes by cascade stays, and so does its key.
	const beside = `CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1); CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE); CREATE INDEX ON child (parent);
		INSERT INTO child VALUES (1); CREATE TABLE heir (other int REFERENCES other) INHERITS (child); CREATE INDEX ON heir (other); INSERT INTO heir VALUES (1, 1);`
	const counted = "phases: [{id: one, title: One, risk: high, planned: 1m, count: [child], delete: [parent, other]}]\n"
	check(t, connect(t), map[string]trap{
		"a parent":                {base + heir, deletes("parent"), []string{"part-inherits parent"}},
		"both by name":            {base + heir, deletes("heir", "parent"), nil},
		"the child alone":         {base + heir, deletes("heir"), nil},
		"its key refuses":         {base + heir + fmt.Sprintf(user, ""), deletes("parent"), []string{"key-refuses parent", "part-inherits parent"}},
		"its key cascades":        {base + heir + fmt.Sprintf(user, " ON DELETE CASCADE"), deletes("parent"), []string{"reached-unnamed parent", "part-inherits parent"}},
		"beside a cascade":        {base + beside, counted, []string{"key-refuses other"}},
		"beside, and protected":   {base + beside, "protected: [heir]\n" + deletes("parent"), []string{"reached-unnamed parent"}},
		"partitions do not count": {`CREATE TABLE parent (id int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (9)`, deletes("parent"), nil},
	})
}
