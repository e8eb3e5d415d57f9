package outside

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Retry says how often a request is made again that got no answer, or one that
// says "later": a status of 5xx, or 429. The zero value makes it once.
type Retry struct {
	Times int           // at most, after the first
	First time.Duration // the wait before the first of them; it doubles each time; 0: a second
	Any   bool          // also where the method may do something twice, such as POST
}

// maxWait is the longest wait between two tries.
const maxWait = 30 * time.Second

// Persist makes the request, and again as Retry says, until it is answered or
// ctx ends. tries is how often it was made. A request of a method that may do
// something twice is made once, unless Any says otherwise: no answer does not
// mean that nothing was done.
func (r Request) Persist(ctx context.Context, again Retry) (page Page, tries int, err error) {
	wait := again.First
	if wait <= 0 {
		wait = time.Second
	}
	for {
		page, err = r.Do(ctx)
		tries++
		late := err != nil || page.Status >= http.StatusInternalServerError || page.Status == http.StatusTooManyRequests
		if !late || ctx.Err() != nil || tries > again.Times || !again.Any && !r.harmless() {
			break
		}
		pause := time.NewTimer(min(max(wait, page.Wait), maxWait))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return page, tries, whyLate(ctx, page, err)
		}
		wait *= 2
	}
	if err != nil && tries > 1 {
		err = fmt.Errorf("tried %d times, the last: %w", tries, err)
	}
	return page, tries, err
}

// whyLate is what is known when the time ran out between two tries.
func whyLate(ctx context.Context, page Page, err error) error {
	if err != nil {
		return fmt.Errorf("%w; until then: %w", context.Cause(ctx), err)
	}
	return fmt.Errorf("%w; until then it answered with status %d", context.Cause(ctx), page.Status)
}

// harmless reports whether a second request does nothing that the first did not.
func (r Request) harmless() bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}
