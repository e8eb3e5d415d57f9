package runbook

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files anew")

const testRunbooks = "../../testdata/runbooks"

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(testRunbooks, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return found
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestGoodRunbooksLoad(t *testing.T) {
	for _, path := range files(t, "good/*.yaml") {
		book, src, err := Load(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(src) == 0 || len(book.Phases) == 0 {
			t.Errorf("%s: %d bytes, %d phases", path, len(src), len(book.Phases))
		}
		windows := []byte(strings.ReplaceAll(string(src), "\n", "\r\n"))
		if again, err := Parse(path, windows); err != nil || !reflect.DeepEqual(again, book) {
			t.Errorf("%s with CRLF is another runbook: %v", path, err)
		}
	}
}

func TestBadRunbooksAreExplained(t *testing.T) {
	for _, path := range files(t, "bad/*.yaml") {
		_, err := Parse(filepath.Base(path), read(t, path))
		var mistakes Mistakes
		if !errors.As(err, &mistakes) {
			t.Errorf("%s: %v", path, err)
			continue
		}
		golden := strings.TrimSuffix(path, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(read(t, golden)); err.Error()+"\n" != want {
			t.Errorf("%s is explained otherwise; with -update it becomes:\n%s", path, err)
		}
	}
}

func TestMinimalRunbookHasDefaults(t *testing.T) {
	book, _, err := Load(filepath.Join(testRunbooks, "good/minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Runbook{
		Title:  "Empty one table",
		Schema: "public",
		Window: Window{Opens: time.Hour, Gate: 15 * time.Minute, Planned: 20 * time.Minute, Abort: 25 * time.Minute},
		Backup: Backup{MaxAge: 15 * time.Minute, Verify: Verify{Limit: backupLimit}, Try: Try{Jobs: 2, Limit: backupLimit}},
		Ledger: true, Rehearsal: Rehearsal{MaxAge: 7 * 24 * time.Hour},
		Gate:   Gate{Approve: "Approving authority"},
		Phases: []Phase{{ID: "empty", Title: "Empty it", Risk: RiskMedium, Planned: time.Minute, Steps: []Step{{Delete: "events"}}}},
	}
	if !reflect.DeepEqual(book, want) {
		t.Errorf("got  %+v\nwant %+v", book, want)
	}
}

func TestEveryKeyArrives(t *testing.T) {
	used, zero, filled := map[string]bool{}, map[string]bool{}, map[string]bool{}
	// The others have what goes in the place of a key of the first.
	for _, name := range []string{"every-key.yaml", "by-command.yaml", "scratch.yaml", "messages.yaml", "pgbackrest.yaml", "barman.yaml", "actions.yaml", "fences.yaml"} {
		book, src, err := Load(filepath.Join(testRunbooks, "good", name))
		if err != nil {
			t.Fatal(err)
		}
		noteKeys(readYAML(string(src), &report{}, false), "runbook", used)
		noteFields(reflect.ValueOf(*book), zero, filled)
	}
	for _, o := range objects() {
		for _, k := range o.keys {
			if !used[o.name+"."+k.name] {
				t.Errorf("no good runbook uses %s of %s", k.name, o.name)
			}
		}
	}
	// Ledger is false because of `ledger: none`; Exit is 0 because of `exit: 0`.
	// Rehearsal.None and Capsule.Off stand in the place of their objects. Passed is for what Parse
	// refuses.
	unread := map[string]bool{"Runbook.Ledger": true, "Rehearsal.None": true, "Capsule.Off": true, "Check.Exit": true, "Runbook.Passed": true}
	for name := range zero {
		if !filled[name] && !unread[name] {
			t.Errorf("no value of %s has been read", name)
		}
	}
}

// noteKeys walks the file along the file format's own table.
func noteKeys(n *node, object string, used map[string]bool) {
	for _, e := range n.keys {
		used[object+"."+e.name] = true
		k, _ := shapes()[object].key(e.name)
		inner := k.value.object
		known := false
		for _, o := range objects() {
			known = known || o.name == inner
		}
		switch {
		case !known:
		case e.value.kind == isList:
			for _, item := range e.value.items {
				noteKeys(item, inner, used)
			}
		default:
			noteKeys(e.value, inner, used)
		}
	}
}

func noteFields(v reflect.Value, zero, filled map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noteFields(v.Elem(), zero, filled)
		}
	case reflect.Slice:
		for i := range v.Len() {
			noteFields(v.Index(i), zero, filled)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			if v.Field(i).IsZero() {
				zero[name] = true
			} else {
				filled[name] = true
			}
			noteFields(v.Field(i), zero, filled)
		}
	default:
	}
}

func TestLoadSaysWhatIsWrongWithTheFile(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(large); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file over the limit: %v", err)
	}
}

// Only the backup's age has a default of the file's.
func TestAnAgeBelongsToItsCheck(t *testing.T) {
	book, err := Parse("ages.yaml", []byte(`
tminus: 1
title: Ages
backup: {max_age: 12m, time_field: taken}
checklist:
  - id: before
    title: Before
    items:
      - {id: dump, text: A, fields: [{id: taken, label: Taken, type: time}], check: {database: backup.age, remedy: R}}
      - {id: clock, text: B, check: {database: clock.close, remedy: R}}
      - {id: long, text: C, check: {database: database.long_transactions, max_age: 5m, remedy: R}}
phases:
  - {id: count, title: Count, planned: 1m, count: [t]}
`))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]time.Duration{"dump": 12 * time.Minute, "clock": 0, "long": 5 * time.Minute} {
		if it, _, _ := book.Item(id); it.Check.MaxAge != want {
			t.Errorf("%s: %s, want %s", id, it.Check.MaxAge, want)
		}
	}
}
