package action

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// callLimit is how long all tries of a request may take, with what lies between
// them, and a measurement with its last answer. It is more than they need: a try
// has a limit of its own.
func callLimit(a *runbook.Action) time.Duration {
	const between = 30 * time.Second
	return time.Second + a.Call.For + time.Duration(a.Call.Retries+1)*a.Timeout + time.Duration(a.Call.Retries)*between
}

// calling is a request under way.
type calling struct {
	run     Run
	call    *runbook.Call
	request outside.Request
	secrets outside.Secrets
	expect  *regexp.Regexp
}

// makeCall makes the item's request, once or for a while.
func makeCall(ctx context.Context, r Run) error {
	c := &calling{run: r, call: r.Action.Call}
	if err := c.prepare(); err != nil {
		return err
	}
	if c.call.For > 0 {
		return c.measure(ctx)
	}
	began := time.Now()
	page, tries, err := c.request.Persist(ctx, outside.Retry{Times: c.call.Retries, Any: c.call.RetryAny})
	out := phases.ActionResult{Took: time.Since(began), Status: page.Status, Output: phases.Tail(c.secrets.Mask(string(page.Body)))}
	if err == nil {
		out.Value = fmt.Sprintf("status %d in %s", page.Status, phases.Millis(out.Took))
		if tries > 1 {
			out.Value = fmt.Sprintf("status %d, at try %d", page.Status, tries)
		}
		err = c.judge(page)
	}
	r.Result(out)
	return c.secrets.Masked(err)
}

// prepare fills in what the request says; nothing is sent before all of it is
// there.
func (c *calling) prepare() (err error) {
	c.request = outside.Request{Method: c.call.Method, URL: c.call.URL, Headers: map[string]string{}, Limit: c.run.Action.Timeout}
	isJSON := strings.HasPrefix(c.call.Body, "{") || strings.HasPrefix(c.call.Body, "[")
	isForm := false
	for _, h := range c.call.Headers {
		if c.request.Headers[h.Name], err = c.secrets.Expand(h.Value, nil); err != nil {
			return fmt.Errorf("the header %s: %w", h.Name, err)
		}
		isForm = isForm || strings.EqualFold(h.Name, "Content-Type") && strings.Contains(h.Value, "x-www-form-urlencoded")
	}
	var encode func(string) string
	switch {
	case isJSON:
		encode = insideJSON
	case isForm:
		encode = url.QueryEscape
	}
	if c.request.Body, err = c.body(encode); err != nil {
		return err
	}
	c.expect, err = pattern(c.call.Expect)
	return err
}

// body fills in recorded fields and then variables, in one pass each: what a
// field holds is no template.
func (c *calling) body(encode func(string) string) (string, error) {
	if encode == nil {
		encode = func(s string) string { return s }
	}
	var missing error
	parts := placeholder.Split(c.call.Body, -1)
	fields := placeholder.FindAllStringSubmatch(c.call.Body, -1)
	var out strings.Builder
	for i, part := range parts {
		text, err := c.secrets.Expand(part, encode)
		missing = cmp.Or(missing, err)
		out.WriteString(text)
		if i == len(fields) {
			break
		}
		value := c.run.Fields[fields[i][1]]
		if value == "" {
			missing = cmp.Or(missing, fmt.Errorf("the body needs the field %s, which nobody has recorded: fill it in first", fields[i][1]))
		}
		out.WriteString(encode(value))
	}
	return out.String(), missing
}

var placeholder = regexp.MustCompile(`\{\{([^{}]*)\}\}`)

// insideJSON is a text as it stands between quotes in JSON.
func insideJSON(s string) string {
	text, _ := json.Marshal(s) // a string always can
	return string(text[1 : len(text)-1])
}

// judge says what is wrong with an answer, if anything is.
func (c *calling) judge(page outside.Page) error {
	want := c.call.Status
	switch status := int64(page.Status); {
	case status < want.Min || status > want.Max:
		return fmt.Errorf("status %d, and %s is expected", page.Status, want)
	case !c.expect.Match(page.Body):
		return fmt.Errorf("status %d: the body does not match %s", page.Status, c.call.Expect)
	}
	return nil
}

// measure makes the request again and again, and looks how long the answers
// take. One that is not as expected ends it.
func (c *calling) measure(ctx context.Context) error {
	var took []time.Duration
	var page outside.Page
	var err error
	began := time.Now()
	beat := time.NewTicker(c.call.Every)
	defer beat.Stop()
	for err == nil && time.Since(began) < c.call.For {
		sent := time.Now()
		if page, err = c.request.Do(ctx); err == nil {
			took = append(took, time.Since(sent))
			err = c.judge(page)
		}
		c.run.Progress(phases.ActionProgress{What: fmt.Sprintf("measuring for %s, p95 %s", phases.Span(c.call.For), phases.Millis(measured(took).P95))})
		select {
		case <-beat.C:
		case <-ctx.Done():
			err = cmp.Or(err, context.Cause(ctx))
		}
	}
	m := measured(took)
	out := phases.ActionResult{Took: time.Since(began), Status: page.Status, Value: m.String(), Measured: &m}
	if err != nil {
		out.Output = phases.Tail(c.secrets.Mask(string(page.Body)))
	}
	c.run.Result(out)
	switch {
	case err != nil:
		return c.secrets.Masked(fmt.Errorf("request %d: %w", max(1, len(took)), err))
	case len(took) == 0:
		return errors.New("not one request was made")
	case c.call.P95 > 0 && m.P95 > c.call.P95:
		return fmt.Errorf("%s, and a p95 of at most %s is expected", m, phases.Millis(c.call.P95))
	}
	return nil
}

// measured gives the percentiles of some times, by the nearest rank.
func measured(took []time.Duration) phases.Measured {
	if len(took) == 0 {
		return phases.Measured{}
	}
	took = slices.Clone(took)
	slices.Sort(took)
	rank := func(percent int) time.Duration { return took[max(0, (percent*len(took)+99)/100-1)] }
	return phases.Measured{Requests: len(took), P50: rank(50), P95: rank(95), Max: took[len(took)-1]}
}
