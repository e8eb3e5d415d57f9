package runbook

import "time"

// Rehearsal is what a run in production wants of a rehearsal of the same runbook.
type Rehearsal struct {
	None   bool          // `rehearsal: none`: it wants none
	MaxAge time.Duration // how long before the gate it may have ended; default 168h
}

// rehearsalAge is how old a rehearsal may be that has no limit of its own.
const rehearsalAge = 7 * 24 * time.Hour

func rehearsalObject() object {
	return object{name: "rehearsal", keys: []key{
		{"max_age", false, ofLength(time.Minute, MaxDuration), "how long before the gate it may have ended; default `" + FormatDuration(rehearsalAge) + "`, a week, which is also the most"},
	}}
}

// orWord is an object, or a word in its place.
func orWord(object string, w string) value {
	v := ofObject(object)
	v.called, v.words = "`"+w+"` or "+v.called, bare(w)
	return v
}

func (f fields) rehearsal() Rehearsal {
	out := Rehearsal{MaxAge: rehearsalAge}
	switch n := f.node.value("rehearsal"); {
	case n == nil:
	case n.scalar():
		out.None = f.word("rehearsal", "none")
	default:
		out.MaxAge = f.object(n, "rehearsal").length("max_age", out.MaxAge, 1)
	}
	return out
}
