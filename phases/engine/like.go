package engine

import (
	"slices"
	"time"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/phases/runbook"
)

// like reports whether a check answers as it did before, so that its answer
// changes nothing but its time. An answer that would change what is known of
// the triggers is none.
func like(s *phases.State, it runbook.Item, ev phases.CheckAnswered) bool {
	c := s.Item(it.ID).Check
	if it.Check.Name == check.TriggersRestored && s.Triggers != nil && s.TriggersOff == ev.Pass {
		return false
	}
	return c != nil && c.Pass == ev.Pass && c.Error == ev.Error && c.Value == ev.Value && slices.EqualFunc(c.InTheWay, ev.InTheWay, phases.Blocker.Same)
}

// answered takes a check's answer: one that is news is recorded, one like the
// last waits for others like it, unless somebody waits for it. The caller holds
// the lock.
func (e *Engine) answered(it runbook.Item, ev phases.CheckAnswered, atOnce bool) error {
	if !like(e.state, it, ev) {
		return e.recordLocked(ev)
	}
	e.pending = slices.DeleteFunc(e.pending, func(a phases.AskedAgain) bool { return a.Item == it.ID })
	e.pending = append(e.pending, phases.AskedAgain{Item: it.ID, Value: ev.Value, At: time.Now().UTC(), Took: ev.Took})
	if atOnce {
		return e.recordPending()
	}
	return nil
}

// recordPending records the like answers that wait. The caller holds the lock.
func (e *Engine) recordPending() error {
	if len(e.pending) == 0 {
		return nil
	}
	return e.recordLocked(e.takePending())
}

func (e *Engine) takePending() phases.ChecksAsked {
	asked := phases.ChecksAsked{Answers: e.pending}
	e.pending = nil
	return asked
}

// end is the last that is done of a run: what waits is recorded, unless
// run_closed was.
func (e *Engine) end() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken == nil && e.state.ClosedAt.IsZero() {
		return e.recordPending()
	}
	return e.broken
}

// keepFresh records the like answers that wait once one that is recorded has
// used up two thirds of the time for which it counts as evidence. What is left,
// an interval at least, is ample: so neither the gate nor a screen takes a check
// that answers for one that does not, and a check that has stopped answering
// has nothing waiting, and goes stale. The caller holds the lock.
func (e *Engine) keepFresh(now time.Time) {
	for _, a := range e.pending {
		it, _, ok := e.state.Runbook.Item(a.Item)
		if c := e.state.Item(a.Item).Check; ok && c != nil && now.Sub(c.At) < phases.StaleAfter(it.Check)*2/3 {
			continue
		}
		if err := e.recordPending(); err != nil {
			return // recordLocked has stopped the run
		}
		return
	}
}

// rests reports whether like answers that wait have to be in the journal
// before ev: whoever reads of a decision reads first of the evidence as it
// stood. What only tells how far something is rests on none; an answer that is
// news comes after the last one before it.
func (e *Engine) rests(ev phases.Event) bool {
	if a, ok := ev.(phases.CheckAnswered); ok {
		return slices.ContainsFunc(e.pending, func(p phases.AskedAgain) bool { return p.Item == a.Item })
	}
	return phases.WeightOf(e.state, ev) == phases.Decisive
}

// askDependents makes those checks due that read what ev changed.
func (e *Engine) askDependents(ev phases.Event) {
	facts := phases.Stirs(e.state, ev)
	recorded, _ := ev.(phases.FieldRecorded)
	_, acted := ev.(phases.ActionDone) // it may have done anything to the database
	if facts == 0 && recorded.Item == "" && !acted {
		return
	}
	for _, it := range e.state.Asked() {
		if acted || it.ID == recorded.Item || it.Check.Named().Rests&facts != 0 {
			e.recheck(it.ID)
		}
	}
}
