package look

import "strings"

// asciiSpark stands for the blocks on a terminal that has none.
const asciiSpark = "_.,:-=+*#"

// WithoutBlocks are the same styles for a terminal whose font lacks the eighths
// of a block: a Linux console, or one that does not write UTF-8.
func (s *Styles) WithoutBlocks() *Styles {
	out := *s
	out.Mark.Spark = asciiSpark
	return &out
}

// LacksBlocks reports whether a terminal with that environment is one without
// eighths of a block.
func LacksBlocks(env []string) bool {
	t := variable(env, "TERM")
	return t == "linux" || strings.HasPrefix(t, "vt") || LacksUTF8(env)
}

// Spark draws figures, one cell each, as tall as they are beside the greatest. What
// is above zero is never drawn as nothing.
func Spark(marks Marks, figures []float64) string {
	signs := []rune(marks.Spark)
	most := 0.0
	for _, f := range figures {
		most = max(most, f)
	}
	var b strings.Builder
	for _, f := range figures {
		level := 0
		if f > 0 && len(signs) > 1 {
			level = 1 + min(len(signs)-2, int(f/most*float64(len(signs)-1)))
		}
		b.WriteRune(signs[level])
	}
	return b.String()
}
