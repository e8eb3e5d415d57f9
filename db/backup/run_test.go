package backup

import (
	"io"
	"strings"
	"testing"
)

// A worker of pg_restore writes between the pieces of another's line: the server's
// words are told all the same, without a value of a row.
func TestWhyIsToldWhereLinesAreMixed(t *testing.T) {
	var l lines
	if _, err := io.WriteString(&l, "pg_restore: creating TABLE \"public.child\"\n"+
		"pg_restore: error: pg_restore: finished item 3365 TABLE DATA child\n"+
		"could not execute query: ERROR:  insert or update on table \"parent\" violates foreign key constraint \"k\": \"17 secret\"\n"+
		"DETAIL:  Key (keep_id)=(17) is not present in table \"keep\".\n"+
		"pg_restore: error: a worker process died unexpectedly\n"); err != nil {
		t.Fatal(err)
	}
	why := l.why()
	for _, want := range []string{`ERROR:  insert or update on table "parent" violates foreign key constraint "k"`, "a worker process died"} {
		if !strings.Contains(why, want) {
			t.Errorf("%q is not in %q", want, why)
		}
	}
	for _, no := range []string{"secret", "DETAIL", "creating"} {
		if strings.Contains(why, no) {
			t.Errorf("%q is in %q", no, why)
		}
	}
}

// A server's message in another language loses its value as well.
func TestWhyHasNoValueInAnyLanguage(t *testing.T) {
	for said, want := range map[string]string{
		`FEHLER:  ungültige Eingabesyntax für Typ integer: »secret«`:                           "FEHLER:  ungültige Eingabesyntax für Typ integer",
		"ERREUR:  syntaxe en entrée invalide pour le type integer\u00a0: «\u00a0secret\u00a0»": "ERREUR:  syntaxe en entrée invalide pour le type integer",
		`ERROR:  "integer"型の入力構文が不正です: "secret"`:                                               `ERROR:  "integer"型の入力構文が不正です`,
	} {
		var l lines
		if _, err := io.WriteString(&l, `pg_restore: error: COPY failed for table "a": `+said+"\n"); err != nil {
			t.Fatal(err)
		}
		if got, want := l.why(), `pg_restore: error: COPY failed for table "a": `+want; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
