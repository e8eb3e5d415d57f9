package capsule_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tminus/db/capsule"
)

// typical is COPY text of a table of people or payments.
func typical(size int) []byte {
	var out bytes.Buffer
	at := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	for i := 0; out.Len() < size; i++ {
		fmt.Fprintf(&out, "%d\t%s+00\tfoo%d@example.com\t%c\t%d.%02d\n", i+1, at.Add(time.Duration(i)*37*time.Second).Format(time.DateTime),
			i*7919%1000003, "tf"[min(i%3, 1)], i*131%1000, i*17%100)
	}
	return out.Bytes()
}

// BenchmarkWrite tells the text that a stream takes a second, and how large it
// becomes: as a share of the text, and of what compress/gzip makes of it at level 6, which is
// some hundredths less than gzip -6 does.
func BenchmarkWrite(b *testing.B) {
	text := typical(64 << 20)
	var level6 counter
	w, err := gzip.NewWriterLevel(&level6, 6)
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil || w.Close() != nil {
		b.Fatal(err)
	}
	recipients := map[string][]string{"plain": nil, "encrypted": {"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}}
	for what, to := range recipients {
		b.Run(what, func(b *testing.B) {
			w, err := capsule.Create(filepath.Join(b.TempDir(), "c"), to)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var out capsule.Stream
			for b.Loop() {
				s, err := w.Stream(capsule.Gone)
				if err != nil {
					b.Fatal(err)
				}
				for rest := text; len(rest) > 0; { // as a connection gives it
					n := min(len(rest), 64<<10)
					if _, err := s.Write(rest[:n]); err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
				if out, err = s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Size)/float64(len(text)), "of-text")
			b.ReportMetric(float64(out.Size)/float64(level6), "of-go-gzip-6")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	text := typical(64 << 20)
	table := users()
	dir, _ := write(b, blank(), []capsule.Table{table}, []texts{{capsule.Gone: string(text)}})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := open(b, dir).Verify(context.Background(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
