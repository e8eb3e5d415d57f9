package fence

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/engine/outside"
)

// call is one request to an API that speaks JSON.
type call struct {
	method, url string
	headers     map[string]string
	body        any // nil: none
	into        any // what the answer is read into; nil: it is not
	secrets     *outside.Secrets
}

// patience is how often a request that changes nothing twice is made again.
var patience = outside.Retry{Times: 2, First: 500 * time.Millisecond}

// do makes it. Anything but a status of 2xx is an error, with what the server
// says; the address and its secrets are in none.
func (c call) do(ctx context.Context) error {
	r := outside.Request{Method: c.method, URL: c.url, Headers: map[string]string{"Accept": "application/json"}}
	for name, value := range c.headers {
		r.Headers[name] = value
	}
	if c.body != nil {
		body, err := json.Marshal(c.body)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		r.Body, r.Headers["Content-Type"] = string(body), "application/json"
	}
	page, _, err := r.Persist(ctx, patience)
	if err != nil {
		return err
	}
	if page.Status < 200 || page.Status > 299 {
		said := strings.TrimSpace(c.mask(string(page.Body)))
		text := fmt.Sprintf("status %d (%s)", page.Status, http.StatusText(page.Status))
		if said != "" {
			text += ": " + outside.FirstLine(phases.Clean(said))
		}
		return &statusError{page.Status, text}
	}
	if c.into == nil {
		return nil
	}
	if len(page.Body) >= outside.MaxOutput {
		return errTooLong
	}
	if err := json.Unmarshal(page.Body, c.into); err != nil {
		return fmt.Errorf("its answer is not the JSON that is expected: is that the right address?")
	}
	return nil
}

func (c call) mask(text string) string {
	if c.secrets == nil {
		return text
	}
	return c.secrets.Mask(text)
}

// statusError is an answer of another status than 2xx.
type statusError struct {
	status int
	text   string
}

// Error implements error.
func (e *statusError) Error() string { return e.text }
