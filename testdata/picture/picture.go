package picture

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Page is what a picture is of.
type Page struct {
	Columns, Rows int    // of the terminal
	Title         string // read aloud in the picture's place
}

// Frame is one of a film's, with the time from which it is seen.
type Frame struct {
	At   time.Duration // since the film's beginning; the first is 0
	Text string        // lines with their colours, joined by line feeds
}

// Still is the picture of one frame.
func Still(frame string, p Page) ([]byte, error) { return Film([]Frame{{Text: frame}}, 0, 0, p) }

// Film is a picture that shows frames one after the other, again and again, each
// time for so long. Frame number still is what a reader sees who wants no motion,
// or whose program shows none.
func Film(frames []Frame, lasts time.Duration, still int, p Page) ([]byte, error) {
	switch {
	case len(frames) == 0 || p.Columns <= 0 || p.Rows <= 0:
		return nil, errors.New("make a picture: it needs a frame and a size")
	case still < 0 || still >= len(frames):
		return nil, fmt.Errorf("make a picture: there is no frame %d among %d", still, len(frames))
	case frames[0].At != 0 || lasts < frames[len(frames)-1].At || !slices.IsSortedFunc(frames, func(a, b Frame) int { return int(a.At - b.At) }):
		return nil, errors.New("make a picture: the frames' times do not run from 0 to its end")
	}
	f := &film{frames: frames, lasts: lasts, still: still, page: p, classes: &classes{names: map[string]string{}}}
	f.take()
	return f.svg(), nil
}

// classes are the styles that a picture needs, each under a short name.
type classes struct {
	names map[string]string
	css   []string
}

// of gives an element's attribute for a style, with a blank before it; nothing for
// the style of all.
func (c *classes) of(css string) string {
	if css == "" {
		return ""
	}
	name, ok := c.names[css]
	if !ok {
		name = fmt.Sprintf("s%d", len(c.names))
		c.names[css] = name
		c.css = append(c.css, "."+name+"{"+css+"}")
	}
	return fmt.Sprintf(` class="%s"`, name)
}

// film is a picture that is being made.
type film struct {
	frames  []Frame
	lasts   time.Duration
	still   int
	page    Page
	classes *classes

	order []mark
	seen  map[mark][]int // the frames in which a mark is seen, rising
}

// take finds all marks, and the frames of each.
func (f *film) take() {
	f.seen = map[mark][]int{}
	for i, frame := range f.frames {
		for _, m := range paint(frame.Text, f.page, f.classes) {
			at, known := f.seen[m]
			if !known {
				f.order = append(f.order, m)
			}
			if n := len(at); n == 0 || at[n-1] != i {
				f.seen[m] = append(at, i)
			}
		}
	}
}

// svg writes the picture: grounds behind, the rest before them; what is seen at
// the same times stands together.
func (f *film) svg() []byte {
	var body strings.Builder
	times := &classes{names: map[string]string{}}
	for _, ground := range []bool{true, false} {
		var keys []string
		groups := map[string][]string{}
		for _, m := range f.order {
			if m.ground != ground {
				continue
			}
			key := fmt.Sprint(f.seen[m])
			if groups[key] == nil {
				keys = append(keys, key)
				f.time(times, key, f.seen[m])
			}
			groups[key] = append(groups[key], m.svg)
		}
		for _, key := range keys {
			open, end := "", ""
			if name := times.names[key]; name != "" {
				open, end = `<g class="f `+name+`">`, "</g>\n"
			}
			body.WriteString(open + strings.Join(groups[key], "\n") + "\n" + end)
		}
	}
	w, h := 2*margin+f.page.Columns*cellWide, 2*margin+f.page.Rows*cellHigh
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", w, h, w, h)
	fmt.Fprintf(&out, "<title>%s</title>\n<style>\n", escape(f.page.Title))
	fmt.Fprintf(&out, "text{font:13.3px ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;fill:%s;white-space:pre}\n", ink)
	fmt.Fprintln(&out, strings.Join(f.classes.css, "\n"))
	if len(times.css) > 0 {
		fmt.Fprintf(&out, ".f{animation:%s step-end infinite}\n%s\n", seconds(f.lasts), strings.Join(times.css, "\n"))
		out.WriteString("@media (prefers-reduced-motion:reduce){.f{animation:none}}\n")
	}
	fmt.Fprintf(&out, "</style>\n"+`<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", w, h, paper)
	out.WriteString(body.String() + "</svg>\n")
	return []byte(out.String())
}

// time adds the rule for what is seen in some frames. What is always seen has none.
func (f *film) time(to *classes, key string, at []int) {
	if len(at) == len(f.frames) || to.names[key] != "" {
		return
	}
	name := fmt.Sprintf("t%d", len(to.names))
	to.names[key] = name
	var steps strings.Builder
	was := -1
	for i := range f.frames {
		_, is := slices.BinarySearch(at, i)
		now := 0
		if is {
			now = 1
		}
		if now != was {
			fmt.Fprintf(&steps, "%s{opacity:%d}", f.share(f.frames[i].At), now)
			was = now
		}
	}
	rest := "opacity:0;"
	if _, is := slices.BinarySearch(at, f.still); is {
		rest = ""
	}
	to.css = append(to.css, fmt.Sprintf(".%s{%sanimation-name:%s}@keyframes %s{%s}", name, rest, name, name, steps.String()))
}

// share is a moment as a part of the film.
func (f *film) share(at time.Duration) string {
	return fmt.Sprintf("%.4g%%", 100*at.Seconds()/f.lasts.Seconds())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%gs", d.Seconds()) }
