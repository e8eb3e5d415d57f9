package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"tminus/phases"
	"tminus/phases/schema"
)

// Define reads how some relations of a snapshot are defined, and keeps a hash of
// each part. The caller's transaction has PostgreSQL's own catalogs alone on its
// search path, so that every name is written with its schema.
//
// A trigger that is disabled and among off counts as in the state that it has
// there: off are those that the run itself recorded before it disabled them.
func Define(ctx context.Context, q Querier, s *schema.Schema, relations []uint32, off []phases.Trigger) error {
	var oid uint32
	var kind, name, text string
	rows, err := q.Query(ctx, definitions, relations)
	if err != nil {
		return fmt.Errorf("read how the tables are defined from the catalog: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&oid, &kind, &name, &text); err != nil {
			return fmt.Errorf("read how a table is defined from the catalog: %w", err)
		}
		if kind == "trigger" {
			text = asRecorded(s, oid, name, text, off)
		}
		sum := sha256.Sum256([]byte(kind + "\x00" + name + "\x00" + restored(text)))
		s.Definitions = append(s.Definitions, schema.Definition{Relation: oid, Hash: hex.EncodeToString(sum[:])})
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read how the tables are defined from the catalog: %w", err)
	}
	return nil
}

// asRecorded is a trigger's definition, which begins with its state, as it was
// before the run disabled it. A partition's copy goes with its table's.
func asRecorded(s *schema.Schema, oid uint32, name, text string, off []phases.Trigger) string {
	rest, disabled := strings.CutPrefix(text, "D ")
	if !disabled || len(off) == 0 {
		return text
	}
	for r := s.Relation(oid); r != nil; {
		for _, t := range off {
			if t.Schema == r.Schema && t.Table == r.Name && t.Name == name {
				return t.Enabled + " " + rest
			}
		}
		if !r.Partition || len(r.Parents) == 0 {
			break
		}
		r = s.Relation(r.Parents[0])
	}
	return text
}

// definitions gives relation, kind, name and definition of each part. A
// partition is without its own name and bound, and so are its constraints and
// triggers, whose names the server gives by the order in which parts were made.
// A key that a part inherits from the key of its table is counted on its own side
// alone, and not what the server makes of a key for each part of the table that it
// refers to. An index that is not valid holds no constraint, and no copy has it.
const definitions = `WITH asked AS (
		SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS called
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[])),
	keys AS (
		SELECT con.*, format('%I.%I', n.nspname, c.relname) AS called, CASE WHEN con.conparentid = 0 THEN con.conname::text ELSE '' END AS plain,
			pg_get_constraintdef(con.oid) AS definition, (SELECT string_agg(DISTINCT t.tgenabled::text, '') FROM pg_trigger t WHERE t.tgconstraint = con.oid) AS fires
		FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE con.contype IN ('p', 'u', 'c', 'x', 'f') AND (con.conrelid = ANY ($1::oid[]) OR con.confrelid = ANY ($1::oid[])))
	SELECT r.oid, 'relation', CASE WHEN r.relispartition THEN '' ELSE r.called END,
		concat_ws(' ', r.relkind, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity, pg_get_partkeydef(r.oid))
	FROM asked r
	UNION ALL
	SELECT r.oid, 'column', a.attname::text, concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
		(SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation),
		(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum))
	FROM asked r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attnum > 0 AND NOT a.attisdropped
	UNION ALL
	SELECT r.oid, 'constraint', keys.plain, concat_ws(' ', keys.definition, keys.fires)
	FROM asked r JOIN keys ON keys.conrelid = r.oid
	WHERE NOT EXISTS (SELECT FROM pg_constraint whole WHERE whole.oid = keys.conparentid AND whole.conrelid = keys.conrelid)
	UNION ALL
	SELECT r.oid, 'referenced', keys.plain, concat_ws(' ', keys.called, keys.definition, keys.fires)
	FROM asked r JOIN keys ON keys.confrelid = r.oid WHERE keys.conparentid = 0
	UNION ALL
	SELECT r.oid, 'index', CASE WHEN r.relispartition THEN '' ELSE ic.relname::text END,
		substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*')
	FROM asked r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class ic ON ic.oid = i.indexrelid
	WHERE i.indisvalid AND (i.indisunique OR i.indisexclusion)
	UNION ALL
	SELECT r.oid, 'trigger', t.tgname::text, concat_ws(' ', t.tgenabled, replace(pg_get_triggerdef(t.oid), ' ON ' || r.called, ''), pg_get_functiondef(t.tgfoid))
	FROM asked r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE ` + userTrigger + `
	UNION ALL
	SELECT r.oid, 'rule', w.rulename::text, concat_ws(' ', w.ev_enabled, pg_get_ruledef(w.oid))
	FROM asked r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE r.relkind IN ('r', 'p')
	UNION ALL
	SELECT r.oid, 'policy', p.polname::text, concat_ws(' ', p.polcmd, p.polpermissive,
		(SELECT string_agg(coalesce(o.rolname::text, 'public'), ',' ORDER BY o.rolname) FROM unnest(p.polroles) AS role (oid) LEFT JOIN pg_roles o ON o.oid = role.oid),
		pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
	FROM asked r JOIN pg_policy p ON p.polrelid = r.oid`
