package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/ui/drawing"
)

// lintFlags are those of lint. The zero value looks at the file alone.
type lintFlags struct {
	DSN     string
	live    bool // --dsn was given, empty or not
	Format  string
	FailOn  string
	Explain string
}

func lintCommand(a *app) *cobra.Command {
	var f lintFlags
	c := &cobra.Command{
		Use:   "lint RUNBOOK",
		Short: "Say every mistake in a runbook, and what it meets in a database",
		Long: "Without --dsn it reads the file alone. With it, the runbook is held against the database's\n" +
			"schema, in a read-only transaction: what the deletes reach, what will refuse them, what fires,\n" +
			"what is missing. --dsn '' takes the PG* variables, the service file and the password file.\n\n" +
			"Exit codes: 0; 2 for mistakes, and for findings as grave as --fail-on.",
		Example: "  tminus lint reset.yaml\n  tminus lint reset.yaml --dsn 'host=rehearsal dbname=gym'\n" +
			"  tminus lint reset.yaml --dsn '' --format json --fail-on warning\n  tminus lint --explain key-order",
		Args: func(c *cobra.Command, args []string) error {
			if f.Explain != "" {
				return cobra.NoArgs(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.Explain != "" {
				return a.explain(f.Explain)
			}
			f.live = c.Flags().Changed("dsn")
			return a.lint(c.Context(), args[0], f)
		},
	}
	c.Flags().StringVar(&f.DSN, "dsn", "", "database to hold it against, as URL or host=… dbname=…")
	c.Flags().StringVar(&f.Format, "format", "text", "text or json, for findings in a database")
	c.Flags().StringVar(&f.FailOn, "fail-on", string(phases.SeverityError), "the least severity that gives exit code 2: error, warning or note")
	c.Flags().StringVar(&f.Explain, "explain", "", "say what a finding of this code means, and what to do")
	return c
}

func (a *app) lint(ctx context.Context, file string, f lintFlags) error {
	severities := []string{string(phases.SeverityError), string(phases.SeverityWarning), string(phases.SeverityNote)}
	switch {
	case !slices.Contains(severities, f.FailOn):
		return &Exit{Code: Usage, Err: fmt.Errorf("unknown severity %q: one of %s", f.FailOn, strings.Join(severities, ", "))}
	case f.Format != "text" && f.Format != "json":
		return &Exit{Code: Usage, Err: fmt.Errorf("unknown format %q: text or json", f.Format)}
	}
	book, src, err := runbook.Load(file)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	if !f.live {
		_, err = fmt.Fprintf(a.stdout, "%s: no mistakes: %s, %s, %s after\n", file, phases.Plural(int64(len(book.Phases)), "phase"),
			phases.Plural(int64(len(book.Checklist)), "checklist group"), phases.Plural(int64(len(book.After)), "stage"))
		return Failed(err)
	}
	s, err := a.database.ReadSchema(ctx, f.DSN, book)
	if err != nil {
		return Failed(err)
	}
	view := lint.New(book, s)
	found, prices := view.Findings(), view.Prices()
	placed := place(file, src, book, found)
	if f.Format == "json" {
		err = writeJSON(a.stdout, lintResult{Runbook: file, Database: s.Server.Database, Worst: lint.Worst(found), Findings: placed, Prices: pricesOf(prices)})
	} else {
		if err = writeFindings(a.stdout, file, s.Server.Database, placed); err == nil {
			err = writePrices(a.stdout, prices)
		}
	}
	worst := slices.Index(severities, string(lint.Worst(found)))
	if err == nil && worst >= 0 && worst <= slices.Index(severities, f.FailOn) {
		return &Exit{Code: Usage}
	}
	return Failed(err)
}

// lintResult is what lint writes as JSON.
type lintResult struct {
	Runbook  string          `json:"runbook"`
	Database string          `json:"database"`
	Worst    phases.Severity `json:"worst"` // empty: nothing was found
	Findings []placedFinding `json:"findings"`
	Prices   []price         `json:"prices"` // of each phase, in their order
}

// price is what a phase is reckoned to take.
type price struct {
	Phase        string   `json:"phase"`
	Seconds      float64  `json:"seconds"`
	LeastSeconds float64  `json:"least_seconds"`
	MostSeconds  float64  `json:"most_seconds"`
	WAL          int64    `json:"wal"`
	MostWAL      int64    `json:"most_wal"`
	Rows         int64    `json:"rows"`
	Bytes        int64    `json:"bytes"`
	Locks        int      `json:"locks"`
	Guessed      bool     `json:"guessed"`
	Measured     bool     `json:"measured"`
	Unanalyzed   []string `json:"unanalyzed"`
}

func pricesOf(of []phases.Price) []price {
	out := []price{}
	for _, p := range of {
		out = append(out, price{
			Phase: p.Phase, Seconds: p.Takes.Seconds(), LeastSeconds: p.Least.Seconds(), MostSeconds: p.Most.Seconds(), WAL: p.WAL, MostWAL: p.MostWAL,
			Rows: p.Rows, Bytes: p.Bytes, Locks: p.Locks, Guessed: p.Guessed, Measured: p.Measured, Unanalyzed: append([]string{}, p.Unanalyzed...),
		})
	}
	return out
}

// placedFinding is a finding with its place in the file.
type placedFinding struct {
	phases.Finding
	Line   int `json:"line"`
	Column int `json:"column"`
	at     runbook.Mistake
}

func place(file string, src []byte, book *runbook.Runbook, found []phases.Finding) []placedFinding {
	places := runbook.PlacesOf(file, src, book)
	out := []placedFinding{}
	for _, f := range found {
		m := places.At(f.Phase, f.Table, fmt.Sprintf("%s %s: %s", f.Severity, f.Code, f.Text), f.Remedy)
		out = append(out, placedFinding{Finding: f, Line: m.Line, Column: m.Column, at: m})
	}
	return out
}

func writeJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func writeFindings(w io.Writer, file, database string, found []placedFinding) error {
	counts := map[phases.Severity]int64{}
	for _, f := range found {
		counts[f.Severity]++
		if _, err := fmt.Fprintf(w, "%s\n\n", f.at); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(w, "%s: nothing found in database %s\n", file, phases.Clean(database))
		return err
	}
	var parts []string
	for _, s := range []phases.Severity{phases.SeverityError, phases.SeverityWarning, phases.SeverityNote} {
		if counts[s] > 0 {
			parts = append(parts, phases.Plural(counts[s], string(s)))
		}
	}
	_, err := fmt.Fprintf(w, "%s: %s in database %s; tminus lint --explain CODE says more of each\n", file, strings.Join(parts, ", "), phases.Clean(database))
	return err
}

// writePrices writes what each phase is reckoned to take.
func writePrices(w io.Writer, prices []phases.Price) error {
	if len(prices) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w, "\nReckoned for this server, without waiting for locks and people:"); err != nil {
		return err
	}
	wide := 0
	for _, p := range prices {
		wide = max(wide, len(p.Phase))
	}
	for _, p := range prices {
		if _, err := fmt.Fprintf(w, "  %-*s  %s\n", wide, p.Phase, p); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) explain(code string) error {
	c, ok := lint.Explain(code)
	if !ok {
		var all []string
		for _, c := range lint.Codes() {
			all = append(all, c.Name)
		}
		near := runbook.Nearest(code, all)
		if near != "" {
			near = ", perhaps " + near
		}
		return &Exit{Code: Usage, Err: fmt.Errorf("there is no finding %q%s: one of %s", code, near, strings.Join(all, ", "))}
	}
	_, err := fmt.Fprintf(a.stdout, "%s (%s)\n\n%s\n\nWhat to do: %s.\n", c.Name, c.Severity, c.Means, c.Do)
	return Failed(err)
}

// reachFlags are those of reach.
type reachFlags struct {
	DSN     string
	Format  string
	Schema  string
	Protect []string
}

func reachCommand(a *app) *cobra.Command {
	var f reachFlags
	c := &cobra.Command{
		Use:   "reach TABLE...",
		Short: "Show what deleting tables reaches through foreign keys",
		Long: "Reads the schema in a read-only transaction, and writes a tree, JSON, or a drawing: an SVG for\n" +
			"a browser or a page, with a box for each table and a line for each key, which tells ON DELETE's\n" +
			"action, what may refuse, keys without an index, and tables that are protected.",
		Example: "  tminus reach users --dsn 'host=rehearsal dbname=gym'\n  tminus reach sales.orders '\"Order lines\"' --format json\n" +
			"  tminus reach users --protect plans,invoices --format svg > users.svg",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.reach(c.Context(), f, args) },
	}
	c.Flags().StringVar(&f.DSN, "dsn", "", "database, as URL or host=… dbname=…; empty: PG* variables, service file, password file")
	c.Flags().StringVar(&f.Format, "format", "text", "text, json or svg")
	c.Flags().StringVar(&f.Schema, "schema", "public", "schema of names that have none")
	c.Flags().StringArrayVar(&f.Protect, "protect", nil, "tables to mark as protected, separated by commas; may be given again")
	return c
}

func (a *app) reach(ctx context.Context, f reachFlags, tables []string) error {
	if !slices.Contains([]string{"text", "json", "svg"}, f.Format) {
		return &Exit{Code: Usage, Err: fmt.Errorf("unknown format %q: text, json or svg", f.Format)}
	}
	book, err := runbook.Deleting(f.Schema, tables)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	kept, err := runbook.Deleting(f.Schema, names(f.Protect))
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	book.Protected = kept.Phases[0].Deletes()
	s, err := a.database.ReadSchema(ctx, f.DSN, nil)
	if err != nil {
		return Failed(err)
	}
	v := lint.New(book, s)
	for _, t := range book.Tables() {
		if r := v.Find(t); r == nil || r.Kind != schema.Ordinary && r.Kind != schema.Partitioned {
			return &Exit{Code: Usage, Err: fmt.Errorf("%s", v.Findings()[0].Text)}
		}
	}
	switch f.Format {
	case "json":
		return Failed(writeJSON(a.stdout, v.Tree()))
	case "svg":
		return Failed(drawing.Reach(a.stdout, v.Tree(), s.Server.Database))
	}
	if err := writeTree(a.stdout, v.Tree()); err != nil {
		return Failed(err)
	}
	_, err = fmt.Fprintf(a.stdout, "\nDeleting all of it in one phase: %s\n", v.Prices()[0])
	return Failed(err)
}

// writeTree draws the reach with lines that lead from each table to what it
// reaches.
func writeTree(w io.Writer, tree []lint.Branch) error {
	for i, b := range tree {
		lead := ""
		for depth := 1; depth <= b.Depth; depth++ {
			more := continues(tree[i+1:], depth)
			switch {
			case depth == b.Depth && more:
				lead += "├─ "
			case depth == b.Depth:
				lead += "└─ "
			case more:
				lead += "│  "
			default:
				lead += "   "
			}
		}
		text := lead + phases.Clean(b.Table) + "  " + b.Amount()
		if b.Depth > 0 {
			text += "  " + b.Action + "  " + b.Constraint
		}
		for _, mark := range []struct {
			is   bool
			text string
		}{{b.Depth > 0 && !b.Indexed, "no index"}, {b.Protected, "PROTECTED"}, {b.Again, "as above"}} {
			if mark.is {
				text += ", " + mark.text
			}
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}

// continues reports whether another branch of the depth follows under the same one.
func continues(rest []lint.Branch, depth int) bool {
	for _, b := range rest {
		if b.Depth <= depth {
			return b.Depth == depth
		}
	}
	return false
}
