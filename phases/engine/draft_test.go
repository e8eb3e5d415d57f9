package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db"
	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/engine"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// A runbook drafted for each of the awkward schemas is one that lint finds
// nothing grave in, and that goes through as it stands: what was to be cleared
// is empty, what was to be protected is as it was. As a rehearsal, it then puts all
// of it back, and every table has the rows that it had.
func TestDraftsGoThrough(t *testing.T) {
	files, err := filepath.Glob("../../testdata/schemas/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			drafted(t, string(src))
		})
	}
}

func drafted(t *testing.T, sql string) {
	r := newRig(t, "SELECT 1", smallBook)
	role := header(sql, "role")
	if role != nil { // of this database alone: roles are the whole server's
		sql = strings.ReplaceAll(sql, role[0], role[0]+"_"+r.conn.Config().Database)
		role = header(sql, "role")
	}
	r.exec(sql)
	owner := r.dsn
	if role != nil {
		r.dsn += " user=" + role[0]
		r.granted(sql)
	}
	wish := draft.Wish{Clear: header(sql, "clear"), Protect: header(sql, "protect")}
	for _, f := range r.drafted(wish) {
		if f.Severity == phases.SeverityError {
			t.Errorf("%s: %s", f.Code, f.Text)
		}
	}
	r.opened.Source, r.opened.SHA256, r.opened.Unattended = r.source, engine.SHA256([]byte(r.source)), true
	r.opened.Environment, r.opened.TryUndo = phases.Rehearsal, true
	r.opened.Capsule = &phases.CapsulePlace{Folder: r.path + ".capsule"}
	before := r.contents()
	r.open(engine.Settings{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	end := r.state()
	if end.Outcome != phases.Completed {
		t.Fatalf("the run is %s\n%s\n%s", end.Outcome, r.log(), r.source)
	}
	for _, p := range end.Phases {
		for _, v := range p.Verified {
			if !v.Pass {
				t.Errorf("%s: %s %s: %s", p.Plan.ID, v.Kind, v.Name, v.Got)
			}
		}
	}
	for _, table := range wish.Clear {
		if !emptied(end, r.book.TableName(r.book.SplitTable(table))) {
			t.Errorf("nobody found that %s was empty", table)
		}
	}
	trial := end.UndoTrial
	switch {
	case trial != nil && trial.Result != nil && trial.Result.Lacks() == "":
	case role != nil && trial != nil && trial.Result != nil && regexp.MustCompile("connect as (the|its) owner").MatchString(trial.Result.Lacks()):
		r.undoAs(owner, end) // the role may delete, and may not write what it deleted
	default:
		t.Errorf("the undo is not proven: %+v\n%s\n%s", trial, r.log(), r.source)
	}
	after := r.contents()
	for table, was := range before {
		if now := after[table]; now != was {
			t.Errorf("%s is not as it was: %.300s\nwas %.300s", table, now, was)
		}
	}
}

// undoAs puts back what a run took, as another role.
func (r *rig) undoAs(dsn string, s *phases.State) {
	r.t.Helper()
	target, err := db.Open(r.t.Context(), db.Config{DSN: dsn, Operator: r.opened.Operator, Runbook: r.book})
	if err != nil {
		r.t.Fatal(err)
	}
	defer target.Close()
	for _, p := range s.Undoable() {
		if _, err := target.PutBack(r.t.Context(), runbook.Step{PutBack: s.CapsulePath(p), SHA256: p.Capsule.SHA256}, nil); err != nil {
			r.t.Fatal(err)
		}
	}
}

// emptied reports whether a run has verified that a table was empty.
func emptied(s *phases.State, table string) bool {
	for _, p := range s.Phases {
		for _, v := range p.Verified {
			if v.Kind == phases.VerifyZero && v.Name == table && v.Pass {
				return true
			}
		}
	}
	return false
}

// contents are the rows of every table that is not the server's or the program's.
func (r *rig) contents() map[string]string {
	r.t.Helper()
	rows, err := r.conn.Query(r.t.Context(), `SELECT c.oid::regclass::text, coalesce((xpath('//c/text()', query_to_xml(
			format('SELECT string_agg(x::text, chr(10) ORDER BY x::text) AS c FROM ONLY %s x', c.oid::regclass), false, true, '')))[1]::text, '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'tminus')`)
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	var table, content string
	if _, err := pgx.ForEachRow(rows, []any{&table, &content}, func() error {
		out[table] = content
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// drafted has the rig run what follows from a wish, and gives what lint finds in
// it, all as the rig's role sees it.
func (r *rig) drafted(wish draft.Wish) []phases.Finding {
	r.t.Helper()
	s, err := db.ReadSchema(r.t.Context(), db.Config{DSN: r.dsn})
	if err != nil {
		r.t.Fatal(err)
	}
	d, err := draft.New(s, wish)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.source, err = d.Source("Drafted"); err != nil {
		r.t.Fatal(err)
	}
	if r.book, err = runbook.Parse("draft.yaml", []byte(r.source)); err != nil {
		r.t.Fatalf("%v\n%s", err, r.source)
	}
	return lint.New(r.book, s).Findings()
}

// granted gives the rig's role what lint says it lacks: all of it is said at
// once, by statements that can be carried out as they stand.
func (r *rig) granted(sql string) {
	r.t.Helper()
	before := 0
	for _, f := range r.drafted(draft.Wish{Clear: header(sql, "clear"), Protect: header(sql, "protect")}) {
		switch f.Code {
		case "right-missing", "rows-hidden", "server-blind":
			r.exec(f.Remedy)
			before++
		}
	}
	if before == 0 {
		r.t.Error("lint finds nothing that the role lacks")
	}
}

// header is what a schema's file says of itself: the tables to be cleared, those
// to be protected, and the role that lacks something.
func header(sql, key string) []string {
	m := regexp.MustCompile(`(?m)^-- ` + key + `: (.*)$`).FindStringSubmatch(sql)
	if m == nil {
		return nil
	}
	return strings.Split(m[1], ", ")
}
