package ui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// How often a screen looks for records, and how many it takes at once; how
// often its clocks move while nothing happens.
const (
	fetchEvery = 50 * time.Millisecond
	fetchMost  = 2000
	tickIdle   = time.Second
	tickBusy   = 200 * time.Millisecond
)

// saidFor is how long an answer to a key stays on screen, and closedFor why a
// question closed by itself: whoever asked may be looking elsewhere.
const (
	saidFor   = 8 * time.Second
	closedFor = 30 * time.Second
)

// hushFor is how long the keyboard must have been quiet after a question closed
// by itself: what was typed for it is no key of the screen behind. No longer
// than a dialog wants it quiet: whoever presses one key after another, and sees
// each do nothing, must not be kept out for as long as they try.
const hushFor = dialog.ArmAfter

// Operator is the screen that drives a run: a Viewer, dialogs, and a way to
// send commands. It is a tea.Model; Run and Watch are the ways to use it. It
// reads the journal in commands of Bubble Tea's and nothing in Update.
type Operator struct {
	*Viewer
	do      func(phases.Command) error // nil: a reader
	fetch   func(pause time.Duration) tea.Cmd
	ended   func() tea.Cmd // waits for the engine's end; nil without an engine
	now     func() time.Time
	dress   look.Dress // the colours, as the terminal has them; zero: the viewer's stay
	manners Manners
	notify  Notify
	mouses  bool            // the terminal's mouse is the screen's
	rung    map[string]bool // the alarms that have called; nil before the first look
	called  time.Time       // when the last one did
	stopped bool            // the engine has ended
	busy    bool            // a command is under way
	behind  int             // it is recorded, and what it did is not on screen yet: for how many ticks that may be
	seen    uint64          // a later record than this one is on screen once what it did is
	landed  time.Time       // when an item came under the cursor by itself, or in sight, or a key was too quick after that
	dialog  *dialog.Dialog
	leaving *dialog.Dialog // asks whether to leave; stands before the other one
	said    said
	hushed  time.Time // of the last key, or of the question's end, while keys do nothing; zero when they do
}

// said is the answer to the last key, or why a question closed by itself.
type said struct {
	level phases.Level
	text  string
	until time.Time
}

// The messages.
type (
	recordsMsg struct {
		recs []journal.Record
		err  error
	}
	tickMsg  struct{}
	endedMsg struct{}
	// sentMsg is the answer to commands that were sent.
	sentMsg struct {
		err    error
		follow bool // they moved the run on: the screen turns to it
		asked  bool // they asked for something that need not leave a record
		said   string
	}
)

// records gives commands that look for records: they come back with some, with
// an error, or with nothing when ctx has ended.
func records(ctx context.Context, f *journal.Follower) func(time.Duration) tea.Cmd {
	return func(pause time.Duration) tea.Cmd {
		return func() tea.Msg {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(pause):
				}
				pause = fetchEvery
				recs, err := f.Next(fetchMost)
				if len(recs) > 0 || err != nil {
					return recordsMsg{recs: recs, err: err}
				}
			}
		}
	}
}

// Init implements tea.Model.
func (o *Operator) Init() tea.Cmd {
	cmds := []tea.Cmd{o.tickCmd()}
	if o.fetch != nil {
		cmds = append(cmds, o.fetch(0))
	}
	if o.ended != nil {
		cmds = append(cmds, o.ended())
	}
	cmds = append(cmds, o.dress.Asks())
	return tea.Batch(cmds...)
}

// Update implements tea.Model.
func (o *Operator) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := o.route(msg)
	o.withdraw(o.now())
	switch msg.(type) {
	case recordsMsg, tickMsg:
		return o, both(cmd, o.ring())
	}
	return o, cmd
}

// both are two commands, each of which may be none.
func both(a, b tea.Cmd) tea.Cmd {
	if b == nil {
		return a
	}
	return tea.Batch(a, b)
}

