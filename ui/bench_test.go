package ui

import (
	"fmt"
	"testing"

	"tminus/phases"
	"tminus/ui/look"
)

// BenchmarkFrame draws whole frames of a run with a long past: the goal is
// 2 ms at 200 x 60.
func BenchmarkFrame(b *testing.B) {
	for _, stage := range []string{"checklist", "running", "holding", "completed"} {
		for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
			b.Run(fmt.Sprintf("%s/%dx%d", stage, size[0], size[1]), func(b *testing.B) {
				o, _ := screen(b, stage, size[0], size[1])
				for i := range 100_000 {
					o.state.Log = append(o.state.Log, phases.LogLine{Seq: uint64(i), At: o.now(), Level: phases.LevelInfo, Text: fmt.Sprintf("event %d of a long run", i)})
				}
				o.SetStyles(look.NewStyles(true))
				b.ReportAllocs()
				for b.Loop() {
					o.View()
				}
			})
		}
	}
}
