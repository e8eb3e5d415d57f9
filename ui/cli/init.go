package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// initFlags are those of init.
type initFlags struct {
	DSN    string
	Wish   draft.Wish
	Title  string
	Output string
	Force  bool
}

func initCommand(a *app) *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init --clear TABLE",
		Short: "Draft a runbook from a database's schema",
		Long: "Reads the schema in a read-only transaction, and writes a runbook that clears the tables\n" +
			"named, in an order that nothing refuses, with what goes along, what has to lose a reference\n" +
			"first, counts, checks and planned times. Lines with DECIDE are for a human.\n\n" +
			"Exit codes: 0; 2 where somebody has to decide something first.",
		Example: "  tminus init --dsn 'host=rehearsal dbname=shop' --clear users --protect plans,countries --output reset.yaml\n" +
			"  tminus init --clear sales.orders --schema sales > orders.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.init(c.Context(), f) },
	}
	c.Flags().StringVar(&f.DSN, "dsn", "", "database, as URL or host=… dbname=…; empty: PG* variables, service file, password file")
	c.Flags().StringArrayVar(&f.Wish.Clear, "clear", nil, "tables whose rows go, separated by commas; may be given again")
	c.Flags().StringArrayVar(&f.Wish.Protect, "protect", nil, "tables that must come out as they went in, likewise")
	c.Flags().StringVar(&f.Wish.Schema, "schema", "public", "schema of names that have none")
	c.Flags().StringVar(&f.Title, "title", "", "the runbook's title; empty: which tables are cleared")
	c.Flags().StringVar(&f.Output, "output", "", "file to write; empty: standard output")
	c.Flags().BoolVar(&f.Force, "force", false, "overwrite the file")
	return c
}

func (a *app) init(ctx context.Context, f initFlags) error {
	f.Wish.Clear, f.Wish.Protect = names(f.Wish.Clear), names(f.Wish.Protect)
	if len(f.Wish.Clear) == 0 {
		return &Exit{Code: Usage, Err: errors.New("nothing is to be cleared: name at least one table by --clear")}
	}
	s, err := a.database.ReadSchema(ctx, f.DSN, nil)
	if err != nil {
		return Failed(err)
	}
	d, err := draft.New(s, f.Wish)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	if f.Title == "" {
		f.Title = "Clear " + strings.Join(f.Wish.Clear, ", ")
	}
	source, err := d.Source(f.Title)
	if err != nil {
		return Failed(err)
	}
	book, err := runbook.Parse("draft", []byte(source))
	if err != nil {
		return Failed(err)
	}
	if err := a.writeDraft(source, f); err != nil {
		return Failed(err)
	}
	for _, found := range lint.New(book, s).Findings() {
		if found.Severity != phases.SeverityNote {
			fmt.Fprintf(a.stderr, "tminus: %s %s: %s; %s\n", found.Severity, found.Code, found.Text, found.Remedy)
		}
	}
	return nil
}

func (a *app) writeDraft(source string, f initFlags) error {
	if f.Output == "" {
		_, err := io.WriteString(a.stdout, source)
		return err
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.Force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(f.Output, how, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists: --force overwrites it", f.Output)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, source)
	return errors.Join(err, file.Close())
}

// names splits lists of tables at their commas, but for those in quotes.
func names(lists []string) []string {
	var out []string
	for _, list := range lists {
		quoted := false
		for _, name := range strings.FieldsFunc(list, func(c rune) bool {
			if c == '"' {
				quoted = !quoted
			}
			return c == ',' && !quoted
		}) {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}
