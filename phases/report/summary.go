package report

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases"
)

// summarize says in sentences what was done, by whom, what survived, whether that
// is proven and how it would come back: for whoever was not there. Of a run that
// did not end well it says first what is in the database and what is not.
func (r *Report) summarize() []string {
	out := []string{r.whatHappened()}
	add := func(text string) {
		if text != "" {
			out = append(out, text)
		}
	}
	add(r.stands())
	add(r.whatIsOff())
	add(r.whoDecided())
	if r.T0 != nil {
		add(r.whatSurvived())
		add(r.whatHeld())
	}
	add(r.wayBack())
	add(r.whatKind())
	return out
}

// on is the database in words.
func (r *Report) on() string {
	return fmt.Sprintf("the %s database %s at %s", r.Environment, r.Database.Name, r.Database.Host)
}

func day(at *time.Time) string {
	if at == nil {
		return "an unknown day"
	}
	return at.Format("2 January 2006")
}

// minute is a day with its time.
func minute(at *time.Time) string {
	if at == nil {
		return "an unknown day"
	}
	return at.Format("2 January 2006 at 15:04 UTC")
}

// between is the time in which the phases ran.
func (r *Report) between() string {
	if r.T0 == nil {
		return "Without a phase"
	}
	end := r.T0.Add(time.Duration(r.Seconds * float64(time.Second)))
	from, to := r.T0.Format("15:04:05"), end.Format("15:04:05")
	if end.YearDay() != r.T0.YearDay() {
		to = end.Format("15:04:05 on 2 January")
	}
	return fmt.Sprintf("On %s, from %s to %s UTC (%s)", day(r.T0), from, to, span(r.Seconds))
}

func (r *Report) whatHappened() string {
	switch r.Outcome {
	case phases.Completed:
		if r.Undo != nil && r.Undo.Undoes != nil {
			return fmt.Sprintf("%s, what the run %s had taken away was put back into %s: %s.", r.between(), r.Undo.Undoes.RunID, r.on(), r.didWords())
		}
		return fmt.Sprintf("%s, %s in %s. The run was completed.", r.between(), r.didWords(), r.on())
	case phases.NoGo:
		untouched, _ := r.untouched()
		return fmt.Sprintf("%s %s. The decision on %s was NO-GO%s: %s.", untouched, r.on(), day(r.endedAt), byWhom(r.EndedBy), strings.TrimSuffix(r.Reason, "."))
	case phases.Aborted:
		return fmt.Sprintf("The run on %s was aborted on %s%s: %s.", r.on(), minute(r.endedAt), byWhom(r.EndedBy), strings.TrimSuffix(r.Reason, "."))
	}
	return fmt.Sprintf("The run on %s has not ended. This is how it stood at record %s, %s after it was opened.", r.on(), phases.Digits(int64(r.Journal.Records)), span(r.TotalRunSeconds))
}

