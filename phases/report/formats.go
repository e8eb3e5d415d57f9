package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Format is one form of a report.
type Format struct {
	Name  string // as a flag takes it
	Means string // what it is good for
	Write func(*Report, io.Writer) error
}

// Formats are all forms there are, the default first.
func Formats() []Format {
	return []Format{
		{Name: "text", Means: "the execution log, 80 columns wide", Write: (*Report).WriteText},
		{Name: "md", Means: "the same as GitHub-flavoured Markdown", Write: (*Report).WriteMarkdown},
		{Name: "html", Means: "one file to hand on and to print, with charts", Write: (*Report).WriteHTML},
		{Name: "json", Means: "all of it as one object", Write: (*Report).WriteJSON},
	}
}

// WriteJSON writes the report as one indented JSON object. Errors are w's.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	return nil
}
