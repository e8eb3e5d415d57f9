
\set ON_ERROR_STOP on
\set QUIET on
\o /dev/null
\encoding UTF8
BEGIN;
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = pg_catalog;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL datestyle = ISO;
SET LOCAL intervalstyle = postgres;
SET LOCAL xmloption = content;
SET LOCAL array_nulls = on;
SET LOCAL lc_monetary = 'C';
SET LOCAL row_security = off;

-- ---- What is done, as functions that are gone with the session ----------------

-- Has triggers and foreign keys keep still until the end, where the role may.
CREATE FUNCTION pg_temp.as_replica() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('session_replication_role', 'replica', true);
	RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
	RAISE WARNING 'session_replication_role may not be set: triggers fire, and may change what is put back';
	RETURN false;
END $$;

-- Fails unless a file held as many rows as it should.
CREATE FUNCTION pg_temp.must_be(rows bigint, wanted bigint, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF rows IS DISTINCT FROM wanted THEN
		RAISE EXCEPTION '%: % rows, and it should be %: the file is not what was written', what, rows, wanted;
	END IF;
END $$;

-- a = b for each of some columns, by their types' own equality.
CREATE FUNCTION pg_temp.equal(t regclass, columns text[], a text, b text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s.%I %s %s.%I', a, c.attname, coalesce((
			SELECT format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace, o.oprname)
			FROM pg_opclass d JOIN pg_am m ON m.oid = d.opcmethod AND m.amname = 'btree'
			JOIN pg_amop s ON s.amopfamily = d.opcfamily AND s.amopstrategy = 3
				AND s.amoplefttype = d.opcintype AND s.amoprighttype = d.opcintype
			JOIN pg_operator o ON o.oid = s.amopopr
			WHERE d.opcdefault AND d.opcintype = c.atttypid), 'OPERATOR(pg_catalog.=)'), b, c.attname), ' AND ')
	FROM pg_attribute c WHERE c.attrelid = t AND c.attname = ANY (columns)
$$;

-- A whole row as text, to be compared whatever its types.
CREATE FUNCTION pg_temp.whole(columns text[], a text) RETURNS text LANGUAGE sql AS $$
	SELECT 'ROW(' || coalesce(string_agg(format('%s.%I', a, c), ', ' ORDER BY n), '') || ')::text COLLATE "C"'
	FROM unnest(columns) WITH ORDINALITY AS u(c, n)
$$;

-- Gives changed rows their old values, where each is still as it was left.
CREATE FUNCTION pg_temp.put_old(t regclass, old regclass, new regclass, columns text[], key text[], wanted bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	settings text;
BEGIN
	SELECT string_agg(format('%1$I = o.%1$I', attname), ', ') INTO settings FROM pg_attribute
	WHERE attrelid = t AND attname = ANY (columns) AND attname <> ALL (key) AND attidentity <> 'a';
	IF settings IS NOT NULL THEN
		EXECUTE format('UPDATE ONLY %s AS t SET %s FROM %s AS n JOIN %s AS o ON %s WHERE %s AND %s = %s', t, settings,
			new, old, pg_temp.equal(t, key, 'o', 'n'), pg_temp.equal(t, key, 't', 'n'),
			pg_temp.whole(columns, 't'), pg_temp.whole(columns, 'n'));
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n <> wanted THEN
			RAISE EXCEPTION '%: % of % changed rows are no longer as the phase left them', t, wanted - n, wanted;
		END IF;
	END IF;
	EXECUTE format('SELECT count(*) FROM ONLY %s AS t JOIN %s AS o ON %s AND %s = %s', t, old,
		pg_temp.equal(t, key, 't', 'o'), pg_temp.whole(columns, 't'), pg_temp.whole(columns, 'o')) INTO n;
	IF n <> wanted THEN
		RAISE EXCEPTION '%: % of % changed rows did not take their old values', t, wanted - n, wanted;
	END IF;
END $$;

-- Takes out rows that the phase inserted, where each is still as it was. Rows that
-- are the same are told apart by their number alone.
CREATE FUNCTION pg_temp.take_added(t regclass, added regclass, columns text[], key text[], wanted bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	IF key <> '{}' THEN
		EXECUTE format('DELETE FROM ONLY %s AS t USING %s AS a WHERE %s AND %s = %s', t, added,
			pg_temp.equal(t, key, 't', 'a'), pg_temp.whole(columns, 't'), pg_temp.whole(columns, 'a'));
	ELSE
		EXECUTE format('DELETE FROM ONLY %1$s WHERE ctid IN (SELECT x.at FROM
			(SELECT t.ctid AS at, %2$s AS v, row_number() OVER (PARTITION BY %2$s) AS i FROM ONLY %1$s AS t) AS x
			JOIN (SELECT %3$s AS v, row_number() OVER (PARTITION BY %3$s) AS i FROM %4$s AS a) AS y USING (v, i))',
			t, pg_temp.whole(columns, 't'), pg_temp.whole(columns, 'a'), added);
	END IF;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n <> wanted THEN
		RAISE EXCEPTION '%: % of % inserted rows are no longer as the phase left them', t, wanted - n, wanted;
	END IF;
END $$;

-- Does what the foreign keys' triggers did not: looks for rows that refer to none,
-- in tables that rows came back to, and in those that refer to where rows went.
CREATE FUNCTION pg_temp.no_orphans(came regclass[], went regclass[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k record;
	n bigint;
BEGIN
	FOR k IN
		WITH RECURSIVE up AS ( -- a partition's key is its table's
			SELECT c.oid, c.conparentid FROM pg_constraint c
			WHERE c.contype = 'f' AND (c.conrelid = ANY (came) OR c.confrelid = ANY (went))
			UNION SELECT c.oid, c.conparentid FROM up JOIN pg_constraint c ON c.oid = up.conparentid
		)
		SELECT f.conname, f.conrelid::regclass AS child, f.confrelid::regclass AS parent,
			CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || f.conrelid::regclass AS from_child,
			CASE p.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || f.confrelid::regclass AS from_parent,
			string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') AS filled,
			string_agg(format('p.%I OPERATOR(%s.%s) c.%I', b.attname, o.oprnamespace::regnamespace, o.oprname, a.attname), ' AND ') AS matches
		FROM up JOIN pg_constraint f ON f.oid = up.oid AND up.conparentid = 0 AND f.convalidated
			AND coalesce(to_jsonb(f) ->> 'conperiod', 'false') = 'false'
		JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid
		CROSS JOIN unnest(f.conkey, f.confkey, f.conpfeqop) AS u(ck, pk, op)
		JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = u.ck
		JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = u.pk
		JOIN pg_operator o ON o.oid = u.op
		GROUP BY f.oid, f.conname, f.conrelid, f.confrelid, c.relkind, p.relkind ORDER BY f.oid
	LOOP
		EXECUTE format('LOCK TABLE %s, %s IN SHARE ROW EXCLUSIVE MODE', k.child, k.parent);
		EXECUTE format('SELECT count(*) FROM %s AS c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)',
			k.from_child, k.filled, k.from_parent, k.matches) INTO n;
		IF n > 0 THEN
			RAISE EXCEPTION '%: % rows would refer to none in % (foreign key %)', k.child, n, k.parent, k.conname;
		END IF;
	END LOOP;
END $$;