// route hands a message to what it is for, and does nothing else.
func (o *Operator) route(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		o.Resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		if dress, changed := o.dress.On(msg); changed {
			o.dress = dress
			o.SetStyles(dress.Styles())
		}
	case tea.MouseMsg:
		o.mouse(msg)
	case tea.KeyPressMsg:
		return o.key(msg)
	case tea.PasteMsg:
		o.paste(msg)
	case recordsMsg:
		return o.take(msg)
	case tickMsg:
		o.clock = o.now()
		if o.behind == 1 { // not every command leaves a record at once
			o.caughtUp()
		}
		o.behind = max(0, o.behind-1)
		return o.tickCmd()
	case endedMsg:
		o.stopped, o.busy = true, false
	case sentMsg:
		o.answer(msg)
	}
	return nil
}

// tickCmd moves the clocks: often while something moves, else each second.
func (o *Operator) tickCmd() tea.Cmd {
	every := tickIdle
	if o.dialog != nil || o.leaving != nil || o.state != nil && o.state.OpenPhase() != nil {
		every = tickBusy
	}
	return tea.Tick(every, func(time.Time) tea.Msg { return tickMsg{} })
}

// take folds what came, and looks for more.
func (o *Operator) take(msg recordsMsg) tea.Cmd {
	at := o.nav.cursor
	if err := o.Fold(msg.recs); err != nil {
		return nil
	}
	if at != "" && o.nav.cursor != at {
		o.landed = o.now()
	}
	if o.state != nil && o.state.Seq > o.seen {
		o.caughtUp()
	}
	if msg.err != nil {
		o.Stop(msg.err)
		return nil
	}
	return o.fetch(fetchEvery)
}

// answer shows what came of commands.
func (o *Operator) answer(msg sentMsg) {
	o.busy = false
	switch {
	case msg.err != nil:
		o.say(phases.LevelBad, "Refused: "+msg.err.Error()+".")
	case msg.follow && !o.entering(): // nothing changes under whoever types
		o.follow()
	}
	if msg.err == nil && !msg.asked && o.state != nil && o.state.Seq <= o.seen {
		// The keys on screen are those of before: who presses one twice must
		// not be asked about what is done already.
		o.busy, o.behind = true, staleTicks
	}
	if msg.err == nil && msg.said != "" {
		o.say(phases.LevelInfo, msg.said)
	}
}

// staleTicks is for how many ticks keys wait for a command's record.
const staleTicks = 2

// caughtUp takes keys again once the last command's records are folded.
func (o *Operator) caughtUp() {
	if o.behind > 0 {
		o.behind, o.busy = 0, false
	}
}

func (o *Operator) say(level phases.Level, text string) {
	o.said = said{level: level, text: text, until: o.now().Add(saidFor)}
}

// front is the question that has the keys; nil when there is none.
func (o *Operator) front() **dialog.Dialog {
	switch {
	case o.leaving != nil:
		return &o.leaving
	case o.dialog != nil:
		return &o.dialog
	}
	return nil
}

// withdraw closes questions that have no ground any more, and says why.
func (o *Operator) withdraw(now time.Time) {
	for at := o.front(); at != nil; at = o.front() {
		d := *at
		err := o.deaf(d.Blind)
		if err == nil {
			err = d.Ground(o.state, now)
		}
		if err == nil {
			return
		}
		*at, o.hushed = nil, now
		o.said = said{level: phases.LevelWarn, text: strings.TrimSuffix(d.Title, "?") + ": closed, " + err.Error() + ".", until: now.Add(closedFor)}
	}
}

// hush reports whether a key, or a paste, was meant for a question that has
// closed by itself.
func (o *Operator) hush(now time.Time) bool {
	if o.hushed.IsZero() || now.Sub(o.hushed) >= hushFor {
		o.hushed = time.Time{}
		return false
	}
	o.hushed = now
	return true
}

// touch tells every question that the keyboard was not quiet, those too that have
// not seen the key: one behind another, and one that no room is for.
func (o *Operator) touch(now time.Time) {
	for _, d := range []*dialog.Dialog{o.dialog, o.leaving} {
		if d != nil {
			d.Touch(now)
		}
	}
}

