package catalog_test

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/db/catalog"
	"tminus/phases/draft"
	"tminus/phases/lint"
	"tminus/phases/schema"
)

// tangled is a schema of a few tables with keys of every kind between them, and
// rows that use most of them; the same for the same seed.
func tangled(r *rand.Rand) (sql string, tables []string) {
	var b, keys strings.Builder
	for i := range 3 + r.Intn(5) {
		tables = append(tables, fmt.Sprintf("t%d", i))
		fmt.Fprintf(&b, "CREATE TABLE t%d (id int PRIMARY KEY); INSERT INTO t%d SELECT generate_series(1, 6);\n", i, i)
	}
	actions := []string{"", "", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE CASCADE", "ON DELETE SET NULL"}
	for i := range len(tables) + r.Intn(len(tables)) {
		from, to, action := tables[r.Intn(len(tables))], tables[r.Intn(len(tables))], actions[r.Intn(len(actions))]
		null, deferred := "CASE WHEN random() < 0.7 THEN 1 + floor(random() * 6) END", ""
		if r.Intn(9) == 0 && action == "" {
			deferred = "DEFERRABLE INITIALLY DEFERRED"
		}
		if r.Intn(9) < 4 {
			null = "1 + floor(random() * 6)"
		}
		fmt.Fprintf(&b, "ALTER TABLE %s ADD k%d int; UPDATE %s SET k%d = %s;\n", from, i, from, i, null)
		if !strings.HasPrefix(null, "CASE") {
			fmt.Fprintf(&b, "ALTER TABLE %s ALTER k%d SET NOT NULL;\n", from, i)
		}
		fmt.Fprintf(&keys, "ALTER TABLE %s ADD CONSTRAINT %s_k%d_%s FOREIGN KEY (k%d) REFERENCES %s %s %s;\n", from, from, i, to, i, to, action, deferred)
	}
	return fmt.Sprintf("SELECT setseed(%f);\n%s%s", r.Float64(), b.String(), keys.String()), tables
}

// PostgreSQL is the judge: nothing refuses what a draft does, in its order; and
// nothing refuses a runbook that lint finds nothing in.
func TestNothingRefusesADraft(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	drafted, clean := 0, 0
	for seed := range int64(120) {
		r := rand.New(rand.NewSource(seed))
		sql, tables := tangled(r)
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		s, err := catalog.Read(t.Context(), tx, "")
		if err != nil {
			t.Fatal(err)
		}
		if d, err := draft.New(s, draft.Wish{Clear: tables[:1+r.Intn(2)]}); err == nil {
			drafted++
			if err := carriedOut(t.Context(), tx, s, d.Nullify, d.Clear); err != nil {
				t.Errorf("seed %d: %v\n%s", seed, err, sql)
			}
		}
		r.Shuffle(len(tables), func(i, j int) { tables[i], tables[j] = tables[j], tables[i] })
		tables = tables[:1+r.Intn(3)]
		v := lint.New(parse(t, "tminus: 1\ntitle: T\n"+deletes(tables...)), s)
		if !refused(v) {
			clean++
			if err := carriedOut(t.Context(), tx, s, nil, v.Deleted()); err != nil {
				t.Errorf("seed %d: lint says nothing of %q: %v\n%s", seed, tables, err, sql)
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if drafted < 60 || clean < 15 {
		t.Errorf("only %d schemas were drafted for, and of %d runbooks lint found nothing", drafted, clean)
	}
}

// refused reports whether lint says that something refuses a delete, or may.
func refused(v *lint.View) bool {
	for _, f := range v.Findings() {
		if strings.HasPrefix(f.Code, "key-") || strings.HasPrefix(f.Code, "null-") {
			return true
		}
	}
	return false
}

// carriedOut takes references away and deletes, and takes that back.
func carriedOut(ctx context.Context, tx pgx.Tx, s *schema.Schema, nullify []*schema.Key, clear []*schema.Relation) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = inner.Rollback(ctx) }()
	var sql []string
	for _, k := range nullify {
		sql = append(sql, s.Nullify(k))
	}
	for _, r := range clear {
		sql = append(sql, "DELETE FROM "+r.Name)
	}
	for _, one := range append(sql, "SET CONSTRAINTS ALL IMMEDIATE") {
		if _, err := inner.Exec(ctx, one); err != nil {
			return fmt.Errorf("%s: %w", one, err)
		}
	}
	return nil
}
