package phases

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tminus/phases/runbook"
)

// Undoes says which run's phases a run undoes.
type Undoes struct {
	Journal string   `json:"journal"` // the file's name, without its folder
	RunID   string   `json:"run_id"`
	Head    string   `json:"head"`   // hash of its last line
	Phases  []string `json:"phases"` // in the order in which they are undone
}

func (u *Undoes) words() string {
	return fmt.Sprintf("undoes %s of run %s, %s, head %.12s", strings.Join(u.Phases, ", "), u.RunID, u.Journal, u.Head)
}

// UndoneBy says which undo has put a phase back.
type UndoneBy struct {
	Phase   string // of the run that is undone
	Journal string // of the undo: the file's name
	RunID   string // of the undo
	Nonce   string // of the undo's row in the ledger; empty where it wrote none
	At      time.Time
}

// HasUndone are the phases of another run that this one has put back.
func (s *State) HasUndone(journal string) []UndoneBy {
	if s.Opened.Undoes == nil {
		return nil
	}
	var out []UndoneBy
	for _, id := range s.Opened.Undoes.Phases {
		p := s.Phase(runbook.UndoID(id))
		if p.Status != PhaseIsCommitted {
			continue
		}
		by := UndoneBy{Phase: id, Journal: journal, RunID: s.Opened.RunID, At: p.EndedAt}
		if p.Intent != nil && p.Intent.Ledger {
			by.Nonce = p.Intent.Nonce
		}
		out = append(out, by)
	}
	return out
}

// Proven reports whether the undo's own row is in the ledger; without a ledger its
// journal's word counts.
func (u UndoneBy) Proven(rows []LedgerRow) bool {
	return u.Nonce == "" || slices.ContainsFunc(rows, func(r LedgerRow) bool { return r.Nonce == u.Nonce })
}

// String says it in a sentence's part.
func (u UndoneBy) String() string {
	return Clean(fmt.Sprintf("%s was put back already, at %s UTC, by the undo of %s", u.Phase, u.At.UTC().Format(time.DateTime), u.Journal))
}

// undoRate is how long a row takes to come back where nobody has measured it,
// and undoLeast what an undo of a phase is planned for at least.
const (
	undoRate  = 15 * time.Microsecond
	undoLeast = 10 * time.Second
)

// UndoTime is how long putting a phase back takes: as the rehearsal had it, or
// else reckoned from its rows. Where it took far more rows than in the rehearsal,
// that time proves nothing, and grows with them.
func (s *State) UndoTime(p *PhaseState) (d time.Duration, measured bool) {
	if r := s.Opened.Rehearsed.Phase(p.Plan.ID); r != nil && r.Undo > 0 {
		was, now := r.rows(), p.Did().rows()
		if was > 0 && (now-was)*farOff > was {
			return time.Duration(float64(r.Undo) * float64(now) / float64(was)), false
		}
		return r.Undo, true
	}
	if p.UndoTook > 0 { // this run is the rehearsal
		return p.UndoTook, true
	}
	if p.Capsule == nil {
		return 0, false
	}
	return time.Duration(p.Capsule.Rows()) * undoRate, false
}

// ErrUndoOfUndo refuses to undo a run that is an undo.
var ErrUndoOfUndo = errors.New("that run is an undo itself: run the maintenance again to have it undone")

// Kept are the committed phases with a capsule, the newest first.
func (s *State) Kept() []*PhaseState {
	var out []*PhaseState
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == PhaseIsCommitted && p.Capsule != nil {
			out = append(out, p)
		}
	}
	slices.Reverse(out)
	return out
}

// Undoable are those of which there is something to put back.
func (s *State) Undoable() []*PhaseState {
	return slices.DeleteFunc(s.Kept(), func(p *PhaseState) bool { return p.Capsule.Rows() == 0 })
}

// errNoRows refuses to put back nothing.
var errNoRows = errors.New("the capsules of these phases hold no rows: there is nothing to put back")

// UndoPlan is the runbook that undoes phases of a run that has ended, named by
// their ids or their numbers; none means all that can be. folder is where the
// run's capsules are now.
func (s *State) UndoPlan(names []string, folder string, keep, replace []string) (u runbook.Undo, ids []string, err error) {
	if s.Opened.Undoes != nil {
		return u, nil, ErrUndoOfUndo
	}
	chosen, err := s.undoChoice(names)
	if err != nil {
		return u, nil, err
	}
	u = runbook.Undo{Of: s.Runbook}
	known := map[string]bool{}
	for _, p := range chosen {
		d, _ := s.UndoTime(p)
		one := runbook.UndoPhase{
			Phase: p.Plan, Folder: filepath.Join(folder, p.Capsule.Folder), SHA256: p.Capsule.SHA256,
			Planned: max(2*d, undoLeast).Round(time.Second), Words: p.Capsule.String(),
		}
		for _, t := range p.kept(s.Runbook) {
			if c, bad := runbook.Unwritable(t); bad {
				return u, nil, fmt.Errorf("table %s has the character %U in its name, which no runbook can hold: put the phase back with its capsule's put-back.sql", Clean(t), c)
			}
			one.Tables = append(one.Tables, t)
			known[t] = true
		}
		if len(one.Tables) == 0 {
			continue // no runbook puts back nothing
		}
		u.Phases = append(u.Phases, one)
		ids = append(ids, p.Plan.ID)
	}
	if len(u.Phases) == 0 {
		return u, nil, errNoRows
	}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{keep, &u.Keep}, {replace, &u.Replace}} {
		for _, name := range list.from {
			table := s.Runbook.TableName(s.Runbook.SplitTable(name))
			if !known[table] {
				return u, nil, fmt.Errorf("no capsule of these phases has rows of %s", Clean(table))
			}
			*list.to = append(*list.to, table)
		}
	}
	for _, t := range u.Keep {
		if slices.Contains(u.Replace, t) {
			return u, nil, fmt.Errorf("%s is to be kept and to be replaced: one of the two", Clean(t))
		}
	}
	return u, ids, nil
}

