package bench

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// The generated part of the page.
const (
	beginMark = "<!-- written by make bench -->"
	endMark   = "<!-- end -->"
	tableHead = "| what | against | goal | median | spread | |\n| --- | --- | --- | --- | --- | --- |\n"
)

// Measured is all that one run of the benchmarks found.
type Measured struct {
	Users, Rounds int
	Machine       string // processor, server and moment, in a line
	Results       map[string]Result
}

// Table is the generated part of the page, and what the program prints.
func (m Measured) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured with %s users and %s. %s\n\n", digits(m.Users), plural(m.Rounds, "round"), m.Machine)
	b.WriteString(tableHead)
	for _, r := range Rows() {
		got, ok := m.Results[r.ID]
		if !ok {
			got.Not = "it was left out"
		}
		b.WriteString(r.line(got, m.Users) + "\n")
	}
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Write puts the table into the page; the rest of it stays.
func (m Measured) Write(page string) error {
	raw, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	before, _, after, err := parts(string(raw))
	if err != nil {
		return fmt.Errorf("write the table into %s: %w", page, err)
	}
	if err := os.WriteFile(page, []byte(before+beginMark+"\n\n"+m.Table()+"\n"+endMark+after), 0o600); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func parts(page string) (before, table, after string, err error) {
	before, rest, found := strings.Cut(page, beginMark)
	table, after, ended := strings.Cut(rest, endMark)
	if !found || !ended {
		return "", "", "", fmt.Errorf("it has no place for it: a line %s and a line %s", beginMark, endMark)
	}
	return before, table, after, nil
}

var measuredWith = regexp.MustCompile(`Measured with ([0-9,]+) users`)

// Differs says how a page's table differs from what the benchmarks write: which
// rows it has not, and which goals are other ones. It is empty where it does not.
func Differs(page string) string {
	_, table, _, err := parts(page)
	if err != nil {
		return err.Error()
	}
	with := measuredWith.FindStringSubmatch(table)
	if with == nil {
		return "the table does not say with how many users it was measured"
	}
	users, err := strconv.Atoi(strings.ReplaceAll(with[1], ",", ""))
	if err != nil {
		return err.Error()
	}
	_, lines, found := strings.Cut(table, tableHead)
	if !found {
		return "the table has another head"
	}
	got := strings.Split(strings.TrimSpace(lines), "\n")
	rows := Rows()
	if len(got) != len(rows) {
		return fmt.Sprintf("the table has %d rows, there are %d benchmarks", len(got), len(rows))
	}
	for i, r := range rows {
		if want := fmt.Sprintf("| %s | %s | %s |", r.what(users), r.Against, r.goal()); !strings.HasPrefix(got[i], want) {
			return fmt.Sprintf("row %d is %q, and has to begin with %q", i+1, got[i], want)
		}
	}
	return ""
}
