package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/engine/tell"
	"tminus/phases/runbook"
)

// telling is what tells people beside the run: nothing of it holds the engine's
// lock while it sends, and no phase waits for it. It is guarded by the engine's
// lock, but for what its goroutines have by themselves.
type telling struct {
	ctx     context.Context // ends what is being sent; no program's, which ends before people are told of it
	cancel  context.CancelCauseFunc
	under   int               // messages that are on their way, or about to be
	idle    chan struct{}     // closed when none is any more; replaced with the next
	closing *phases.RunClosed // what the run's last record waits with; nil while nothing does
}

func newTelling() telling {
	ctx, cancel := context.WithCancelCause(context.Background())
	idle := make(chan struct{})
	close(idle)
	return telling{ctx: ctx, cancel: cancel, idle: idle}
}

// begin counts one in, and over out. The caller holds the engine's lock.
func (t *telling) begin() {
	if t.under == 0 {
		t.idle = make(chan struct{})
	}
	t.under++
}

func (t *telling) over() {
	t.under--
	if t.under == 0 {
		close(t.idle)
	}
}

// farewell is how long the program's end waits for what is being sent. The end of
// a run, after which nothing can be sent again, waits for so many of them.
const (
	farewell     = 5 * time.Second
	lastFarewell = 3
)

var errFarewell = &stop{reason: "given up when the run, or the program, came to its end; it may have arrived all the same"}

// examineChannels records what the runbook's channels lack in this program's
// environment, where that is another than is known.
func (e *Engine) examineChannels() error {
	var lacks []phases.ChannelLack
	for _, c := range e.state.Runbook.Channels {
		if text := tell.Lacks(c); text != "" {
			lacks = append(lacks, phases.ChannelLack{Channel: c.ID, Lacks: phases.Clean(text)})
		}
	}
	if slices.Equal(lacks, e.state.ChannelsLack) {
		return nil
	}
	return e.recordLocked(phases.ChannelsExamined{Lacks: lacks})
}

// happened sends the messages of the moment that an event makes. They read as
// things stand now, and go out beside what follows. The caller holds the lock.
func (e *Engine) happened(ev phases.Event) {
	on, phase := phases.Moment(e.state, ev)
	for _, m := range e.state.SentOn(on) {
		if on == runbook.OnDone && e.state.LastTelling(m.ID) != nil {
			continue // a phase was undone since, and counts as committed again
		}
		e.tell(e.state.Compose(m, on, phase, "", time.Now()))
	}
}

// tellMissed sends what a run that has ended was to tell of its end, and an earlier
// program did not come to: nothing goes out once it is closed. The caller holds the
// lock.
func (e *Engine) tellMissed() {
	for _, m := range e.state.Missed() {
		if m.On == runbook.OnNoGo || m.On == runbook.OnAbort {
			e.tell(e.state.Compose(m, m.On, "", "", time.Now()))
		}
	}
}

// tell has a message recorded and sent, in a goroutine of its own: whoever asked
// for it waits for neither. The caller holds the lock.
func (e *Engine) tell(composed phases.MessageComposed) {
	note := e.note(composed.Message)
	e.telling.begin()
	e.work.Go(func() { // ends with the attempts' limits, or with the farewell
		e.mu.Lock()
		defer e.mu.Unlock()
		defer e.telling.over()
		composed.Number = len(e.state.Tellings) + 1
		if err := e.recordLocked(composed); err != nil {
			return // recordLocked has stopped the run
		}
		note.Number, note.Title, note.Text = composed.Number, composed.Title, composed.Text
		for _, id := range composed.To {
			e.send(id, note)
		}
	})
}

// tellAgain sends what a message said to one channel again. The caller holds the
// lock, and has asked Can.
func (e *Engine) tellAgain(c phases.Tell, by string) error {
	t := e.state.LastTelling(c.Message)
	note := e.note(c.Message)
	note.Number, note.Title, note.Text = t.Number, t.Title, t.Text
	if err := e.recordLocked(phases.MessageRetried{Number: t.Number, Message: c.Message, Channel: c.Channel, By: by}); err != nil {
		return err
	}
	e.send(c.Channel, note)
	return nil
}

