-- Rows that nobody may see: row-level security that is forced upon the tables'
-- owner too, on what is cleared, on what goes by cascade, and on what stays and
-- loses a reference.
-- clear: members
-- protect: plans
-- role: keeper
DO $$ BEGIN CREATE ROLE keeper LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
GRANT CREATE ON SCHEMA public TO keeper;
SET ROLE keeper;
CREATE TABLE plans (id int PRIMARY KEY);
CREATE TABLE members (id int PRIMARY KEY, plan int REFERENCES plans);
CREATE TABLE letters (id int, member int NOT NULL REFERENCES members ON DELETE CASCADE);
CREATE TABLE guests (id int, member int REFERENCES members ON DELETE SET NULL);
CREATE TABLE lockers (id int, member int REFERENCES members);
INSERT INTO plans VALUES (1), (2);
INSERT INTO members SELECT i, 1 + i % 2 FROM generate_series(1, 30) i;
INSERT INTO letters SELECT i, 1 + i % 30 FROM generate_series(1, 90) i;
INSERT INTO guests SELECT i, 1 + i % 30 FROM generate_series(1, 90) i;
INSERT INTO lockers SELECT i, 1 + i % 30 FROM generate_series(1, 90) i;
ALTER TABLE members ENABLE ROW LEVEL SECURITY; ALTER TABLE members FORCE ROW LEVEL SECURITY;
CREATE POLICY half ON members USING (id % 2 = 0);
ALTER TABLE letters ENABLE ROW LEVEL SECURITY; ALTER TABLE letters FORCE ROW LEVEL SECURITY;
ALTER TABLE guests ENABLE ROW LEVEL SECURITY; ALTER TABLE guests FORCE ROW LEVEL SECURITY;
ALTER TABLE lockers ENABLE ROW LEVEL SECURITY; ALTER TABLE lockers FORCE ROW LEVEL SECURITY;
RESET ROLE;
