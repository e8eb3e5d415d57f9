package runbook

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tminus/phases/check"
	"tminus/phases/fact"
)

// TestReferenceIsGenerated holds docs/runbook.md against the loader. With
// -update it writes the parts between the markers anew.
func TestReferenceIsGenerated(t *testing.T) {
	const path = "../../docs/runbook.md"
	text := string(read(t, path))
	want := text
	want = section(t, want, "minimal", indented(string(read(t, filepath.Join(testRunbooks, "good/minimal.yaml")))))
	want = section(t, want, "keys", keyTables())
	want = section(t, want, "values", valueTable())
	want = section(t, want, "checks", checkTable("database", check.Kinds()))
	want = section(t, want, "outside", checkTable("outside", check.Outside()))
	want = section(t, want, "around", indented(string(read(t, filepath.Join(testRunbooks, "good/outside.yaml")))))
	for marker, file := range map[string]string{"pgbackrest": "pgbackrest", "barman": "barman", "command": "by-command", "provider": "provider"} {
		want = section(t, want, marker, indented(string(read(t, filepath.Join(testRunbooks, "good", file+".yaml")))))
	}
	want = section(t, want, "limits", limitTable())
	_, err := Parse("reset.yaml", []byte("tminus: 1\ntitle: Reset\nphases:\n  - id: users\n    title: Users\n    risk: high\n    planed: 5 min\n    delete: [users]\n"))
	want = section(t, want, "mistake", indented(err.Error()))
	if text == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the loader says: run the test with -update", path)
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// section puts body between a marker and the end marker that follows it.
func section(t *testing.T, text, marker, body string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, "<!-- "+marker+" -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end -->")
	if !ok || !ended {
		t.Fatalf("no section %s", marker)
	}
	return before + "<!-- " + marker + " -->\n\n" + strings.TrimRight(body, "\n") + "\n\n<!-- end -->" + after
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// TestFactsAreGenerated holds docs/messages.md against the facts that there are.
// With -update it writes its table and its example anew.
func TestFactsAreGenerated(t *testing.T) {
	const path = "../../docs/messages.md"
	text := string(read(t, path))
	want := section(t, text, "example", indented(string(read(t, filepath.Join(testRunbooks, "good/messages.yaml")))))
	want = section(t, want, "facts", factTable())
	if text == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what package fact says: run the test with -update", path)
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func factTable() string {
	var b strings.Builder
	b.WriteString("| fact | what it is | for example |\n| --- | --- | --- |\n")
	for _, k := range fact.Kinds() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Called(), k.Means, k.Example)
	}
	return b.String()
}

func keyTables() string {
	var b strings.Builder
	for _, o := range objects() {
		fmt.Fprintf(&b, "### %s\n\n| key | value | meaning |\n| --- | --- | --- |\n", o.name)
		for _, k := range o.keys {
			name := "`" + k.name + "`"
			if k.required {
				name = "**" + name + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, k.value.called, k.doc)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// valueTable says how the values are written that the tables of keys name.
func valueTable() string {
	var b strings.Builder
	b.WriteString("| value | how it is written |\n| --- | --- |\n")
	for f := range anObject {
		if how := written(f); how != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", f, how)
		}
	}
	return b.String()
}

// written says how a value of the form is written; "" where its name does.
func written(f form) string {
	switch f {
	case aLine:
		return lineFix
	case aText:
		return "one line or several"
	case anID, aFieldID:
		return idFix
	case aName:
		return nameFix
	case aTable:
		return tableFix + "; nothing is folded to lower case"
	case aDuration:
		return durationFix + "; the units are h, m, s and ms, the largest first"
	case aMoment:
		return momentFix + "; T-0 is the start of the first phase"
	case aCount:
		return "a whole number, in plain digits"
	case aRows:
		return rowsFix
	case aStatement:
		return "one SQL statement"
	case aCondition:
		return "what may stand after WHERE, without a semicolon and without comments"
	case aPattern:
		return "a regular expression in Go's syntax"
	case aStatus:
		return statusFix
	case aHeaders:
		return headersFix + ", at most " + strconv.Itoa(maxHeaders)
	case aStart:
		return momentFix + ", or `now`"
	case anAddress:
		return addressFix + ", without a user or a password"
	}
	return shapely[f].fix
}

// checkTable gives the checks by name, of those under a key.
func checkTable(key string, kinds []check.Kind) string {
	var b strings.Builder
	b.WriteString("| check | passes when | takes |\n| --- | --- | --- |\n")
	for _, k := range slices.SortedFunc(slices.Values(kinds), func(a, b check.Kind) int { return strings.Compare(a.Name, b.Name) }) {
		is := shapes()["check"].word(key, k.Name)
		for i, t := range is.takes {
			is.takes[i] = "`" + t + "`"
			if slices.Contains(is.all, t) {
				is.takes[i] = "**" + is.takes[i] + "**"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, k.Means, strings.Join(is.takes, ", "))
	}
	return b.String()
}

func limitTable() string {
	var b strings.Builder
	b.WriteString("| what | at most |\n| --- | --- |\n")
	for _, l := range []struct {
		what  string
		limit any
	}{
		{"the file, bytes", MaxSize},
		{"a source line, bytes", maxLineBytes},
		{"a line of text, characters", maxLine},
		{"a text of several lines, characters", maxText},
		{"a statement, bytes", maxSQL},
		{"an id, characters", maxID},
		{"a name, bytes", maxName},
		{"phases", maxPhases},
		{"steps of a phase", maxSteps},
		{"groups before the gate, and after the phases", maxGroups},
		{"items of a group or a phase", maxItems},
		{"fields of an item", maxFields},
		{"statements of an action", maxProbes},
		{"tables of a list", maxTables},
		{"a duration", FormatDuration(MaxDuration)},
		{"mistakes that are reported", maxMistakes},
	} {
		fmt.Fprintf(&b, "| %s | %v |\n", l.what, l.limit)
	}
	return b.String()
}
