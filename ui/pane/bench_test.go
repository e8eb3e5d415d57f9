package pane

import (
	"fmt"
	"testing"

	"tminus/phases"
	"tminus/phases/runbook"
	"tminus/ui/look"
)

// crowded is a run with thousands of items, log lines and tables.
func crowded() *paneRun {
	r := cascading()
	big := runbook.Group{ID: "big", Title: "Big"}
	for i := range 5000 {
		big.Items = append(big.Items, human(fmt.Sprintf("big%d", i), fmt.Sprintf("item %d of a list that nobody wants to read", i)))
		r.log(0, phases.LevelInfo, fmt.Sprintf("event %d of a long run", i))
	}
	r.Runbook.Checklist = append(r.Runbook.Checklist, big)
	return r
}

func BenchmarkPane(b *testing.B) {
	for name, draw := range paneNames() {
		for _, size := range [][2]int{{80, 24}, {200, 60}} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, size[0], size[1]), func(b *testing.B) {
				p := crowded().pane(size[0], size[1])
				p.Styles = look.NewStyles(true)
				b.ReportAllocs()
				for b.Loop() {
					draw(p)
				}
			})
		}
	}
	b.Run("checklist/5000 items", func(b *testing.B) {
		r := crowded()
		r.Gate = phases.GateState{}
		p := r.pane(80, 24)
		p.Cursor, p.Styles = "big4000", look.NewStyles(true)
		b.ReportAllocs()
		for b.Loop() {
			p.show(Checklist)
		}
	})
}
