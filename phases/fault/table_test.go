package fault

import (
	"fmt"
	"os"
	"strings"
)

const (
	tableBegin = "<!-- made by `make faults` -->\n"
	tableEnd   = "<!-- end -->"
)

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
