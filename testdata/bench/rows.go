// Package bench measures the program beside psql and writes the table of
// docs/benchmarks.md. Command run, in its folder run, is what make bench starts.
//
// Everything is measured on a server of its own and with the program as it is
// built for people, in turn with what it is compared with, each time on a fresh
// copy of the same data. A figure is the median of the rounds, with the least
// and the most of them beside it.
package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Row is one thing that is measured.
type Row struct {
	ID      string
	What    string // {users} stands for the gym's size
	Against string
	Goal    float64 // at most
	Unit    string  // empty for a ratio
}

// Rows are all of them, in the page's order.
func Rows() []Row {
	return []Row{
		{"reset", "all six phases, {users} users, `way: delete`", "the guide's SQL in psql", 0.50, ""},
		{"auto", "the same, `way: auto`", "the same", 0.10, ""},
		{"indexed", "the same, every key indexed, `way: delete`", "the same on that schema", 0.75, ""},
		{"unindexed", "all six phases, 5,000 users, no key indexed, `way: delete`", "the guide's SQL in psql on that schema", 0.05, ""},
		{"single", "one delete of 2 million rows with live progress", "one DELETE in psql", 1.03, ""},
		{"prints", "fingerprints of the 25 largest tables, count and content", "`count(*)` of each in psql", 1.5, ""},
		{"growth", "all six phases at a tenth, once and four times the rows, `way: delete`: the time of a row", "that of the size before", 1.2, ""},
		{"silence", "the longest time between two updates of a running delete", "", 300, "ms"},
		{"memory", "memory at four times the rows", "", 64, "MiB"},
		{"hour", "memory of a screen with 100,000 events behind it, more than an hour's", "", 64, "MiB"},
		{"start", "from the start to the first frame", "", 150, "ms"},
		{"open", "the same, with 100,000 events behind it", "", 300, "ms"},
		{"key", "from a key to its frame", "", 30, "ms"},
		{"viewers", "a run with fifty viewers on the mirror", "a run without", 1.03, ""},
	}
}

// Result is what came of a row.
type Result struct {
	Median, Least, Most float64
	Not                 string // why it was not measured; empty when it was
	Note                string // what stands beside the figure; may be empty
}

// met says what has become of the goal.
func (r Row) met(got Result) string {
	switch {
	case got.Not != "":
		return "not measured: " + got.Not
	case got.Median <= r.Goal:
		return "met"
	}
	return "missed"
}

// figure writes a value in the row's unit.
func (r Row) figure(v float64) string {
	switch {
	case r.Unit == "":
		return strconv.FormatFloat(v, 'f', 3-min(1, int(v)), 64)
	case v < 10:
		return fmt.Sprintf("%.1f %s", v, r.Unit)
	}
	return fmt.Sprintf("%.0f %s", v, r.Unit)
}

func (r Row) goal() string {
	return "≤ " + strings.TrimSpace(strconv.FormatFloat(r.Goal, 'f', -1, 64)+" "+r.Unit)
}

// line is the row in the page's table.
func (r Row) line(got Result, users int) string {
	value, spread := "", ""
	if got.Not == "" {
		value = r.figure(got.Median)
		if got.Least != got.Most {
			spread = r.figure(got.Least) + " to " + r.figure(got.Most)
		}
	}
	note := r.met(got)
	if got.Note != "" {
		note += "; " + got.Note
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", r.what(users), r.Against, r.goal(), value, spread, note)
}

func (r Row) what(users int) string { return strings.ReplaceAll(r.What, "{users}", digits(users)) }

// digits groups a number by thousands.
func digits(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", digits(n/1000), n%1000)
}
