package catalog

import (
	"context"

	"tminus/phases/schema"
)

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
	var owns bool
	var r schema.Rights
	return each(ctx, q, `SELECT c.oid, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE'),
			has_schema_privilege(c.relowner, c.relnamespace, 'USAGE'), has_table_privilege(c.relowner, c.oid, 'SELECT'),
			has_table_privilege(c.relowner, c.oid, 'INSERT'), has_table_privilege(c.relowner, c.oid, 'UPDATE'),
			has_table_privilege(c.relowner, c.oid, 'DELETE'), has_table_privilege(c.relowner, c.oid, 'TRUNCATE')
		FROM pg_class c WHERE c.relkind IN ('r', 'p')`,
		[]any{&oid, &owner, &owns, &r.Usage, &r.Select, &r.Insert, &r.Update, &r.Delete, &r.Truncate}, func() {
			if i, known := at[oid]; known {
				s.Relations[i].Owner, s.Relations[i].Owns, s.Relations[i].OwnerRights = owner, owns, r
			}
		})
}
