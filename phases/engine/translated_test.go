package engine_test

import (
	"strings"
	"testing"

	"tminus/db/sandbox"
)

// What a run does to keys and indexes itself is accounted for whatever the server
// calls them, and so is what its undo does to keys, as the tables' owner.
func TestARunAndItsUndoInAnyLanguage(t *testing.T) {
	const visits = `CREATE TABLE visits (id int PRIMARY KEY, parent_id int CONSTRAINT seen REFERENCES parent ON DELETE SET NULL);
		INSERT INTO visits SELECT i, i FROM generate_series(1, 300) i;`
	for way, c := range map[string]struct{ schema, did string }{
		"truncate": {"", "one TRUNCATE takes parent, child"},
		"delete":   {`DROP INDEX child_parent_id_idx; UPDATE pg_class SET reltuples = 3000000 WHERE relname IN ('parent', 'child');`, "made an index on child (parent_id)"},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := newRigOn(t, sandbox.TranslatedForTest(t), smallSchema+visits+`ANALYZE;`+c.schema, strings.ReplaceAll(sweptBook, "WAY", way))
			r.asOwner("keep", "parent", "child", "visits")
			r.runAndUndo(c.did)
		})
	}
}
