package look

import "strings"

// asciiSigns stand for the signs that screens are drawn with, each as wide as its
// own, on a terminal that does not write UTF-8. What marks differ by, they differ by
// here too.
var asciiSigns = [...]string{
	"✓", "+", "✗", "X", "·", ".", "▸", ">", "‖", "=", "↺", "<", "›", "*", "█", "#", "░", "-", "■", "#", "●", "@", "◆", "o", "≥", ">",
	"─", "-", "━", "-", "│", "|", "┃", "|", "╭", "+", "╮", "+", "╰", "+", "╯", "+",
	"┌", "+", "┐", "+", "└", "+", "┘", "+", "├", "+", "┤", "+", "┬", "+", "┴", "+", "┼", "+",
	"↑", "^", "↓", "v", "←", "<", "→", ">", "…", "~", "–", "-", "—", "-",
}

// InASCII are the same styles for a terminal that does not write UTF-8.
func (s *Styles) InASCII() *Styles {
	out := *s.WithoutBlocks()
	out.ascii = strings.NewReplacer(asciiSigns[:]...)
	return &out
}

// Write gives a frame as the terminal can show it.
func (s *Styles) Write(frame string) string {
	if s.ascii == nil {
		return frame
	}
	return s.ascii.Replace(frame)
}

// LacksUTF8 reports whether a terminal with that environment writes other letters
// than those of UTF-8. Nothing said is UTF-8.
func LacksUTF8(env []string) bool {
	for _, k := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // the first that is set counts
		if v := strings.ToLower(variable(env, k)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
