package fence

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// alerts is a silence of the run's own. It is found by whoever made it, which
// names the run and the fence: so one that was made before the program could
// note its id is found again.
type alerts struct {
	plan  *runbook.Fence
	maker string
	title string
	until time.Time
	limit time.Duration // from T-0 to the abort limit
}

func newAlerts(f *runbook.Fence, at Place) Kind {
	return alerts{f, "tminus " + at.RunID + " " + f.ID, at.Title, at.Until, at.Longest}
}

// silence is as Alertmanager's API has it.
type silence struct {
	ID        string    `json:"id,omitempty"`
	Matchers  []matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

type matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// The states of a silence that matter here; the third is pending, yet to begin.
const (
	silenceActive  = "active"
	silenceExpired = "expired"
)

// notSilenced is how the alerts are before, and after.
const notSilenced = "not silenced by this run"

// early is how long ago a silence is asked to begin. Alertmanager has it begin at
// once then, by its own clock, which may be behind this one.
const early = 24 * time.Hour

// slack is by how much a silence may end before the abort limit: the clock goes
// on while it is made.
const slack = 5 * time.Second

func (a alerts) Read(ctx context.Context, _ Known) (phases.FenceFound, error) {
	s, err := a.own(ctx)
	switch {
	case err != nil:
		return phases.FenceFound{}, err
	case s == nil:
		return phases.FenceFound{Mark: phases.FenceMark{Text: notSilenced}}, nil
	}
	text := fmt.Sprintf("silence %s, until %s UTC", phases.Clean(s.ID), s.EndsAt.UTC().Format(time.DateTime))
	active := s.Status.State == silenceActive
	short := s.EndsAt.Before(a.until.Add(-slack))
	switch {
	case !active:
		text += fmt.Sprintf(", which is yet to begin (%s UTC): switch it off again, and it begins at once", s.StartsAt.UTC().Format(time.DateTime))
	case short:
		text += fmt.Sprintf(", which is before the abort limit (%s): switch it off again, and it becomes longer", a.until.UTC().Format(time.TimeOnly))
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: text}, Off: active && !short, Ours: true}, nil
}

// own is the run's own silence that is not over, the longest of several; nil for
// none.
func (a alerts) own(ctx context.Context) (*silence, error) {
	var all []silence
	query := url.Values{}
	for _, text := range a.plan.Matchers {
		query.Add("filter", parseMatcher(text).filter())
	}
	if err := a.ask(ctx, http.MethodGet, "silences?"+query.Encode(), nil, &all); err != nil {
		return nil, err
	}
	var last *silence
	for _, s := range all {
		if s.CreatedBy == a.maker && s.Status != nil && s.Status.State != silenceExpired && (last == nil || s.EndsAt.After(last.EndsAt)) {
			last = &s
		}
	}
	return last, nil
}

// Off makes the silence, or the one that there is longer.
func (a alerts) Off(ctx context.Context, _ Known) (string, error) {
	before, err := a.own(ctx)
	if err != nil {
		return "", err
	}
	now := time.Now().UTC()
	ends := a.until.UTC()
	if late := now.Add(a.limit); ends.Before(late) { // T-0 is still to come, or was moved
		ends = late
	}
	s := silence{StartsAt: now.Add(-early), EndsAt: ends, CreatedBy: a.maker, Comment: cmp.Or(a.plan.Comment, a.title)}
	if before != nil {
		s.ID = before.ID
		if before.Status.State == silenceActive { // with another start, it would be another silence
			s.StartsAt = before.StartsAt
		}
	}
	for _, text := range a.plan.Matchers {
		s.Matchers = append(s.Matchers, parseMatcher(text))
	}
	var made struct {
		ID string `json:"silenceID"`
	}
	if err := a.ask(ctx, http.MethodPost, "silences", s, &made); err != nil {
		return "", err
	}
	return fmt.Sprintf("silence %s, until %s UTC", phases.Clean(made.ID), s.EndsAt.Format(time.DateTime)), nil
}

// On has every silence of the run's own expire.
func (a alerts) On(ctx context.Context, _ Known) (string, error) {
	var ids []string
	for {
		s, err := a.own(ctx)
		switch {
		case err != nil:
			return "", err
		case s == nil || slices.Contains(ids, s.ID):
			return "expired: silence " + strings.Join(ids, ", "), nil
		}
		if err := a.ask(ctx, http.MethodDelete, "silence/"+url.PathEscape(s.ID), nil, nil); err != nil {
			return "", err
		}
		ids = append(ids, phases.Clean(s.ID))
	}
}

func (a alerts) ask(ctx context.Context, method, path string, body, into any) error {
	c := call{method: method, url: strings.TrimRight(a.plan.URL, "/") + "/api/v2/" + path, body: body, into: into}
	if err := c.do(ctx); err != nil {
		return fmt.Errorf("ask Alertmanager: %w", err)
	}
	return nil
}

var matcherForm = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(=~|!~|!=|=)(.*)$`)

// parseMatcher reads what the runbook's rules have let pass.
func parseMatcher(text string) matcher {
	is := matcherForm.FindStringSubmatch(text)
	if is == nil {
		return matcher{Name: text, IsEqual: true}
	}
	return matcher{Name: is[1], Value: strings.Trim(is[3], `"`), IsRegex: strings.HasSuffix(is[2], "~"), IsEqual: is[2][0] == '='}
}

// filter is what finds silences that have the matcher: with its name, its value, and
// the same way to match.
func (m matcher) filter() string {
	op := "!"
	if m.IsEqual {
		op = "="
	}
	switch {
	case m.IsRegex:
		op += "~"
	case !m.IsEqual:
		op += "="
	}
	return m.Name + op + `"` + m.Value + `"`
}
