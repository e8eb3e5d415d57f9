package capsule

import (
	_ "embed" // the functions of the script
	"fmt"
	"slices"
	"strings"
	"time"

	"tminus/phases"
)

//go:embed head.sql
var functions string

// script is the file that undoes the phase by psql and gzip alone.
func script(m Manifest) []byte {
	s := &sql{m: m}
	s.comment()
	s.WriteString(functions)
	s.say("\n-- ---- The tables, and the files that are compared with them ------------------\n")
	for _, t := range m.Tables {
		s.load(t)
	}
	s.say("\n-- ---- What is undone, in an order that keys and foreign keys allow ------------\n\n")
	s.say("SELECT pg_temp.as_replica() AS replica \\gset\n")
	s.added()
	if old := s.old(); old != "" {
		// Where foreign keys keep still: the value that an old row had may be another's that is gone.
		s.say("\\if :replica\n%s\\endif\n", old)
	}
	for _, t := range m.Tables {
		s.gone(t)
	}
	s.say("\\if :replica\nSELECT pg_temp.no_orphans(%s, %s);\n", s.tables(Gone, Old), s.tables(Added, Old))
	if old := s.old(); old != "" {
		s.say("\\else\n%s", old) // where they do not, the rows that old ones refer to are there by now
	}
	s.say("\\endif\n\nCOMMIT;\n\\o\n\\echo 'All of it is put back.'\n")
	return []byte(s.String())
}

// sql is a script that is being written.
type sql struct {
	strings.Builder
	m Manifest
}

func (s *sql) say(format string, args ...any) { fmt.Fprintf(&s.Builder, format, args...) }

// comment tells people what they have, before they run it.
func (s *sql) comment() {
	m := s.m
	s.say("-- Puts back what phase %s (run %s, attempt %d) took from the database %s, at %s.\n",
		phases.Clean(m.Phase), phases.Clean(m.RunID), m.Attempt, phases.Clean(m.Database), m.Taken.UTC().Format(time.RFC3339))
	s.say(`-- Written by tminus %s. It needs psql and gzip, nothing else. In this folder:
--
--     sha256sum -c SHA256SUMS
--     psql -X -d DATABASE -f put-back.sql
--
`, phases.Clean(m.Version))
	if len(m.Recipients) > 0 {
		s.say("%s", `-- The rows are encrypted: decrypt them first, into this folder, and remove what
-- was decrypted afterwards:
--
--     for f in *.age; do age -d -i SECRET_KEY -o "${f%.age}" "$f"; done
--
`)
	}
	s.say("%s", `-- What it does, all of it in one transaction:
--   1. rows that the phase inserted go, where they are still as it inserted them;
--   2. rows that it changed get their old values, where they are still as it left them;
--   3. rows that it deleted, or had deleted by cascades or triggers, come back;
--   4. foreign keys of and to these tables are looked at, each whole table at once.
-- Where anything is in the way, it says so, and nothing of it happens: a row that is
-- no longer as the phase left it or is gone, a key that is taken since, a row that
-- would refer to none, a file that is cut. Others may read these tables meanwhile,
-- and write to them when it has ended.
--
-- What it does not do:
--   - It sets no sequence back, and refreshes no materialized view.
--   - With session_replication_role = replica, which it sets where the role may, no
--     trigger fires but those that are ENABLE REPLICA or ALWAYS: nothing is audited,
--     nothing is counted anew. Where the role may not, triggers fire and may change
--     rows that come back, and it refuses to take out rows that the phase inserted,
--     because that could cascade to rows of others.
--   - It does not know whether this is the database that the rows are of.
--
-- Only the deleted rows, by pg_restore instead:
--     pg_restore -1 --data-only --disable-triggers -d DATABASE .
--
-- The files, and what is in them:
`)
	for _, t := range m.Tables {
		for _, part := range Parts() {
			if f, ok := t.Streams[part]; ok {
				s.say("--   %-14s %s of %s: %d\n", plainName(f.File), part, t, f.Rows)
			}
		}
	}
}

