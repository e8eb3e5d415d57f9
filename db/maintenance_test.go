package db

import (
	"context"
	"testing"
	"time"

	"tminus/phases/runbook"
	"tminus/phases/step"
)

// What package step declares, this package does, and nothing else.
func TestEveryWayAndMaintenanceIsDone(t *testing.T) {
	for _, w := range step.Ways {
		if ways[w.Name] == nil {
			t.Errorf("nothing here deletes by the way %s", w.Name)
		}
	}
	for _, m := range step.Maintenances {
		if maintenances[m.Name] == nil {
			t.Errorf("nothing here does the maintenance %s", m.Name)
		}
	}
	if len(ways) != len(step.Ways) || len(maintenances) != len(step.Maintenances) {
		t.Errorf("%d ways of %d, %d maintenances of %d", len(ways), len(step.Ways), len(maintenances), len(step.Maintenances))
	}
}

// VACUUM passes over what the role may not, and the server calls that a success.
func TestVacuumThatSkipsIsNotDone(t *testing.T) {
	dsn := database(t, `CREATE TABLE t (id int); CREATE ROLE weak LOGIN; GRANT SELECT, DELETE ON t TO weak`)
	dropRole(t, dsn, "weak")
	err := open(t, asUser(t, dsn, "weak"), book("t")).Maintain(limited(t), runbook.Maintenance{Kind: "vacuum", Tables: []string{"t"}})
	wantError(t, err, "the server warns: ")
}

// The session is a phase's again afterwards, also when it was cut off.
func TestMaintenanceLeavesTheSessionAsItWas(t *testing.T) {
	dsn := database(t, `CREATE TABLE t (id int); CREATE SCHEMA shop; CREATE TABLE shop.u (id int)`)
	target, other := open(t, dsn, book("t", "shop.u")), connect(t, dsn)
	setting := func() (path, wait string) {
		err := target.phase.with(limited(t), func(s *session) error {
			return s.QueryRow(t.Context(), `SELECT current_setting('search_path'), current_setting('lock_timeout')`).Scan(&path, &wait)
		})
		if err != nil {
			t.Fatal(err)
		}
		return path, wait
	}
	path, wait := setting()
	for _, m := range []runbook.Maintenance{
		{Kind: "vacuum", Tables: []string{"t", "shop.u"}},
		{Kind: "index", SQL: "CREATE INDEX CONCURRENTLY i ON t (id)"},
		{Kind: "index", SQL: "DROP INDEX CONCURRENTLY i"},
	} {
		if err := target.Maintain(limited(t), m); err != nil {
			t.Error(err)
		}
	}
	wantError(t, target.Maintain(limited(t), runbook.Maintenance{Kind: "index", SQL: "DROP INDEX CONCURRENTLY i"}), "does not exist")
	wantError(t, target.Maintain(limited(t), runbook.Maintenance{Kind: "vacuum", Tables: []string{"gone"}}), "does not exist")
	exec(t, other, `BEGIN; LOCK TABLE t`)
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := target.Maintain(short, runbook.Maintenance{Kind: "vacuum", Tables: []string{"t"}}); err == nil {
		t.Error("VACUUM did not wait for the lock")
	}
	exec(t, other, `ROLLBACK`)
	if p, w := setting(); p != path || w != wait {
		t.Errorf("search_path %q and lock_timeout %q, were %q and %q", p, w, path, wait)
	}
}
