-- A role that was given half of what it needs: a schema with tables that refer to
-- what is cleared and that it may not use, tables without SELECT or DELETE, a
-- table whose rows stay and lose a reference, a partition in the hidden schema,
-- a trigger of another owner's table, a key whose owner was left without a right
-- on its own table, and no right to make the ledger.
-- clear: customers
-- protect: countries
-- role: runner
DO $$ BEGIN CREATE ROLE runner LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE runner_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE runner_clerk; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA backroom AUTHORIZATION runner_owner;
GRANT CREATE ON SCHEMA public TO runner_owner;
SET ROLE runner_owner;
CREATE TABLE countries (code char(2) PRIMARY KEY);
CREATE TABLE customers (id int PRIMARY KEY, country char(2) REFERENCES countries);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers ON DELETE CASCADE);
CREATE TABLE tags (id int, customer int REFERENCES customers ON DELETE SET NULL);
CREATE TABLE visits (id int, customer int NOT NULL REFERENCES customers, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE backroom.visits_old PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE visits_new PARTITION OF visits DEFAULT;
CREATE TABLE backroom.invoices (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
CREATE TABLE backroom.notes (id int, customer int REFERENCES customers);
CREATE TABLE backroom.lines (id int, invoice int REFERENCES backroom.invoices ON DELETE CASCADE);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO countries VALUES ('xx'); RETURN NULL; END $$;
CREATE TRIGGER remembers AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION remember();
INSERT INTO countries VALUES ('gr'), ('de');
INSERT INTO customers SELECT i, 'gr' FROM generate_series(1, 30) i;
INSERT INTO orders SELECT i, 1 + i % 30 FROM generate_series(1, 90) i;
INSERT INTO tags SELECT i, 1 + i % 30 FROM generate_series(1, 90) i;
INSERT INTO visits SELECT i, 1 + i % 30, '2025-06-01'::date + i * 10 FROM generate_series(1, 60) i;
INSERT INTO backroom.invoices SELECT i, 1 + i % 30 FROM generate_series(1, 60) i;
INSERT INTO backroom.notes SELECT i, 1 + i % 30 FROM generate_series(1, 60) i;
INSERT INTO backroom.lines SELECT i, 1 + i % 60 FROM generate_series(1, 60) i;
RESET ROLE;
ALTER TABLE orders OWNER TO runner_clerk;
REVOKE ALL ON backroom.lines FROM runner_owner;
GRANT SELECT (id) ON customers TO runner;
GRANT DELETE ON backroom.notes TO runner;
GRANT SELECT ON visits TO runner;
