package plain

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/ui/look"
)

const (
	Poll       = 50 * time.Millisecond
	plainBatch = 500 // records that are read at once
)

// Options is what the line mode works with.
type Options struct {
	Journal   string           // path of the run's journal; the file exists
	Commander phases.Commander // nil: watch only
	In        io.Reader        // answers and commands, a line each; nil: nothing is asked
	Out       io.Writer        // one event a line, no escape codes
	Width     func() int       // of the terminal in cells, when a line is written; nil: lines stay whole, as programs read them
	Done      <-chan struct{}  // closed when nothing more will be recorded; nil: follow until the run is closed
	Suspends  <-chan os.Signal // each is somebody's wish to suspend the program, which is refused; nil: nobody is told
}

// Run shows a run in lines, for pipes, dumb terminals and screen readers: an
// event a line, progress thinned, questions asked as lines when there is In.
//
// It returns nil when the run is closed or Done is, with all events written,
// and when the operator quits or In ends: leaving is no error. When ctx ends, it asks
// nothing more, follows the run to Done, so that its safe end is seen too, and
// returns ctx's cause; without Done it does so at once. Other errors are the
// journal's or Out's. It follows the journal file and blocks with Out, never
// the engine. After it has returned, a read of In may still be under way.
func Run(ctx context.Context, opt Options) error {
	follower, err := journal.Follow(opt.Journal)
	if err != nil {
		return err
	}
	defer follower.Close()
	p := &plain{
		Options: opt, out: bufio.NewWriter(opt.Out), follower: follower, state: &phases.State{},
		skipped: map[string]bool{}, declined: map[string]bool{}, progress: map[string]plainProgress{},
	}
	if opt.In != nil {
		lines := make(chan string)
		p.lines = lines
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		// Ends at the end of In, or with Plain as soon as its read returns.
		go plainLines(ctx, opt.In, lines)
	}
	return p.run(ctx)
}

// plain is the line mode's state. It belongs to the goroutine of Plain.
type plain struct {
	Options
	out      *bufio.Writer
	follower *journal.Follower
	state    *phases.State
	lines    <-chan string // nil: nothing is asked, or no more

	asked     plainQuestion
	doubted   string          // a text that was typed for a name, and looks like a word of the mode
	since     int             // events that were said since the question was put
	spoke     time.Time       // when the last of them was
	approver  string          // as typed, until the database's name is
	skipped   map[string]bool // items that were passed over, until all others are answered
	declined  map[string]bool // optional fields that were left empty
	told      string          // the holds that were last told
	warned    time.Duration   // the last countdown of a hold that was told
	surveying bool            // the database is being looked at; nothing is asked
	leaving   bool            // quit was said once while a transaction is open
	progress  map[string]plainProgress
	acted     time.Time // when a long action's progress was last said
	wrote     time.Time // when the progress of a capsule was
}

func (p *plain) run(ctx context.Context) error {
	tick := time.NewTicker(Poll)
	defer tick.Stop()
	stopped, cause := ctx.Done(), error(nil)
	for {
		if err := p.catchUp(); err != nil || p.over() {
			return err
		}
		// Before the survey nothing can be answered, and an input that has ended
		// must not hide what the survey finds.
		lines := p.lines
		if p.state.Survey == nil && p.Commander != nil {
			lines = nil
		}
		select {
		case <-stopped:
			stopped, cause = nil, context.Cause(ctx)
			p.lines = nil
			p.say("stopping: %v", cause)
			if p.Done == nil {
				return firstError(p.catchUp(), cause)
			}
		case <-p.Done:
			return firstError(p.catchUp(), cause)
		case line, ok := <-lines:
			if !ok {
				// Nobody is left to answer: waiting would be for ever.
				p.say("the input has ended: left the run")
				return p.catchUp()
			}
			if p.answer(line) {
				p.say("left the run")
				return p.catchUp()
			}
		case <-p.Suspends:
			p.say("not suspended: that would stop the run, with its locks held; use another terminal")
		case <-tick.C:
		}
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// over tells that no event can follow.
func (p *plain) over() bool { return !p.state.ClosedAt.IsZero() }

// catchUp writes what has come since, then what is to be asked.
func (p *plain) catchUp() error {
	for {
		recs, err := p.follower.Next(plainBatch)
		for _, rec := range recs {
			if err := p.event(rec); err != nil {
				return err
			}
		}
		if err != nil {
			return firstError(p.out.Flush(), err)
		}
		if len(recs) == 0 {
			break
		}
	}
	if p.state.Runbook != nil && !p.over() {
		p.countdown()
		p.ask()
		p.askAgain()
	}
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("write plain output: %w", err)
	}
	return nil
}

// say writes one line. On a terminal it is wrapped at its width, with what is left
// set in below it; a program that reads gets it whole.
func (p *plain) say(format string, args ...any) {
	text := phases.Clean(fmt.Sprintf(format, args...))
	width := 0
	if p.Width != nil {
		width = p.Width()
	}
	for _, l := range wrap(text, width) {
		p.out.WriteString(l + "\n")
	}
}

// narrowest is the least width that a line is wrapped at.
const narrowest = 20

// wrap breaks a line between words alone: a path or a command that is torn is
// another one for whoever copies it.
func wrap(text string, width int) []string {
	if width < narrowest || look.Width(text) <= width {
		return []string{text}
	}
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var out []string
	line := indent
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
			indent += "  "
		case look.Width(line)+1+look.Width(word) <= width:
			line += " " + word
		default:
			out = append(out, line)
			line = indent + word
		}
	}
	return append(out, line)
}

// plainLines sends the lines of in. An overlong line is cut into several.
func plainLines(ctx context.Context, in io.Reader, lines chan<- string) {
	defer close(lines)
	r := bufio.NewReader(in)
	for {
		line, _, err := r.ReadLine()
		if err != nil {
			return
		}
		select {
		case lines <- string(line):
		case <-ctx.Done():
			return
		}
	}
}
