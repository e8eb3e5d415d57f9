package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tminus/phases/journal"
	"tminus/phases/report"
)

// reportFlags say what a report is written as, and where.
type reportFlags struct {
	Format string // empty: by the ending of Output, else text
	Output string // empty: standard output
	Force  bool   // replace what is there
}

func reportCommand(a *app) *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report JOURNAL",
		Short: "Write a run's execution log",
		Long: "report makes the execution log from the journal alone, at any time, also while the run goes on:\n" +
			"it then says how it stands.",
		Example: "  tminus report reset.journal\n  tminus report reset.journal --output reset.html\n  tminus report reset.journal --format json | jq .status",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.report(args[0], f) },
	}
	c.Flags().StringVar(&f.Format, "format", "", formatNames(" or ")+" (default: by the ending of --output, else text)")
	c.Flags().StringVar(&f.Output, "output", "", "file to write to, which must not exist (default: standard output)")
	c.Flags().BoolVar(&f.Force, "force", false, "replace the file if it exists")
	var formats []cobra.Completion
	for _, f := range report.Formats() {
		formats = append(formats, cobra.CompletionWithDesc(f.Name, f.Means))
	}
	// It fails for a flag that is not there alone.
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// formatNames are all formats in a line: "text, md, html or json".
func formatNames(last string) string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	end := len(names) - 1
	return strings.Join(names[:end], ", ") + last + names[end]
}

// format is what a report is to be written as.
func (f reportFlags) format() (report.Format, error) {
	formats := report.Formats()
	name := f.Format
	if name == "" {
		name = strings.TrimPrefix(strings.ToLower(filepath.Ext(f.Output)), ".")
		switch {
		case slices.ContainsFunc(formats, func(f report.Format) bool { return f.Name == name }):
		case name == "htm":
			name = "html"
		case name == "pdf":
			return report.Format{}, &Exit{Code: Usage, Err: fmt.Errorf("no report is written as PDF: write %s.html, and print it from a browser", strings.TrimSuffix(f.Output, filepath.Ext(f.Output)))}
		default:
			return formats[0], nil
		}
	}
	for _, is := range formats {
		if is.Name == name {
			return is, nil
		}
	}
	return report.Format{}, &Exit{Code: Usage, Err: fmt.Errorf("unknown format %q: one of %s", name, formatNames(", "))}
}

func (a *app) report(path string, f reportFlags) error {
	format, err := f.format()
	if err != nil {
		return err
	}
	if f.Force && f.Output == "" {
		return &Exit{Code: Usage, Err: errors.New("--force without --output: it says that a file may be replaced")}
	}
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) { // a run that goes on writes its next line
		return Failed(err)
	}
	r, err := report.Build(recs)
	if err != nil {
		return Failed(err)
	}
	if f.Output == "" {
		return Failed(format.Write(r, a.stdout))
	}
	// Whole before a file is made: a report is never half there.
	var out bytes.Buffer
	if err := format.Write(r, &out); err != nil {
		return Failed(err)
	}
	return Failed(writeReport(f.Output, path, f.Force, out.Bytes()))
}

// writeReport makes a file of a report. One that is there is replaced where that
// is wanted, but a journal never is: nothing can make that again.
func writeReport(path, from string, force bool, content []byte) error {
	if !force {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("write the report: %s exists: --force replaces it, or choose another name", path)
		}
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		return fill(file, path, content)
	}
	if err := replaceable(path, from); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write the report beside %s: %w", path, err)
	}
	if err := fill(file, file.Name(), content); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return errors.Join(fmt.Errorf("put the report in the place of %s: %w", path, err), os.Remove(file.Name()))
	}
	return nil
}

// replaceable says why what is at a path must stay; nothing where there is nothing.
func replaceable(path, from string) error {
	is, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write the report: %w", err)
	case !is.Mode().IsRegular():
		return fmt.Errorf("write the report: %s is no ordinary file: choose another name", path)
	}
	if own, err := os.Stat(from); err == nil && os.SameFile(is, own) {
		return fmt.Errorf("write the report: %s is the journal itself, and nothing replaces that: choose another name", path)
	}
	journals, err := beginsAsJournal(path)
	switch {
	case err != nil:
		return fmt.Errorf("write the report: see whether %s may be replaced: %w", path, err)
	case journals:
		return fmt.Errorf("write the report: %s is a journal, and nothing replaces that: choose another name", path)
	}
	return nil
}

// beginsAsJournal tells a journal, also one that is damaged, by how it begins.
func beginsAsJournal(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	const begins = `{"seq":`
	start := make([]byte, len(begins))
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return string(start[:n]) == begins, nil
}

// fill writes a file that was made for it. Where that fails, the file goes.
func fill(file *os.File, path string, content []byte) error {
	_, err := file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the report: %w", err), os.Remove(path))
	}
	return nil
}
