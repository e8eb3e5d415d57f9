package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// UndoFlags are those of undo beside a run's.
type UndoFlags struct {
	Phases        []string // ids or numbers; empty: all that can be undone
	Keep, Replace []string // tables
	Capsules      string   // the folder that has the run's capsules; empty: where the run kept them, or beside the journal
	Plan          bool     // tell what would be done, and do nothing
}

// undo is a run of its own, whose runbook puts back what another run's phases
// took.
func (a *app) undo(ctx context.Context, path string, f Flags, u UndoFlags) error {
	recs, err := journal.Read(path)
	if err != nil && !errors.Is(err, journal.ErrTorn) {
		return Failed(err)
	}
	state, err := phases.Fold(recs)
	if err != nil {
		return Failed(err)
	}
	if state.Opened.RunID == "" {
		return Failed(fmt.Errorf("%s: no run was opened", path))
	}
	if state.ClosedAt.IsZero() && !u.Plan {
		return Failed(fmt.Errorf("%s: the run has not ended, and may go on deleting: end it first, with `%s`", path, a.command("resume", path)))
	}
	if state.Opened.Undoes != nil {
		return &Exit{Code: Usage, Err: fmt.Errorf("%s: %w", path, phases.ErrUndoOfUndo)}
	}
	folder, err := capsuleFolder(state, path, u.Capsules)
	if err != nil {
		return Failed(err)
	}
	plan, ids, err := state.UndoPlan(u.Phases, folder, u.Keep, u.Replace)
	if err != nil {
		return &Exit{Code: Usage, Err: fmt.Errorf("%s: %w", path, err)}
	}
	source := plan.Source()
	file := "undo-" + state.Opened.File
	book, err := runbook.Parse(file, source)
	if err != nil {
		return Failed(fmt.Errorf("the undo is no runbook, which is a mistake of tminus's own: %w", err))
	}
	ctx, release := engine.StopOnSignals(ctx)
	defer release()
	if whose, another := serverOf(state); f.DSN == "" && whose != "" {
		server, dsn, err := a.database.AdoptServer(ctx, state.Target, another)
		if err != nil {
			return Failed(err)
		}
		a.unfinished = true // until it is known to be finished
		defer a.leaveServer(server, whose)
		f.DSN = dsn
	}
	to := reach(state, f.DSN)
	f.DSN = to.dsn
	if u.Plan {
		return a.planUndo(ctx, book, state, ids, f, to)
	}
	f.undoes = &phases.Undoes{Journal: filepath.Base(path), RunID: state.Opened.RunID, Head: state.Head, Phases: ids}
	f.fits = func(target engine.Target, id phases.Identity) error {
		if err := fits(ctx, state, target, id, ids); err != nil {
			return err
		}
		return notUndone(ctx, state, path, target, ids)
	}
	f.address = to
	return a.start(ctx, file, source, book, state.Opened.Environment, f)
}

// capsuleFolder is where a run's capsules are: where it kept them, or beside a
// journal that was moved together with them.
func capsuleFolder(s *phases.State, path, named string) (string, error) {
	candidates := []string{named}
	if named == "" {
		candidates = []string{path + ".capsule"}
		if s.Opened.Capsule != nil {
			candidates = slices.Insert(candidates, 0, s.Opened.Capsule.Folder)
		}
	}
	for _, c := range candidates {
		if info, err := os.Stat(c); err == nil && info.IsDir() {
			return filepath.Abs(c)
		}
	}
	if s.Opened.Capsule == nil && named == "" {
		return "", errNoCapsules
	}
	return "", fmt.Errorf("the run's capsules are not in %s: name their folder with --capsules", strings.Join(slices.Compact(candidates), ", nor in "))
}

// fits makes sure that a database is the one whose phases are undone.
func fits(ctx context.Context, s *phases.State, target engine.Target, id phases.Identity, ids []string) error {
	if err := s.UndoTarget(id); err != nil {
		return err
	}
	rows, err := target.LedgerRows(ctx, s.Opened.RunID)
	if err != nil {
		return err
	}
	return s.UndoLedger(ids, rows)
}

// notUndone refuses phases that another undo has put back, as the ledger proves.
func notUndone(ctx context.Context, s *phases.State, path string, target engine.Target, ids []string) error {
	dirs := []string{filepath.Dir(path)}
	if dir, err := engine.StateDir(); err == nil { // else no run of this user's is there
		dirs = append(dirs, dir)
	}
	undos, err := engine.FindUndos(dirs, s.Opened.RunID)
	if err != nil {
		return err
	}
	var back []string
	for _, u := range undos {
		if !slices.Contains(ids, u.Phase) {
			continue
		}
		rows, err := target.LedgerRows(ctx, u.RunID)
		if err != nil {
			return err
		}
		if u.Proven(rows) {
			back = append(back, u.String())
		}
	}
	if back == nil {
		return nil
	}
	return fmt.Errorf("%s; name the phases that are left with --phases", strings.Join(back, "; "))
}

// planUndo tells what an undo would do, and what is in its way.
func (a *app) planUndo(ctx context.Context, book *runbook.Runbook, s *phases.State, ids []string, f Flags, to reached) error {
	access := Access{DSN: f.DSN, EndHolder: f.EndHolder, Identity: f.Identity, Operator: engine.LocalOperator(), Runbook: book}
	plans, id, rows, err := a.database.PlanUndo(ctx, access, s.Opened.RunID)
	if id.Database == "" {
		err = to.explain(err)
	} else { // it has answered
		if other := s.UndoTarget(id); other != nil {
			err = other
		}
	}
	if err == nil {
		err = s.UndoLedger(ids, rows)
	}
	if err != nil {
		return Failed(err)
	}
	lacks := 0
	for i, p := range plans {
		fmt.Fprintf(a.stdout, "%s: %s\n", ids[i], planWords(p))
		if p.Lacks != "" {
			lacks++
		}
		for _, t := range p.Tables {
			fmt.Fprintf(a.stdout, "  %s: %s\n", phases.Clean(t.Table), tableWords(t))
			for _, line := range slices.Concat(t.Conflicts, t.Notes) {
				fmt.Fprintf(a.stdout, "    %s\n", phases.Clean(line))
			}
		}
	}
	if lacks > 0 {
		err := fmt.Errorf("%s cannot be put back as it is", phases.Plural(int64(lacks), "phase"))
		if newer := s.UndoLeavesOut(ids); len(newer) > 0 {
			err = fmt.Errorf("%w: undo %s as well, which came later and wrote to the same tables", err, strings.Join(newer, ", "))
		}
		return &Exit{Code: Error, Err: err}
	}
	return nil
}

func planWords(p phases.PutBackPlan) string {
	switch {
	case p.Lacks != "":
		return phases.Clean(p.Lacks)
	case p.Done:
		return "all of it is back already"
	}
	return "can be put back, " + p.How
}

func tableWords(t phases.PutBackTable) string {
	text := phases.BackWords(t.Back, t.Set, t.Out)
	for _, part := range []struct {
		n    int64
		what string
	}{{t.There, "there already"}, {t.Kept, "left as it is now"}, {t.Replaced, "of others replaced"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %s %s", phases.Rows(part.n), part.what)
		}
	}
	return text
}
