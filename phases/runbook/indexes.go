package runbook

import (
	"slices"
	"time"
)

// What the indexes that are made before the gate are, as a fence: made for the run,
// and gone after it. No runbook can write these ids.
const (
	indexesID   = "indexes:before" // of the fence
	indexesMade = "indexes:made"   // its items
	indexesGone = "indexes:gone"

	indexesFirst = "indexes:first" // their groups
	indexesLast  = "indexes:last"

	indexesLimit = 6 * time.Hour    // whoever waits for it can cancel it
	indexesWait  = 30 * time.Second // as of a phase that does not say
)

// Made reports whether the fence is nothing that is switched off, but indexes that
// are made for the run.
func (f *Fence) Made() bool { return f.Kind == FenceIndexes }

// completeIndexes gives a runbook whose phases have indexes made before the gate
// the fence that they are, with its two items: the last before the gate, and the
// last of the run. They are taken before any other, which may have to be off for
// as short as can be, and lifted behind them.
func (r *Runbook) completeIndexes() {
	f := Fence{ID: indexesID, Title: "the indexes", Kind: FenceIndexes, Limit: indexesLimit}
	for _, p := range r.Phases {
		if !p.Indexes.Before() || !p.Writes() {
			continue
		}
		wait := p.LockWait
		if wait == 0 {
			wait = indexesWait
		}
		f.Wait = max(f.Wait, wait)
		f.Keep = f.Keep || p.Indexes == IndexKeep
	}
	if f.Wait == 0 {
		return
	}
	r.Fences = slices.Insert(r.Fences, 0, f)
	r.Checklist = append(r.Checklist, Group{ID: indexesFirst, Title: "Indexes for the phases", Due: -r.Window.Gate, Items: []Item{
		r.indexItem(Item{
			ID: indexesMade, Text: "The indexes that foreign keys lack are made", Fence: f.ID,
			Help: "CREATE INDEX CONCURRENTLY, while others work. Where one cannot be made, waive this: its phase makes it itself, in its transaction.",
		}, false),
	}})
	text := "What was made of indexes is dropped"
	if f.Keep {
		text = "The indexes that were made are kept, or dropped"
	}
	r.After = append(r.After, Group{ID: indexesLast, Title: "Indexes of the run", Due: r.Window.Planned, Items: []Item{
		r.indexItem(Item{ID: indexesGone, Text: text, Fence: f.ID}, true),
	}})
}

// indexItem is fenceItem for the indexes. That they are gone again holds no phase:
// each looks for them when it starts, and makes what it lacks.
func (r *Runbook) indexItem(it Item, after bool) Item {
	it = r.fenceItem(it, after)
	it.Check.Through, it.Action.Slow = false, true
	it.Check.Remedy, it.Action.Text = "Make them by this item's key.", "make the indexes"
	if after {
		it.Check.Remedy, it.Action.Text = "Drop them by this item's key.", "drop the indexes"
		if f, _ := r.Fence(it.Fence); f.Keep {
			it.Check.Remedy, it.Action.Text = "Have them kept or dropped by this item's key.", "keep or drop the indexes"
		}
	}
	return it
}
