package picture

import "fmt"

// strokes is how a line's character is drawn from the upper left corner of its
// cell, %d and %d; empty for a character that is none.
func strokes(text string) string {
	const w, h = "4", "8.5"
	switch text {
	case "─":
		return "M%d %dm0 " + h + "h8"
	case "│":
		return "M%d %dm" + w + " 0v17"
	case "╭":
		return "M%d %dm8 " + h + "q-4 0-4 4v4.5"
	case "╮":
		return "M%d %dm0 " + h + "q4 0 4 4v4.5"
	case "╰":
		return "M%d %dm" + w + " 0v4.5q0 4 4 4"
	case "╯":
		return "M%d %dm" + w + " 0v4.5q0 4-4 4"
	case "┌":
		return "M%d %dm8 " + h + "h-4v8.5"
	case "┐":
		return "M%d %dm0 " + h + "h4v8.5"
	case "└":
		return "M%d %dm" + w + " 0v8.5h4"
	case "┘":
		return "M%d %dm" + w + " 0v8.5h-4"
	}
	return ""
}

// opacity is how much of a cell a shade covers; empty for a character that is none.
func opacity(text string) string {
	switch text {
	case "░":
		return ".25"
	case "▒":
		return ".5"
	case "▓":
		return ".75"
	}
	return ""
}

// block is the rectangle of a block's character in the cell at x and y; empty for
// a character that is none.
func block(text string, x, y int) string {
	r := []rune(text)
	if len(r) != 1 {
		return ""
	}
	switch c := r[0]; {
	case c == '█' || opacity(text) != "":
		return bar(x, y, cellWide)
	case c >= '▁' && c <= '▇': // eighths from below
		high := float64(c-'▁'+1) * cellHigh / 8
		return fmt.Sprintf("M%d %gh%dv%gh%dz", x, float64(y+cellHigh)-high, cellWide, high, -cellWide)
	case c >= '▉' && c <= '▏': // eighths from the left, the widest first
		return bar(x, y, (7-int(c-'▉'))*cellWide/8)
	}
	return ""
}

// bar is a block that lies in a row, with a gap to those of other rows, where a
// terminal has none: bars stay apart.
func bar(x, y, wide int) string { return rect(x, y+1, wide, cellHigh-2) }
