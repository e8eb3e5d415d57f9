package fault

import "strings"

// picture is all that a database holds beside the ledger: definitions, rights,
// comments, files and content, a line each. What cannot be rolled back, a
// sequence's numbers, is not in it.
const picture = `
WITH r AS (
	SELECT c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname NOT IN ('information_schema', 'tminus') AND n.nspname !~ '^pg_'
), lines AS (
	SELECT concat_ws(' ', 'relation', name, relkind, relfilenode, relacl, relrowsecurity, relispartition, reloptions, relowner, obj_description(r.oid, 'pg_class')) AS line FROM r
	UNION ALL SELECT concat_ws(' ', 'column', name, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attacl, col_description(r.oid, attnum))
		FROM r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0
	UNION ALL SELECT concat_ws(' ', 'content', name, query_to_xml('SELECT * FROM ' || name || ' x ORDER BY x::text', false, true, '')) FROM r WHERE relkind IN ('r', 'm')
	UNION ALL SELECT concat_ws(' ', 'trigger', name, tgname, tgenabled, pg_get_triggerdef(t.oid)) FROM r JOIN pg_trigger t ON tgrelid = r.oid
	UNION ALL SELECT concat_ws(' ', 'constraint', name, conname, pg_get_constraintdef(k.oid)) FROM r JOIN pg_constraint k ON conrelid = r.oid
	UNION ALL SELECT concat_ws(' ', 'policy', name, polname, polcmd, polroles) FROM r JOIN pg_policy ON polrelid = r.oid
	UNION ALL SELECT concat_ws(' ', 'rule', name, rulename, pg_get_ruledef(w.oid)) FROM r JOIN pg_rewrite w ON ev_class = r.oid
	UNION ALL SELECT concat_ws(' ', 'function', p.oid::regprocedure, pg_get_functiondef(p.oid), proacl, obj_description(p.oid, 'pg_proc'))
		FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
	UNION ALL SELECT concat_ws(' ', 'type', t.typname, typtype, typacl) FROM pg_type t WHERE typnamespace = 'public'::regnamespace
	UNION ALL SELECT concat_ws(' ', 'enum', enumtypid::regtype, enumlabel) FROM pg_enum
	UNION ALL SELECT concat_ws(' ', 'schema', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' AND nspname <> 'tminus'
	UNION ALL SELECT concat_ws(' ', 'large object', oid, lomacl, md5(lo_get(oid))) FROM pg_largeobject_metadata
	UNION ALL SELECT concat_ws(' ', 'event trigger', evtname, evtenabled) FROM pg_event_trigger
	UNION ALL SELECT concat_ws(' ', 'publication', p) FROM pg_publication p
	UNION ALL SELECT concat_ws(' ', 'published', prrelid::regclass) FROM pg_publication_rel
	UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
	UNION ALL SELECT concat_ws(' ', 'server', srvname, srvoptions) FROM pg_foreign_server
	UNION ALL SELECT concat_ws(' ', 'default rights', x) FROM pg_default_acl x
	UNION ALL SELECT concat_ws(' ', 'settings', setrole, setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase AND datname = current_database()
	UNION ALL SELECT concat_ws(' ', 'statistics', stxname) FROM pg_statistic_ext
)
SELECT coalesce(string_agg(l, E'\n' ORDER BY l), '') FROM (SELECT DISTINCT regexp_replace(line, '\s+', ' ', 'g') AS l FROM lines) s`

// picture takes one.
func (c *trial) picture() string {
	text := ""
	if err := c.ask(c.ctx, picture, &text); err != nil {
		c.fail("take a picture of the database: %w", err)
	}
	return text
}

// pictureIs holds that nothing has changed since a picture was taken.
func (c *trial) pictureIs(before string) {
	now := map[string]bool{}
	for _, line := range strings.Split(c.picture(), "\n") {
		now[line] = true
	}
	for _, line := range strings.Split(before, "\n") {
		if !now[line] {
			c.fail("this was in the database, and is not: %.200s", line)
		}
		delete(now, line)
	}
	for line := range now {
		c.fail("this was not in the database, and is: %.200s", line)
	}
}
