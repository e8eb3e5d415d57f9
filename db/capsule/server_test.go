package capsule_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/capsule"
	"tminus/db/sandbox"
)

func TestMain(m *testing.M) { os.Exit(sandbox.Main(m)) }

// client gives a client program of the server's.
func client(t *testing.T, s *sandbox.Server, name string) string {
	t.Helper()
	s.ClientsForTest(t)
	path := filepath.Join(s.BinDir(), name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on this machine", name)
	}
	return path
}

// call runs a program in a folder, and gives what it says.
func call(t *testing.T, dir, path string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func do(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

// quote is a name for SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// rows are a table's, as COPY text, in the order of their first column.
func rows(t *testing.T, c *pgx.Conn, table capsule.Table) []string {
	t.Helper()
	var names []string
	for _, col := range table.Columns {
		names = append(names, quote(col.Name))
	}
	var out bytes.Buffer
	order := " ORDER BY 1"
	if len(names) == 0 {
		order = ""
	}
	sql := "COPY (SELECT " + strings.Join(names, ", ") + " FROM ONLY " + quote(table.Schema) + "." + quote(table.Name) + order + ") TO STDOUT"
	if _, err := c.PgConn().CopyTo(t.Context(), &out, sql); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(out.String()))
}

// held are the rows of all tables, by table.
func held(t *testing.T, c *pgx.Conn, tables []capsule.Table) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, table := range tables {
		out[table.Name] = rows(t, c, table)
	}
	return out
}

// differ makes the parts of two states of a table, whose key is its first column.
func differ(table capsule.Table, before, after []string) texts {
	out := map[capsule.Part][]string{}
	was, is := byKey(table, before), byKey(table, after)
	for _, key := range slices.Sorted(maps.Keys(was)) {
		switch now := is[key]; {
		case len(now) == 0:
			out[capsule.Gone] = append(out[capsule.Gone], was[key]...)
		case len(table.Key) == 0: // as many as there are more of
			out[capsule.Gone] = append(out[capsule.Gone], was[key][min(len(was[key]), len(now)):]...)
		case now[0] != was[key][0]:
			out[capsule.Old] = append(out[capsule.Old], was[key][0])
			out[capsule.New] = append(out[capsule.New], now[0])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if n := len(was[key]); n < len(is[key]) {
			out[capsule.Added] = append(out[capsule.Added], is[key][n:]...)
		}
	}
	parts := texts{}
	for part, lines := range out {
		parts[part] = strings.Join(lines, "")
	}
	return parts
}

func byKey(table capsule.Table, lines []string) map[string][]string {
	out := map[string][]string{}
	for _, l := range lines {
		key := l
		if len(table.Key) > 0 {
			key, _, _ = strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		}
		out[key] = append(out[key], l)
	}
	return out
}

// phase runs statements, and writes what they took and put to a capsule. It gives
// what was there before, too.
func phase(t *testing.T, c *pgx.Conn, m capsule.Manifest, tables []capsule.Table, sql string, recipients ...string) (dir string, before map[string][]string) {
	t.Helper()
	before = held(t, c, tables)
	do(t, c, sql)
	after := held(t, c, tables)
	var parts []texts
	for _, table := range tables {
		parts = append(parts, differ(table, before[table.Name], after[table.Name]))
	}
	dir, _ = write(t, m, tables, parts, recipients...)
	return dir, before
}

// equal compares all that tables hold.
func equal(t *testing.T, got, want map[string][]string) {
	t.Helper()
	for name, lines := range want {
		if !slices.Equal(got[name], lines) {
			t.Errorf("%q holds\n%q, want\n%q", name, got[name], lines)
		}
	}
}

// table describes one for a test: columns are name and type, the first the key where
// keyed.
func table(schema, name string, keyed bool, columns ...string) capsule.Table {
	out := capsule.Table{Schema: schema, Name: name, Called: name}
	for _, c := range columns {
		out.Columns = append(out.Columns, capsule.Column{Name: c, Type: "text"})
	}
	if keyed {
		out.Key = columns[:1]
	}
	return out
}
