package fence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Kind is what there is to do for one kind of fence. Each method asks or changes
// what is outside once, and ends with ctx. Known is what the run knows of it.
type Kind interface {
	// Read gives the state as it is now. An error means that nobody knows.
	Read(ctx context.Context, k Known) (phases.FenceFound, error)

	// Off switches it off. What it gives is a word on it for the journal; empty
	// for none. Whether it is off, Read tells.
	Off(ctx context.Context, k Known) (string, error)

	// On brings back what was recorded. Whether it is back, Read tells.
	On(ctx context.Context, k Known) (string, error)
}

// Known is what a run has recorded of a fence: nil before.
type Known struct {
	Recorded, Taken *phases.FenceMark

	Step     phases.FenceStep // what it did last
	Switched bool             // Off has just ended well

	Progress func(phases.ActionProgress) // of what takes long; nil: nobody asks
}

// Target is what fences need from the database.
type Target interface {
	Triggers
	Jobs
	Pools
	Indexes
}

// Place is where a fence stands: the run, and its database.
type Place struct {
	Target Target
	RunID  string
	Title  string    // of the run
	Until  time.Time // the abort limit, as far as it is known

	Longest time.Duration // from T-0 to the abort limit

	Wanted []phases.PhaseIndex // indexes to be made before the gate
}

// kinds are all there are.
var kinds = map[runbook.FenceKind]func(*runbook.Fence, Place) Kind{
	runbook.FenceTriggers:     newTriggers,
	runbook.FenceWorkflow:     newWorkflow,
	runbook.FenceFile:         newFile,
	runbook.FenceAlertmanager: newAlerts,
	runbook.FencePgBouncer:    newPool,
	runbook.FencePatroni:      newFailover,
	runbook.FenceDeployment:   newDeployment,
	runbook.FenceCron:         newCron,
	runbook.FenceCommands:     newCommands,
	runbook.FenceIndexes:      newIndexes,
}

// Open gives what there is to do for a fence.
func Open(f *runbook.Fence, at Place) (Kind, error) {
	open, ok := kinds[f.Kind]
	if !ok {
		return nil, fmt.Errorf("this version knows no fence such as %q: use the tminus that wrote the journal", f.ID)
	}
	return open(f, at), nil
}

// Job is one fence to be taken, lifted or looked at.
type Job struct {
	Kind  Kind
	State phases.FenceState // as the run knows it; the job's own copy
	By    string
	// Record puts events on disk and applies them.
	Record func(...phases.Event) error
	// Progress says how far it is, where that takes long; nil: nobody asks.
	Progress func(phases.ActionProgress)

	switched bool // switching it off has ended well
}

// ErrChanged says that a fence is neither off nor as it was recorded: somebody
// else has changed it, and nothing is overwritten.
var ErrChanged = errors.New("it is neither off nor as it was recorded")

// Look gives how the fence stands now. An error is a sight too: unknown.
func (j *Job) Look(ctx context.Context) phases.FenceSeen {
	found, err := j.Kind.Read(ctx, j.known())
	if err == nil && len(found.Mark.Text) > maxText {
		err = errTooLong
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return phases.FenceSeen{Fence: j.State.Plan.ID, Sight: phases.SeenUnknown, Error: phases.Clean(err.Error())}
	}
	return phases.FenceSeen{Fence: j.State.Plan.ID, Sight: j.State.Sight(found), Found: found.Mark.Text}
}

// maxText bounds what is recorded of a state, in bytes.
const maxText = 4_000

var errTooLong = fmt.Errorf("its state is longer than %d bytes: have it say less", maxText)

