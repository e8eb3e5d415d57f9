package catalog

import (
	"context"

	"tminus/phases/schema"
)

// publishedTables has a row for each table of each publication, with the columns
// of its row filter and of its column list, which servers before 15 do not know.
const publishedTables = `SELECT p.pubname::text, p.pubupdate, p.pubdelete, p.pubtruncate, c.oid,
		ARRAY(SELECT DISTINCT a.attname::text FROM regexp_matches(coalesce(to_jsonb(pr) ->> 'prqual', ''), ':varattno (\d+)', 'g') AS m
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = m[1]::int2 ORDER BY 1),
		ARRAY(SELECT DISTINCT a.attname::text FROM regexp_matches(coalesce(to_jsonb(pr) ->> 'prattrs', ''), '\d+', 'g') AS m
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = m[1]::int2 ORDER BY 1)
	FROM pg_publication_tables t JOIN pg_publication p ON p.pubname = t.pubname
	JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
	LEFT JOIN pg_publication_rel pr ON pr.prpubid = p.oid AND pr.prrelid = c.oid
	WHERE p.pubupdate OR p.pubdelete OR p.pubtruncate ORDER BY p.pubname, c.oid`

// identities has the replica identity of all tables. An index that is not valid,
// or is deferrable, identifies nothing.
const identities = `SELECT c.oid, c.relreplident = 'f', ARRAY(SELECT a.attname::text FROM pg_index i
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
		WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
		AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident) ORDER BY a.attname)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND ` + user

func readPublications(ctx context.Context, q Querier, s *schema.Schema) error {
	var p schema.Publication
	var t schema.Published
	err := each(ctx, q, publishedTables, []any{&p.Name, &p.Update, &p.Delete, &p.Truncate, &t.Relation, &t.Filter, &t.List}, func() {
		if n := len(s.Publications); n == 0 || s.Publications[n-1].Name != p.Name {
			s.Publications = append(s.Publications, p)
		}
		last := &s.Publications[len(s.Publications)-1]
		last.Tables = append(last.Tables, t)
	})
	if err != nil || len(s.Publications) == 0 {
		return err
	}
	s.Identities = map[uint32]schema.Identity{}
	var oid uint32
	var found schema.Identity
	return each(ctx, q, identities, []any{&oid, &found.Full, &found.Columns}, func() { s.Identities[oid] = found })
}