// didWords are the rows that committed phases touched, and the tables that they
// truncated, whose rows nobody counted.
func (r *Report) didWords() string {
	cleared := 0
	for _, t := range r.Tables {
		if t.Deleted+t.Cascaded > 0 {
			cleared++
		}
	}
	gone := "deleted"
	if cleared > 0 {
		gone += " from " + phases.Plural(int64(cleared), "table")
	}
	var parts []string
	for _, did := range []struct {
		rows int64
		what string
	}{{r.DeletedRows, gone}, {r.UpdatedRows, "updated"}, {r.InsertedRows, "inserted"}} {
		switch {
		case did.rows == 0:
		case len(parts) == 0 && did.rows == 1:
			parts = append(parts, "1 row was "+did.what)
		case len(parts) == 0:
			parts = append(parts, phases.Rows(did.rows)+" were "+did.what)
		default:
			parts = append(parts, phases.Digits(did.rows)+" "+did.what)
		}
	}
	if n := len(r.truncated()); n > 0 {
		all, be := "all rows of "+phases.Plural(int64(n), "table"), " "
		if len(parts) == 0 {
			be = " were "
		}
		parts = append(parts, all+be+"truncated")
	}
	if len(parts) == 0 {
		return "no row was deleted or changed"
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return parts[0]
}

// stands says of a run that did not go through what is in the database, and what
// is not; empty for one that did.
func (r *Report) stands() string {
	var is, isNot, unknown, pending []string
	for i := range r.Phases {
		p, name := &r.Phases[i], r.phaseName(i)
		switch {
		case !p.writes:
		case p.Outcome == phases.PhaseIsCommitted:
			is = append(is, name)
		case p.Outcome == phases.PhaseInDoubt, p.Outcome == phases.PhaseUnknown, p.Outcome == phases.PhaseCommitting:
			unknown = append(unknown, name)
		case p.Outcome == phases.PhaseIsRolledBack:
			isNot = append(isNot, name+" (rolled back: as if it had never run)")
		case p.Outcome == phases.PhaseIsUndone:
			isNot = append(isNot, name+" (it was committed, and the database does not hold that any more: "+p.Reason+")")
		case p.Outcome == phases.PhasePending:
			pending = append(pending, name)
		default:
			isNot = append(isNot, name+" (it runs: nothing of it is committed)")
		}
	}
	if r.Outcome == phases.NoGo || r.Outcome == phases.Completed && len(isNot)+len(unknown)+len(pending) == 0 {
		return ""
	}
	var parts []string
	add := func(lead string, names []string) {
		if len(names) > 0 {
			parts = append(parts, lead+": "+strings.Join(names, ", ")+".")
		}
	}
	if len(is) == 0 && len(unknown) == 0 {
		parts = append(parts, "Nothing of it is committed.")
	} else if len(is) > 0 {
		parts = append(parts, fmt.Sprintf("Committed, and in the database: %s (%s).", strings.Join(is, ", "), r.didWords()))
	}
	add("NOT KNOWN whether it is committed, so a human must look at the database", unknown)
	add("Not in the database", isNot)
	add("Never begun", pending)
	return strings.Join(parts, " ")
}

// whatIsOff says of what was switched off for the run whether it is back, the bad
// first: a trigger that is off is as much of the outcome as a row that is gone.
func (r *Report) whatIsOff() string {
	var off, unsure, left, back, made, gone []string
	for _, f := range r.Fences {
		switch f.State {
		case "untaken":
		case "off", "back":
			switch {
			case f.Made && f.State == "off":
				made = append(made, f.Title+": "+f.Found)
			case f.Made:
				gone = append(gone, f.Title+" ("+f.Word+")")
			case f.State == "off":
				off = append(off, f.Title)
			default:
				back = append(back, f.Title)
			}
		case "left":
			left = append(left, f.Title+" ("+f.Why+")")
		default:
			unsure = append(unsure, f.Title+" ("+f.Word+")")
		}
	}
	lead, there := "STILL SWITCHED OFF, and to be brought back, by tminus restore with this journal", "STILL THERE, made for the run, and to be seen to by tminus restore with this journal"
	if r.Outcome == phases.Unfinished {
		lead, there = "Switched off for the run, and not back yet", "Made for the run, and there still"
	}
	var parts []string
	for _, p := range []struct {
		lead  string
		names []string
	}{
		{lead, off},
		{there, made},
		{"NOT KNOWN to be back, so a human must look", unsure},
		{"Switched off for the run, and left as it is on somebody's decision", left},
		{"Switched off for the run, and back as it was", back},
		{"Made for the run, and seen to", gone},
	} {
		if len(p.names) > 0 {
			parts = append(parts, p.lead+": "+listed(p.names)+".")
		}
	}
	return strings.Join(parts, " ")
}

func (r *Report) whoDecided() string {
	var names []string
	for _, o := range r.Operators {
		if n := o.Name + " at " + o.Host; len(names) == 0 || names[len(names)-1] != n {
			names = append(names, n)
		}
	}
	text := "It was driven by " + strings.Join(names, ", then by ")
	if r.Unattended {
		text = "Nobody drove it: it ran unattended, started by " + strings.Join(names, ", then by ") + ", and what a human answers was assumed"
	}
	switch {
	case r.Gate.Assumed:
		text += "; nobody approved it"
	case r.Gate.Decision == phases.Go && r.Gate.At != nil:
		text += fmt.Sprintf("; %s approved it at %s UTC", r.Gate.Approver, r.Gate.At.Format("15:04:05"))
	}
	return text + "."
}

func (r *Report) whatSurvived() string {
	if len(r.Protected) == 0 {
		return "No table was protected: nothing says what else the database holds."
	}
	var intact, changed, unseen []string
	for _, p := range r.Protected {
		switch {
		case p.Intact == nil:
			unseen = append(unseen, p.Name)
		case *p.Intact:
			intact = append(intact, p.Name+rowsOf(p.Remaining))
		default:
			changed = append(changed, p.Name)
		}
	}
	var parts []string
	if len(intact) > 0 {
		parts = append(parts, fmt.Sprintf("Protected, and proven intact by the count and the content of all rows before and after: %s.", listed(intact)))
	}
	if len(changed) > 0 {
		parts = append(parts, "PROTECTED AND CHANGED: "+listed(changed)+".")
	}
	if len(unseen) > 0 {
		parts = append(parts, "Protected, and not compared: "+listed(unseen)+".")
	}
	return strings.Join(parts, " ")
}

func rowsOf(n *int64) string {
	if n == nil {
		return ""
	}
	return " (" + phases.Rows(*n) + ")"
}

// mostListed is how many names a sentence has.
const mostListed = 12

func listed(names []string) string {
	text := strings.Join(names[:min(len(names), mostListed)], ", ")
	if more := len(names) - mostListed; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// whatHeld is how much was verified before it was committed.
func (r *Report) whatHeld() string {
	held, all := 0, 0
	for i := range r.Phases {
		for _, v := range r.Phases[i].Verified {
			all++
			if v.Pass {
				held++
			}
		}
	}
	switch {
	case all == 0:
		return "Nothing was verified yet."
	case held == all:
		return fmt.Sprintf("Each phase was verified before its COMMIT: %s of %s held.", phases.Digits(int64(held)), phases.Plural(int64(all), "verification"))
	}
	return fmt.Sprintf("%d of %s held; what failed stands with its phase.", held, phases.Plural(int64(all), "verification"))
}

// comesBack reports whether something is committed that a way back is for. What a
// run put back that is an undo itself comes out by running the maintenance again.
func (r *Report) comesBack() bool {
	u := r.Undo
	if u != nil && u.Undoes != nil {
		return false
	}
	return r.DeletedRows+r.UpdatedRows > 0 || len(r.truncated()) > 0 || u != nil && u.Command != ""
}

// wayBack is how what was committed could come back.
func (r *Report) wayBack() string {
	if !r.comesBack() {
		return ""
	}
	parts := r.undoWords()
	if b := r.Backup; b.ID != "" {
		proven := "That it can be restored is NOT PROVEN: " + b.NotProven
		if b.Proven {
			proven = "It was restored and compared, which proves it"
		}
		at := "an unknown time"
		if b.At != nil {
			at = b.At.Format("2 January 2006 15:04:05") + " UTC"
		}
		by := ""
		switch several := strings.Contains(b.Restore, "\n"); {
		case r.Outcome == phases.Completed || b.Restore == "":
		case several: // in a sentence they would be another command
			by = ", by the runbook's restore command"
		default:
			by = ", by " + b.Restore
		}
		parts = append(parts, fmt.Sprintf("A restore of the backup \"%s\" of %s brings back the database as it was then%s.%s %s.", b.ID, at, by, b.takes, proven))
	}
	if len(parts) == 0 {
		return "No backup is recorded, and nothing was kept: nothing is known that brings back what was deleted."
	}
	return strings.Join(parts, " ")
}

// undoWords is how what was committed comes back from what the run has kept, or
// came back already.
func (r *Report) undoWords() []string {
	u := r.Undo
	if u == nil {
		return nil
	}
	var out []string
	switch t := u.Trial; {
	case t != nil && t.Proven:
		out = append(out, fmt.Sprintf("At the end of this rehearsal all of it was put back in %s and compared, which proves the undo.", span(t.Seconds)))
	case t != nil:
		out = append(out, "At the end of this rehearsal the undo was tried, and is NOT PROVEN: "+t.text+".")
	}
	if u.Command != "" {
		proven := "NOT PROVEN"
		if u.Proven {
			proven = "proven in a rehearsal"
		}
		rows := phases.Rows(u.Rows)
		if r.UpdatedRows > 0 {
			rows += ", changed ones among them"
		}
		what := "What was deleted can be put back"
		if r.DeletedRows == 0 && len(r.truncated()) == 0 {
			what = "What was changed can be undone"
		}
		out = append(out, fmt.Sprintf("%s from what the run has kept: %s, in about %s, %s (%s).", what, rows, span(u.Seconds), proven, u.Command))
	}
	if len(u.Lost) > 0 {
		out = append(out, "By a restore only comes back what was taken by "+listed(u.Lost)+".")
	}
	return out
}

// whatKind says of a run that was not production that no real data was touched.
func (r *Report) whatKind() string {
	switch r.Environment {
	case phases.Demo:
		return "This was a demo on made-up data: no real database was touched."
	case phases.Rehearsal:
		return "This was a rehearsal on a copy: production was not touched."
	}
	return ""
}
