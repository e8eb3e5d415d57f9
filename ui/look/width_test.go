package look

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// The short way to a width gives what the long one does, for each character that
// it knows, beside each kind of neighbour, in colours and without.
func TestPlainWidthIsTheWidth(t *testing.T) {
	neighbours := []string{"", "a", " ", "─", "é", "⚠", "\ufe0f", "\u0301", "\u200d", "界", "👩", "1", "#", "\u20e3", "\x1b[1;38;5;7m", "\x1b[m"}
	known := 0
	for r := rune(0); r < 0x30000; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		if oneCell(r) {
			known++
		}
		for _, a := range neighbours {
			for _, s := range []string{a + string(r), string(r) + a, a + string(r) + a} {
				if n, ok := plainWidth(s); ok && n != ansi.StringWidth(s) {
					t.Fatalf("%q takes %d cells, and is said to take %d", s, ansi.StringWidth(s), n)
				}
			}
			if r > 0x3000 && a == "a" {
				break
			}
		}
	}
	if known < 300 {
		t.Errorf("%d characters are known", known)
	}
	for _, odd := range []string{"\x1b", "\x1b[", "\x1b[1", "\x1b[2K", "\x1b]0;title\x07x", "\x1b[1\x1b[0m", "\xff", "a\xc3", "a\nb", "\t", "\x7f", "\x1bM", "\x1b[?25lx"} {
		if n, ok := plainWidth(odd); ok && n != ansi.StringWidth(odd) {
			t.Errorf("%q takes %d cells, and is said to take %d", odd, ansi.StringWidth(odd), n)
		}
	}
	if n, ok := plainWidth("\x1b[38;2;1;2;3m" + strings.Repeat("─ ok", 50) + "\x1b[0m"); !ok || n != 200 {
		t.Errorf("%d cells, %v", n, ok)
	}
}
