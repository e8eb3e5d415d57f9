package journal

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// What is accepted as a line is exactly what the writer would have written for
// its record: a line has one form.
func FuzzLine(f *testing.F) {
	at := time.Date(2026, 3, 14, 2, 0, 0, 500, time.UTC)
	for _, data := range []string{`{}`, `{"a":"\u003c","hash":"x"}`, `{"a":[1,2.50,null]}`} {
		line, _, err := newChain().encode(at, "step_done", json.RawMessage(data))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line, true)
		f.Add(line[:len(line)/2], true)
		f.Add(bytes.ToUpper(line), false)
	}
	f.Add([]byte("\n"), false)
	f.Add([]byte(`{"seq":1,"at":"","kind":"","data":{},"hash":""}`+"\n"), true)
	f.Fuzz(func(t *testing.T, line []byte, rehash bool) {
		chain := newChain()
		if rehash && len(line) > tailLen {
			// Otherwise next to nothing gets past the hash.
			body := line[:len(line)-tailLen]
			line = append(bytes.Clone(body), hashMark+chain.hashOf(body)+endMark...)
		}
		chain.tornReason(line)
		rec, reason := chain.decode(line)
		if reason != "" {
			if chain != newChain() {
				t.Fatal("a refused line moved the chain")
			}
			return
		}
		if chain.seq != 1 || chain.hash != rec.Hash {
			t.Fatal("the chain did not move")
		}
		// The data is kept as it is, and everything else has one form.
		again, _, err := newChain().encode(rec.At, rec.Kind, json.RawMessage(`{}`))
		if err != nil {
			t.Fatalf("accepted what the writer refuses: %v", err)
		}
		head := bytes.TrimSuffix(again[:len(again)-tailLen], []byte(`{}`))
		if body := append(head, rec.Data...); !bytes.Equal(body, line[:len(line)-tailLen]) {
			t.Fatalf("accepted %q, would write %q", line, body)
		}
	})
}
