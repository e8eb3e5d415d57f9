package terminal

import (
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// NewEmulator is a terminal's screen of w times h cells that survives being
// made smaller while a program still writes for the larger one. The library
// takes margins beyond the screen as they come and then scrolls lines that it
// does not have; a terminal ignores them.
func NewEmulator(w, h int) *vt.Emulator {
	emu := vt.NewEmulator(w, h)
	emu.RegisterCsiHandler('r', func(margins ansi.Params) bool { // the last one registered is asked first
		bottom, _, _ := margins.Param(1, 0)
		return bottom > emu.Height()
	})
	return emu
}
