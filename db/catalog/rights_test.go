package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/catalog"
	"tminus/phases/lint"
)

// What a role lacks is said all at once, and each remedy is a statement that
// gives it: when all are carried out, nothing is lacking.
func TestRights(t *testing.T) {
	conn := connect(t)
	const clear = "phases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent]}]\n"
	touching := func(sql string) string {
		return "ledger: none\nphases: [{id: one, title: One, risk: high, planned: 1m, steps: [{sql: '" + sql + "', touch: [parent], rows: any}]}]\n"
	}
	const all = "GRANT SELECT, DELETE ON parent TO weak; "
	for name, c := range map[string]struct {
		sql, book string
		want      []string // codes and remedies; nil: nothing is lacking
	}{
		"all there":                                       {all, "ledger: none\n" + clear, nil},
		"the schema and more":                             {"CREATE SCHEMA s; CREATE TABLE s.child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE); " + all, "ledger: none\n" + clear, []string{`right-missing GRANT USAGE ON SCHEMA "s" TO "weak"`, `right-missing GRANT SELECT ON "s"."child" TO "weak"`}},
		"columns alone":                                   {"GRANT SELECT (id), UPDATE (id) ON parent TO weak", "ledger: none\n" + clear, []string{`right-missing GRANT SELECT, DELETE ON "public"."parent" TO "weak"`}},
		"a membership that does not inherit":              {"CREATE ROLE strong; GRANT SELECT, DELETE ON parent TO strong; ALTER ROLE weak NOINHERIT; GRANT strong TO weak", "ledger: none\n" + clear, []string{`right-missing GRANT SELECT, DELETE ON "public"."parent" TO "weak"`}},
		"no ledger, and no right to make it":              {all, clear, []string{`right-missing GRANT CREATE ON DATABASE`}},
		"a schema of the ledger that is somebody else's":  {all + "CREATE SCHEMA tminus", clear, []string{`right-missing GRANT CREATE ON DATABASE`, `right-missing GRANT USAGE, CREATE ON SCHEMA tminus TO "weak"`}},
		"a ledger that is somebody else's":                {all + "CREATE SCHEMA tminus; CREATE TABLE tminus.ledger (id int)", clear, []string{`right-missing GRANT USAGE ON SCHEMA tminus TO "weak"`, `right-missing GRANT SELECT, INSERT ON tminus.ledger TO "weak"`}},
		"a statement of which the right is missing":       {all, touching("UPDATE public.parent SET id = 1"), []string{`right-missing GRANT UPDATE ON "public"."parent" TO "weak"`}},
		"a statement of which the right is there":         {all, touching("DELETE FROM ONLY \"parent\" WHERE id = 1"), nil},
		"a statement that nobody can read":                {all, touching("SELECT now()"), []string{`right-unsure GRANT INSERT, UPDATE ON "public"."parent" TO "weak"`}},
		"a statement with more in it":                     {all, touching("WITH gone AS (DELETE FROM parent RETURNING id) INSERT INTO parent SELECT id FROM gone ON CONFLICT (id) DO UPDATE SET id = 1"), []string{`right-missing GRANT INSERT, UPDATE ON "public"."parent" TO "weak"`}},
		"a statement that merges":                         {all, touching("MERGE INTO parent USING (SELECT 1 AS id) n ON n.id = parent.id WHEN MATCHED THEN DELETE"), []string{`right-unsure GRANT INSERT, UPDATE ON "public"."parent" TO "weak"`}},
		"a touched table with no right":                   {"GRANT SELECT ON parent TO weak", touching("UPDATE parent SET id = 1"), []string{`right-missing GRANT UPDATE ON "public"."parent" TO "weak"`}},
		"a touched table with none that nobody can read":  {"GRANT SELECT ON parent TO weak", touching("SELECT now()"), []string{`right-missing GRANT INSERT, UPDATE, DELETE ON "public"."parent" TO "weak"`}},
		"a touched table that cannot be locked":           {"GRANT SELECT, INSERT ON parent TO weak", touching("INSERT INTO parent VALUES (1)"), []string{`right-missing GRANT DELETE ON "public"."parent" TO "weak"`}},
		"a key whose owner may not delete":                {all + "CREATE ROLE strong; GRANT CREATE ON SCHEMA public TO strong; CREATE TABLE child (parent int PRIMARY KEY REFERENCES parent ON DELETE CASCADE); ALTER TABLE child OWNER TO strong; REVOKE DELETE ON child FROM strong; GRANT SELECT ON child TO weak", "ledger: none\n" + clear, []string{`right-missing GRANT DELETE ON "public"."child" TO "strong"`}},
		"a key whose owner may not look":                  {all + "CREATE ROLE strong; CREATE SCHEMA s; GRANT CREATE ON SCHEMA s TO strong; CREATE TABLE s.child (parent int PRIMARY KEY REFERENCES parent); ALTER TABLE s.child OWNER TO strong; REVOKE UPDATE ON s.child FROM strong", "ledger: none\n" + clear, []string{`right-missing GRANT USAGE ON SCHEMA "s" TO "strong"`, `right-missing GRANT UPDATE ON "s"."child" TO "strong"`}},
		"a trigger of another's table":                    {all + "CREATE ROLE strong; ALTER TABLE parent OWNER TO strong; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION f()", "ledger: none\nchecklist: [{id: a, title: A, items: [{id: off, text: Off, action: {name: triggers.disable, triggers: [fires]}, check: {database: triggers.disabled, triggers: [fires], through: phases, remedy: Do.}}]}]\nafter: [{id: b, title: B, items: [{id: on, text: On, action: {name: triggers.restore}, check: {database: triggers.restored, remedy: Do.}}]}]\n" + clear, []string{`right-missing GRANT "strong" TO "weak"`}},
		"a trigger of another's table, and no inheriting": {all + "CREATE ROLE strong; ALTER ROLE weak NOINHERIT; ALTER TABLE parent OWNER TO strong; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER fires BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION f()", "ledger: none\nchecklist: [{id: a, title: A, items: [{id: off, text: Off, action: {name: triggers.disable, triggers: [fires]}, check: {database: triggers.disabled, triggers: [fires], through: phases, remedy: Do.}}]}]\nafter: [{id: b, title: B, items: [{id: on, text: On, action: {name: triggers.restore}, check: {database: triggers.restored, remedy: Do.}}]}]\n" + clear, []string{`right-missing GRANT "strong" TO "weak"`}},
		"a table that a trigger writes":                   {all + "CREATE TABLE log (n int); GRANT SELECT ON log TO weak", "ledger: none\nphases: [{id: one, title: One, risk: high, planned: 1m, steps: [{delete: parent, touch: [log]}]}]\n", []string{`right-unsure GRANT INSERT, UPDATE, DELETE ON "public"."log" TO "weak"`}},
		"a table that it may not vacuum":                  {all + "CREATE ROLE strong; ALTER TABLE parent OWNER TO strong", "ledger: none\nphases: [{id: one, title: One, risk: high, planned: 1m, delete: [parent], after_commit: [{vacuum: [parent]}]}]\n", []string{`vacuum-skipped GRANT "strong" TO "weak"`}},
		"rows that are hidden":                            {all + "ALTER TABLE parent ENABLE ROW LEVEL SECURITY", "ledger: none\n" + clear, []string{`rows-hidden ALTER ROLE "weak" BYPASSRLS`}},
		"hidden rows that only refer":                     {all + "CREATE TABLE child (parent int PRIMARY KEY REFERENCES parent ON DELETE CASCADE); GRANT SELECT ON child TO weak; ALTER TABLE child ENABLE ROW LEVEL SECURITY", "ledger: none\n" + clear, []string{`rows-hidden ALTER ROLE "weak" BYPASSRLS`}},
	} {
		t.Run(name, func(t *testing.T) {
			lacking := func(tx pgx.Tx) (out, remedies []string) {
				s, err := catalog.Read(t.Context(), tx, "")
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range lint.New(parse(t, "tminus: 1\ntitle: T\n"+c.book), s).Findings() {
					if strings.HasPrefix(f.Code, "right-") || f.Code == "rows-hidden" || f.Code == "vacuum-skipped" {
						out, remedies = append(out, f.Code+" "+f.Remedy), append(remedies, f.Remedy)
					}
				}
				return out, remedies
			}
			run := func(tx pgx.Tx, sql string) {
				if _, err := tx.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			run(tx, "CREATE ROLE weak; "+base+c.sql+"; SET LOCAL ROLE weak")
			got, remedies := lacking(tx)
			matches := len(got) == len(c.want)
			for i := range min(len(got), len(c.want)) {
				matches = matches && strings.HasPrefix(got[i], c.want[i])
			}
			if !matches {
				t.Errorf("found %q, want %q", got, c.want)
			}
			run(tx, "RESET ROLE")
			for _, sql := range remedies {
				run(tx, sql)
			}
			run(tx, "SET LOCAL ROLE weak")
			if left, _ := lacking(tx); !slices.Equal(left, nil) {
				t.Errorf("when all is carried out, still lacking: %q", left)
			}
		})
	}
}
