package db

import (
	"errors"
	"testing"

	"tminus/phases/engine"
)

// spoilers change a ledger so that a row in it proves nothing. Each says why
// WriteLedger refuses, and, where the row itself shows it, why that does.
var spoilers = []struct{ name, sql, refused, shown string }{
	{"a trigger that swallows", ledgerTrigger("BEFORE", "RETURN NULL"), "triggers or rules", "instead of INSERT 0 1"},
	{"a trigger that changes the nonce", ledgerTrigger("BEFORE", "NEW.nonce := 'mine'; RETURN NEW"), "triggers or rules", "or another nonce"},
	{"a trigger that changes the attempt", ledgerTrigger("BEFORE", "NEW.attempt := 7; RETURN NEW"), "triggers or rules", "attempt 7"},
	{"a trigger that deletes", ledgerTrigger("AFTER", "DELETE FROM tminus.ledger; RETURN NULL"), "triggers or rules", "is not there"},
	{"a rule that does nothing", `CREATE RULE r AS ON INSERT TO tminus.ledger DO INSTEAD NOTHING`, "triggers or rules", "instead of INSERT 0 1"},
	{"row security that refuses", `CREATE POLICY p ON tminus.ledger FOR SELECT USING (true); ALTER TABLE tminus.ledger ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, "row-level security", "row-level security"},
	{"row security that hides", `CREATE POLICY r ON tminus.ledger FOR SELECT USING (false); CREATE POLICY w ON tminus.ledger FOR INSERT WITH CHECK (true); ALTER TABLE tminus.ledger ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, "row-level security", "row-level security"},
	{"a view over it", `ALTER TABLE tminus.ledger RENAME TO kept; CREATE VIEW tminus.ledger AS SELECT * FROM tminus.kept`, "not an ordinary, logged table", ""},
	{"another table", `DROP TABLE tminus.ledger; CREATE TABLE tminus.ledger (run_id text, phase text)`, "primary key", "42703"},
	{"unlogged", `ALTER TABLE tminus.ledger SET UNLOGGED`, "not an ordinary, logged table", ""},
	{"dropped", `DROP TABLE tminus.ledger`, "there is no ledger", "42P01"},
	{"dropped with its schema", `DROP SCHEMA tminus CASCADE`, "there is no ledger", "42P01"},
}

func ledgerTrigger(when, body string) string {
	return `CREATE FUNCTION tminus.spoil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ` +
		body + `; END$$; CREATE TRIGGER spoil ` + when + ` INSERT ON tminus.ledger FOR EACH ROW EXECUTE FUNCTION tminus.spoil()`
}

// ledgerOwner gives a database to its owner, who is no superuser: row security holds for that one.
func ledgerOwner(t *testing.T) (dsn, admin string) {
	t.Helper()
	admin = database(t, `CREATE ROLE keeper LOGIN; CREATE TABLE t (id int); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO keeper`)
	exec(t, connect(t, admin), `ALTER DATABASE `+databaseName(t, admin)+` OWNER TO keeper`)
	dropRole(t, admin, "keeper")
	return asUser(t, admin, "keeper"), admin
}

func TestLedgerIsProvenInItsOwnTransaction(t *testing.T) {
	for _, c := range spoilers {
		t.Run(c.name, func(t *testing.T) {
			dsn, _ := ledgerOwner(t)
			target := open(t, dsn, book("t"))
			if err := target.Prepare(limited(t)); err != nil {
				t.Fatal(err)
			}
			x := begin(t, target).(*tx)
			exec(t, connect(t, dsn), c.sql)
			intent := intend(t, target, x)
			err := x.WriteLedger(limited(t), intent)
			wantError(t, err, c.refused)
			wantError(t, err, "nothing of it happened")
			if err := x.Rollback(limited(t)); err != nil {
				t.Fatal(err)
			}
			// The row itself shows it too, where nobody has looked before.
			x = begin(t, target).(*tx)
			err = x.insertLedger(limited(t), intent)
			if c.shown == "" {
				if err != nil {
					t.Errorf("the row: %v", err)
				}
				return
			}
			wantError(t, err, c.shown)
		})
	}
}

