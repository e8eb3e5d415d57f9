package db

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine/action"
)

// letters is right by the rules of Unicode, and wrong by those of the locale C.
const letters = `
CREATE TABLE letters (id int PRIMARY KEY, name text CHECK (name ~ '^[[:alpha:]]+$'), low text GENERATED ALWAYS AS (lower(name)) STORED);
INSERT INTO letters (id, name) SELECT i, 'Ärger' FROM generate_series(1, 9) i;
`

// A database is restored into one of its own locale: what is a letter, and which
// text comes first, decides whether rows come back, and as what.
func TestARestoreHasTheLocaleOfItsDatabase(t *testing.T) {
	t.Parallel()
	sandbox.ForTest(t).ClientsForTest(t)
	start := func(ctx context.Context, _ string) (Sandbox, error) { return sandbox.Start(ctx, sandbox.Options{}) }
	for name, options := range map[string]string{
		"of the system": `ENCODING 'UTF8' LC_COLLATE 'C.utf8' LC_CTYPE 'C.utf8'`,
		"ICU":           `ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-AT' LC_COLLATE 'C' LC_CTYPE 'C.utf8'`,
	} {
		for _, into := range []string{"", "tminus_letters"} {
			t.Run(name+" into "+into, func(t *testing.T) {
				dsn := otherDatabase(t, sandbox.ForTest(t).NewDatabase(t), options)
				script(t, dsn, letters)
				b := book()
				b.Protected, b.Backup.Try.Jobs = []string{"letters"}, 1
				from := open(t, dsn, b)
				from.sandbox = start
				plan := action.BackupPlan{Jobs: 1, Directory: t.TempDir(), Protected: b.Protected}
				taken, err := from.TakeBackup(limited(t), plan, func(phases.ActionProgress) {})
				if err != nil {
					t.Fatal(err)
				}
				try := func() []string {
					t.Helper()
					got, err := from.TryBackup(limited(t), taken.Backup, action.TryPlan{BackupPlan: plan, Database: into}, func(phases.ActionProgress) {})
					if err != nil {
						t.Fatal(err)
					}
					return got.Differences
				}
				if d := try(); d != nil {
					t.Errorf("it came back with %q", d)
				}
				// Where the server has not that locale, it is told; the rows may come
				// back all the same.
				path := filepath.Join(taken.Backup.Location, "tminus.json")
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				changed := strings.NewReplacer(`"ctype": "C.utf8"`, `"ctype": "xx_XX"`, `"encoding": "UTF8"`, `"encoding": "SQL_ASCII"`).Replace(string(text))
				if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
					t.Fatal(err)
				}
				if d := try(); len(d) != 1 || !strings.Contains(d[0], "; it may be that the server that it was restored into has not the locale ") {
					t.Errorf("without its locale it came back with %q", d)
				}
			})
		}
	}
}
