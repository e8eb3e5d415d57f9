package db

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// An address reaches what its connection string did, in another environment, and
// holds no secret.
func TestAddressOf(t *testing.T) {
	dir := t.TempDir()
	services := filepath.Join(dir, "services")
	if err := os.WriteFile(services, []byte("[night]\nhost=s1\nport=6000\ndbname=shop\nuser=dba\npassword=hunter2\nsslmode=disable\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dsn string
		env       map[string]string
		lacks     []string
	}{
		{"key=value", `host=h port=5433 dbname='the shop' user='d\'ba' password=hunter2 sslmode=require`, nil, []string{"password"}},
		{"escapes", `host=h dbname = the\ shop user=dba password='hun\'hunter2' sslmode=disable`, nil, []string{"password"}},
		{"URL", `postgres://dba:hunter2@h:5433/shop?sslmode=disable&search_path=a`, nil, []string{"password"}},
		{"several hosts", `postgresql://dba@a:1,b:2/shop?target_session_attrs=read-write&password=hunter2`, nil, []string{"password"}},
		{"socket", `host=/run/pg dbname=shop user=dba`, nil, nil},
		{"variables", ``, map[string]string{"PGHOST": "h", "PGPORT": "5433", "PGDATABASE": "shop", "PGUSER": "dba", "PGSSLMODE": "require", "PGPASSWORD": "hunter2"}, nil},
		{"service", `service=night`, map[string]string{"PGSERVICEFILE": services, "PGSSLMODE": "require"}, nil},
		{"service as a variable", `user=other`, map[string]string{"PGSERVICE": "night", "PGSERVICEFILE": services}, nil},
		{"options", `host=h dbname=shop user=dba options='-c role=owner'`, nil, nil},
		{"a secret in options", `host=h dbname=shop user=dba options='-c app.key=hunter2' other.key=hunter2`, nil, []string{"options", "other.key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE", "PGOPTIONS", "PGTARGETSESSIONATTRS"} {
				t.Setenv(name, c.env[name])
			}
			a, err := AddressOf(c.dsn)
			if err != nil {
				t.Fatal(err)
			}
			was, err := pgx.ParseConfig(c.dsn)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := json.Marshal(a); err != nil || strings.Contains(string(text), "hunter2") {
				t.Errorf("%s, %v", text, err)
			}
			if !slices.Equal(a.Lacks, c.lacks) {
				t.Errorf("lacks %q, want %q", a.Lacks, c.lacks)
			}
			for name := range c.env {
				t.Setenv(name, "")
			}
			t.Setenv("PGHOST", "elsewhere")
			t.Setenv("PGDATABASE", "elsewhere")
			is, err := pgx.ParseConfig(a.DSN())
			if err != nil {
				t.Fatalf("%s: %v", a.DSN(), err)
			}
			for _, name := range []string{"app.key", "other.key"} {
				delete(was.RuntimeParams, name)
			}
			if slices.Contains(c.lacks, "options") {
				delete(was.RuntimeParams, "options")
			}
			same := is.Host == was.Host && is.Port == was.Port && is.Database == was.Database && is.User == was.User &&
				(is.TLSConfig == nil) == (was.TLSConfig == nil) && len(is.Fallbacks) == len(was.Fallbacks) && reflect.DeepEqual(is.RuntimeParams, was.RuntimeParams)
			if !same {
				t.Errorf("%s reaches %s:%d %s as %s, %v; was %s:%d %s as %s, %v", a.DSN(), is.Host, is.Port, is.Database, is.User, is.RuntimeParams,
					was.Host, was.Port, was.Database, was.User, was.RuntimeParams)
			}
			for i := range is.Fallbacks {
				if is.Fallbacks[i].Host != was.Fallbacks[i].Host || is.Fallbacks[i].Port != was.Fallbacks[i].Port {
					t.Errorf("host %d is %+v, was %+v", i, is.Fallbacks[i], was.Fallbacks[i])
				}
			}
		})
	}
	if _, err := AddressOf("host=h password=hunter2 dbname"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("of none: %v", err)
	}
}
