package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tminus/ui"
	"tminus/ui/look"
)

// frameEvery is the least time between two frames of a recording.
const frameEvery = 100 * time.Millisecond

// Size is a terminal's, in cells.
type Size struct{ Width, Height int }

// The sizes that a recording can have.
var (
	smallest = Size{60, 16}
	largest  = Size{500, 200}
)

// ParseSize reads WIDTHxHEIGHT.
func ParseSize(text string) (Size, error) {
	w, h, ok := strings.Cut(text, "x")
	s := Size{}
	var errW, errH error
	s.Width, errW = strconv.Atoi(w)
	s.Height, errH = strconv.Atoi(h)
	if !ok || errW != nil || errH != nil || s.Width < smallest.Width || s.Height < smallest.Height || s.Width > largest.Width || s.Height > largest.Height {
		return Size{}, fmt.Errorf("size %q: WIDTHxHEIGHT in cells, from %dx%d to %dx%d, such as 120x40", text, smallest.Width, smallest.Height, largest.Width, largest.Height)
	}
	return s, nil
}

// Cast writes the film as an asciicast of version 3, at so many times the run's
// speed, or as much of it as there is when ctx ends. It has no clock: the same
// film gives the same bytes.
func (f *Film) Cast(ctx context.Context, w io.Writer, size Size, speed int) error {
	c := &cast{out: bufio.NewWriter(w), film: f, projector: projector{film: f}, size: size}
	if err := c.head(); err != nil {
		return err
	}
	speed = max(1, speed)
	marks := f.marks
	for at := time.Duration(0); ; at += frameEvery {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		run := f.length()
		film := at * time.Duration(speed)
		ended := film >= f.lasts()
		if !ended {
			run = f.run(film)
		}
		if err := c.frame(at, run, ended); err != nil {
			return err
		}
		// Behind the frame: who goes to a mark sees what it is about.
		for len(marks) > 0 && (ended || marks[0].At <= run) {
			if err := c.event(at, "m", marks[0].Text); err != nil {
				return err
			}
			marks = marks[1:]
		}
		if ended {
			return c.out.Flush()
		}
	}
}

// cast is a recording that is being written.
type cast struct {
	out       *bufio.Writer
	film      *Film
	projector projector
	viewer    *ui.Viewer
	styles    *look.Styles
	size      Size
	at        time.Duration // of the last event, in milliseconds as written
	lines     []string      // of the last frame
	drawn     struct {
		records int
		second  time.Time
	}
}

func (c *cast) head() error {
	c.styles = look.NewStyles(true)
	c.viewer = ui.NewViewer(ui.ViewerOptions{Styles: c.styles, ReadOnly: "REPLAY", Journal: c.film.path})
	c.viewer.Resize(c.size.Width, c.size.Height)
	s := c.projector.to(1)
	type term struct {
		Cols int    `json:"cols"`
		Rows int    `json:"rows"`
		Type string `json:"type"`
	}
	return c.line(struct {
		Version   int    `json:"version"`
		Term      term   `json:"term"`
		Timestamp int64  `json:"timestamp"`
		Title     string `json:"title"`
	}{3, term{c.size.Width, c.size.Height, "xterm-256color"}, c.film.moment(0).Unix(), look.Sanitize(fmt.Sprintf("tminus: %s (%s, %s)", s.Runbook.Title, s.Opened.Environment, s.Target.Database))})
}

func (c *cast) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = c.out.Write(append(text, '\n'))
	return err
}

// event writes one, with the time since the one before in whole milliseconds,
// none of which is lost in the sum.
func (c *cast) event(at time.Duration, kind, data string) error {
	at = max(c.at, at.Truncate(time.Millisecond))
	since := at - c.at
	c.at = at
	return c.line([]any{json.RawMessage(fmt.Sprintf("%d.%03d", since/time.Second, since%time.Second/time.Millisecond)), kind, data})
}

// frame writes the lines that are not as they were.
func (c *cast) frame(at, run time.Duration, last bool) error {
	now := c.film.moment(run).UTC()
	records := c.film.records(run)
	second := now.Truncate(time.Second)
	if c.lines != nil && !last && records == c.drawn.records && second.Equal(c.drawn.second) {
		return nil
	}
	c.drawn.records, c.drawn.second = records, second
	c.viewer.Show(c.projector.to(records))
	if last && c.film.fault != nil {
		c.viewer.Stop(c.film.fault)
	}
	lines := strings.Split(c.viewer.Frame(now), "\n")
	// In the place of the keys, which nobody can press here.
	lines[len(lines)-1] = look.Pad(" "+position(c.film, run, c.projector.state, c.styles, now), c.size.Width)
	var out strings.Builder
	if c.lines == nil {
		out.WriteString("\x1b[?25l\x1b[2J") // no cursor, and nothing of before
	}
	for i, l := range lines {
		if c.lines == nil || c.lines[i] != l {
			fmt.Fprintf(&out, "\x1b[%d;1H%s", i+1, l)
		}
	}
	c.lines = lines
	if out.Len() == 0 {
		return nil
	}
	return c.event(at, "o", out.String())
}
