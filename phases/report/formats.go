package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Format is one form of a report.
type Format struct {
	Name  string // as a flag takes it
	Write func(*Report, io.Writer) error
}

// Formats are all forms there are, the default first.
func Formats() []Format {
	return []Format{
		{Name: "text", Write: (*Report).WriteText},
		{Name: "json", Write: (*Report).WriteJSON},
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
