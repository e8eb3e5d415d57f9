package backup

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"tminus/phases"
	"tminus/phases/engine/outside"
)

// run runs a client program to its end, and gives each line of what it says to
// each, which may be nil. What went wrong is said in the program's own words,
// without a value of a row.
func run(ctx context.Context, name string, argv, env []string, each func(line string)) error {
	said := &lines{each: each}
	done, err := outside.Command{Argv: argv, Env: env, Output: said}.Run(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case done.Exit != 0:
		return fmt.Errorf("%s ended with exit code %d: %s", name, done.Exit, said.why())
	}
	return nil
}

// lines cuts what a program says into lines, and keeps those that tell what
// went wrong.
type lines struct {
	each func(string)

	mu     sync.Mutex // guards what follows
	part   []byte     // of a line that has not ended
	errors []string
}

const (
	mostErrors  = 3
	longestLine = 8 << 10
)

// Write implements io.Writer; it never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		at := bytes.IndexByte(l.part, '\n')
		if at < 0 {
			break
		}
		l.line(string(l.part[:at]))
		l.part = l.part[at+1:]
	}
	if len(l.part) > longestLine { // what follows tells nothing new
		l.part = l.part[:longestLine]
	}
	return len(p), nil
}

func (l *lines) line(text string) {
	// The server's own words, too: a program writes a line in pieces, and a worker of
	// it may have written one of its own between them.
	wrong := strings.Contains(text, ": error: ") || strings.Contains(text, ": fatal: ") || strings.Contains(text, "Error message from server: ") || strings.Contains(text, "ERROR:  ")
	if wrong && len(l.errors) < mostErrors {
		l.errors = append(l.errors, withoutValue(text))
	}
	if l.each != nil {
		l.each(text)
	}
}

// beforeValue is where a value may begin in a message of the server's: after the names
// of tables and constraints, PostgreSQL writes `: "value"`, with the quotes of the
// messages' language.
var beforeValue = regexp.MustCompile(`[\s\x{a0}]*[:：][\s\x{a0}]*["«»„“”]`)

// withoutValue cuts a message of the server's where a value may begin. It comes after
// the word for ERROR, in any language, with a colon and two spaces.
func withoutValue(text string) string {
	if head, message, found := strings.Cut(text, ":  "); found {
		if at := beforeValue.FindStringIndex(message); at != nil {
			message = message[:at[0]]
		}
		text = head + ":  " + message
	}
	text = phases.Clean(text)
	if r := []rune(text); len(r) > 300 {
		text = string(r[:299]) + "…"
	}
	return text
}

// why is what went wrong.
func (l *lines) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errors) == 0 {
		return "it does not say why"
	}
	return strings.Join(l.errors, "; ")
}
