package cli

import (
	"strings"
	"testing"

	"tminus/phases"
)

// Where a journal does not say how its database was reached, as those of earlier
// versions, the variables do, or what it knew of the server.
func TestReach(t *testing.T) {
	for _, name := range []string{"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"} {
		t.Setenv(name, "")
	}
	old := &phases.State{Target: phases.Identity{Host: "db1", Port: 5432, Database: "shop", User: "dba"}}
	if got := reach(old, ""); got.dsn != "host=db1 port=5432 dbname=shop user=dba" || !strings.Contains(got.trouble, "earlier version") || !strings.Contains(got.trouble, "--dsn") {
		t.Errorf("%+v", got)
	}
	if got := reach(old, "dbname=a"); got.dsn != "dbname=a" || got.trouble != "" {
		t.Errorf("named: %+v", got)
	}
	if got := reach(&phases.State{}, ""); got.dsn != "" || !strings.Contains(got.trouble, "does not say how") {
		t.Errorf("of nothing: %+v", got)
	}
	t.Setenv("PGHOST", "db2")
	if got := reach(old, ""); got.dsn != "" || !strings.Contains(got.trouble, "PG* variables") {
		t.Errorf("with variables: %+v", got)
	}
}