// doTell carries out the command. The caller holds the lock, and has asked Can.
func (e *Engine) doTell(c phases.Tell, by string) error {
	if c.Channel != "" {
		return e.tellAgain(c, by)
	}
	m, _ := e.state.Runbook.Message(c.Message)
	on, phase := "", ""
	if _, byItem := e.state.Runbook.Teller(m.ID); !byItem { // its moment was missed
		on = m.On
		if p := e.state.OpenPhase(); p != nil && on == runbook.OnHold {
			phase = p.Plan.ID
		}
	}
	composed := e.state.Compose(m, on, phase, by, time.Now())
	composed.Number = len(e.state.Tellings) + 1
	// Recorded at once: whoever asked for it sees that it is on its way.
	note := e.note(m.ID)
	note.Number, note.Title, note.Text = composed.Number, composed.Title, composed.Text
	if err := e.recordLocked(composed); err != nil {
		return err
	}
	for _, id := range composed.To {
		e.send(id, note)
	}
	return nil
}

// note is what a channel gets beside the text.
func (e *Engine) note(message string) tell.Note {
	now := time.Now()
	m, _ := e.state.Runbook.Message(message)
	says, all := e.state.MessageFacts(m, now)
	return tell.Note{Message: message, RunID: e.state.Opened.RunID, At: now, Says: says, Facts: all}
}

// send brings a note to a channel and records what came of it. The caller holds
// the lock; nobody does while it is sent.
func (e *Engine) send(channel string, note tell.Note) {
	c, ok := e.state.Runbook.Channel(channel)
	if !ok {
		c = runbook.Channel{ID: channel}
	}
	ctx := e.telling.ctx
	e.telling.begin()
	e.work.Go(func() { // ends with the attempts' limits, or with the farewell
		attempts, err := tell.Send(ctx, c, note, e.settings.Tell)
		e.mu.Lock()
		defer e.mu.Unlock()
		defer e.telling.over()
		var ev phases.Event = phases.MessageSent{Number: note.Number, Message: note.Message, Channel: channel, Attempts: attempts}
		if err != nil {
			ev = phases.MessageFailed{Number: note.Number, Message: note.Message, Channel: channel, Attempts: attempts, Error: phases.Clean(err.Error())}
		}
		if err := e.recordLocked(ev); err != nil {
			return // recordLocked has stopped the run
		}
	})
}

// errClosing refuses commands while the run's last record waits for what is
// being sent.
var errClosing = errors.New("the run is being closed: what people are told is on its way")

// waits keeps the run's last record back while people are being told how it
// ended. It is false where nobody is. The caller holds the lock.
func (e *Engine) waits(ev phases.Event) bool {
	closed, last := ev.(phases.RunClosed)
	if !last || e.telling.under == 0 || e.broken != nil {
		return false
	}
	if e.telling.closing != nil {
		return true
	}
	e.telling.closing = &closed
	e.work.Go(func() { // ends with the farewell
		e.sayFarewell(lastFarewell * e.settings.Farewell)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.telling.closing = nil
		if err := e.recordLocked(closed); err != nil {
			return // recordLocked has stopped the run
		}
	})
	return true
}

// sayFarewell waits for what is being sent, and then ends it: nothing of it goes
// on when the program has left the run, or the run is closed.
func (e *Engine) sayFarewell(atMost time.Duration) {
	limit := time.NewTimer(atMost)
	defer limit.Stop()
	for {
		e.mu.Lock()
		under, idle := e.telling.under, e.telling.idle
		e.mu.Unlock()
		if under == 0 {
			return
		}
		select {
		case <-idle:
		case <-limit.C:
			e.telling.cancel(errFarewell)
			<-idle
		}
	}
}

// leaveTold brings what is being sent to its end before the program's part in
// the run ends, and with it a run that is being closed.
func (e *Engine) leaveTold() {
	e.sayFarewell(e.settings.Farewell)
	e.mu.Lock()
	closing := e.telling.closing != nil
	e.mu.Unlock()
	if closing {
		<-e.ended
	}
}
