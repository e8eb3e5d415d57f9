package fault

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/phases/report"
)

const (
	kindSwapped     = "table swapped or emptied between baseline and delete"
	kindOverwritten = "journal: a byte of the running journal overwritten"
	kindConnections = "too few connections"
)

// conditionRows is the condition that a delete raises which met far fewer rows
// than the baseline counted.
const conditionRows = "rows_unexpected"

// swappedFaults take rows away between the baseline and the delete.
func swappedFaults() []fault {
	var out []fault
	for _, s := range []struct {
		name  string
		sql   string
		found int
		odd   bool
	}{
		{"renamed away, another with one row in its place", `ALTER TABLE public.child RENAME TO child_gone; ALTER TABLE public.child_gone DROP CONSTRAINT child_parent_id_fkey;
			CREATE TABLE public.child (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES public.parent); INSERT INTO public.child VALUES (1, 1)`, 1, true},
		{"renamed away, an empty one in its place", `ALTER TABLE public.child RENAME TO child_gone; ALTER TABLE public.child_gone DROP CONSTRAINT child_parent_id_fkey;
			CREATE TABLE public.child (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES public.parent)`, 0, true},
		{"all rows but one deleted", `DELETE FROM public.child WHERE id > 1`, 1, true},
		{"truncated", `TRUNCATE public.child`, 0, true},
		{"honest: two rows fewer", `DELETE FROM public.child WHERE id > 88`, 88, false},
		{"honest: two rows more", `INSERT INTO public.child VALUES (91, 1), (92, 2)`, 92, false},
	} {
		for _, attended := range []bool{false, true} {
			name := fmt.Sprintf("%s, attended: %v", s.name, attended)
			out = append(out, fault{kind: kindSwapped, name: name, smoke: strings.Contains(s.name, "one row in its place") || strings.Contains(s.name, "two rows fewer") && !attended, run: func(c *trial) {
				c.attended, c.found = attended, s.found
				c.swap(s.sql, s.odd)
			}})
		}
	}
	return out
}

func (c *trial) swap(sql string, odd bool) {
	c.direct(onKind("baseline_taken", "", func() {
		if err := c.ask(c.ctx, sql); err != nil {
			c.fail("%w", err)
		}
	}))
	s := c.said()
	if s == nil {
		c.fail("no run")
		return
	}
	raised := slices.ContainsFunc(s.Conditions, func(k phases.Condition) bool { return k.Condition == conditionRows && k.Phase == "first" })
	if raised != odd {
		c.fail("condition %s raised: %v", conditionRows, raised)
	}
	switch {
	case odd && !c.attended: // nobody is there to decide
		if p := phaseOf(s, "first"); p.Status != phases.PhaseIsRolledBack || s.ExitCode() != 4 {
			c.fail("first is %s, exit code %d", p.Status, s.ExitCode())
		}
	case s.Outcome != phases.Completed:
		c.fail("the operator's run was not completed: %s", s.Outcome)
	case odd:
		c.deviates()
	}
	c.recover(c.rerun)
}

// deviates holds that the report names the table's rows as a deviation.
func (c *trial) deviates() {
	recs, err := journal.Read(c.path)
	if err != nil {
		c.fail("%w", err)
		return
	}
	r, err := report.Build(recs)
	if err != nil {
		c.fail("%w", err)
		return
	}
	if !slices.ContainsFunc(r.Deviations, func(l report.Line) bool { return strings.Contains(l.Text, "child") && strings.Contains(l.Text, "90") }) {
		c.fail("no deviation of the report speaks of child and its 90 rows: %v", r.Deviations)
	}
}

// overwriteFaults change a byte of the journal, with the same length, while
// its run goes on: nothing is committed after that.
func overwriteFaults(clean cleanRun) []fault {
	var out []fault
	last := 0
	for i, r := range clean.records {
		if r.Kind == "commit_intended" {
			last = i + 1
		}
	}
	for i := range clean.records[:last-1] {
		n := i + 1
		for _, line := range []int{1, n} {
			if line == n && n == 1 {
				continue
			}
			out = append(out, fault{
				kind: kindOverwritten, name: fmt.Sprintf("in line %d, at %s", line, recordName(clean, n)),
				smoke: clean.records[i].Kind == "phase_verified" && line == n,
				run:   func(c *trial) { c.overwrite(n, line) },
			})
		}
	}
	return out
}

