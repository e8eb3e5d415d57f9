package drawing

import (
	"strings"

	"tminus/phases/schema"
)

// manner is how an action looks, by its class, and what it does to the rows.
type manner struct {
	action  schema.Action
	class   string
	means   string
	refuses bool
}

// manners are those of the actions, in the legend's order.
var manners = []manner{
	{schema.Cascade, "cascade", "rows go too", false},
	{schema.SetNull, "setnull", "rows lose the reference", false},
	{schema.SetDefault, "setdefault", "rows get the default", false},
	{schema.Restrict, "restrict", "refuses the delete", true},
	{schema.NoAction, "noaction", "refuses the delete, may wait for COMMIT", true},
}

func mannerOf(action string) manner {
	for _, m := range manners {
		if m.action.String() == action {
			return m
		}
	}
	return manners[len(manners)-1]
}

// palette are the colours of a light and a dark page. The actions' are told
// apart by those who see few colours; their dashes tell them apart as well.
var palette = []struct{ selector, property, light, dark string }{
	{".page", "fill", "#ffffff", "#14171c"},
	{"text", "fill", "#1c2026", "#e8eaed"},
	{".box", "fill", "#f6f7f9", "#20252d"},
	{".box", "stroke", "#8a929e", "#6b7480"},
	{".rule", "stroke", "#d3d8de", "#39414c"},
	{".dim", "fill", "#59616c", "#a3acb8"},
	{".deleted .box", "fill", "#dfe4ea", "#3a4350"},
	{".deleted .box", "stroke", "#1c2026", "#e8eaed"},
	{".protected .box", "stroke", "#d0021b", "#ff5c6c"},
	{".alarm", "fill", "#b80018", "#ff7a87"},
	{".warn", "fill", "#8a5a00", "#f2b84b"},
	{".line.cascade,.bar.cascade", "stroke", "#c2560c", "#ff9d5c"},
	{".head.cascade,.word.cascade", "fill", "#b04a05", "#ff9d5c"},
	{".line.setnull", "stroke", "#0b67b2", "#6db8ff"},
	{".head.setnull,.word.setnull", "fill", "#0b5fa5", "#6db8ff"},
	{".line.setdefault", "stroke", "#0a7d5a", "#4fd1a5"},
	{".head.setdefault,.word.setdefault", "fill", "#08704f", "#4fd1a5"},
	{".line.restrict,.bar.restrict", "stroke", "#8b2fa0", "#dc9bec"},
	{".word.restrict", "fill", "#8b2fa0", "#dc9bec"},
	{".line.noaction,.bar.noaction", "stroke", "#4d545e", "#b8c0ca"},
	{".word.noaction", "fill", "#4d545e", "#b8c0ca"},
}

// rules are what is the same on every page.
var rules = []struct{ selector, body string }{
	{"text", `font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre`},
	{".name", "font-size: 13px; font-weight: bold"},
	{".heading", "font-size: 16px; font-weight: bold"},
	{".badge,.word,.warn", "font-weight: bold"},
	{".box", "stroke-width: 1"},
	{".deleted .box", "stroke-width: 2"},
	{".protected .box", "stroke-width: 4"},
	{".line", "fill: none; stroke-width: 1.6"},
	{".bar", "fill: none; stroke-width: 3"},
	{".line.setnull", "stroke-dasharray: 7 4"},
	{".line.setdefault", "stroke-dasharray: 2 3"},
	{".line.restrict", "stroke-dasharray: 14 4"},
	{".line.noaction", "stroke-dasharray: 9 3 2 3"},
	{".key:hover .line", "stroke-width: 4"},
}

// scope is the drawing's class: put into a page as it stands, it leaves the rest
// of the page alone.
const scope = "tminus-reach"

// styleSheet is the page's. The light colours stand first, for readers that
// know no media queries.
func styleSheet() string {
	var out, dark strings.Builder
	rule := func(to *strings.Builder, selector, body string) {
		to.WriteString("." + scope + " " + strings.ReplaceAll(selector, ",", ", ."+scope+" ") + " { " + body + "; }\n")
	}
	out.WriteString("\n")
	for _, r := range rules {
		rule(&out, r.selector, r.body)
	}
	for _, c := range palette {
		rule(&out, c.selector, c.property+": "+c.light)
		rule(&dark, c.selector, c.property+": "+c.dark)
	}
	return out.String() + "@media (prefers-color-scheme: dark) {\n" + dark.String() + "}\n"
}
