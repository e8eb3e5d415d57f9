package fault

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	tableBegin = "<!-- made by `make faults` -->\n"
	tableEnd   = "<!-- end -->"
)

// summary is the harness's last word.
func summary(results []result) string {
	kinds, wrong, cases := map[string]bool{}, 0, 0
	for _, r := range results {
		if r.trial.skipped != "" {
			continue
		}
		kinds[r.kind] = true
		cases++
		if len(r.trial.wrong) > 0 {
			wrong++
		}
	}
	return fmt.Sprintf("%d cases of %d kinds, %d wrong", cases, len(kinds), wrong)
}

// tabulate is the table of kinds: how many trials, how many wrong.
func tabulate(faults []fault, results []result) string {
	type row struct{ cases, wrong, skipped int }
	rows := map[string]*row{}
	var order []string
	for _, f := range faults {
		if rows[f.kind] == nil {
			rows[f.kind] = &row{}
			order = append(order, f.kind)
		}
	}
	var sum row
	var skips []string
	for _, r := range results {
		at := rows[r.kind]
		if r.trial.skipped != "" {
			at.skipped++
			skips = append(skips, fmt.Sprintf("%s: %s: skipped: %s", r.kind, r.name, r.trial.skipped))
			continue
		}
		at.cases++
		sum.cases++
		if len(r.trial.wrong) > 0 {
			at.wrong++
			sum.wrong++
		}
	}
	var b strings.Builder
	b.WriteString("| what fails | cases | wrong |\n| --- | ---: | ---: |\n")
	for _, kind := range order {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", kind, rows[kind].cases, rows[kind].wrong)
	}
	fmt.Fprintf(&b, "| **all** | **%d** | **%d** |\n", sum.cases, sum.wrong)
	for _, s := range skips {
		b.WriteString("\n" + s + "\n")
	}
	return b.String()
}

// writeTable puts the table between a document's markers.
func writeTable(path, table string) error {
	doc, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document of results: %w", err)
	}
	before, rest, ok := strings.Cut(string(doc), tableBegin)
	_, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		return fmt.Errorf("%s has no markers for the table", path)
	}
	if err := os.WriteFile(path, []byte(before+tableBegin+"\n"+table+"\n"+tableEnd+after), 0o644); err != nil {
		return fmt.Errorf("write the table of results: %w", err)
	}
	return nil
}

// checkTable holds a document's table against the harness: every kind of fault
// stands in it, in order, the sums are right, and nothing was wrong.
func checkTable(t *testing.T, path string, faults []fault) {
	t.Helper()
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), tableBegin)
	table, _, _ := strings.Cut(rest, tableEnd)
	var kinds []string
	for _, f := range faults {
		if !slices.Contains(kinds, f.kind) {
			kinds = append(kinds, f.kind)
		}
	}
	row := regexp.MustCompile(`(?m)^\| \**(.+?)\** \| \**(\d+)\** \| \**(\d+)\** \|$`)
	sum, total := 0, 0
	var stand []string
	for _, m := range row.FindAllStringSubmatch(table, -1) {
		cases, _ := strconv.Atoi(m[2])
		if m[3] != "0" {
			t.Errorf("%s: %s: %s wrong", path, m[1], m[3])
		}
		if m[1] == "all" {
			total = cases
			continue
		}
		sum += cases
		stand = append(stand, m[1])
	}
	if !slices.Equal(stand, kinds) {
		t.Errorf("%s: the table's kinds are %q, the harness's %q: run `make faults`", path, stand, kinds)
	}
	if sum != total || total < leastCases {
		t.Errorf("%s: %d cases in the rows, %d in all, at least %d wanted: run `make faults`", path, sum, total, leastCases)
	}
}

// leastCases is how many the table must speak of.
const leastCases = 300
