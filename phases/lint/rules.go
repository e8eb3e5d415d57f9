package lint

import (
	"cmp"
	"slices"

	"tminus/phases"
)

// Code is one kind of finding.
type Code struct {
	Name     string          // for ever the same, in small letters
	Severity phases.Severity // of every finding of the kind
	Means    string          // what it is, and what it leads to
	Do       string          // what mends it
	Stops    bool            // whether a run does not begin with it
}

// rule finds what its codes name.
type rule struct {
	codes []*Code
	find  func(*View) []phases.Finding
}

// rules are all there are, in the order in which their findings stand among
// those of one severity.
var rules = []rule{names, parts, reached, refusing, changing, violating, conditions, locks, rewriting, firing, keeping, watching, published, rights, vacuuming, server, sessions, replicating, unread, slow, sparing, stale, outdated, dangling}

// Codes are all kinds of finding, in the order of the rules.
func Codes() []Code {
	var out []Code
	for _, r := range rules {
		for _, c := range r.codes {
			out = append(out, *c)
		}
	}
	return out
}

// Explain gives a kind of finding by its name.
func Explain(name string) (Code, bool) {
	for _, c := range Codes() {
		if c.Name == name {
			return c, true
		}
	}
	return Code{}, false
}

// Findings are all that the rules find, the gravest first.
func (v *View) Findings() []phases.Finding {
	var out []phases.Finding
	for _, r := range rules {
		out = append(out, r.find(v)...)
	}
	slices.SortStableFunc(out, func(a, b phases.Finding) int { return cmp.Compare(grave(a.Severity), grave(b.Severity)) })
	return slices.CompactFunc(out, func(a, b phases.Finding) bool { return a == b })
}

// Stopping splits off the findings with which a run does not begin.
func Stopping(of []phases.Finding) (stopping, rest []phases.Finding) {
	for _, f := range of {
		if c, _ := Explain(f.Code); c.Stops {
			stopping = append(stopping, f)
		} else {
			rest = append(rest, f)
		}
	}
	return stopping, rest
}

// Worst is the gravest severity among findings; empty where there are none.
func Worst(of []phases.Finding) phases.Severity {
	var worst phases.Severity
	for _, f := range of {
		if worst == "" || grave(f.Severity) < grave(worst) {
			worst = f.Severity
		}
	}
	return worst
}

func grave(s phases.Severity) int {
	return slices.Index([]phases.Severity{phases.SeverityError, phases.SeverityWarning, phases.SeverityNote}, s)
}

// at makes a finding of the code. An empty remedy is the code's own.
func (c *Code) at(phase, table, text, remedy string) phases.Finding {
	return phases.Finding{
		Code: c.Name, Severity: c.Severity, Phase: phase, Table: table,
		Text: phases.Clean(text), Remedy: phases.Clean(cmp.Or(remedy, c.Do)),
	}
}
