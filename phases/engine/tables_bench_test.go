package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tminus/db"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// BenchmarkManyTables drafts, lints and runs a reset of 2,000 tables that 5,000
// keys connect.
func BenchmarkManyTables(b *testing.B) {
	dsn := sandbox.ForTest(b).NewDatabase(b)
	script(b, dsn, manyTables(2000))
	began := time.Now()
	s, err := db.ReadSchema(b.Context(), db.Config{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	read := time.Since(began)
	d, err := draft.New(s, draft.Wish{Clear: []string{"hub"}})
	if err != nil {
		b.Fatal(err)
	}
	source, err := d.Source("Many tables")
	if err != nil {
		b.Fatal(err)
	}
	drafted := time.Since(began)
	book, err := runbook.Parse("many.yaml", []byte(source))
	if err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	found := lint.New(book, s).Findings()
	linted := time.Since(began)
	began = time.Now()
	state := unattended(b, dsn, source)
	b.Logf("%d tables, %d keys: read in %s, drafted after %s; linted in %s, %d findings; %d phases run in %s", len(s.Relations), len(s.Keys),
		read.Round(time.Millisecond), drafted.Round(time.Millisecond), linted.Round(time.Millisecond), len(found), len(state.Phases), time.Since(began).Round(time.Millisecond))
}

// BenchmarkSmallTables deletes from 400 small tables in one phase, and by the
// same statements as psql sends them.
func BenchmarkSmallTables(b *testing.B) {
	const tables = 400
	server := sandbox.ForTest(b)
	if err := server.CreateDatabase(b.Context(), "small_tables", ""); err != nil {
		b.Fatal(err)
	}
	var schema, deletes strings.Builder
	var names []string
	for i := range tables {
		fmt.Fprintf(&schema, "CREATE TABLE t%d (id int PRIMARY KEY, note text); INSERT INTO t%d SELECT g, 'row ' || g FROM generate_series(1, 20) g;\n", i, i)
		fmt.Fprintf(&deletes, "DELETE FROM t%d;\n", i)
		names = append(names, fmt.Sprintf("t%d", i))
	}
	script(b, server.DSN("small_tables"), schema.String()+"ANALYZE;")
	source := "tminus: 1\ntitle: Small\nphases:\n  - {id: count, title: Count, planned: 1m, count: [t0]}\n  - {id: clear, title: Clear, risk: high, planned: 1m, delete: [" + strings.Join(names, ", ") + "]}\n"
	for b.Loop() {
		state := unattended(b, server.CloneDatabase(b, "small_tables"), source)
		conn, err := pgx.Connect(b.Context(), server.CloneDatabase(b, "small_tables"))
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		for _, sql := range strings.Split("BEGIN;\n"+deletes.String()+"COMMIT", ";\n") { // one exchange each, as psql has it
			if _, err := conn.Exec(b.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				b.Fatal(err)
			}
		}
		alone := time.Since(began)
		conn.Close(context.Background())
		b.ReportMetric(state.Phases[1].Took.Seconds(), "s-phase")
		b.ReportMetric(alone.Seconds(), "s-psql")
		b.ReportMetric(state.Phases[1].Took.Seconds()/alone.Seconds(), "ratio")
	}
}

func script(b *testing.B, dsn, sql string) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		b.Fatal(err)
	}
}

// manyTables is a schema in which each table refers to some of those before it,
// by keys of every action, some of them without an index.
func manyTables(n int) string {
	dice := rand.New(rand.NewPCG(1, 2))
	actions := []string{"ON DELETE CASCADE", "ON DELETE CASCADE", "ON DELETE SET NULL", "", ""}
	var out strings.Builder
	out.WriteString("CREATE TABLE hub (id int PRIMARY KEY); INSERT INTO hub SELECT generate_series(1, 50);\n")
	for i := 1; i < n; i++ {
		columns, inserts, selects, indexes := "id int PRIMARY KEY", "id", "g", ""
		for k := range 1 + dice.IntN(4) {
			to, null, action := "hub", "", actions[dice.IntN(len(actions))]
			if j := max(0, i-300) + dice.IntN(min(i, 300)); j > 0 {
				to = fmt.Sprintf("t%d", j)
			}
			if action != "ON DELETE SET NULL" && dice.IntN(2) == 0 {
				null = " NOT NULL"
			}
			columns += fmt.Sprintf(", r%d int%s REFERENCES %s %s", k, null, to, action)
			inserts, selects = inserts+fmt.Sprintf(", r%d", k), selects+fmt.Sprintf(", 1 + g * %d %% 20", k+3)
			if dice.IntN(10) < 7 {
				indexes += fmt.Sprintf("CREATE INDEX ON t%d (r%d); ", i, k)
			}
		}
		fmt.Fprintf(&out, "CREATE TABLE t%d (%s); INSERT INTO t%d (%s) SELECT %s FROM generate_series(1, 50) g; %s\n", i, columns, i, inserts, selects, indexes)
	}
	return out.String() + "ANALYZE;"
}

// unattended runs a runbook to its end.
func unattended(b *testing.B, dsn, source string, with ...func(*phases.RunOpened)) *phases.State {
	b.Helper()
	book, err := runbook.Parse("bench.yaml", []byte(source))
	if err != nil {
		b.Fatal(err)
	}
	opened := phases.RunOpened{
		RunID: engine.NewRunID(time.Now()), File: "bench.yaml", Source: source, SHA256: engine.SHA256([]byte(source)),
		Environment: phases.Demo, Operator: phases.Operator{Name: "dba", Host: "here"}, PlannedT0: time.Now(), Unattended: true,
	}
	for _, more := range with {
		more(&opened)
	}
	target, err := db.Open(b.Context(), db.Config{DSN: dsn, Operator: opened.Operator, Runbook: book})
	if err != nil {
		b.Fatal(err)
	}
	defer target.Close()
	if opened.Target, err = target.Identity(b.Context()); err != nil {
		b.Fatal(err)
	}
	w, err := journal.Create(filepath.Join(b.TempDir(), "run.journal"))
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	e, err := engine.Open(target, w, opened, engine.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
	var end *phases.State
	e.View(func(s *phases.State) {
		if s.Outcome != phases.Completed {
			b.Fatalf("the run is %q: %s", s.Outcome, s.Reason)
		}
		end = s // nothing changes it any more
	})
	return end
}
