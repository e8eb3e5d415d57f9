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
// A further format is one more function of Formats; it gets all that it shows
// from the Report's fields. docs/report.md describes the JSON.
package report
