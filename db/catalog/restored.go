package catalog

import (
	"regexp"
	"strings"
)

// restored writes an expression as the server has it once it was dumped and
// restored: the cast of a list is then one of each of its items, and reads
// otherwise.
func restored(definition string) string {
	var out strings.Builder
	for {
		at := strings.Index(definition, listBegins)
		if at < 0 {
			return out.String() + definition
		}
		out.WriteString(definition[:at])
		items, behind, ok := list(definition[at+len(listBegins):])
		cast := listEnds.FindStringSubmatch(behind)
		if !ok || cast == nil { // another list, with no cast of its own
			out.WriteString(listBegins)
			definition = definition[at+len(listBegins):]
			continue
		}
		out.WriteString(castEach(items, cast[1]))
		definition = behind[len(cast[0]):]
	}
}

const listBegins = "(ARRAY["

// listEnds is what stands behind a list that is cast: the type of its items.
var listEnds = regexp.MustCompile(`^\)::((?:"(?:[^"]|"")*"|[\pL\d_$. ]|\([\d,]+\))+)\[\]`)

// castEach writes a list with a cast of each item, and of those of lists in it.
func castEach(items []string, to string) string {
	for i, item := range items {
		if inner, found := strings.CutPrefix(item, "ARRAY["); found {
			if more, behind, ok := list(inner); ok && behind == "" {
				items[i] = castEach(more, to)
				continue
			}
		}
		items[i] = "(" + restored(item) + ")::" + to
	}
	return "ARRAY[" + strings.Join(items, ", ") + "]"
}

// list splits what follows the bracket that opens a list, at the commas that
// separate its items, and gives what stands behind the bracket that closes it.
func list(text string) (items []string, behind string, ok bool) {
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' || c == '"': // one that is doubled ends it and begins it again
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return nil, "", false
			}
			i += end + 1
		case c == '(' || c == '[':
			depth++
		case c == ']' && depth == 0:
			return append(items, text[from:i]), text[i+1:], true
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			items, from = append(items, text[from:i]), i+2
		}
	}
	return nil, "", false
}
