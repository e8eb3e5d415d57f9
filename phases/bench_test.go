package phases_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
)

// BenchmarkOpen reads, verifies and folds a journal of 100,000 events, as each
// reader does before its first frame.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "run.journal")
	w, err := journal.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	recs, err := journal.Read("../testdata/journals/v1-demo.journal")
	if err != nil {
		b.Fatal(err)
	}
	const events = 100_000
	for i := range events {
		rec := recs[min(i, len(recs)-1)]
		if rec.Kind == (phases.TableProgressed{}).Kind() || i >= 200 {
			rec.Kind = phases.TableProgressed{}.Kind()
			rec.Data = fmt.Appendf(nil, `{"phase":"phase2","step":0,"deleted":%d,"blocks_done":%d,"blocks_total":100000,"touched":{"scan_audit_logs":{"deleted":%d}}}`, i, i, i)
		}
		if _, err := w.Append(time.Unix(1_800_000_000, int64(i)*36e6), rec.Kind, rec.Data, journal.Buffered); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		recs, err := journal.Read(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := phases.Fold(recs); err != nil {
			b.Fatal(err)
		}
	}
}
