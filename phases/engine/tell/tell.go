package tell

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// Note is a message on its way to a channel. Its maps are read, by several
// goroutines, and never written.
type Note struct {
	Message string // its id
	Title   string // one line
	Text    string
	Says    map[string]string // the facts that it says, by name
	Facts   map[string]string // all that it could say: for this machine alone
	RunID   string
	Number  int // of the message in the run
	At      time.Time
	Test    bool // it is a trial, and says so
}

// Limits bound the attempts. A zero value means the default.
type Limits struct {
	Attempt  time.Duration // how long one may take; default 10s
	Attempts int           // at most; default 3
	Pause    time.Duration // before the second; it doubles each time; default 1s
}

func (l Limits) withDefaults() Limits {
	if l.Attempt <= 0 {
		l.Attempt = 10 * time.Second
	}
	if l.Attempts <= 0 {
		l.Attempts = 3
	}
	if l.Pause <= 0 {
		l.Pause = time.Second
	}
	return l
}

// maxWait is the longest that a channel may ask to be left alone.
const maxWait = 30 * time.Second

// kind is one way to people.
type kind struct {
	send  func(context.Context, runbook.Channel, Note) error
	lacks func(runbook.Channel) string // what it needs, beside its variables; nil: nothing
}

// kindOf gives the way of a channel; ok is false where it has none, which only a
// journal of another version can bring about.
func kindOf(c runbook.Channel) (k kind, ok bool) {
	switch {
	case c.Webhook != nil:
		return kind{send: post, lacks: badAddress}, true
	case c.SMTP != nil:
		return kind{send: mailTo}, true
	case len(c.Command) > 0:
		return kind{send: run, lacks: noProgram}, true
	}
	return kind{}, false
}

// final is an error that another attempt would not change.
type final struct{ error }

// Unwrap gives the error.
func (f final) Unwrap() error { return f.error }

// later is an error of a channel that says how long to leave it alone.
type later struct {
	error
	wait time.Duration
}

// Send brings a note to a channel, in as many attempts as it takes and the limits
// allow. attempts is how many were made. An error says why nobody took it; it
// wraps context.Cause when ctx ended it.
func Send(ctx context.Context, c runbook.Channel, n Note, l Limits) (attempts int, err error) {
	k, ok := kindOf(c)
	if !ok {
		return 0, fmt.Errorf("the channel %q has no way that this version knows", c.ID)
	}
	if lacks := Lacks(c); lacks != "" {
		return 0, errors.New(lacks)
	}
	return persist(ctx, l.withDefaults(), func(ctx context.Context) error { return k.send(ctx, c, n) })
}

// Lacks says what a channel needs that is not there, or nothing.
func Lacks(c runbook.Channel) string {
	var missing []string
	for _, name := range c.Variables() {
		var s outside.Secrets
		if _, err := s.Value(name); err != nil {
			missing = append(missing, name)
		}
	}
	switch len(missing) {
	case 0:
	case 1:
		return fmt.Sprintf("the variable %s is not set: set it, and start tminus again", missing[0])
	default:
		return fmt.Sprintf("the variables %s are not set: set them, and start tminus again", strings.Join(missing, " and "))
	}
	if k, ok := kindOf(c); ok && k.lacks != nil {
		return k.lacks(c)
	}
	return ""
}

// persist makes attempts until one succeeds, nothing more is to be hoped for, or
// ctx ends.
func persist(ctx context.Context, l Limits, try func(context.Context) error) (attempts int, err error) {
	pause := l.Pause
	for {
		err = once(ctx, l.Attempt, try)
		attempts++
		if _, over := errors.AsType[final](err); err == nil || over || attempts >= l.Attempts || ctx.Err() != nil {
			return attempts, err
		}
		wait := pause
		if asked, ok := errors.AsType[later](err); ok {
			wait = min(max(wait, asked.wait), maxWait)
		}
		pause *= 2
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return attempts, fmt.Errorf("%w; until then: %w", context.Cause(ctx), err)
		}
	}
}

func once(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s, it may have arrived all the same", limit))
	defer cancel()
	return try(ctx)
}

// noProgram says that a channel's command is not to be found, or nothing.
func noProgram(c runbook.Channel) string {
	if _, err := exec.LookPath(c.Command[0]); err != nil {
		return fmt.Sprintf("there is no command %q: look at PATH, or write its whole path", c.Command[0])
	}
	return ""
}
