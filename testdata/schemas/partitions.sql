-- Partitions two levels deep, a key into a partitioned table, a key that one
-- partition alone has; and a partition in another schema, with its table's trigger
-- and one of its own, which would write what must not change.
-- clear: events
-- protect: kinds
CREATE TABLE kinds (id int PRIMARY KEY);
INSERT INTO kinds VALUES (1), (2);
CREATE TABLE events (id int, day date, kind int REFERENCES kinds, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (id);
CREATE TABLE events_2025_a PARTITION OF events_2025 FOR VALUES IN (1, 2, 3);
CREATE TABLE events_2025_b PARTITION OF events_2025 DEFAULT;
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE SCHEMA cold;
CREATE TABLE cold.events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kinds VALUES (3); RETURN NULL; END $$;
CREATE TRIGGER remembers AFTER DELETE ON events FOR EACH ROW EXECUTE FUNCTION remember();
CREATE TRIGGER remembers_too AFTER DELETE ON cold.events_2024 FOR EACH ROW EXECUTE FUNCTION remember();
CREATE TABLE notes (event int NOT NULL, day date NOT NULL, text text, FOREIGN KEY (event, day) REFERENCES events);
CREATE TABLE marks (id int PRIMARY KEY, event int, day date, FOREIGN KEY (event, day) REFERENCES events_2025_a ON DELETE SET NULL);
INSERT INTO events SELECT i, '2025-06-01', 1 + i % 2 FROM generate_series(1, 40) i;
INSERT INTO events SELECT i, '2024-06-01', 1 FROM generate_series(1, 40) i;
INSERT INTO events SELECT i, '2026-06-01', 1 FROM generate_series(1, 40) i;
INSERT INTO notes SELECT id, day, 'x' FROM events;
INSERT INTO marks SELECT i, i, '2025-06-01' FROM generate_series(1, 3) i;
