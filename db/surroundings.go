package db

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"tminus/phases/runbook"
)

// surroundings are the settings that decide what an SQL text means, and which text
// is made of a value: those of surroundingNames, in this order.
type surroundings []string

// surroundingNames begin with the search path.
var surroundingNames = []string{"search_path", "TimeZone", "DateStyle", "IntervalStyle", "lc_monetary", "transform_null_equals"}

// basePath is every session's search path: nothing but PostgreSQL's own.
const basePath = "pg_catalog, pg_temp"

// programs are every session's surroundings, in any database. Fingerprints, capsules
// and what is read of times rest on them.
var programs = surroundings{basePath, "UTC", "ISO, MDY", "postgres", "C", "off"}

// runbooks are those of the runbook's statements and conditions, and of what their
// triggers and functions do: what the role has by itself in this database, so that
// they do here what they do in psql.
func (s *session) runbooks(book *runbook.Runbook) surroundings {
	return append(surroundings{s.searchPath(book)}, s.own[1:]...)
}

// searchPath is theirs: PostgreSQL's own, the runbook's schema, and what the role
// has by itself.
func (s *session) searchPath(book *runbook.Runbook) string {
	path := "pg_catalog, " + pgx.Identifier{book.Schema}.Sanitize()
	if s.own[0] != "" {
		path += ", " + s.own[0]
	}
	return path + ", pg_temp"
}

// utc are the names of time zones that read no time otherwise.
var utc = []string{"UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"}

// styles are those of the role's own settings by which times are read otherwise than
// by the program's.
func (s *session) styles() []string {
	var out []string
	for i, name := range surroundingNames {
		own := s.own[i]
		if name == "TimeZone" && !slices.Contains(utc, own) || (name == "DateStyle" || name == "IntervalStyle") && own != programs[i] {
			out = append(out, clean(name+" "+own))
		}
	}
	return out
}

// asked is what the server reports of the styles before this program sets any, in the
// order of surroundingNames; empty where it reports nothing. Behind a pooler the server
// does not know them as what the connection asks for.
func (s *session) asked() surroundings {
	out := surroundings{""} // a search path is the role's
	for _, name := range surroundingNames[1:] {
		out = append(out, s.PgConn().ParameterStatus(name))
	}
	return out
}

// ownQuery gives what the settings $1 would be without this program: by the server,
// the database, the role, and what the connection asks the server for.
const ownQuery = `ARRAY(SELECT coalesce(s.reset_val, '') FROM ROWS FROM (unnest($1::text[])) WITH ORDINALITY AS w(name, at)
	JOIN pg_settings s USING (name) ORDER BY w.at)`

// surroundingItems are $1 with the values $2.
const surroundingItems = `ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS w(name, setting)`

// surround sets them to the transaction's end.
func (s *session) surround(ctx context.Context, by surroundings) error {
	_, err := s.Exec(ctx, `SELECT pg_catalog.set_config(name, setting, true) FROM `+surroundingItems, surroundingNames, []string(by))
	return err
}

// takeQuery tells what the surroundings are, sets others, and tells them as the
// server writes those.
const takeQuery = `SELECT pg_catalog.current_setting(name), pg_catalog.set_config(name, setting, true) FROM ` + surroundingItems

// takeSurroundings sets the runbook's surroundings for what the program asks: a
// trigger may have left a search path where pg_class is another table.
// leaveSurroundings gives that back to the runbook's next statement.
func (x *tx) takeSurroundings(ctx context.Context) error {
	rows, err := x.s.Query(ctx, takeQuery, surroundingNames, []string(x.s.runbooks(x.t.book)))
	if err != nil {
		return err
	}
	return x.took(rows)
}

// took reads the rows of takeQuery.
func (x *tx) took(rows pgx.Rows) error {
	var all surroundings
	differ := false
	var left, set string
	_, err := pgx.ForEachRow(rows, []any{&left, &set}, func() error {
		all = append(all, left)
		differ = differ || left != set
		return nil
	})
	if err == nil && differ {
		x.left = all
	}
	return err
}

func (x *tx) leaveSurroundings(ctx context.Context) error {
	if x.left == nil {
		return nil
	}
	left := x.left
	x.left = nil
	return x.s.surround(ctx, left)
}
