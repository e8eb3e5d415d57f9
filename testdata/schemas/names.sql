-- Names with capitals, blanks, dots, quotes, of other scripts and 63 bytes long,
-- in three schemas, and the same name in two of them.
-- clear: "App"."Users"
-- protect: public."Users"
CREATE SCHEMA "App"; CREATE SCHEMA "πελάτες"; 
CREATE TABLE public."Users" (id int); INSERT INTO public."Users" VALUES (1);
CREATE TABLE "App"."Users" (id int PRIMARY KEY, "User Name" text);
CREATE TABLE "πελάτες"."παραγγελίες" ("Αρ." int PRIMARY KEY, "πελάτης" int NOT NULL REFERENCES "App"."Users");
CREATE TABLE "App"."say ""hi"".now" (n int REFERENCES "App"."Users" ON DELETE CASCADE);
CREATE TABLE "App"."a_name_that_is_as_long_as_a_name_in_postgresql_may_be_63_bytes" (n int, "Refers To" int REFERENCES "App"."Users");
CREATE TABLE "App"."null" (n int REFERENCES "πελάτες"."παραγγελίες" ON DELETE SET NULL);
INSERT INTO "App"."Users" SELECT i, 'u' || i FROM generate_series(1, 20) i;
INSERT INTO "πελάτες"."παραγγελίες" SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO "App"."say ""hi"".now" SELECT i FROM generate_series(1, 20) i;
INSERT INTO "App"."a_name_that_is_as_long_as_a_name_in_postgresql_may_be_63_bytes" SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO "App"."null" SELECT i FROM generate_series(1, 20) i;
