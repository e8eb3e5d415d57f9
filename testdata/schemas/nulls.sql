-- Keys whose reference is taken away: of several columns where all must be NULL
-- together, and where the one to take is not the tenant's; columns that take no NULL
-- by a domain, a CHECK or what they are made from; keys into a partitioned table,
-- of which one partition goes alone.
-- clear: parcels, tours, trips_2025
-- protect: depots, trips_rest
CREATE TABLE depots (id int PRIMARY KEY);
CREATE TABLE parcels (depot int REFERENCES depots, no int, PRIMARY KEY (depot, no));
CREATE TABLE labels (depot int, no int, text text, FOREIGN KEY (depot, no) REFERENCES parcels MATCH FULL);
CREATE TABLE claims (id int PRIMARY KEY, no int, depot int REFERENCES depots, FOREIGN KEY (depot, no) REFERENCES parcels);
CREATE DOMAIN given AS int NOT NULL;
CREATE TABLE tours (id int PRIMARY KEY);
CREATE TABLE tickets (tour given REFERENCES tours);
CREATE TABLE seats (tour int CHECK (tour IS NOT NULL) REFERENCES tours ON DELETE SET NULL);
CREATE TABLE guides (name text, no int, tour int GENERATED ALWAYS AS (no / 10) STORED REFERENCES tours);
CREATE TABLE trips (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE trips_2025 PARTITION OF trips FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (id);
CREATE TABLE trips_2025_a PARTITION OF trips_2025 FOR VALUES IN (1, 2, 3);
CREATE TABLE trips_2025_b PARTITION OF trips_2025 DEFAULT;
CREATE TABLE trips_rest PARTITION OF trips DEFAULT;
CREATE TABLE stops (trip int, day date, stop int, FOREIGN KEY (trip, day) REFERENCES trips) PARTITION BY HASH (stop);
CREATE TABLE stops_0 PARTITION OF stops FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE stops_1 PARTITION OF stops FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO depots VALUES (1), (2);
INSERT INTO parcels SELECT 1 + i % 2, i FROM generate_series(1, 20) i;
INSERT INTO labels SELECT depot, no, 'x' FROM parcels;
INSERT INTO claims SELECT no, no, depot FROM parcels;
INSERT INTO tours VALUES (1), (2);
INSERT INTO tickets VALUES (1), (2);
INSERT INTO seats VALUES (1), (2);
INSERT INTO guides VALUES ('x', 11), ('y', 23);
INSERT INTO trips SELECT i, '2025-06-01' FROM generate_series(1, 9) i;
INSERT INTO trips SELECT i, '2026-06-01' FROM generate_series(1, 9) i;
INSERT INTO stops SELECT id, day, id FROM trips;
