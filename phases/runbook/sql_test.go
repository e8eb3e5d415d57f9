package runbook

import (
	"slices"
	"testing"
)

func TestStepsMayHoldOneHarmlessStatement(t *testing.T) {
	for _, src := range []string{
		"DELETE FROM a",
		"delete from a;",
		"DELETE FROM a; ;\n",
		"-- first\nDELETE FROM a /* all /* nested */ ; commit */",
		"UPDATE a SET b = 'it''s; COMMIT'",
		`UPDATE a SET b = E'it\'s; COMMIT'`,
		"UPDATE a SET b = $$; COMMIT$$",
		"UPDATE a SET b = $x$; $$ COMMIT$x$",
		`UPDATE "a;b" SET "c""; d" = 1`,
		"UPDATE a SET b = 1e3, c = 0x1F, d = b[1]",
		"SELECT setval('a_id_seq', 1)",
		"ALTER SEQUENCE a_id_seq RESTART",
		"TRUNCATE a RESTART IDENTITY",
		"REFRESH MATERIALIZED VIEW m",
		"WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d",
		"INSERT INTO a (commit) VALUES (1)",
	} {
		if _, fault := checkStep(src); fault != nil {
			t.Errorf("%s: %+v", src, *fault)
		}
	}
	for src, offset := range map[string]int{
		"":                                  0,
		" -- nothing":                       0,
		"DELETE FROM a; COMMIT":             13,
		"COMMIT":                            0,
		"END":                               0,
		"ABORT":                             0,
		"ROLLBACK TO s":                     0,
		"RELEASE s":                         0,
		"START TRANSACTION":                 0,
		"PREPARE TRANSACTION 'x'":           0,
		"/* x */ set local row_security=on": 8,
		"RESET ALL":                         0,
		"COPY a FROM STDIN":                 0,
		"VACUUM a":                          0,
		"CALL p()":                          0,
		"DO $$begin end$$":                  0,
		"ALTER TABLE a DISABLE TRIGGER ALL": 0,
		"LOCK a":                            0,
		`\! rm`:                             0,
		"TRUNCATE a CASCADE":                11,
		"truncate only a, b restart identity cascade":   36,
		"SELECT pg_catalog.set_config('a', 'b', false)": 18,
		`SELECT "set_config"('a', 'b', false)`:          7,
		"REFRESH MATERIALIZED VIEW CONCURRENTLY m":      26,
		"UPDATE a SET b = 'x":                           17,
		`UPDATE a SET b = 'x\'; COMMIT; --'`:            21,
		"UPDATE a SET b = $1":                           17,
		"UPDATE a SET b = $x$ y":                        17,
		"UPDATE a SET b = 1 /* ":                        19,
		"UPDATE a SET b = (1":                           17,
		"UPDATE a SET b = 1]":                           18,
	} {
		if _, fault := checkStep(src); fault == nil || fault.offset != offset {
			t.Errorf("%s: %+v, want a fault at %d", src, fault, offset)
		}
	}
}

func TestConditionsStayInTheirParentheses(t *testing.T) {
	for _, src := range []string{"true", "a = ')' AND b IN (SELECT 1)", "note = 'a -- b'", "a = $$;$$"} {
		if fault := checkCondition(src); fault != nil {
			t.Errorf("%s: %+v", src, *fault)
		}
	}
	for _, src := range []string{"true) OR (true", "(true", "true --", "true /* a */", "a = 1; DELETE FROM b", "WHERE a", "a = 'x", "a = $1", "set_config('a', 'b', true) = 'b'"} {
		if checkCondition(src) == nil {
			t.Errorf("%s is accepted", src)
		}
	}
}

func TestStatementsTellWhatTheyChange(t *testing.T) {
	for src, want := range map[string]struct {
		changes, removes bool
		targets          []string
	}{
		"SELECT 1 FROM a FOR UPDATE":                                           {false, false, nil},
		"UPDATE ONLY s.a SET b = 1":                                            {true, false, []string{"s.a"}},
		"INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET b = 1":        {true, false, []string{"a"}},
		"DELETE FROM Only A USING b":                                           {true, true, []string{"a"}},
		`DELETE FROM "A"`:                                                      {true, true, []string{"A"}},
		"TRUNCATE TABLE a, ONLY s.b":                                           {true, true, []string{"a", "s.b"}},
		"WITH x AS (SELECT 1) SELECT * FROM x":                                 {false, false, nil},
		"WITH x AS (UPDATE a SET b = 1 RETURNING *) DELETE FROM c":             {true, true, []string{"a", "c"}},
		"WITH x AS (SELECT 1) UPDATE a SET b = 1":                              {true, false, []string{"a"}},
		"MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE":                {true, true, []string{"a"}},
		"MERGE INTO a USING b ON true WHEN NOT MATCHED THEN INSERT VALUES (1)": {true, false, []string{"a"}},
		"ALTER SEQUENCE a_id_seq RESTART":                                      {false, false, nil},
	} {
		tokens, fault := checkStep(src)
		if fault != nil {
			t.Errorf("%s: %+v", src, *fault)
			continue
		}
		var got []string
		for _, token := range targets(tokens) {
			got = append(got, token.text)
		}
		if changes(tokens) != want.changes || removes(tokens) != want.removes || !slices.Equal(got, want.targets) {
			t.Errorf("%s: changes %v, removes %v, targets %v", src, changes(tokens), removes(tokens), got)
		}
	}
}
