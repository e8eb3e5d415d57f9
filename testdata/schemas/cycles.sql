-- A cycle of keys that refuse, one of which takes NULL; a cycle that is asked
-- only at the end of a transaction; a cycle that cascades one way; and tables
-- that refer to themselves.
-- clear: teams, left_hand, orders, tree
CREATE TABLE teams (id int PRIMARY KEY, captain int);
CREATE TABLE players (id int PRIMARY KEY, team int NOT NULL REFERENCES teams);
ALTER TABLE teams ADD CONSTRAINT captain FOREIGN KEY (captain) REFERENCES players;
INSERT INTO teams SELECT i, NULL FROM generate_series(1, 5) i;
INSERT INTO players SELECT i, 1 + i % 5 FROM generate_series(1, 50) i;
UPDATE teams SET captain = id * 10 - 1;
CREATE TABLE left_hand (id int PRIMARY KEY, right_id int NOT NULL);
CREATE TABLE right_hand (id int PRIMARY KEY, left_id int NOT NULL REFERENCES left_hand DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE left_hand ADD FOREIGN KEY (right_id) REFERENCES right_hand DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO left_hand VALUES (1, 1), (2, 2); INSERT INTO right_hand VALUES (1, 1), (2, 2); COMMIT;
CREATE TABLE orders (id int PRIMARY KEY, first_line int NOT NULL);
CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders ON DELETE CASCADE);
ALTER TABLE orders ADD CONSTRAINT first_line FOREIGN KEY (first_line) REFERENCES lines DEFERRABLE;
BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO orders SELECT i, i FROM generate_series(1, 9) i; INSERT INTO lines SELECT i, i FROM generate_series(1, 9) i; COMMIT;
CREATE TABLE tree (id int PRIMARY KEY, up int NOT NULL REFERENCES tree, aside int REFERENCES tree ON DELETE SET NULL);
INSERT INTO tree SELECT i, greatest(1, i / 2), i FROM generate_series(1, 100) i;
