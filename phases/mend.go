package phases

import (
	"cmp"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// Mend is what an operator can do so that a check which failed passes.
type Mend struct {
	Need    Need          // NeedField, NeedAction, NeedWindow or NeedSession
	Item    runbook.Item  // whose field or action it is; often another than the check's
	Field   runbook.Field // of NeedField: to be recorded anew
	Session Blocker       // of NeedSession: to be ended
}

// What a check can wait for that no item asks for.
const (
	NeedWindow  Need = "window"  // the window's extension
	NeedSession Need = "session" // the end of another session
)

// Mends gives what mends an item whose check has failed. ok is false where the
// check has not answered since that was done, and where nothing that the run offers
// mends it: it is asked again once somebody has seen to it elsewhere.
func (s *State) Mends(it runbook.Item, now time.Time) (m Mend, ok bool) {
	c := s.Item(it.ID).Check
	if s.Outcome != "" || it.Check == nil || c == nil || c.Pass || c.Error != "" || s.ItemDone(it) {
		return m, false
	}
	m, ok = s.mends(it, now)
	return m, ok && !s.did(m, c.At)
}

// did reports whether an answer of that moment did not know yet what a mend does.
func (s *State) did(m Mend, answered time.Time) bool {
	a, c := s.Item(m.Item.ID).Action, s.Item(m.Item.ID).Check
	return m.Need == NeedSession && c.Ended || m.Need == NeedAction && a != nil && !a.Running && !answered.After(a.At) ||
		m.Need == NeedField && !answered.After(s.Fields[m.Field.ID].At)
}

// Stirred reports whether an item's check is to answer again, since its action has
// ended, or what mends it was done: it does so at once.
func (s *State) Stirred(it runbook.Item, now time.Time) bool {
	c := s.Item(it.ID).Check
	if it.Check == nil || c == nil || c.Pass || now.Sub(c.At) > StaleAfter(it.Check) {
		return false
	}
	if s.did(Mend{Need: NeedAction, Item: it}, c.At) {
		return true
	}
	m, ok := s.mends(it, now)
	return ok && s.did(m, c.At)
}

func (s *State) mends(it runbook.Item, now time.Time) (m Mend, ok bool) {
	for _, b := range s.Item(it.ID).Check.InTheWay {
		if s.Can(EndBackend{PID: b.PID, BackendStart: b.BackendStart}, now) == nil {
			return Mend{Need: NeedSession, Item: it, Session: b}, true
		}
	}
	switch it.Check.Name {
	case check.BackupAge:
		return s.mendsBackup(now)
	case check.BackupSize:
		// Only a backup of the run's own has a size that is known.
		m, ok = s.mendsBackup(now)
		return m, ok && m.Need == NeedAction
	case check.BackupReadable:
		return s.mendsProof(runbook.VerifyBackup, now)
	case check.BackupRestored:
		return s.mendsProof(runbook.TryBackup, now)
	case check.TriggersDisabled:
		return s.mendsBy(it, now, runbook.DisableTriggers, runbook.TakeFence)
	case check.TriggersRestored:
		return s.mendsBy(it, now, runbook.RestoreTriggers, runbook.LiftFence)
	}
	return m, false
}

// mendsBackup is a backup anew: taken by the run, or recorded by whoever took it.
// After the GO neither is possible; extending the window then extends its age.
func (s *State) mendsBackup(now time.Time) (Mend, bool) {
	it, field, ok := s.backupItem()
	switch {
	case ok && it.Action != nil && it.Action.Name == runbook.TakeBackup:
		if s.Can(Act{Item: it.ID}, now) == nil {
			return Mend{Need: NeedAction, Item: it}, true
		}
	case ok:
		if _, err := s.Answerable(it.ID); err == nil {
			return Mend{Need: NeedField, Item: it, Field: field}, true
		}
	}
	if s.Can(ExtendWindow{By: "-", Reason: "-", Extra: time.Minute}, now) == nil {
		return Mend{Need: NeedWindow}, true
	}
	return Mend{}, false
}

// backupItem is the item that records when the backup was taken.
func (s *State) backupItem() (runbook.Item, runbook.Field, bool) {
	for i := range s.Runbook.Checklist {
		for _, it := range s.Runbook.Checklist[i].Items {
			for _, f := range it.Fields {
				if f.ID == s.Runbook.Backup.TimeField {
					return it, f, true
				}
			}
		}
	}
	return runbook.Item{}, runbook.Field{}, false
}

// mendsProof is the action that proves a backup; once that has failed, a backup anew.
func (s *State) mendsProof(name string, now time.Time) (Mend, bool) {
	it, ok := s.itemDoing(name)
	if !ok {
		return Mend{}, false
	}
	if a := s.Item(it.ID).Action; a != nil && a.Error != "" && !a.Cancelled && !a.Cut {
		return s.mendsBackup(now)
	}
	return Mend{Need: NeedAction, Item: it}, s.Can(Act{Item: it.ID}, now) == nil
}

// mendsBy is an action on triggers, of their own or of their fence: the item's own
// where it has one.
func (s *State) mendsBy(own runbook.Item, now time.Time, names ...string) (Mend, bool) {
	it, ok := own, own.Action != nil
	if !ok {
		it, ok = s.itemDoing(names...)
	}
	if !ok || s.Can(Act{Item: it.ID}, now) != nil {
		return Mend{}, false
	}
	return Mend{Need: NeedAction, Item: it}, true
}

// itemDoing is the first item whose action is one of those; of the fences' only
// that of triggers.
func (s *State) itemDoing(names ...string) (runbook.Item, bool) {
	for _, name := range names {
		for _, g := range s.Runbook.Groups() {
			for _, it := range g.Items {
				if it.Action == nil || it.Action.Name != name {
					continue
				}
				if f := s.Fence(it.Fence); f == nil || f.Plan.Kind == runbook.FenceTriggers {
					return it, true
				}
			}
		}
	}
	return runbook.Item{}, false
}

// Mender is the item that ends a hold: its own, or the one that a hold without an
// item is mended by; empty where no item does.
func (h Hold) Mender() string { return cmp.Or(h.Item, h.mender) }
