package phases

import (
	"fmt"
	"time"

	"tminus/phases/runbook"
)

// CompletedAnswer passes a rehearsal of the same runbook that ended well, and not
// too long ago.
func CompletedAnswer(_ *runbook.Check, f Facts, now time.Time) Answer {
	return f.rehearsal.answer(f.rehearsal.lacks(now), func(r rehearsing) string {
		return fmt.Sprintf("%s: %s, completed at %s UTC", r.name(), r.worked(), r.EndedAt.UTC().Format(time.DateTime))
	})
}

// ProtectedAnswer passes a rehearsal at whose end every protected table was as at
// its beginning.
func ProtectedAnswer(_ *runbook.Check, f Facts, now time.Time) Answer {
	r, lacks := f.rehearsal, f.rehearsal.lacks(now)
	if lacks == "" && r.Rehearsed != nil && r.Protected < r.protected {
		lacks = fmt.Sprintf("%s found %d of %s as they were; %s", r.name(), r.Protected, Plural(int64(r.protected), "protected table"), r.anew())
	}
	return r.answer(lacks, func(r rehearsing) string {
		return fmt.Sprintf("%s, each with the content that it had before", Plural(int64(r.Protected), "protected table"))
	})
}

// CleanAnswer passes a rehearsal in which nothing went wrong.
func CleanAnswer(_ *runbook.Check, f Facts, now time.Time) Answer {
	r, lacks := f.rehearsal, f.rehearsal.lacks(now)
	if lacks == "" && r.Rehearsed != nil && len(r.Troubles) > 0 {
		lacks = allOf(r.Troubles) + "; find out why, and " + r.anew()
	}
	return r.answer(lacks, func(rehearsing) string { return "no phase twice, no abort condition" })
}

// SchemaAnswer passes a database whose tables are as the rehearsal's were.
func SchemaAnswer(_ *runbook.Check, f Facts, now time.Time) Answer {
	return f.rehearsal.answer(f.rehearsal.otherSchema(), func(r rehearsing) string {
		return fmt.Sprintf("%s as in the rehearsal, fingerprint %.12s", Plural(int64(len(r.schema.Tables)), "table"), r.schema.Hash)
	})
}

// answer passes where no rehearsal is asked for, and where it lacks nothing.
func (r rehearsing) answer(lacks string, good func(rehearsing) string) Answer {
	switch {
	case r.environment == Rehearsal:
		return Answer{Pass: true, Value: "this run is the rehearsal"}
	case r.environment == Demo:
		return Answer{Pass: true, Value: "asked for in production: a demo rests on no rehearsal"}
	case r.Rehearsed == nil:
		return Answer{Value: "an older version opened this run: it knows of no rehearsal"}
	case lacks != "":
		return Answer{Value: lacks}
	}
	return Answer{Pass: true, Value: good(r)}
}

// worked is what the rehearsal's phases took together.
func (r rehearsing) worked() string {
	var sum time.Duration
	for i := range r.Phases {
		sum += r.Phases[i].Worked
	}
	return fmt.Sprintf("%s in %s", Plural(int64(len(r.Phases)), "phase"), Span(sum))
}

// troubles are what went otherwise than it should in a run.
func (s *State) troubles() []string {
	var out []string
	for _, c := range s.Conditions {
		_, text := c.words(s)
		out = append(out, Clean(text))
	}
	for i := range s.Phases {
		if p := &s.Phases[i]; p.Attempt > 1 {
			out = append(out, fmt.Sprintf("%s was tried %d times", s.PhaseName(p.Plan.ID), p.Attempt))
		}
	}
	return out
}

// protectedAtEnd is how many protected tables the last phase found as they were.
func (s *State) protectedAtEnd() int {
	n := 0
	if len(s.Phases) == 0 {
		return n
	}
	for _, v := range s.Phases[len(s.Phases)-1].Verified {
		if v.Kind == VerifyProtected && v.Pass && v.Unknown == "" {
			n++
		}
	}
	return n
}
