// Package report makes a run's execution log out of its journal: who did what
// and when, every count, what deviated from the plan, and the lines to sign.
//
// It reads records and nothing else: no clock, no database, no file. The same
// journal gives the same report, byte for byte, on any machine. Nothing here
// blocks, except for the writer that it is handed. A Report belongs to one
// goroutine.
//
//	recs, err := journal.Read(path)
//	if err != nil {
//		return err
//	}
//	r, err := report.Build(recs)
//	if err != nil {
//		return err
//	}
//	return r.WriteText(os.Stdout)
//
// What stands in a report is said once, part by part, by the layout: it calls a
// form, which is a page of text or a sheet, and knows no format. Markdown and HTML
// are written from the sheet. A further format is one more function of Formats; a
// further part is one more line of parts. docs/report.md describes the JSON.
package report
