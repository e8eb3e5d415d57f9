package phases

import (
	"fmt"
	"strings"
)

// VerificationKind is what a verification looks at.
type VerificationKind string

// The kinds of verification.
const (
	VerifyZero        VerificationKind = "zero"        // no row left
	VerifyFilled      VerificationKind = "filled"      // at least one row
	VerifyRows        VerificationKind = "rows"        // a step touched as many rows as the runbook says
	VerifyProtected   VerificationKind = "protected"   // count and content as at the baseline
	VerifyTouched     VerificationKind = "touched"     // nothing touched that the runbook and its reach do not account for
	VerifyConstraints VerificationKind = "constraints" // deferred constraints hold
	VerifyBack        VerificationKind = "back"        // what was put back is what a capsule has
)

// Verification is one line of what was verified before COMMIT.
type Verification struct {
	Kind   VerificationKind `json:"verification"`
	Name   string           `json:"name"` // table, or step
	Want   string           `json:"want"`
	Got    string           `json:"got"`
	Pass   bool             `json:"pass"`
	Detail string           `json:"detail,omitempty"`
	// Unknown is why nobody knows whether it holds; empty when somebody does.
	// What is unknown is no pass.
	Unknown string `json:"unknown,omitempty"`
	// Rows is the count behind Got, where there is one.
	Rows int64 `json:"rows"`
}

// String says what was looked at, what it should be and what it is, or why
// nobody knows.
func (v Verification) String() string {
	text := string(v.Kind)
	if v.Name != "" {
		text += " " + v.Name
	}
	if v.Unknown != "" {
		return Clean(text + ": unknown: " + v.Unknown)
	}
	text += ": " + v.Got
	if v.Got != v.Want && v.Want != "" {
		text += ", want " + v.Want
	}
	if v.Detail != "" {
		text += " (" + v.Detail + ")"
	}
	return Clean(text)
}

// PhaseVerified occurs when all verifications of a phase have been made, on its own connection.
type PhaseVerified struct {
	Phase   string             `json:"phase"`
	Results []Verification     `json:"results"`
	Touched map[string]Touched `json:"touched,omitempty"`
	Changes []Change           `json:"changes,omitempty"`
}

// Kind implements Event.
func (PhaseVerified) Kind() string { return "phase_verified" }

func (e PhaseVerified) apply(s *State) error {
	p := s.Phase(e.Phase)
	p.Status, p.Verified, p.Step = PhaseVerifying, e.Results, -1
	s.touch(p, -1, e.Touched)
	p.changed(e.Changes)
	for i := range p.Tables { // what cascades touched has no step of its own that ends
		if t := &p.Tables[i]; t.EndedAt.IsZero() && !t.StartedAt.IsZero() {
			t.EndedAt = s.At
		}
	}
	for _, v := range e.Results {
		if t := p.find(v.Name); t != nil && v.Unknown == "" && (v.Kind == VerifyZero || v.Kind == VerifyFilled) {
			t.Left = v.Rows
		}
	}
	return nil
}

func (e PhaseVerified) words(s *State) (Level, string) {
	var failed, unknown []string
	for _, v := range e.Results {
		switch {
		case v.Unknown != "":
			unknown = append(unknown, v.String())
		case !v.Pass:
			failed = append(failed, v.String())
		}
	}
	total := len(e.Results)
	text := fmt.Sprintf("%s: verified: %d of %d hold", s.PhaseName(e.Phase), total-len(failed)-len(unknown), total)
	if len(failed)+len(unknown) == 0 {
		return LevelGood, text
	}
	if len(failed) > 0 {
		text += "; failed: " + strings.Join(failed, "; ")
	}
	if len(unknown) > 0 {
		text += "; not known: " + strings.Join(unknown, "; ")
	}
	return LevelBad, text
}
