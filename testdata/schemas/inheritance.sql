-- Inheritance: a DELETE from the parent takes the children's rows, whose keys are
-- their own.
-- clear: vehicles
-- protect: makers
CREATE TABLE makers (id int PRIMARY KEY);
INSERT INTO makers VALUES (1);
CREATE TABLE vehicles (id int PRIMARY KEY, maker int REFERENCES makers);
CREATE TABLE trucks (load int, PRIMARY KEY (id)) INHERITS (vehicles);
CREATE TABLE trips (id int PRIMARY KEY, truck int NOT NULL REFERENCES trucks);
INSERT INTO vehicles SELECT i, 1 FROM generate_series(1, 10) i;
INSERT INTO trucks SELECT i, 1, 3 FROM generate_series(11, 20) i;
INSERT INTO trips SELECT i, 11 + i % 10 FROM generate_series(1, 40) i;
