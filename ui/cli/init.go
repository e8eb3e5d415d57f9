package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/draft"
	"tminus/phases/engine"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/ui"
	"tminus/ui/look"
	"tminus/ui/pick"
)

// initFlags are those of init.
type initFlags struct {
	DSN    string
	Wish   draft.Wish
	Title  string
	Output string
	Force  bool
	Theme  look.Theme
}

func initCommand(a *app) *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init",
		Short: "Draft a runbook from a database's schema",
		Long: "Reads the schema in a read-only transaction, and writes a runbook that clears the tables\n" +
			"named, in an order that nothing refuses, with what goes along, what has to lose a reference\n" +
			"first, counts, checks and planned times. Lines with DECIDE are for a human.\n\n" +
			"Without --clear it shows the tables on a terminal, with what would go with each: what is to\n" +
			"be cleared and protected is ticked there, and what follows is seen with each tick.\n\n" +
			"Exit codes: 0; 2 where somebody has to decide something first; 4 left without writing.",
		Example: "  tminus init --dsn 'host=rehearsal dbname=shop'\n" +
			"  tminus init --dsn 'host=rehearsal dbname=shop' --clear users --protect plans,countries --output reset.yaml\n" +
			"  tminus init --clear sales.orders --schema sales > orders.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.init(c.Context(), f) },
	}
	c.Flags().StringVar(&f.DSN, "dsn", "", "database, as URL or host=… dbname=…; empty: PG* variables, service file, password file")
	c.Flags().StringArrayVar(&f.Wish.Clear, "clear", nil, "tables whose rows go, separated by commas; may be given again (default: chosen on screen)")
	c.Flags().StringArrayVar(&f.Wish.Protect, "protect", nil, "tables that must come out as they went in, likewise")
	c.Flags().StringVar(&f.Wish.Schema, "schema", "public", "schema of names that have none")
	c.Flags().StringVar(&f.Title, "title", "", "the runbook's title; empty: which tables are cleared")
	c.Flags().StringVar(&f.Output, "output", "", "file to write; empty: standard output, and asked for on screen")
	c.Flags().BoolVar(&f.Force, "force", false, "overwrite the file")
	themeFlag(c, &f.Theme)
	return c
}

func (a *app) init(ctx context.Context, f initFlags) error {
	f.Wish.Clear, f.Wish.Protect = names(f.Wish.Clear), names(f.Wish.Protect)
	onScreen := len(f.Wish.Clear) == 0
	if onScreen && !a.interactive() {
		return &Exit{Code: Usage, Err: errors.New("nothing is to be cleared: name at least one table by --clear; they are chosen on screen where input and output are a terminal")}
	}
	s, err := a.database.ReadSchema(ctx, f.DSN, nil)
	if err != nil {
		return Failed(err)
	}
	if onScreen {
		return a.pick(ctx, s, f)
	}
	d, err := draft.New(s, f.Wish)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	found, err := a.source(d, f)
	if err != nil {
		return Failed(err)
	}
	a.tellFindings(found)
	return nil
}

// source writes a draft down, and gives what lint finds in it.
func (a *app) source(d *draft.Draft, f initFlags) ([]phases.Finding, error) {
	if f.Title == "" {
		f.Title = "Clear " + phases.Clean(pick.Several(f.Wish.Clear))
	}
	source, err := d.Source(f.Title)
	if err != nil {
		return nil, err
	}
	book, err := runbook.Parse("draft", []byte(source))
	if err != nil {
		return nil, err
	}
	if err := a.writeDraft(source, f); err != nil {
		return nil, err
	}
	return lint.New(book, d.Schema).Findings(), nil
}

func (a *app) tellFindings(found []phases.Finding) {
	for _, found := range found {
		if found.Severity != phases.SeverityNote {
			fmt.Fprintf(a.stderr, "tminus: %s %s: %s; %s\n", found.Severity, found.Code, found.Text, found.Remedy)
		}
	}
}

// pick has what is to be cleared chosen on screen.
func (a *app) pick(ctx context.Context, s *schema.Schema, f initFlags) error {
	if err := draft.Known(s, f.Wish); err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	if f.Output == "" {
		f.Output = fileName(s.Server.Database)
	}
	var found []phases.Finding
	opts := pick.Options{Schema: s, Wish: f.Wish, File: f.Output, Force: f.Force}
	opts.Write = func(d *draft.Draft, w draft.Wish, file string) (err error) {
		f.Wish, f.Output = w, file
		found, err = a.source(d, f)
		return err
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	switch err := pick.Run(ctx, opts, ui.Options{Looks: ui.Looks{Theme: f.Theme}, Instead: "--clear"}); {
	case errors.Is(err, pick.ErrLeft), errors.Is(err, engine.ErrSignal):
		return &Exit{Code: Left, Err: err}
	case errors.Is(err, pick.ErrEmpty):
		return &Exit{Code: Usage, Err: fmt.Errorf("database %s has %w: name another database or role by --dsn", phases.Clean(s.Server.Database), err)}
	case err != nil:
		return Failed(err)
	}
	a.tellFindings(found)
	fmt.Fprintf(a.stderr, "tminus: %s is written: see what stands in it as DECIDE, then tminus lint and tminus rehearse\n", phases.Clean(f.Output))
	return nil
}

// fileName is a runbook's name for a database: what no shell and no system reads
// otherwise is kept of it.
func fileName(database string) string {
	kept := strings.Trim(strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, database), "-")
	if kept == "" {
		kept = "runbook"
	}
	return kept + ".yaml"
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
		return fmt.Errorf("%s exists: take another name, or --force, which overwrites it", f.Output)
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