// load locks a table, and gets the rows that are compared with it.
func (s *sql) load(t Table) {
	if len(t.Streams) == 0 {
		return
	}
	s.say("\n-- %s\nLOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE;\n", t, t.quoted())
	for _, part := range Parts() {
		f, ok := t.Streams[part]
		if !ok || part == Gone && !oddlyNamed(t) {
			continue
		}
		s.say("CREATE TEMPORARY TABLE %s ON COMMIT DROP AS SELECT %s FROM ONLY %s WITH NO DATA;\n", loaded(f), t.names(""), t.quoted())
		s.copy("pg_temp."+loaded(f), f)
		s.say("ANALYZE pg_temp.%s;\n", loaded(f))
	}
}

// copy has a file's rows go somewhere, all of them.
func (s *sql) copy(to string, f Stream) {
	file := plainName(f.File)
	s.say("\\copy %s from program 'gzip -dc %s'%s\n", to, file, encodingOf(s.m.Encoding))
	s.say("SELECT pg_temp.must_be(:ROW_COUNT, %d, '%s');\n", f.Rows, file)
}

// gone puts rows back that were deleted.
func (s *sql) gone(t Table) {
	f, ok := t.Streams[Gone]
	switch {
	case !ok:
	case oddlyNamed(t):
		s.say("INSERT INTO %s%s OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.%s;\n", t.quoted(), t.list(), t.names(""), loaded(f))
	default:
		s.copy(t.quoted()+t.list(), f)
	}
}

// oddlyNamed tells whether a name would end psql's command, and begin another.
func oddlyNamed(t Table) bool {
	return strings.ContainsAny(t.quoted()+t.list(), "\r\n")
}

// added takes out rows that were inserted, those of children first.
func (s *sql) added() {
	tables := slices.DeleteFunc(slices.Clone(s.m.Tables), func(t Table) bool { return t.Streams[Added].Rows == 0 })
	if len(tables) == 0 {
		return
	}
	s.say("\\if :replica\n")
	for _, t := range slices.Backward(tables) {
		f := t.Streams[Added]
		s.say("SELECT pg_temp.take_added(%s, '%s', %s, %s, %d);\n", regclass(t), loaded(f), columns(t), texts(t.Key), f.Rows)
	}
	s.say("%s", `\else
DO $$ BEGIN
	RAISE EXCEPTION 'the phase inserted rows, and taking them out could cascade to rows of others: run this as a superuser, or as a role that may set session_replication_role';
END $$;
\endif
`)
}

// old gives the commands that put changed rows back.
func (s *sql) old() string {
	var out strings.Builder
	for _, t := range s.m.Tables {
		if f, ok := t.Streams[Old]; ok {
			fmt.Fprintf(&out, "SELECT pg_temp.put_old(%s, '%s', '%s', %s, %s, %d);\n",
				regclass(t), loaded(f), loaded(t.Streams[New]), columns(t), texts(t.Key), f.Rows)
		}
	}
	return out.String()
}

// tables are those with rows of one of two parts, as an array.
func (s *sql) tables(one, other Part) string {
	var out []string
	for _, t := range s.m.Tables {
		if t.Streams[one].Rows > 0 || t.Streams[other].Rows > 0 {
			out = append(out, regclass(t))
		}
	}
	return "ARRAY[" + strings.Join(out, ", ") + "]::regclass[]"
}

// loaded is the temporary table with a file's rows: old_2 for 2.old.gz.
func loaded(f Stream) string {
	name := strings.Split(f.File, ".")
	return strings.Replace(name[1], "dat", string(Gone), 1) + "_" + name[0]
}

func regclass(t Table) string { return literal(t.quoted()) + "::regclass" }

func columns(t Table) string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return texts(names)
}

// texts is an array.
func texts(all []string) string {
	quoted := make([]string, 0, len(all))
	for _, text := range all {
		quoted = append(quoted, literal(text))
	}
	return "ARRAY[" + strings.Join(quoted, ", ") + "]::text[]"
}
