package capsule

import (
	"bytes"
	"errors"
	"testing"
)

// Whatever a manifest's file holds: it is refused, or it is one, and then it can be
// written again, and files are made of it.
func FuzzManifest(f *testing.F) {
	sum := "0123456789abcdef"
	m := Manifest{Format: format, Encoding: "LATIN1", Database: "gym", Server: 150018, Recipients: []string{"age1x"}, Tables: []Table{{
		Schema: "public", Name: "users", Columns: []Column{{"id", "integer"}, {"x\n", "text"}}, Key: []string{"id"},
		Streams: map[Part]Stream{
			Gone: {"1.dat.gz.age", 1, 2, 3, sum + sum + sum + sum, sum}, Old: {"2.old.gz.age", 1, 2, 3, sum + sum + sum + sum, sum},
			New: {"3.new.gz.age", 1, 2, 3, sum + sum + sum + sum, sum},
		},
	}}, Sequences: []Sequence{{"public", "s", 7, true}}, Others: []File{{tocName, 3, sum + sum + sum + sum}}}
	text, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`{"format":1,"encoding":"UTF8","tables":[{"schema":"a","name":"b","columns":null}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decode(text)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrLater) {
				t.Errorf("neither damaged nor of a later format: %v", err)
			}
			return
		}
		once, err := m.encode()
		if err != nil {
			t.Fatalf("read, and not written: %v", err)
		}
		again, err := decode(once)
		if err != nil {
			t.Fatalf("written, and not read: %v", err)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("not the same: %v\n%s\n%s", err, once, twice)
		}
		m.sums(text)
		for _, make := range beside {
			make(m)
		}
	})
}
