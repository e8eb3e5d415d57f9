package catalog_test

import "testing"

// Whose rows are hidden: of a role that policies bind, of an owner with FORCE,
// of what a cascade reaches and the run counts.
func TestRowsThatPoliciesHide(t *testing.T) {
	t.Parallel()
	const role = base + `CREATE ROLE tester; GRANT SELECT, DELETE ON parent TO tester; ALTER TABLE parent ENABLE ROW LEVEL SECURITY; `
	const as = `SET LOCAL ROLE tester`
	const child = base + `CREATE ROLE tester; CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE); CREATE INDEX ON child (parent); INSERT INTO child VALUES (1);
		GRANT SELECT, DELETE ON parent TO tester; GRANT SELECT ON child TO tester; ALTER TABLE child ENABLE ROW LEVEL SECURITY; `
	hidden := []string{"rows-hidden parent"}
	check(t, connect(t), map[string]trap{
		"no policy at all":             {role + as, "ledger: none\n" + deletes("parent"), hidden},
		"a policy for all":             {role + `CREATE POLICY p ON parent USING (true); ` + as, "ledger: none\n" + deletes("parent"), hidden},
		"row_security off":             {role + `SET LOCAL row_security = off; ` + as, "ledger: none\n" + deletes("parent"), hidden},
		"BYPASSRLS":                    {role + `ALTER ROLE tester BYPASSRLS; ` + as, "ledger: none\n" + deletes("parent"), nil},
		"the owner":                    {role + `ALTER TABLE parent OWNER TO tester; ` + as, "ledger: none\n" + deletes("parent"), nil},
		"the owner, forced":            {role + `ALTER TABLE parent OWNER TO tester; ALTER TABLE parent FORCE ROW LEVEL SECURITY; ` + as, "ledger: none\n" + deletes("parent"), hidden},
		"a member of the owner":        {role + `CREATE ROLE owner; GRANT owner TO tester; ALTER TABLE parent OWNER TO owner; ` + as, "ledger: none\n" + deletes("parent"), nil},
		"a superuser":                  {role, "ledger: none\n" + deletes("parent"), nil},
		"policies that are off":        {role + `CREATE POLICY p ON parent USING (false); ALTER TABLE parent DISABLE ROW LEVEL SECURITY; ` + as, "ledger: none\n" + deletes("parent"), nil},
		"reached":                      {child + as, "ledger: none\nphases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], count: [child]}]\n", []string{"rows-hidden child"}},
		"reached, and nobody names it": {child + as, "ledger: none\n" + deletes("parent"), []string{"rows-hidden child", "reached-unnamed parent"}},
		"protected":                    {child + `CREATE TABLE kept (n int); GRANT SELECT ON kept TO tester; ALTER TABLE kept ENABLE ROW LEVEL SECURITY; ` + as, "ledger: none\nprotected: [kept]\nphases: [{id: one, title: One, risk: high, planned: 1m, delete: [child]}]\n", []string{"right-missing child", "rows-hidden child", "rows-hidden kept"}},
	})
}
