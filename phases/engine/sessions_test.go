package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

const quietBook = `
tminus: 1
title: quiet
checklist:
  - id: before
    title: Before
    items:
      - {id: alone, text: Nobody but the keeper is connected, check: {database: database.connections, max: 1, every: 1h, remedy: Stop the rest.}}
      - {id: quiet, text: No transaction is open, check: {database: database.transactions, every: 1h, remedy: Wait for it.}}
phases:
  - {id: clear, title: Clear, risk: high, planned: 1m, steps: [{delete: parent}]}
`

// Whom a check finds in the way before the gate can be ended, one by one, and nobody
// else: the checks that rest on it answer anew at once, long before their time.
func TestSessionsInTheWayAreEndedBeforeTheGate(t *testing.T) {
	r := newRig(t, smallSchema, quietBook)
	ctx := t.Context()
	shop, err := pgx.Connect(ctx, r.dsn+" application_name=webshop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shop.Close(context.Background()) })
	if _, err := shop.Exec(ctx, `BEGIN`); err != nil {
		t.Fatal(err)
	}
	r.open(engine.Settings{})
	var alone, quiet []phases.Blocker
	named := func(s *phases.State) bool {
		a, q := s.Item("alone").Check, s.Item("quiet").Check
		if a == nil || q == nil {
			return false
		}
		alone, quiet = a.InTheWay, q.InTheWay
		return true
	}
	r.until("both are found", func(s *phases.State) bool { return named(s) && len(alone) == 2 && len(quiet) == 1 })
	b := quiet[0]
	if b.PID != shop.PgConn().PID() || b.Application != "webshop" || b.State != "idle in transaction" || b.Since.IsZero() || b.BackendStart.IsZero() || b.Query != "" {
		t.Errorf("named is %+v", b)
	}
	var own uint32
	if err := r.conn.QueryRow(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tminus %' LIMIT 1`).Scan(&own); err != nil {
		t.Fatal(err)
	}
	r.refused(phases.EndBackend{PID: own, Terminate: true}, "in the way of no phase and of no check")
	r.refused(phases.EndBackend{PID: b.PID, BackendStart: b.BackendStart.Add(1), Terminate: true}, "in the way of no phase and of no check")
	r.do(phases.EndBackend{PID: b.PID, BackendStart: b.BackendStart, Terminate: true})
	r.until("both pass", func(s *phases.State) bool {
		return named(s) && s.Item("alone").Check.Pass && s.Item("quiet").Check.Pass
	})
	if alone != nil || quiet != nil {
		t.Errorf("a check that passes names %v and %v", alone, quiet)
	}
	if err := shop.Ping(ctx); err == nil {
		t.Error("the session lives")
	}
	if err := r.conn.Ping(ctx); err != nil {
		t.Errorf("another session was ended: %v", err)
	}
	recs, err := journal.Read(r.path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, rec := range recs {
		found = found || rec.Kind == phases.CheckAnswered{}.Kind() && strings.Contains(string(rec.Data), `"in_the_way":[{"pid":`)
	}
	if !found {
		t.Error("the journal does not say who was in the way")
	}
}
