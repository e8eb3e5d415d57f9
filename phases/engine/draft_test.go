package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tminus/db"
	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/engine"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// A runbook drafted for each of the awkward schemas is one that lint finds
// nothing grave in, and that goes through as it stands: what was to be cleared
// is empty, what was to be protected is as it was.
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
	var left int
	for _, table := range wish.Clear {
		if err := r.conn.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&left); err != nil || left != 0 {
			t.Errorf("%s still holds %d rows (%v)", table, left, err)
		}
	}
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
