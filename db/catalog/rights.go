package catalog

import (
	"context"

	"tminus/phases/schema"
)

// maintainFrom is the first version that lets the owner grant MAINTAIN.
const maintainFrom = 170000

// readRights adds what the tables' owners may do, whom foreign keys act for, and
// whether the role may make what a run makes.
func readRights(ctx context.Context, q Querier, s *schema.Schema) error {
	err := q.QueryRow(ctx, `SELECT has_database_privilege(oid, 'CREATE'),
			(SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'tminus'),
			(SELECT rolinherit FROM pg_roles WHERE rolname = current_user)
		FROM pg_database WHERE datname = current_database()`).Scan(&s.Server.MakesSchemas, &s.Server.FillsLedger, &s.Server.Inherits)
	if err != nil {
		return err
	}
	at := map[uint32]int{}
	for i := range s.Relations {
		at[s.Relations[i].OID] = i
	}
	var oid uint32
	var owner string
	var owns, vacuums, indexes bool
	var r schema.Rights
	maintains := `false`
	if s.Server.Version >= maintainFrom {
		maintains = `has_table_privilege(c.oid, 'MAINTAIN')`
	}
	return each(ctx, q, `SELECT c.oid, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE'),
			pg_has_role(c.relowner, 'USAGE') OR pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') OR `+maintains+`,
			pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(c.relnamespace, 'CREATE'),
			has_schema_privilege(c.relowner, c.relnamespace, 'USAGE'), has_table_privilege(c.relowner, c.oid, 'SELECT'),
			has_table_privilege(c.relowner, c.oid, 'INSERT'), has_table_privilege(c.relowner, c.oid, 'UPDATE'),
			has_table_privilege(c.relowner, c.oid, 'DELETE'), has_table_privilege(c.relowner, c.oid, 'TRUNCATE')
		FROM pg_class c WHERE c.relkind IN ('r', 'p')`,
		[]any{&oid, &owner, &owns, &vacuums, &indexes, &r.Usage, &r.Select, &r.Insert, &r.Update, &r.Delete, &r.Truncate}, func() {
			if i, known := at[oid]; known {
				found := &s.Relations[i]
				found.Owner, found.Owns, found.Vacuums, found.Indexable, found.OwnerRights = owner, owns, vacuums, indexes, r
			}
		})
}
