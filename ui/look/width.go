package look

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width is how many cells a styled text of one line takes.
func Width(s string) int {
	if n, ok := plainWidth(s); ok {
		return n
	}
	return ansi.StringWidth(s)
}

// plainWidth is Width for texts of which each character takes one cell, whatever
// stands beside it, and their colours. Nearly all texts are, and a frame asks for
// hundreds of widths: cutting all of them into graphemes took half of its time.
func plainWidth(s string) (n int, ok bool) {
	for i := 0; i < len(s); {
		switch b := s[i]; {
		case b == 0x1b:
			end := colourEnd(s, i)
			if end < 0 {
				return 0, false
			}
			i = end
		case b >= ' ' && b <= '~':
			i++
			n++
		case b < utf8.RuneSelf:
			return 0, false
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if !oneCell(r) {
				return 0, false
			}
			i += size
			n++
		}
	}
	return n, true
}

// colourEnd is behind the sequence at i of s, where it sets colours; else -1.
func colourEnd(s string, i int) int {
	if i+1 >= len(s) || s[i+1] != '[' {
		return -1
	}
	for i += 2; i < len(s); i++ {
		switch b := s[i]; {
		case b == 'm':
			return i + 1
		case (b < '0' || b > '9') && b != ';' && b != ':':
			return -1
		}
	}
	return -1
}

// oneCell holds for letters of western Europe, and for the dashes, quotes,
// ellipsis, lines, blocks and marks that a frame is drawn with.
func oneCell(r rune) bool {
	switch {
	case r >= 0xc0 && r <= 0x17f, r == '·', r == '×', r == '§', r == 'µ':
		return true
	case r >= 0x2013 && r <= 0x2026, r == '→', r == '←', r == '↑', r == '↓', r == '≥', r == '≤':
		return true
	case r >= 0x2500 && r <= 0x259f, r == '●', r == '○', r == '◐', r == '▶', r == '▸', r == '◆', r == '◇':
		return true
	}
	return r == '✓' || r == '✗' || r == '⚠'
}
