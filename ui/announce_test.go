package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// The host key's fingerprint is whole on every screen that announces the mirror,
// until somebody watches, and on the help page after that.
func TestTheMirrorsFingerprintIsWhole(t *testing.T) {
	const key = "SHA256:uNiVztksCsDhcc0u9e8BgrJXVUDeC3ErPQDKm1nGdoM"
	for _, size := range [][2]int{{60, 16}, {80, 24}, {100, 30}, {120, 40}, {200, 60}} {
		for _, watched := range []bool{false, true} {
			t.Run(fmt.Sprint(size, watched), func(t *testing.T) {
				o, _ := screen(t, "checklist", size[0], size[1])
				o.opts.Note, o.opts.HostKey = "mirror on 0.0.0.0:2222, open to the network", key
				if !watched {
					o.state.Observers = nil
				}
				frame := ansi.Strip(frameText(o))
				if got := strings.Contains(frame, key); got == watched {
					t.Errorf("watched %t, and the fingerprint is there: %t\n%s", watched, got, frame)
				}
				if n := strings.Count(frame, "\n") + 1; n != size[1] {
					t.Errorf("%d lines", n)
				}
				run(o, keyNamed("?"))
				run(o, keyNamed("G"))
				if page := ansi.Strip(frameText(o)); !strings.Contains(page, key) {
					t.Errorf("the help page cuts the fingerprint:\n%s", page)
				}
			})
		}
	}
}
