package phases

import (
	"fmt"
	"strings"
	"time"

	"tminus/phases/check"
	"tminus/phases/runbook"
)

// rehearsalHolds is what a run in production wants of a rehearsal and does not
// have, beside what items of the checklist ask about it. Old journals, which knew
// of none, and runs elsewhere want nothing.
func (s *State) rehearsalHolds(now time.Time) []Hold {
	r := s.rehearsing()
	if !r.wanted() {
		return nil
	}
	var out []Hold
	for _, part := range []struct {
		check string
		lacks string
	}{{check.RehearsalCompleted, r.lacks(now)}, {check.RehearsalSchema, r.otherSchema()}} {
		if part.lacks != "" && len(out) == 0 && !s.Runbook.Asks(part.check) {
			out = append(out, Hold{Text: "the rehearsal: " + part.lacks})
		}
	}
	return out
}

// NoRehearsal says that the runbook wants no rehearsal in production, where it
// does so; the gate and the report have it.
func (s *State) NoRehearsal() string {
	if s.Opened.Environment != Production || s.Runbook == nil || !s.Runbook.Rehearsal.None || s.Opened.Undoes != nil {
		return ""
	}
	return "the runbook wants no rehearsal: nobody has seen that it holds, or how long it takes"
}

// rehearsing is a run in the light of its rehearsal.
type rehearsing struct {
	*Rehearsed  // nil where nobody asks for one
	environment Environment
	limits      runbook.Rehearsal
	file        string // the runbook's
	named       bool   // the operator named its journal
	takes       bool   // the runbook takes backups that a copy can be made of
	sha256      string
	schema      *SchemaPrint // nil before the survey
	protected   int          // tables
}

func (s *State) rehearsing() rehearsing { return s.rehearsingBy(s.Opened.Rehearsed) }

// rehearsingBy is the run as it would be in the light of another rehearsal.
func (s *State) rehearsingBy(r *Rehearsed) rehearsing {
	return rehearsing{
		named: s.Opened.RehearsalFile != "", takes: s.Runbook.Backup.Take.Directory != "",
		Rehearsed: r, environment: s.Opened.Environment, limits: s.Runbook.Rehearsal,
		file: s.Opened.File, sha256: s.Opened.SHA256, schema: s.Schema, protected: len(s.Runbook.Protected),
	}
}

// wanted reports whether the run rests on a rehearsal.
func (r rehearsing) wanted() bool {
	return r.environment == Production && r.Rehearsed != nil && !r.limits.None
}

// foundByItself is the way out for which nobody has to begin anew.
const foundByItself = "this run finds it by itself once it has ended"

// anew is how the run gets another rehearsal. A journal that was named is looked
// at again, and no other.
func (r rehearsing) anew() string {
	with := "`tminus rehearse " + Clean(r.file)
	if r.takes {
		with += " --from-backup"
	}
	if r.named {
		return fmt.Sprintf("rehearse with %s`, then begin anew with `tminus run %s --new`, without --rehearsal or with its journal", with, Clean(r.file))
	}
	return fmt.Sprintf("rehearse with %s`, without --journal: %s", with, foundByItself)
}

// lacks says what is wrong with the rehearsal beside its schema, and the way out;
// nothing where it stands for this run.
func (r rehearsing) lacks(now time.Time) string {
	if r.Rehearsed == nil {
		return ""
	}
	anew := r.anew()
	if r.Journal == "" {
		return "no journal of one of this runbook was found; " + anew
	}
	switch {
	case r.Environment != Rehearsal:
		return fmt.Sprintf("%s is the journal of a run in %s; %s", r.name(), r.Environment, anew)
	case r.SHA256 != r.sha256:
		return fmt.Sprintf("%s rehearsed another runbook; from that to this: %s; %s", r.name(), Clean(strings.Join(r.Differs, " ")), anew)
	case r.Outcome == "":
		return fmt.Sprintf("%s is unfinished%s; finish it with `tminus resume`: %s; or %s", r.name(), r.notDone(), foundByItself, anew)
	case r.Outcome != Completed || r.notDone() != "":
		return fmt.Sprintf("%s ended as %s%s; %s", r.name(), r.Outcome.Word(), r.notDone(), anew)
	}
	limit := r.limits.MaxAge
	switch age := now.Sub(r.EndedAt); {
	case age < -clockSlack:
		return fmt.Sprintf("%s ended in the future, at %s UTC: a clock was set back; %s", r.name(), r.EndedAt.UTC().Format(time.DateTime), anew)
	case age > limit:
		return fmt.Sprintf("%s ended %s ago, over the limit of %s; %s", r.name(), Span(age), Span(limit), anew)
	}
	return ""
}