// kept are the tables that a phase's capsule has rows of. Earlier versions took what
// a step refreshes for one of them.
func (p *PhaseState) kept(book *runbook.Runbook) (out []string) {
	for _, t := range p.Capsule.Tables {
		if !slices.ContainsFunc(p.Plan.Steps, func(step runbook.Step) bool {
			return step.SQL != "" && book.FullName(step.Rewrites()) == book.FullName(t.Table)
		}) {
			out = append(out, t.Table)
		}
	}
	return out
}

// undoChoice are the phases that are meant, the newest first.
func (s *State) undoChoice(names []string) ([]*PhaseState, error) {
	if len(names) == 0 {
		if all := s.Undoable(); len(all) > 0 {
			return all, nil
		}
		return nil, s.noUndo()
	}
	var at []int
	for _, name := range names {
		named := func(id string) int {
			return slices.IndexFunc(s.Phases, func(p PhaseState) bool { return p.Plan.ID == id })
		}
		i := named(name)
		if i < 0 {
			i = named("phase" + name) // as the guide has them
		}
		if n, err := strconv.Atoi(name); i < 0 && err == nil && n >= 1 && n <= len(s.Phases) {
			i = n - 1
		}
		switch {
		case i < 0:
			return nil, fmt.Errorf("there is no phase %q: name its id, or its number from 1 to %d", Clean(name), len(s.Phases))
		case s.Phases[i].Status != PhaseIsCommitted:
			return nil, fmt.Errorf("%s is not committed, but %s: there is nothing to put back", s.Phases[i].Plan.Title, strings.ReplaceAll(string(s.Phases[i].Status), "_", " "))
		case s.Phases[i].Capsule == nil:
			return nil, fmt.Errorf("%s kept no capsule: only a restore brings its rows back", s.Phases[i].Plan.Title)
		case !slices.Contains(at, i):
			at = append(at, i)
		}
	}
	slices.SortFunc(at, func(a, b int) int { return cmp.Compare(b, a) })
	var out []*PhaseState
	for _, i := range at {
		out = append(out, &s.Phases[i])
	}
	return out, nil
}

// UndoLeavesOut are the newer phases that wrote to tables of those that are to be
// undone, and are not among them: they may be all that is in the way.
func (s *State) UndoLeavesOut(ids []string) (out []string) {
	wrote := map[string]bool{}
	for i := range s.Phases {
		p := &s.Phases[i]
		if p.Status != PhaseIsCommitted || p.Capsule == nil {
			continue
		}
		chosen := slices.Contains(ids, p.Plan.ID)
		if !chosen && slices.ContainsFunc(p.Capsule.Tables, func(t CapsuleTable) bool { return wrote[t.Table] }) {
			out = append(out, p.Plan.ID)
		}
		for _, t := range p.Capsule.Tables {
			wrote[t.Table] = wrote[t.Table] || chosen
		}
	}
	return out
}

// noUndo says why nothing can be put back.
func (s *State) noUndo() error {
	committed := 0
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Status == PhaseIsCommitted && p.Plan.Writes() {
			committed++
		}
	}
	switch {
	case committed == 0:
		return errors.New("no phase is committed: there is nothing to undo")
	case len(s.Kept()) > 0:
		return errNoRows
	case s.Opened.Capsule == nil:
		return errors.New("the run kept no capsules: only a restore brings its rows back")
	}
	return errors.New("no committed phase kept a capsule: only a restore brings their rows back")
}

// UndoTarget says why a database is not the one whose phases are to be undone, by
// who it is; nil where it is.
func (s *State) UndoTarget(now Identity) error {
	was := s.Target
	if was.SystemIdentifier != now.SystemIdentifier || was.DatabaseOID != now.DatabaseOID || was.Database != now.Database {
		return &OtherTargetError{Want: was, Got: now}
	}
	if now.Timeline == was.Timeline && now.Behind(s.WAL) {
		return fmt.Errorf("the server's WAL is at %s, and the run was at %s: this is another history, restored from before it: its rows are there", now.WAL, s.WAL)
	}
	return nil
}

// UndoLedger says the same by what its ledger holds of the run that is undone.
func (s *State) UndoLedger(ids []string, rows []LedgerRow) error {
	for _, id := range ids {
		p := s.Phase(id)
		if p.Intent == nil || !p.Intent.Ledger {
			continue
		}
		if !slices.ContainsFunc(rows, func(r LedgerRow) bool { return r.Phase == id && r.Nonce == p.Intent.Nonce }) {
			return fmt.Errorf("the ledger of this database does not hold that %s was committed: it was restored from before, or is another one", p.Plan.Title)
		}
	}
	return nil
}

// PutBackPlan is what putting one capsule back would do.
type PutBackPlan struct {
	Folder string
	How    string // how the server's own guards are kept from acting
	Done   bool   // all of it is back
	Lacks  string // why it cannot be put back; empty where it can
	Tables []PutBackTable
}

// PutBackTable is what is done to one table.
type PutBackTable struct {
	Table                                 string
	Back, Set, Out, There, Kept, Replaced int64
	Conflicts                             []string // what is in the way, with a few keys: for a terminal, never for a log
	Notes                                 []string
}
