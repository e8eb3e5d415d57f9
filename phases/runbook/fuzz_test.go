package runbook

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzParse holds that no file whatever makes Parse panic, that every refusal
// is explained, and that what it accepts keeps the promises of the structs.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		book, err := Parse("fuzz.yaml", src)
		if err != nil {
			explained(t, err)
			return
		}
		consistent(t, book)
	})
}

// seed adds every runbook of the tests, good and bad.
func seed(f *testing.F) {
	f.Add(Guide(Site{}))
	for _, pattern := range []string{"good/*.yaml", "bad/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(testRunbooks, pattern))
		if err != nil || len(found) == 0 {
			f.Fatalf("no files %s: %v", pattern, err)
		}
		for _, path := range found {
			f.Add(read(f, path))
		}
	}
	for _, src := range badShapes() {
		f.Add([]byte(src))
	}
}

func explained(t *testing.T, err error) {
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) == 0 {
		t.Fatalf("not mistakes: %v", err)
	}
	for _, m := range mistakes {
		if m.Problem == "" || m.Line < 1 || m.Column < 1 {
			t.Errorf("mistake without place or problem: %+v", m)
		}
		for _, s := range []string{m.Problem, m.Fix, m.Text} {
			if i := strings.IndexFunc(s, func(c rune) bool { return !printable(c) && c != '\uFFFD' }); i >= 0 {
				t.Errorf("a mistake holds %q", s)
			}
		}
	}
	if !strings.Contains(err.Error(), "mistake") {
		t.Errorf("explained as %q", err)
	}
}

func consistent(t *testing.T, book *Runbook) {
	ids, fields := map[string]bool{}, map[string]FieldType{}
	once := func(id string) {
		// A fence has an item of the reader's making where the file has none: its id is no other's.
		made := strings.HasPrefix(id, "off:") || strings.HasPrefix(id, "back:") || strings.HasPrefix(id, "fences:") || strings.HasPrefix(id, "indexes:")
		if !made && !goodID(id) || ids[id] {
			t.Errorf("id %q is bad or stands twice", id)
		}
		ids[id] = true
	}
	for _, g := range append(append([]Group{}, book.Checklist...), book.After...) {
		once(g.ID)
	}
	for _, g := range book.Groups() {
		for _, it := range g.Items {
			once(it.ID)
			if it.Text == "" || it.Check != nil && it.Check.Remedy == "" {
				t.Errorf("item %s has no text or no remedy", it.ID)
			}
			for _, f := range it.Fields {
				if _, twice := fields[f.ID]; twice || !goodID(f.ID) || f.Type == "" {
					t.Errorf("field %+v is bad or stands twice", f)
				}
				fields[f.ID] = f.Type
			}
			if it.Check != nil {
				consistentCheck(t, it.Check)
			}
		}
	}
	if id := book.Backup.TimeField; id != "" && fields[id] != FieldTime {
		t.Errorf("backup time in %q", id)
	}
	if id := book.Backup.IDField; id != "" && fields[id] == "" {
		t.Errorf("backup ID in %q", id)
	}
	if book.Title == "" || len(book.Phases) == 0 || book.Window.Abort < book.Window.Planned {
		t.Errorf("title %q, %d phases, window %+v", book.Title, len(book.Phases), book.Window)
	}
	consistentPhases(t, book, once)
	cleanStrings(t, reflect.ValueOf(book))
}

func consistentCheck(t *testing.T, c *Check) {
	asks := 0
	for _, is := range []bool{c.Name != "", c.SQL != "", len(c.Command) > 0, c.Shell != "", c.URL != ""} {
		if is {
			asks++
		}
	}
	if asks != 1 || c.Timeout <= 0 || c.Every <= 0 {
		t.Errorf("check %+v", c)
	}
	if (c.Kind == CheckDatabase || c.Kind == CheckOutside) && c.Named().Name == "" {
		t.Errorf("check %q", c.Name)
	}
}

func consistentPhases(t *testing.T, book *Runbook, once func(string)) {
	protected, emptied, passed := map[string]bool{}, map[string]bool{}, false
	full := func(table string) string {
		schema, name := book.SplitTable(table)
		return schema + "." + name
	}
	for _, table := range book.Protected {
		if !goodTable(table) || protected[full(table)] {
			t.Errorf("protected table %q is bad or stands twice", table)
		}
		protected[full(table)] = true
	}
	for _, p := range book.Phases {
		once(p.ID)
		if p.Planned <= 0 || p.Risk == "" || p.Writes() == (p.Risk == RiskNone) {
			t.Errorf("phase %+v", p)
		}
		if p.PointOfNoReturn && (passed || !p.Writes()) {
			t.Errorf("point of no return %s", p.ID)
		}
		for _, s := range p.Steps {
			does := 0
			for _, what := range []string{s.Delete, s.SQL, s.PutBack} {
				if what != "" {
					does++
				}
			}
			if does != 1 || s.SQL != "" && s.Rows == nil {
				t.Errorf("step %+v", s)
			}
			if s.Delete != "" && (protected[full(s.Delete)] || emptied[full(s.Delete)] || passed || !goodTable(s.Delete)) {
				t.Errorf("phase %s deletes %q", p.ID, s.Delete)
			}
			for _, table := range s.Touch {
				if protected[full(table)] {
					t.Errorf("phase %s touches %q", p.ID, table)
				}
				delete(emptied, full(table))
			}
			if s.Delete != "" && s.Where == "" {
				emptied[full(s.Delete)] = true
			}
		}
		passed = passed || p.PointOfNoReturn
	}
}

// cleanStrings holds that nothing of a runbook can move a terminal's cursor.
// What stands for a hidden character may be in what was read without rules.
func cleanStrings(t *testing.T, v reflect.Value, but ...rune) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			cleanStrings(t, v.Elem(), but...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanStrings(t, v.Index(i), but...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			cleanStrings(t, v.Field(i), but...)
		}
	case reflect.String:
		for _, c := range v.String() {
			if c != '\n' && c != '\t' && !printable(c) && !slices.Contains(but, c) {
				t.Errorf("%q holds %U", v.String(), c)
			}
		}
	default:
	}
}
