package journal_test

import (
	"fmt"
	"os"
	"testing"

	"tminus/phases/journal"
)

func BenchmarkAppend(b *testing.B) {
	for name, d := range map[string]journal.Durability{"buffered": journal.Buffered, "synced": journal.Synced} {
		b.Run(name, func(b *testing.B) {
			w := create(b, tempPath(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Append(start, "table_progressed", sample{Phase: "phase_3", Rows: 12345}, d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNextIdle(b *testing.B) {
	path := tempPath(b)
	finished(b, path)
	f := follow(b, path)
	next(b, f, 0)
	b.ReportAllocs()
	for b.Loop() {
		next(b, f, 0)
	}
}

func BenchmarkRead(b *testing.B) {
	path := tempPath(b)
	w := create(b, path)
	for range 10_000 {
		add(b, w, "table_progressed", sample{Phase: "phase_3", Rows: 12345})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := journal.Read(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWhole(b *testing.B) {
	for _, megabytes := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("%d MB", megabytes), func(b *testing.B) {
			path := tempPath(b)
			w := create(b, path)
			var size int
			for size < megabytes<<20 {
				rec := add(b, w, "table_progressed", sample{Phase: "phase_3", Rows: 12345, Hash: "some more bytes, as the records of a run have on average"})
				size += len(rec.Data) + 200
			}
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Whole(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
