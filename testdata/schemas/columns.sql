-- Identity, generated and exclusion; a domain, an array, a composite type; a
-- table of 200 columns; triggers that write elsewhere; defaults whose row goes.
-- clear: rooms
-- protect: sizes
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b int);
CREATE TABLE sizes (id positive PRIMARY KEY, p pair);
INSERT INTO sizes VALUES (1, ROW(1, 2)), (2, NULL);
CREATE TABLE rooms (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, size positive REFERENCES sizes, twice int GENERATED ALWAYS AS (size * 2) STORED, tags text[]);
INSERT INTO rooms (size, tags) SELECT 1, ARRAY['a', 'b'] FROM generate_series(1, 20);
CREATE TABLE bookings (room int NOT NULL DEFAULT 1 REFERENCES rooms ON DELETE SET DEFAULT, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO bookings SELECT i, tsrange('2026-01-01', '2026-01-02') FROM generate_series(1, 20) i;
CREATE TABLE history (at timestamptz DEFAULT now(), what text);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO history (what) VALUES (TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER remembers AFTER DELETE ON rooms FOR EACH ROW EXECUTE FUNCTION remember();
CREATE TRIGGER remembers AFTER DELETE ON bookings FOR EACH STATEMENT EXECUTE FUNCTION remember();
DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE wide (room int REFERENCES rooms ON DELETE CASCADE, ' || string_agg('c' || i || ' int', ', ') || ')' FROM generate_series(1, 199) i); END $$;
INSERT INTO wide (room) SELECT id FROM rooms;
