package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tminus/phases"
)

// otherHistory says why the run's database turned out to be another.
func (e *Engine) otherHistory() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.parted
}

// onDiskWait is how long a COMMIT that is known waits to be recorded.
const onDiskWait = 200 * time.Millisecond

// onDisk is how far the server is after a COMMIT; 0 when it does not say so at
// once: until the COMMIT is recorded, the program must not die.
func (e *Engine) onDisk(ctx context.Context) phases.LSN {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), onDiskWait)
	asked := make(chan phases.LSN, 1)
	e.work.Go(func() { // ends with the question, which has an end of its own
		defer cancel()
		if id, err := e.target.Identity(ctx); err == nil {
			asked <- id.WAL
		}
	})
	select {
	case lsn := <-asked:
		return lsn
	case <-ctx.Done():
		return 0
	}
}

// sameHistory makes sure, before a phase begins, that the database still tells
// the journal's story: every commit of the run is in its ledger, no other is,
// and its WAL is no shorter than it was. What it finds undone is recorded.
func (e *Engine) sameHistory(ctx context.Context, now phases.Identity) error {
	book, err := e.ledger(ctx)
	if err != nil {
		return err
	}
	var past history
	e.View(func(s *phases.State) { past = historyOf(s, now) })
	// What the ledger proves is not counted again and again; what it does not
	// has nothing but its tables to show for it.
	held, err := e.countEmptied(ctx, past, func(c commitment) bool { return !book.kept || !book.has(c.intent) })
	if err != nil {
		return err
	}
	if err := e.record(past.events(book, held)...); err != nil {
		return err
	}
	if now.Behind(past.known) {
		return &phases.HistoryError{Known: past.known, Got: now}
	}
	if undone := past.undone(book, held); undone != "" {
		return fmt.Errorf("%w: %s", phases.ErrOtherHistory, undone)
	}
	return nil
}

// confirm asks again, when a run is taken up, for every phase that it
// committed: its row in the ledger, and whether what it emptied is empty.
func (e *Engine) confirm(ctx context.Context) error {
	putBack := false
	e.View(func(s *phases.State) { putBack = s.UndoTrial != nil })
	if putBack { // in part, by the run itself: that goes on where it was cut off
		return nil
	}
	wait := e.await("", "ask the server who it is")
	defer wait.over()
	now, err := e.target.Identity(ctx)
	if err != nil {
		return err
	}
	wait.next("read the ledger")
	book, err := e.ledger(ctx)
	if err != nil {
		return err
	}
	var past history
	e.View(func(s *phases.State) { past = historyOf(s, now) })
	wait.next("count what the run emptied")
	held, err := e.countEmptied(ctx, past, func(commitment) bool { return true })
	if err != nil {
		return err
	}
	past.complete = true
	if err := e.record(past.events(book, held)...); err != nil {
		return err
	}
	// A phase that is undone says so on every screen, and keeps the run from
	// going on. Where none is, nothing else would.
	if now.Behind(past.known) && past.undone(book, held) == "" {
		return &phases.HistoryError{Known: past.known, Got: now}
	}
	return nil
}

// countEmptied counts what some phases emptied. In another history counts say
// nothing.
func (e *Engine) countEmptied(ctx context.Context, past history, of func(commitment) bool) (map[phases.Counted]int64, error) {
	var ask []phases.Counted
	for _, c := range past.commits {
		if of(c) {
			ask = append(ask, c.emptied...)
		}
	}
	held := map[phases.Counted]int64{}
	if len(ask) == 0 || past.now.Behind(past.known) {
		return held, nil
	}
	base, err := e.target.Baseline(ctx, ask, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("look again at what this run committed: %w", err)
	}
	for _, c := range base.Counts {
		held[phases.Counted{Table: c.Table, Where: c.Where}] = c.Rows
	}
	return held, nil
}

// ledgerBook is what the ledger holds of a run.
type ledgerBook struct {
	kept bool // the runbook wants a ledger, and there is one
	rows []phases.LedgerRow
}

// ledger reads the run's rows, and refuses a journal that doesn't know them.
func (e *Engine) ledger(ctx context.Context) (ledgerBook, error) {
	var id string
	var wanted bool
	var known func(phases.LedgerRow) bool
	e.View(func(s *phases.State) { id, wanted, known = s.Opened.RunID, s.Runbook.Ledger, knows(s) })
	if !wanted {
		return ledgerBook{}, nil
	}
	rows, err := e.target.LedgerRows(ctx, id)
	if errors.Is(err, ErrNoLedger) {
		return ledgerBook{}, nil
	}
	if err != nil {
		return ledgerBook{}, err
	}
	var strange []phases.LedgerRow
	for _, r := range rows {
		if !known(r) {
			strange = append(strange, r)
		}
	}
	if len(strange) > 0 {
		return ledgerBook{}, &phases.StaleJournalError{Rows: strange}
	}
	return ledgerBook{kept: true, rows: rows}, nil
}

