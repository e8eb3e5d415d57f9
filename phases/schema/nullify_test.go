package schema

import "testing"

// The statement takes as little as it can: not the column that other keys share,
// not the rows that refer to another partition; and what MATCH FULL wants.
func TestNullify(t *testing.T) {
	s := &Schema{
		Relations: []Relation{{OID: 1, Schema: "app", Name: "parts"}, {OID: 2, Schema: "app", Name: "parts_1", Partition: true, Parents: []uint32{1}}, {OID: 3, Schema: "app", Name: `odd"`}},
		Keys: []Key{
			{OID: 10, From: 3, To: 1, Referring: []string{"part", "tenant"}, Referred: []string{"id", "tenant"}, Columns: []Column{{Name: "part"}, {Name: "tenant"}}},
			{OID: 11, Parent: 10, From: 3, To: 2, Referring: []string{"part", "tenant"}, Referred: []string{"id", "tenant"}, Columns: []Column{{Name: "part"}, {Name: "tenant"}}},
			{OID: 12, From: 3, To: 3, Referring: []string{"tenant"}, Referred: []string{"id"}, Columns: []Column{{Name: "tenant"}}},
			{OID: 13, From: 3, To: 1, Full: true, Referring: []string{"a", "b"}, Columns: []Column{{Name: "a"}, {Name: "b"}}},
			{OID: 14, From: 3, To: 1, Full: true, Referring: []string{"a", "c"}, Columns: []Column{{Name: "a"}, {Name: "c", NotNull: true}}},
			{OID: 15, From: 3, To: 1, Referring: []string{"a", "c"}, Columns: []Column{{Name: "a"}, {Name: "c", NotNull: true}}},
		},
	}
	s.Index()
	for i, want := range []string{
		`UPDATE "app"."odd""" SET "part" = NULL WHERE "part" IS NOT NULL`,
		`UPDATE "app"."odd""" SET "part" = NULL WHERE ("part", "tenant") IN (SELECT "id", "tenant" FROM "app"."parts_1")`,
		`UPDATE "app"."odd""" SET "tenant" = NULL WHERE "tenant" IS NOT NULL`,
		`UPDATE "app"."odd""" SET "a" = NULL, "b" = NULL WHERE "a" IS NOT NULL OR "b" IS NOT NULL`,
		"",
		`UPDATE "app"."odd""" SET "a" = NULL WHERE "a" IS NOT NULL`,
	} {
		if got := s.Nullify(&s.Keys[i]); got != want {
			t.Errorf("key %d: %s, want %s", s.Keys[i].OID, got, want)
		}
	}
}
