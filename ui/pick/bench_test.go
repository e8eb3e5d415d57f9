package pick

import (
	"testing"

	"tminus/phases/draft"
)

// What a tick costs: the frame, and what follows, which is worked out beside it.
func BenchmarkScreen(b *testing.B) {
	of := large(2000)
	s := screen(b, of, 200, 60)
	press(s, "space")
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			draft.Propose(of)
		}
	})
	b.Run("frame", func(b *testing.B) {
		for b.Loop() {
			s.frame(s.now())
		}
	})
	b.Run("wrap", func(b *testing.B) {
		for b.Loop() {
			s.followLines(76)
		}
	})
	b.Run("tick", func(b *testing.B) {
		for b.Loop() {
			s.put(toClear, s.shown[0])
			s.busy = false
		}
	})
	for name, w := range map[string]draft.Wish{"draft": {Clear: []string{"table_0000"}}, "leaf": {Clear: []string{"table_1999"}}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := draft.New(of, w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, against := range map[string]bool{"chain": false, "chain against": true} {
		of := chain(2000, against)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := draft.New(of, draft.Wish{Clear: []string{of.Relations[0].Name}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" open", func(b *testing.B) {
			for b.Loop() {
				draft.Propose(of)
			}
		})
	}
}