// knows tells the ledger's rows that the journal can account for: those of a
// COMMIT that it sent, and of which it doesn't say that nothing came.
func knows(s *phases.State) func(phases.LedgerRow) bool {
	sent := map[[2]string]bool{}
	for _, in := range s.Sent {
		switch s.Phase(in.Phase).Status {
		case phases.PhaseIsCommitted, phases.PhaseIsUndone, phases.PhaseCommitting, phases.PhaseInDoubt, phases.PhaseUnknown:
			sent[[2]string{in.Phase, in.Nonce}] = true
		}
	}
	return func(r phases.LedgerRow) bool { return sent[[2]string{r.Phase, r.Nonce}] }
}

func (b ledgerBook) has(in *phases.CommitIntent) bool {
	for _, r := range b.rows {
		if r.Phase == in.Phase && r.Nonce == in.Nonce {
			return true
		}
	}
	return false
}

// history is what a journal says was committed, to be held against a database.
type history struct {
	now     phases.Identity
	known   phases.LSN // how far the database is known to have been
	commits []commitment

	complete bool // all that they emptied was counted
}

// commitment is one phase that the journal calls committed, or undone.
type commitment struct {
	phase   string
	title   string
	undone  bool
	intent  *phases.CommitIntent
	emptied []phases.Counted // was counted empty before COMMIT; nil when it may hold rows by now
	gone    map[string]int64 // rows that were deleted, by table
}

func historyOf(s *phases.State, now phases.Identity) history {
	out := history{now: now, known: s.WAL}
	for i := range s.Phases {
		p := &s.Phases[i]
		if !p.Plan.Writes() || p.Intent == nil || (p.Status != phases.PhaseIsCommitted && p.Status != phases.PhaseIsUndone) {
			continue
		}
		c := commitment{phase: p.Plan.ID, title: p.Plan.Title, undone: p.Status == phases.PhaseIsUndone, intent: p.Intent, gone: map[string]int64{}}
		for _, t := range p.Tables {
			c.gone[t.Name] += t.Effect().Gone() + t.Undone.Gone() // what is undone was committed once
		}
		for _, counted := range emptied(p.Plan) {
			if !p.Accepted && !filledAfter(s, i, counted.Table) {
				c.emptied = append(c.emptied, counted)
			}
		}
		out.commits = append(out.commits, c)
	}
	return out
}

// filledAfter reports whether a later phase that is committed changes a table
// by a statement of its own: then it may hold rows, and rightly so.
func filledAfter(s *phases.State, phase int, table string) bool {
	for _, p := range s.Phases[phase:] {
		for _, step := range p.Plan.Steps {
			for _, t := range step.Touch {
				if t == table && p.Status == phases.PhaseIsCommitted {
					return true
				}
			}
		}
	}
	return false
}

// someRows is the share of what a condition had deleted, as one in so many,
// from which rows that match it again were put back: conditions on a date match
// a few more each day.
const someRows = 10

// verdict says why a commitment does not stand in the database; empty when it
// does. held is what its tables hold, where they were counted. proven tells
// whether the ledger has its row.
func (h history) verdict(c commitment, book ledgerBook, held map[phases.Counted]int64) (reason string, proven bool) {
	proven = book.kept && book.has(c.intent)
	if h.now.Behind(h.known) {
		if proven { // the server went back to after this COMMIT
			return "", true
		}
		return fmt.Sprintf("the server's WAL ends at %s, and this run saw it at %s: it was restored, or it is a copy from before", h.now.WAL, h.known), false
	}
	// An empty ledger that was made since then proves nothing, either way.
	same := c.intent.Identity.LedgerOID == 0 || c.intent.Identity.LedgerOID == h.now.LedgerOID
	switch {
	case proven || !c.intent.Ledger:
	case book.kept && same:
		return "the ledger has no row of it: the database was restored, or the row was deleted", false
	case len(c.emptied) == 0:
		return "the ledger that proved it was dropped, renamed or made anew, and it emptied no table that would show it", false
	}
	var again []string
	for _, counted := range c.emptied {
		n := held[counted]
		gone := c.gone[counted.Table]
		if n > 0 && (counted.Where == "" || gone > 0 && n*someRows >= gone) {
			again = append(again, fmt.Sprintf("%s holds %s", counted, phases.Rows(n)))
		}
	}
	if len(again) > 0 {
		return strings.Join(again, ", ") + ", and was empty before COMMIT: rows were put back, or written since", proven
	}
	return "", proven
}

// events are what has to be recorded of the difference between journal and
// database. Unless all was counted, nothing that was called undone is confirmed.
func (h history) events(book ledgerBook, held map[phases.Counted]int64) []phases.Event {
	var out []phases.Event
	for _, c := range h.commits {
		reason, proven := h.verdict(c, book, held)
		switch {
		case reason != "" && !c.undone:
			out = append(out, phases.PhaseUndone{Phase: c.phase, Reason: phases.Clean(reason), Ledger: proven})
		case reason == "" && c.undone && h.complete:
			out = append(out, phases.PhaseConfirmed{Phase: c.phase})
		}
	}
	return out
}

// undone names the first phase that the database does not hold.
func (h history) undone(book ledgerBook, held map[phases.Counted]int64) string {
	for _, c := range h.commits {
		if reason, _ := h.verdict(c, book, held); reason != "" {
			return c.title + " was committed, and is undone: " + reason
		}
	}
	return ""
}
