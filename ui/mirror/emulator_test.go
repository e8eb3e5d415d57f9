package mirror

import (
	"strings"
	"testing"

	robot "tminus/testdata/terminal"
)

// A program that has not yet heard of the smaller size scrolls by margins of
// the larger one: margins from line 11 to 35, home to the top one, one line back.
func TestAScreenMadeSmallerTakesMarginsOfTheLargerOne(t *testing.T) {
	emu := robot.NewEmulator(80, 40)
	emu.Resize(80, 28)
	if _, err := emu.Write([]byte("\x1b[11;35r\x1b[11;1H\x1bMstill here")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(emu.String(), "still here") {
		t.Errorf("the screen shows nothing:\n%s", emu.String())
	}
	// Margins within the screen hold: the line beneath them stays.
	if _, err := emu.Write([]byte("\x1b[r\x1b[2J\x1b[6;1Hbeneath\x1b[1;5r\x1b[5;1H\n\n")); err != nil {
		t.Fatal(err)
	}
	if line := strings.Split(emu.String(), "\n")[5]; !strings.Contains(line, "beneath") {
		t.Errorf("the sixth line is %q, which scrolled:\n%s", line, emu.String())
	}
}