func (c *trial) overwrite(n, line int) {
	c.attended = false
	at, was := int64(-1), []byte{0}
	var committed []string
	c.direct(after(n, func([]byte) {
		text, err := os.ReadFile(c.path)
		if err != nil {
			c.fail("%w", err)
			return
		}
		lines := strings.SplitAfter(string(text), "\n")
		if line == n { // with those before it that are not counted
			line = len(lines) - 1
		}
		at = int64(len(strings.Join(lines[:line-1], ""))) + int64(len(lines[line-1]))/2
		was = []byte{text[at]}
		if err := poke(c.path, at, []byte{was[0] ^ 1}); err != nil {
			c.fail("%w", err)
		}
		for _, l := range lines {
			for _, phase := range []string{"first", "second"} {
				if speaks([]byte(l), "commit_intended", phase) {
					committed = append(committed, phase)
				}
			}
		}
	}))
	if at < 0 {
		c.fail("the fault did not occur")
		return
	}
	f, err := c.look(c.ctx, "")
	if err != nil {
		c.fail("%w", err)
		return
	}
	for _, phase := range []string{"first", "second"} {
		if happened, err := f.happened(phase); err != nil || happened && !slices.Contains(committed, phase) {
			c.fail("%s was committed by a run whose journal was overwritten before (%v)", phase, err)
		}
	}
	// Somebody puts the byte right: what the journal says is true again.
	if err := poke(c.path, at, was); err != nil {
		c.fail("%w", err)
	}
	c.recover(c.rerun)
}

func poke(path string, at int64, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(b, at)
	return err
}

// connectionFaults give the role fewer connections than the run needs at its
// widest, or just enough.
func connectionFaults() []fault {
	var out []fault
	for missing := range 9 {
		name := fmt.Sprintf("%d fewer than the run needs", missing)
		if missing == 0 {
			name = "honest: as many as the run needs"
		}
		out = append(out, fault{kind: kindConnections, name: name, smoke: missing < 2, run: func(c *trial) { c.fewConnections(missing) }})
	}
	return out
}

func (c *trial) fewConnections(missing int) {
	c.attended = false
	if err := c.employ(0); err != nil {
		c.fail("%w", err)
		return
	}
	c.direct()
	s := c.said()
	if s == nil || s.Survey == nil || s.Survey.Sessions == 0 {
		c.fail("the survey does not say how many sessions the run needs")
		return
	}
	limit := s.Survey.Sessions - missing
	if limit < 1 {
		return
	}
	if err := c.clear(c.ctx); err != nil {
		c.fail("%w", err)
		return
	}
	c.path += ".limited"
	if err := c.employ(limit); err != nil {
		c.fail("%w", err)
		return
	}
	p, err := c.open(c.dsn())
	if err == nil {
		err = c.wait(p)
	}
	if missing == 0 {
		if s := c.said(); err != nil || s == nil || s.Outcome != phases.Completed {
			c.fail("a run with as many connections as it needs was not completed: %v", err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(limit)) || !strings.Contains(err.Error(), "connection limit") {
		c.fail("the limit of %d, for a run that needs %d, is not named: %v", limit, limit+missing, err)
	}
	if s := c.said(); s != nil && (!s.T0.IsZero() || s.Survey != nil) {
		c.fail("something was begun")
	}
	f, err := c.look(c.ctx, "")
	if err != nil || f.rows["first"] != childRows || f.tally["first"] != 0 {
		c.fail("something was done: %v, %v", f, err)
	}
	var made bool
	if err := c.ask(c.ctx, `SELECT to_regnamespace('tminus') IS NOT NULL`, &made); err != nil || made {
		c.fail("the ledger was made: %v, %v", made, err)
	}
}

// pollLimit is how long something may take that happens beside the program.
const pollLimit = 5 * time.Second
