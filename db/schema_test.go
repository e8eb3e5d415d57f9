package db

import (
	"slices"
	"testing"

	"tminus/phases"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// codesFound are the kinds of findings that lint has for a runbook.
func codesFound(t *testing.T, dsn string, b *runbook.Runbook) []string {
	t.Helper()
	s, err := ReadSchema(limited(t), Config{DSN: dsn, Operator: operator, Runbook: b})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range lint.New(b, s).Findings() {
		if f.Severity != phases.SeverityNote && f.Code != "server-forgetful" && f.Code != "server-blind" {
			out = append(out, f.Code)
		}
	}
	return out
}

func TestLintSaysWhatSessionsLack(t *testing.T) {
	dsn, admin := narrow(t, "few_sessions")
	conn := connect(t, admin)
	for _, c := range []struct {
		sql    string
		others int
		want   []string
	}{
		{`ALTER ROLE few_sessions CONNECTION LIMIT 9`, 0, nil},
		{`ALTER ROLE few_sessions CONNECTION LIMIT 8`, 0, []string{"sessions-few"}},
		{`ALTER ROLE few_sessions CONNECTION LIMIT 10`, 2, []string{"sessions-taken"}},
	} {
		exec(t, conn, c.sql)
		for range c.others {
			connect(t, dsn)
		}
		if got := codesFound(t, dsn, book("t")); !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q", c.sql, got, c.want)
		}
	}
}

// Through a pooler a schema can be read, and lint says that a run cannot begin.
func TestLintSaysThatAPoolerIsInTheWay(t *testing.T) {
	server, err := tcpServer()
	if err != nil {
		t.Fatal(err)
	}
	direct := server.NewDatabase(t)
	exec(t, connect(t, direct), `CREATE TABLE t (id int)`)
	for mode, want := range map[string][]string{"transaction": {"server-pooler"}, "session": nil} {
		if got := codesFound(t, pgbouncer(t, mode, databaseName(t, direct)), book("t")); !slices.Equal(got, want) {
			t.Errorf("in %s mode found %q, want %q", mode, got, want)
		}
	}
}