// fewTables is how many of them a hold names.
const fewTables = 8

// otherSchema says in which tables this database is not as the rehearsal's was;
// nothing where it is.
func (r rehearsing) otherSchema() string {
	switch {
	case r.Rehearsed == nil:
		return ""
	case r.Journal == "":
		return "no journal of one of this runbook was found"
	case r.Schema == nil:
		return fmt.Sprintf("%s does not say what its tables were like: an older version wrote it; %s", r.name(), r.anew())
	case r.schema == nil:
		return "nobody knows yet what the tables are like: the survey has not been taken"
	}
	differs := r.Schema.Differs(*r.schema)
	if len(differs) == 0 {
		return ""
	}
	named := strings.Join(differs[:min(len(differs), fewTables)], ", ")
	if more := len(differs) - fewTables; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("the schema is not as %s had it: %s; make the copy anew from this database, %s", r.name(), Clean(named), r.anew())
}

func (r *Rehearsed) name() string { return Clean(r.Journal) }

// notDone names the phases of a rehearsal that say nothing for production.
func (r *Rehearsed) notDone() string {
	out := ""
	for i, p := range r.Phases {
		switch {
		case p.Accepted:
			out += fmt.Sprintf(", %s was undone", phaseNumber(i))
		case !p.Status.Done() && p.Status != PhasePending:
			out += fmt.Sprintf(", %s is %s", phaseNumber(i), strings.ReplaceAll(string(p.Status), "_", " "))
		}
	}
	return Clean(out)
}

// CountLow is the code under which somebody takes on that a table holds far fewer
// rows than the rehearsal's.
const CountLow = "count-low"

// fewerFindings are the tables that hold less than half of what the rehearsal's
// did: this may not be the database that it is taken for.
func (s *State) fewerFindings() []Finding {
	var out []Finding
	for _, c := range s.Compared() {
		if c.Low() {
			out = append(out, Finding{
				Code: CountLow, Severity: SeverityError, Table: c.Table, Text: c.String(),
				Remedy: "find out why before anything goes: it may be another database, or rows are gone already",
			})
		}
	}
	return out
}

// Comparison is one of the baseline's counts beside the rehearsal's.
type Comparison struct {
	Counted
	Rehearsed, Rows int64
}

// Low reports whether the count is far below the rehearsal's: less than half.
func (c Comparison) Low() bool { return c.Rows*2 < c.Rehearsed }

// High reports whether the count is above the rehearsal's by more than what a
// few late writers add.
func (c Comparison) High() bool { return (c.Rows-c.Rehearsed)*farOff > c.Rehearsed }

// Ratio is the count as a share of the rehearsal's: "0.4 ×"; empty where that held
// nothing.
func (c Comparison) Ratio() string {
	if c.Rehearsed <= 0 {
		return ""
	}
	return fmt.Sprintf("%.3g ×", float64(c.Rows)/float64(c.Rehearsed))
}

// String is the comparison as a sentence's part.
func (c Comparison) String() string {
	return Clean(fmt.Sprintf("%s holds %s, and held %s when this was rehearsed", c.Counted, Rows(c.Rows), Digits(c.Rehearsed)))
}

// Compared are the baseline's counts that the rehearsal made too, in the
// baseline's order.
func (s *State) Compared() []Comparison {
	if s.Baseline == nil || s.Opened.Rehearsed == nil {
		return nil
	}
	var out []Comparison
	add := func(c Counted, rows int64) {
		if was := s.Opened.Rehearsed.Rows(c.Table, c.Where); was >= 0 {
			out = append(out, Comparison{Counted: c, Rehearsed: was, Rows: rows})
		}
	}
	for _, c := range s.Baseline.Counts {
		add(Counted{c.Table, c.Where}, c.Rows)
	}
	for _, f := range s.Baseline.Protected {
		add(Counted{Table: f.Table}, f.Rows)
	}
	return out
}
