package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tminus/db/capsule"
	"tminus/phases"
	"tminus/phases/journal"
)

const (
	kindCapsule     = "capsule: its session, folder or file fails"
	kindCapsuleDisk = "capsule: a full file system"
	kindUndo        = "undo: program killed inside the writing of a record"
)

// compareCapsules holds the capsules on disk against the journal: of what is
// committed each is there, whole, and has exactly what the phase took; of what
// came to nothing, nothing is left once the run is settled.
func (c *trial) compareCapsules(s *phases.State, final bool) {
	if s.Opened.Capsule == nil {
		return
	}
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Status == phases.PhaseIsCommitted && s.Keeps(p) {
			if err := c.wholeCapsule(s, p); err != nil {
				c.fail("%s is committed, and its capsule is not whole: %w", p.Plan.ID, err)
			}
		}
	}
	if !final || s.Outcome == "" {
		return
	}
	for _, spare := range s.SpareCapsules() {
		if _, err := os.Stat(spare.Folder); !errors.Is(err, os.ErrNotExist) {
			c.fail("the capsule of an attempt that came to nothing is left: %s (%v)", spare.Folder, err)
		}
	}
}

func (c *trial) wholeCapsule(s *phases.State, p *phases.PhaseState) error {
	if p.Capsule == nil {
		return errors.New("the journal has none")
	}
	kept, err := capsule.Open(s.CapsulePath(p))
	if err != nil {
		return err
	}
	if kept.SHA256() != p.Capsule.SHA256 || p.Intent == nil || p.Intent.Capsule != p.Capsule.SHA256 {
		return errors.New("its manifest is not the journal's")
	}
	if err := kept.Verify(c.ctx, nil); err != nil {
		return err
	}
	rows := map[string]int64{"first": int64(c.found), "second": parentRows + c.along}[p.Plan.ID]
	if p.Capsule.Gone != rows || p.Capsule.Changed != 1 || p.Capsule.Added != 0 {
		return fmt.Errorf("it has %s, and the phase took %d rows and changed one", p.Capsule, rows)
	}
	return nil
}

