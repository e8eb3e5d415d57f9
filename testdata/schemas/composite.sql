-- Keys of several columns, of which one may be NULL, in another order than the
-- index that carries them; and a key that takes no NULL.
-- clear: tenants
-- protect: countries
CREATE TABLE countries (code char(2) PRIMARY KEY);
INSERT INTO countries VALUES ('gr'), ('de');
CREATE TABLE tenants (region int, id int, country char(2) NOT NULL REFERENCES countries, PRIMARY KEY (region, id));
CREATE TABLE accounts (region int NOT NULL, tenant int, name text, PRIMARY KEY (name), FOREIGN KEY (region, tenant) REFERENCES tenants);
CREATE TABLE members (tenant int NOT NULL, region int NOT NULL, no int, PRIMARY KEY (tenant, region, no), FOREIGN KEY (region, tenant) REFERENCES tenants);
CREATE TABLE cards (tenant int, region int, no int, until date, FOREIGN KEY (tenant, region, no) REFERENCES members ON DELETE CASCADE);
INSERT INTO tenants SELECT i % 3, i, 'gr' FROM generate_series(1, 30) i;
INSERT INTO accounts SELECT i % 3, i, 'a' || i FROM generate_series(1, 30) i;
INSERT INTO members SELECT i, i % 3, j FROM generate_series(1, 30) i, generate_series(1, 3) j;
INSERT INTO cards SELECT tenant, region, no, '2030-01-01' FROM members;