// paste goes into a dialog's field, and nowhere else.
func (o *Operator) paste(msg tea.PasteMsg) {
	o.withdraw(o.now())
	defer o.touch(o.now())
	switch {
	case o.hush(o.now()):
	case o.leaving != nil:
		o.leaving.Paste(msg, o.now())
	case o.dialog != nil:
		o.dialog.Paste(msg, o.now())
	case o.entering():
		if o.pasteText(msg.Content); o.nav.palette.open {
			o.selectFirst(o.now(), o.able)
		}
	default:
		o.say(phases.LevelInfo, "Pasted text has no place here.")
	}
}

// send carries commands out in their order, up to the first that is refused.
func (o *Operator) send(follow bool, answer string, commands ...phases.Command) tea.Cmd {
	if len(commands) == 0 {
		return nil
	}
	o.busy, o.nav.chosen = true, false
	if o.state != nil {
		o.seen = o.state.Seq + uint64(len(commands)) - 1 // each leaves one at least
	}
	do := o.do
	_, asked := commands[len(commands)-1].(phases.Recheck)
	return func() tea.Msg {
		for _, c := range commands {
			if err := do(c); err != nil {
				return sentMsg{err: err}
			}
		}
		return sentMsg{follow: follow, asked: asked, said: answer}
	}
}

// View implements tea.Model.
func (o *Operator) View() tea.View {
	lines, cursor := o.frame(o.now())
	out := o.view(strings.Join(lines, "\n"))
	out.Cursor = cursor
	if o.mouses {
		out.MouseMode = tea.MouseModeCellMotion
	}
	return o.manners.Fit(out)
}

// frame is the viewer's, with the dialog over it.
func (o *Operator) frame(now time.Time) ([]string, *tea.Cursor) {
	l, ok := o.layout()
	if !ok {
		return o.tooSmall(), nil
	}
	status, hints := o.status(now), o.keysNow(now)
	l.lift(strings.Count(status, "\n"))
	at := o.front()
	if at == nil {
		return o.overlaid(o.lines(now, status, hints), status, now, o.able), nil
	}
	d := *at
	lines := o.lines(now, status, d.Hint(o.styles, o.width))
	box, typing := d.Box(o.width, l.body.h, o.styles, o.state, now)
	lines, x, y := dialog.Over(lines, box, l.body.y, l.body.h, o.width)
	if typing == nil {
		return lines, nil
	}
	cursor := tea.NewCursor(x+typing.X, y+typing.Y)
	cursor.Shape = tea.CursorBar
	return lines, cursor
}

// keysNow are the hint line's keys, where a command may be given now.
func (o *Operator) keysNow(now time.Time) string {
	switch {
	case o.entering():
		return o.enteringHint()
	case o.stopped:
		return o.hints(false, []string{"quit", pane.Binding(pane.Log), "next pane"}, []string{"help", "quit"}, now)
	case o.fault != nil:
		return o.hints(false, []string{"rollback", "abort", "quit", "next pane"}, []string{"help", "quit"}, now)
	case (o.busy || o.early()) && !o.nav.help:
		return o.hints(true, nil, []string{"help", "quit"}, now)
	}
	return o.hintLine(now)
}

// early tells that the program takes no command yet: the database is being
// surveyed.
func (o *Operator) early() bool {
	s := o.state
	return o.do != nil && s != nil && s.Preparing && s.Outcome == "" && s.Interrupted == "" && s.OpenPhase() == nil
}

// status is the answer to the last key, or what the run waits for.
func (o *Operator) status(now time.Time) string {
	switch {
	case o.nav.typing != "":
		return o.filterLine()
	case o.said.text != "" && now.Before(o.said.until):
		return o.message(o.said.level, o.said.text)
	case o.stopped && o.fault == nil && o.state != nil && o.state.Outcome == "" && o.state.Interrupted == "":
		return o.message(phases.LevelBad, "The engine has ended before the run has. "+o.resumeHint())
	}
	return o.statusLine(now)
}