// Once the row is written, nobody changes the ledger before the phase has ended.
func TestLedgerStaysAsItWasExamined(t *testing.T) {
	dsn := database(t, bulk)
	target := open(t, dsn, book("t"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	if err := x.WriteLedger(limited(t), intend(t, target, x)); err != nil {
		t.Fatal(err)
	}
	other := connect(t, dsn)
	exec(t, other, `SET lock_timeout = '50ms'; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM tminus.ledger; RETURN NULL; END'`)
	_, err := other.Exec(limited(t), `CREATE TRIGGER late AFTER INSERT ON tminus.ledger EXECUTE FUNCTION f()`)
	wantError(t, err, "55P03")
	if r := x.Commit(limited(t)); r.Outcome != engine.Committed {
		t.Fatal(r)
	}
	rows, err := target.LedgerRows(limited(t), "run-1")
	if err != nil || len(rows) != 1 {
		t.Errorf("the ledger has %+v, %v", rows, err)
	}
}

// Somebody alters the ledger and does not end: the phase says so, and is not
// kept waiting.
func TestLedgerThatIsLockedIsNotWaitedForLong(t *testing.T) {
	dsn := database(t, bulk)
	target := open(t, dsn, book("t"))
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	x := begin(t, target)
	intent := intend(t, target, x)
	exec(t, connect(t, dsn), `BEGIN; LOCK TABLE tminus.ledger`)
	wantError(t, x.WriteLedger(limited(t), intent), "another session holds a lock on it")
}

func TestLedgerRows(t *testing.T) {
	dsn, admin := ledgerOwner(t)
	exec(t, connect(t, admin), `CREATE ROLE reader LOGIN`)
	dropRole(t, admin, "reader")
	target := open(t, dsn, book("t"))
	if _, err := target.LedgerRows(limited(t), "run-1"); !errors.Is(err, engine.ErrNoLedger) {
		t.Errorf("without a schema: %v", err)
	}
	if err := target.Prepare(limited(t)); err != nil {
		t.Fatal(err)
	}
	if rows, err := target.LedgerRows(limited(t), "run-1"); err != nil || len(rows) != 0 {
		t.Errorf("before the first phase: %+v, %v", rows, err)
	}
	x := begin(t, target)
	intent := intend(t, target, x)
	if err := x.WriteLedger(limited(t), intent); err != nil {
		t.Fatal(err)
	}
	if rows, err := target.LedgerRows(limited(t), "run-1"); err != nil || len(rows) != 0 {
		t.Errorf("before COMMIT: %+v, %v", rows, err)
	}
	if r := x.Commit(limited(t)); r.Outcome != engine.Committed {
		t.Fatal(r)
	}
	rows, err := target.LedgerRows(limited(t), "run-1")
	if err != nil || len(rows) != 1 {
		t.Fatalf("after COMMIT: %+v, %v", rows, err)
	}
	if r := rows[0]; r.Phase != "phase-1" || r.Attempt != 1 || r.Nonce != intent.Nonce || r.Xid != intent.Tx.Xid || r.WrittenAt.IsZero() {
		t.Errorf("the row is %+v, of %+v", r, intent)
	}
	if rows, err := target.LedgerRows(limited(t), "run-2"); err != nil || len(rows) != 0 {
		t.Errorf("of another run: %+v, %v", rows, err)
	}
	reader := open(t, asUser(t, admin, "reader"), book("t"))
	if _, err := reader.LedgerRows(limited(t), "run-1"); err == nil || errors.Is(err, engine.ErrNoLedger) {
		t.Errorf("without the rights: %v", err)
	}
	exec(t, connect(t, dsn), `DROP TABLE tminus.ledger`)
	if _, err := target.LedgerRows(limited(t), "run-1"); !errors.Is(err, engine.ErrNoLedger) {
		t.Errorf("dropped: %v", err)
	}
	without := book("t")
	without.Ledger = false
	if rows, err := open(t, dsn, without).LedgerRows(limited(t), "run-1"); err != nil || rows != nil {
		t.Errorf("ledger: none: %+v, %v", rows, err)
	}
}
