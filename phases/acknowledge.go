package phases

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FindingsAcknowledged occurs when somebody takes on what the survey found of one
// grave kind, by its name: what of that kind it finds later is not in it.
type FindingsAcknowledged struct {
	Code    string `json:"code"`
	Who     string `json:"who"` // who takes it on; empty when nobody did
	By      string `json:"by"`
	Assumed bool   `json:"assumed,omitempty"` // unattended: nobody did
}

// Kind implements Event.
func (FindingsAcknowledged) Kind() string { return "findings_acknowledged" }

func (e FindingsAcknowledged) apply(s *State) error {
	for _, f := range s.Unacknowledged() {
		if f.Code == e.Code {
			s.Acknowledged = append(s.Acknowledged, f)
		}
	}
	return nil
}

func (e FindingsAcknowledged) words(s *State) (Level, string) {
	n := int64(0)
	for _, f := range s.Acknowledged {
		if f.Code == e.Code {
			n++
		}
	}
	from := "survey"
	if e.Code == CountLow {
		from = "baseline"
	}
	text := fmt.Sprintf("%s: %s of %s", from, Plural(n, "finding"), e.Code)
	if e.Assumed {
		return LevelWarn, text + " assumed to be acknowledged: nobody did"
	}
	return LevelWarn, text + " acknowledged by " + e.Who + by(e.By)
}

// Acknowledge takes on what the survey found of one kind. Typed must be its code.
type Acknowledge struct{ Code, Who, Typed string }

func (c Acknowledge) can(s *State, _ time.Time) error {
	open := s.Unacknowledged()
	switch {
	case len(open) == 0:
		return errors.New("nothing was found that has to be acknowledged")
	case !slices.ContainsFunc(open, func(f Finding) bool { return f.Code == c.Code }):
		return fmt.Errorf("nothing of %q has to be acknowledged: the first is %s", c.Code, open[0].Code)
	}
	if err := s.Acting(); err != nil {
		return err
	}
	if c.Typed != c.Code {
		return fmt.Errorf("type %s to acknowledge it", c.Code)
	}
	return needs("the name of who takes it on", c.Who)
}

// Events implements Recorded.
func (c Acknowledge) Events(_ *State, by string, _ time.Time) ([]Event, error) {
	return []Event{FindingsAcknowledged{Code: c.Code, Who: Clean(c.Who), By: by}}, nil
}

// Unacknowledged are the grave findings that nobody has taken on yet: the
// counts far below the rehearsal's, and those of the last survey, in their order.
func (s *State) Unacknowledged() []Finding {
	if s.Survey == nil {
		return nil
	}
	return append(s.unacknowledged(s.fewerFindings()), s.unacknowledged(s.Survey.Findings)...)
}

func (s *State) unacknowledged(found []Finding) []Finding {
	var out []Finding
	for _, f := range found {
		if f.Severity == SeverityError && !slices.Contains(s.Acknowledged, f) {
			out = append(out, f)
		}
	}
	return out
}

// holdsOf are a hold for each kind of finding that nobody has taken on.
func holdsOf(found []Finding) []Hold {
	var out []Hold
	var codes []string
	counts := map[string]int{}
	first := map[string]Finding{}
	for _, f := range found {
		if counts[f.Code]++; counts[f.Code] == 1 {
			codes, first[f.Code] = append(codes, f.Code), f
		}
	}
	for _, code := range codes {
		text := "not acknowledged: " + code + ": " + first[code].Text
		if more := counts[code] - 1; more > 0 {
			text += fmt.Sprintf(", and %d more", more)
		}
		out = append(out, Hold{Code: code, Text: text})
	}
	return out
}
