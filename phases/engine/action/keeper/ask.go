package keeper

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"tminus/phases"
	"tminus/phases/engine/outside"
)

// maxAnswer is how long an answer may be, in bytes: some thousands of backups.
const maxAnswer = 16 << 20

// answer is what a program printed.
type answer struct {
	name string // the program's
	asks string // what it was asked: "info"
	text string
	exit int
}

// ask runs a program to its end, and keeps all that it prints.
func ask(ctx context.Context, asks string, argv []string) (answer, error) {
	var out whole
	done, err := outside.Command{Argv: argv, Output: &out}.Run(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s for %s: %w", argv[0], asks, err)
	}
	text, over := out.text()
	if over {
		return answer{}, fmt.Errorf("ask %s for %s: it answers with more than %s: look at what it prints", argv[0], asks, phases.Bytes(maxAnswer))
	}
	return answer{name: argv[0], asks: asks, text: text, exit: done.Exit}, nil
}

// failed is the error of a program that ended with another exit code than 0.
func (a answer) failed() error {
	return fmt.Errorf("ask %s for %s: it ended with exit code %d: %s", a.name, a.asks, a.exit, outside.FirstLine(a.text))
}

// into reads the one JSON value that the answer has. What stands before it, on
// lines of its own, and behind it is a warning or a greeting, and no part.
func (a answer) into(begins byte, to any) error {
	rest := a.text
	for rest != "" {
		if rest[0] == begins {
			// A line of a log may begin like one as well.
			if err := json.NewDecoder(strings.NewReader(rest)).Decode(to); err == nil {
				return nil
			}
		}
		_, after, more := strings.Cut(rest, "\n")
		if !more {
			break
		}
		rest = after
	}
	said := outside.FirstLine(a.text)
	if said == "" {
		said = "it says nothing"
	}
	return fmt.Errorf("ask %s for %s: its answer is not the JSON that this tminus reads: %s; run it by hand, and verify by a command where its version prints it in another way", a.name, a.asks, said)
}

var versionNumber = regexp.MustCompile(`\b[0-9]+(\.[0-9]+)+\b`)

// versionOf is a program's name with the version that it prints.
func versionOf(ctx context.Context, name string, argv []string) (string, error) {
	a, err := ask(ctx, "its version", argv)
	if err != nil {
		return "", err
	}
	if a.exit != 0 {
		return "", a.failed()
	}
	return strings.TrimSpace(name + " " + versionNumber.FindString(a.text)), nil
}

func joined(words []string) string { return strings.Join(words, ", ") }

// whole keeps all of what is written to it, up to maxAnswer.
type whole struct {
	mu   sync.Mutex // guards the rest
	kept bytes.Buffer
	over bool
}

// Write implements io.Writer; it never fails.
func (w *whole) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	room := maxAnswer - w.kept.Len()
	w.over = w.over || len(p) > room
	w.kept.Write(p[:min(room, len(p))])
	return len(p), nil
}

func (w *whole) text() (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.String(), w.over
}
