-- Partitions that the role may not touch by their own names: one in a schema that
-- it may not use, one with row-level security of its own, one with a key of its
-- own that cascades. What it may do to the table is enough.
-- clear: visits, kinds
-- role: porter
DO $$ BEGIN CREATE ROLE porter LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; -- roles are the server's
DO $$ BEGIN CREATE ROLE porter_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA attic AUTHORIZATION porter_owner;
GRANT CREATE ON SCHEMA public TO porter_owner;
SET ROLE porter_owner;
CREATE TABLE kinds (id int PRIMARY KEY);
CREATE TABLE visits (id int, kind int) PARTITION BY RANGE (id);
CREATE TABLE attic.visits_low PARTITION OF visits FOR VALUES FROM (MINVALUE) TO (50);
CREATE TABLE visits_high PARTITION OF visits DEFAULT;
CREATE TABLE parcels (id int, kind int) PARTITION BY RANGE (id);
CREATE TABLE attic.parcels_low PARTITION OF parcels FOR VALUES FROM (MINVALUE) TO (50);
ALTER TABLE attic.parcels_low ADD FOREIGN KEY (kind) REFERENCES kinds ON DELETE CASCADE;
INSERT INTO kinds SELECT i FROM generate_series(1, 3) i;
INSERT INTO visits SELECT i, 1 FROM generate_series(1, 90) i;
INSERT INTO parcels SELECT i, 1 + i % 3 FROM generate_series(1, 49) i;
ALTER TABLE visits_high ENABLE ROW LEVEL SECURITY; ALTER TABLE visits_high FORCE ROW LEVEL SECURITY;
RESET ROLE;
GRANT SELECT, DELETE ON visits TO porter;
GRANT DELETE ON kinds TO porter;