// Take records the fence's state, switches it off and looks that it is. What is
// off already, and not by this run, it refuses; what was cut off on the way, it
// takes up from what is there.
func (j *Job) Take(ctx context.Context) error {
	found, err := j.read(ctx, "nothing was changed")
	if err != nil {
		return err
	}
	f := &j.State
	if f.Recorded == nil || f.Step == phases.FenceIsBack {
		err = j.first(ctx, found)
	} else {
		switch f.Sight(found) {
		case phases.SeenOff:
			return j.Record(phases.FenceTaken{Fence: f.Plan.ID, Mark: found.Mark, Note: j.word("it was off when it was looked at: ", "they were there when it was looked: ") + found.Mark.Text})
		case phases.SeenChanged:
			return j.changed(found)
		}
		err = j.again(ctx)
	}
	if err != nil {
		return err
	}
	note, err := j.Kind.Off(ctx, j.known())
	if err != nil {
		return j.failed(ctx, j.word("switch it off", "make them"), err)
	}
	j.switched = true
	found, sight, err := j.settle(ctx, phases.SeenOff)
	if err != nil {
		return err
	}
	if sight != phases.SeenOff {
		return fmt.Errorf("%s: %s%s", j.word("it was switched off, and is not", "they were made, and are not there"), found.Mark.Text, hint(f, found))
	}
	return j.Record(phases.FenceTaken{Fence: f.Plan.ID, Mark: found.Mark, Note: phases.Clean(note)})
}

// first records the state of a fence that is on: it holds still, and is one to
// bring back.
func (j *Job) first(ctx context.Context, found phases.FenceFound) error {
	if found.Off && j.State.Plan.Made() {
		return errors.New(found.Mark.Text)
	}
	if found.Off {
		return fmt.Errorf("it is off already, before this run recorded a state to bring back: %s; switch it on first (an earlier run may have left it: `tminus restore` with its journal brings it back), or take the fence out of the runbook", found.Mark.Text)
	}
	if k, ok := j.Kind.(restless); ok {
		pause(ctx, k.still())
		again, err := j.read(ctx, "nothing was changed")
		if err != nil {
			return err
		}
		if !again.Mark.Same(found.Mark) {
			return fmt.Errorf("its state is another although nothing was done: %s, and then %s; nothing was changed: have `state` print nothing that changes by itself, such as a time", found.Mark.Text, again.Mark.Text)
		}
	}
	return j.mark(found.Mark)
}

// again records, before a fence is switched off once more, what has come to it, and
// in any case that it is being switched: seen back, it would count as that if the
// program ended now.
func (j *Job) again(ctx context.Context) error {
	mark, taken := *j.State.Recorded, j.State.Taken
	if more, ok := j.Kind.(widening); ok {
		var err error
		if mark, err = more.widen(ctx, mark); err != nil {
			return err
		}
	}
	if err := j.mark(mark); err != nil {
		return err
	}
	j.State.Taken = taken
	return nil
}

// hint says what the state of commands means that have not switched off.
func hint(f *phases.FenceState, found phases.FenceFound) string {
	switch {
	case f.Plan.Kind != runbook.FenceCommands:
		return ""
	case found.Mark.Same(*f.Recorded):
		return "; that is its state from before: either the command does not switch it off, or it was off already"
	}
	return "; and that has not been its state for long: have `off` end when it is off, or `state` print nothing that changes by itself, and switch it off again"
}

// restless is a kind whose state may change by itself.
type restless interface {
	// still is for how long it is the same where it does not.
	still() time.Duration
}

// widening is a kind whose fence may have got more to switch off meanwhile.
type widening interface {
	// widen gives the recorded mark with what has come to it.
	widen(ctx context.Context, recorded phases.FenceMark) (phases.FenceMark, error)
}

// Lift brings back what was recorded, and compares. What is back already it
// notes; what somebody else has changed it leaves alone.
func (j *Job) Lift(ctx context.Context) error {
	f := &j.State
	if f.Recorded == nil {
		return errors.New("nothing was recorded of it: there is nothing to bring back")
	}
	found, err := j.read(ctx, "nothing was changed")
	if err != nil {
		return err
	}
	switch f.Sight(found) {
	case phases.SeenBack:
		// What this run had begun to bring back is its own doing.
		ours := f.Step == phases.FenceBeingLifted || f.Step == phases.FenceBeingTaken
		return j.Record(phases.FenceLifted{Fence: f.Plan.ID, Mark: found.Mark, Was: !ours})
	case phases.SeenChanged:
		return j.changed(found)
	}
	if err := j.Record(phases.FenceLiftStarted{Fence: f.Plan.ID, By: j.By}); err != nil {
		return err
	}
	note, err := j.Kind.On(ctx, j.known())
	if err != nil {
		return j.failed(ctx, j.word("bring it back", "see to them"), err)
	}
	found, sight, err := j.settle(ctx, phases.SeenBack)
	if err != nil {
		return err
	}
	if sight != phases.SeenBack {
		return fmt.Errorf(j.word("it was brought back, and is not as it was: it is %s, and was %s", "they were seen to, and it is not as it was: %s, and before %s"), found.Mark.Text, f.Recorded.Text)
	}
	return j.Record(phases.FenceLifted{Fence: f.Plan.ID, Mark: found.Mark, Note: phases.Clean(note)})
}

