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
	r := newRig(t, sql, smallBook)
	s, err := db.ReadSchema(t.Context(), db.Config{DSN: r.dsn})
	if err != nil {
		t.Fatal(err)
	}
	wish := draft.Wish{Clear: header(sql, "clear"), Protect: header(sql, "protect")}
	d, err := draft.New(s, wish)
	if err != nil {
		t.Fatal(err)
	}
	if r.source, err = d.Source("Drafted"); err != nil {
		t.Fatal(err)
	}
	if r.book, err = runbook.Parse("draft.yaml", []byte(r.source)); err != nil {
		t.Fatalf("%v\n%s", err, r.source)
	}
	for _, f := range lint.New(r.book, s).Findings() {
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

// header are the tables that a schema's file wants cleared, or protected.
func header(sql, key string) []string {
	m := regexp.MustCompile(`(?m)^-- ` + key + `: (.*)$`).FindStringSubmatch(sql)
	if m == nil {
		return nil
	}
	return strings.Split(m[1], ", ")
}
