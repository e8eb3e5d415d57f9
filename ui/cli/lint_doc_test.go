package cli

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tminus/phases/lint"
)

// docs/lint.md has every kind of finding, and every field of what is written as
// JSON. With -update the table is written anew.
func TestLintPage(t *testing.T) {
	const path = "../../docs/lint.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), "<!-- codes -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !ok || !ended {
		t.Fatalf("%s has no place for the codes", path)
	}
	var table strings.Builder
	table.WriteString("\n| code | severity | stops a run | what it means | what to do |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range lint.Codes() {
		stops := ""
		if c.Stops {
			stops = "yes"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", c.Name, c.Severity, stops, cell(c.Means), cell(c.Do))
	}
	if want := before + "<!-- codes -->\n" + table.String() + "\n<!-- end -->" + after; want != string(page) {
		if !*update {
			t.Errorf("%s is not what the codes say: run the test with -update", path)
		} else if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]* \\|$").FindAllStringSubmatch(after, -1) {
		named = append(named, m[1])
	}
	fields := slices.Concat(fieldsOf(reflect.TypeFor[lintResult](), ""), fieldsOf(reflect.TypeFor[[]lint.Branch](), ""))
	slices.Sort(fields)
	if slices.Sort(named); !slices.Equal(named, fields) {
		t.Errorf("described are %q, and written are %q", named, fields)
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// fieldsOf are a type's JSON fields: findings[].code.
func fieldsOf(t reflect.Type, under string) []string {
	switch t.Kind() {
	case reflect.Slice:
		return fieldsOf(t.Elem(), under+"[]")
	case reflect.Struct:
		var out []string
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous:
				out = append(out, fieldsOf(f.Type, under)...)
			case f.IsExported() && name != "-":
				out = append(out, fieldsOf(f.Type, strings.TrimPrefix(under+"."+name, "."))...)
			}
		}
		return out
	}
	return []string{under}
}