func (j *Job) known() Known {
	return Known{Recorded: j.State.Recorded, Taken: j.State.Taken, Step: j.State.Step, Switched: j.switched, Progress: j.Progress}
}

// word is what is said of a fence that is switched off, or of indexes that are made.
func (j *Job) word(off, made string) string {
	if j.State.Plan.Made() {
		return made
	}
	return off
}

// mark puts on disk what brings the fence back, before anything is changed.
func (j *Job) mark(m phases.FenceMark) error {
	if err := j.Record(phases.FenceRecorded{Fence: j.State.Plan.ID, Mark: m, By: j.By}); err != nil {
		return err
	}
	j.State.Recorded, j.State.Taken, j.State.Step = &m, nil, phases.FenceBeingTaken
	return nil
}

// read gives the state, and records that nobody knows it.
func (j *Job) read(ctx context.Context, so string) (phases.FenceFound, error) {
	found, err := j.Kind.Read(ctx, j.known())
	if err == nil && len(found.Mark.Text) > maxText {
		err = errTooLong
	}
	if err == nil {
		return found, nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if rerr := j.Record(phases.FenceSeen{Fence: j.State.Plan.ID, Sight: phases.SeenUnknown, Error: phases.Clean(err.Error())}); rerr != nil {
		return found, rerr
	}
	return found, fmt.Errorf("its state cannot be read, and %s: %w", so, err)
}

func (j *Job) changed(found phases.FenceFound) error {
	seen := phases.FenceSeen{Fence: j.State.Plan.ID, Sight: phases.SeenChanged, Found: found.Mark.Text}
	if j.State.Seen != seen.Sight || j.State.Found != seen.Found {
		if err := j.Record(seen); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: it is %s, and was %s; somebody else has changed it, and it is left alone: have it put as it was, or decide to leave it as it is", ErrChanged, found.Mark.Text, j.State.Recorded.Text)
}

// failed looks what an attempt has left: its error says what was asked, and not
// what is.
func (j *Job) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	seen := j.Look(after)
	if rerr := j.Record(seen); rerr != nil {
		return rerr
	}
	is := seen.Found
	if seen.Error != "" {
		is = "nobody knows how it stands (" + seen.Error + ")"
	}
	return fmt.Errorf("%s: %w; now: %s", what, err, is)
}

// How long a change may take to show, and how often that is asked.
const (
	settleLimit = 10 * time.Second
	settleEvery = 250 * time.Millisecond
)

// settle reads until the state is as wanted, or has had its time. What may change by
// itself is off when it was seen twice: on the way there, each state is another.
func (j *Job) settle(ctx context.Context, want phases.FenceSight) (phases.FenceFound, phases.FenceSight, error) {
	over := time.Now().Add(settleLimit)
	var before phases.FenceMark
	for late := false; ; late = time.Now().After(over) {
		found, err := j.read(ctx, "it was switched before that")
		if err != nil {
			return found, phases.SeenUnknown, err
		}
		sight, next := j.State.Sight(found), settleEvery
		if k, ok := j.Kind.(restless); ok && want == phases.SeenOff && sight == want && !found.Mark.Same(before) {
			sight, next = phases.SeenPartly, k.still()
		}
		if sight == want {
			return found, sight, nil
		}
		before = found.Mark
		if !late && !j.once() {
			pause(ctx, next)
		}
		if late || ctx.Err() != nil || j.once() {
			return found, sight, j.Record(phases.FenceSeen{Fence: j.State.Plan.ID, Sight: sight, Found: found.Mark.Text})
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// once reports whether the state is what was done, at once: waiting would not
// change it.
func (j *Job) once() bool {
	switch j.State.Plan.Kind {
	case runbook.FenceTriggers, runbook.FenceFile, runbook.FenceCron, runbook.FenceIndexes:
		return true
	}
	return false
}