// capsuleFaults break what a capsule is made with, at each moment of its making.
func capsuleFaults() []fault {
	var out []fault
	for _, phase := range []string{"first", "second"} {
		for _, at := range []string{"tables_locked", "step_done", "phase_verified"} {
			out = append(out, fault{kind: kindCapsule, name: phase + ": its session ends after " + at, smoke: at == "phase_verified" && phase == "second", run: func(c *trial) {
				c.direct(onKind(at, phase, func() {
					if err := c.ask(c.ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()
						AND pid <> pg_backend_pid() AND (query LIKE 'COPY (SELECT%' OR query LIKE '%server_encoding%' OR query LIKE 'ROLLBACK')`, new(int)); err != nil {
						c.fail("%w", err)
					}
				}))
				c.recover(c.rerun)
			}})
		}
		for what, spoil := range spoils {
			out = append(out, fault{kind: kindCapsule, name: phase + ": " + what + " while somebody thinks about COMMIT", smoke: what == "a stream is cut", run: func(c *trial) {
				struck := false
				c.direct(onKind("hold_opened", phase, func() {
					struck = true
					if err := spoil(filepath.Join(c.path+".capsule", phase+".1")); err != nil {
						c.fail("%s: %w", what, err)
					}
				}))
				if s := c.said(); struck && s != nil && phaseOf(s, phase).Attempt == 1 && phaseOf(s, phase).Status == phases.PhaseIsCommitted {
					c.fail("%s was committed although %s", phase, what)
				}
				c.recover(c.rerun)
			}})
		}
		out = append(out, fault{kind: kindCapsule, name: phase + ": something stands where its folder is to be", run: func(c *trial) {
			if err := os.MkdirAll(filepath.Join(c.path+".capsule", phase+".1"), 0o700); err != nil {
				c.fail("%w", err)
			}
			c.direct()
			c.recover(c.rerun)
		}})
	}
	return sortedByName(out)
}

func sortedByName(faults []fault) []fault {
	slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.name, b.name) })
	return faults
}

// spoils are what somebody may do to a capsule that is finished.
var spoils = map[string]func(folder string) error{
	"the manifest is removed": func(folder string) error { return os.Remove(filepath.Join(folder, "manifest.json")) },
	"the folder is removed":   os.RemoveAll,
	"a stream is removed":     func(folder string) error { return os.Remove(filepath.Join(folder, "1.dat.gz")) },
	"a stream is cut":         func(folder string) error { return os.Truncate(filepath.Join(folder, "1.dat.gz"), 7) },
}

// capsuleDiskFaults run with capsules on a small file system that is full after
// some pages.
func capsuleDiskFaults() []fault {
	var out []fault
	for pages := range 20 {
		out = append(out, fault{kind: kindCapsuleDisk, name: fmt.Sprintf("%02d pages of 4 KiB are free", pages), run: func(c *trial) { c.onFullCapsuleDisk(pages) }})
	}
	return out
}

func (c *trial) onFullCapsuleDisk(pages int) {
	disk := c.path + ".capsule"
	unmount, ok := c.mount(disk, 512)
	if !ok {
		return
	}
	defer unmount()
	filler := filepath.Join(disk, "filler")
	c.direct(onKind("phase_started", "first", func() { // at the gate there was room
		if err := os.WriteFile(filler, make([]byte, 512<<10-pages*4096), 0o600); err != nil {
			c.fail("fill the disk: %w", err)
		}
	}))
	if s := c.agree(false); s != nil && s.Outcome == "" {
		if err := os.Remove(filler); err != nil && !errors.Is(err, os.ErrNotExist) {
			c.fail("%w", err)
		}
	}
	c.recover(c.rerun)
}

// undoMoments are the records at which an undo is cut: those that something rests on.
var undoMoments = []string{"step_done", "commit_intended", "phase_committed"}

// undoFaults kill a program at the records of an undo, at each place of a record's
// way to the disk.
func (h *harness) undoFaults() []fault {
	records := h.cleanUndo()
	var out []fault
	for i, r := range records {
		n := i + 1
		if !slices.Contains(undoMoments, r.Kind) {
			continue
		}
		for _, at := range []string{"before", "written"} {
			smoke := at == "written" && (r.Kind == "commit_intended" || r.Kind == "step_done")
			out = append(out, fault{kind: kindUndo, name: fmt.Sprintf("record %02d (%s): %s", n, r.Kind, at), smoke: smoke, run: func(c *trial) {
				c.attended = false
				if !c.cleared() {
					return
				}
				c.die(death{Record: n, At: at, Undoes: c.undoes})
				c.recoverUndo()
			}})
		}
	}
	return out
}

const kindTrial = "undo at a rehearsal's end: program killed (-9)"

// trialFaults kill the real program while a rehearsal puts back what it took:
// taken up again, it has to have all of it back.
func (h *harness) trialFaults() []fault {
	var out []fault
	for _, kind := range []string{"undo_trial_started", "undo_trial_progressed", "undo_tried"} {
		for wait := range 4 {
			out = append(out, fault{kind: kindTrial, name: fmt.Sprintf("%d ms after %s", 40*wait, kind), smoke: kind == "undo_trial_started" && wait == 1, run: func(c *trial) {
				h.inTrial(c, kind, time.Duration(wait)*40*time.Millisecond)
			}})
		}
	}
	return out
}

func (h *harness) inTrial(c *trial, kind string, wait time.Duration) {
	p, err := h.command(c, "rehearse", h.book, "--unattended", "--plain", "--journal", c.path, "--dsn", c.dsn())
	if err == nil {
		err = p.start()
	}
	if err != nil {
		c.fail("%w", err)
		return
	}
	err = p.until(c.ctx, time.Millisecond, func() bool {
		return slices.ContainsFunc(c.lines(), func(line []byte) bool { return speaks(line, kind, "") })
	})
	if err == nil {
		err = errors.Join(pause(c.ctx, wait), send(syscall.SIGKILL)(p))
	}
	if err != nil && !errors.Is(err, errEnded) && !errors.Is(err, os.ErrProcessDone) {
		c.fail("%w", err)
	}
	if _, err := p.wait(endLimit); err != nil {
		c.fail("%w", err)
	}
	for round := 0; len(c.wrong) == 0; round++ {
		s := c.said()
		if s != nil && !s.ClosedAt.IsZero() {
			break
		}
		if round == 4 {
			c.fail("the run is not closed after %d resumes", round)
			return
		}
		if err := h.resumeProgram(c); err != nil {
			c.fail("%w", err)
		}
	}
	c.allBack()
}

// allBack holds that a rehearsal has proven its undo, and that nothing is gone.
func (c *trial) allBack() {
	s := c.said()
	if s == nil || len(c.wrong) > 0 {
		return
	}
	if t := s.UndoTrial; s.Outcome != phases.Completed || t == nil || t.Result == nil || t.Result.Lacks() != "" {
		c.fail("the rehearsal ended as %s, and its undo is not proven: %+v", s.Outcome, t)
	}
	f, err := c.look(c.ctx, "")
	if err != nil {
		c.fail("%w", err)
		return
	}
	for _, id := range []string{"first", "second"} {
		if gone, err := f.happened(id); gone || err != nil {
			c.fail("%s is not back: %v", id, err)
		}
	}
}

// cleanUndo gives the records of an undo without a fault.
func (h *harness) cleanUndo() []journal.Record {
	h.t.Helper()
	p := h.place(h.shared)
	if err := p.clear(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	c := &trial{place: p, ctx: h.t.Context(), path: p.folder + "/cleanundo.journal", source: book, found: childRows}
	if c.cleared() {
		c.direct()
		c.recoverUndo()
	}
	recs, err := journal.Read(c.path)
	if len(c.wrong) > 0 || err != nil {
		h.t.Fatalf("an undo without a fault: %v, %v\n%s", c.wrong, err, c.story())
	}
	var out []journal.Record
	for _, r := range recs {
		if !slices.Contains(beside, r.Kind) {
			out = append(out, r)
		}
	}
	return out
}

// cleared runs the maintenance to its end, and makes the trial one of its undo.
func (c *trial) cleared() bool {
	c.direct()
	s := c.agree(true)
	if len(c.wrong) > 0 || s == nil || s.Outcome != phases.Completed {
		c.fail("the maintenance before the undo did not come to its end")
		return false
	}
	plan, ids, err := s.UndoPlan(nil, c.path+".capsule", nil, nil)
	if err != nil {
		c.fail("%w", err)
		return false
	}
	c.undoes = &phases.Undoes{Journal: filepath.Base(c.path), RunID: s.Opened.RunID, Head: s.Head, Phases: ids}
	c.source, c.path = string(plan.Source()), c.path+".undo"
	return true
}

// recoverUndo resumes an undo until it is closed. A phase of it is committed
// exactly when all rows are back, and the count of the phase's commits with them.
func (c *trial) recoverUndo() {
	for round := 0; len(c.wrong) == 0; round++ {
		s := c.said()
		if s == nil && round < 2 {
			c.direct() // nothing was begun
			continue
		}
		if s == nil {
			c.fail("no journal of the undo comes to be")
			return
		}
		f, err := c.look(c.ctx, "")
		if err != nil {
			c.fail("%w", err)
			return
		}
		for _, id := range []string{"first", "second"} {
			gone, err := f.happened(id)
			undone := phaseOf(s, "undo_"+id).Status
			switch {
			case err != nil:
				c.fail("in the undo: %w", err)
			case undone == phases.PhaseIsCommitted && gone, gone == false && (undone == phases.PhasePending || undone == phases.PhaseIsRolledBack):
				c.fail("the undo of %s is %s, and its rows are gone: %v", id, undone, gone)
			}
		}
		if !f.kept || f.keep != keepRows {
			c.fail("the protected table was changed")
		}
		if !s.ClosedAt.IsZero() {
			// Unattended, what a COMMIT that was lost did not do is left to a human.
			if s.Outcome != phases.Completed && s.Outcome != phases.Aborted {
				c.fail("the undo ended as %s", s.Outcome)
			}
			return
		}
		if round == 4 {
			c.fail("the undo is not closed after %d resumes", round)
			return
		}
		if err := c.rerun(); err != nil {
			c.fail("%w", err)
		}
	}
}
