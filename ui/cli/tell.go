package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/engine/tell"
	"tminus/phases/fact"
	"tminus/phases/runbook"
)

func tellCommand(a *app) *cobra.Command {
	var channels []string
	c := &cobra.Command{
		Use:   "tell RUNBOOK [MESSAGE]",
		Short: "Show what a runbook tells people, and try its channels",
		Long: "tell shows each message with examples of the facts, where it goes, and what its channels lack\n" +
			"here. With --send it sends a test to those channels, marked as one: the message, or without\n" +
			"one a sentence that nothing has happened.\n\n" +
			"Exit codes: 0; 1 when a test was not taken; 2 for mistakes.",
		Example: "  tminus tell reset.yaml\n  tminus tell reset.yaml begin\n  tminus tell reset.yaml --send users\n  tminus tell reset.yaml begin --send users,pager",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.showMessages(c.Context(), args[0], append(args[1:], "")[0], channels)
		},
	}
	c.Flags().StringSliceVar(&channels, "send", nil, "send a test to these channels, by their ids")
	return c
}

func (a *app) showMessages(ctx context.Context, file, message string, channels []string) error {
	book, _, err := runbook.Load(file)
	if err != nil {
		return &Exit{Code: Usage, Err: err}
	}
	if _, ok := book.Message(message); message != "" && !ok {
		return &Exit{Code: Usage, Err: fmt.Errorf("%s has no message %q", file, message)}
	}
	for _, id := range channels {
		if _, ok := book.Channel(id); !ok {
			return &Exit{Code: Usage, Err: fmt.Errorf("%s has no channel %q", file, id)}
		}
	}
	if len(channels) > 0 {
		ctx, release := engine.StopOnSignals(ctx)
		defer release()
		return a.tryChannels(ctx, book, message, channels)
	}
	_, err = fmt.Fprint(a.stdout, shownMessages(file, book, message))
	return Failed(err)
}

// shownMessages are a runbook's messages with examples in the places of facts, or
// one of them, and what the channels lack.
func shownMessages(file string, book *runbook.Runbook, only string) string {
	var b strings.Builder
	state := &phases.State{Runbook: book}
	for _, m := range book.Messages {
		if only != "" && m.ID != only {
			continue
		}
		var to []string
		for _, id := range m.To {
			c, _ := book.Channel(id)
			to = append(to, id+" ("+c.Way()+")")
		}
		title, text := phases.Filled(m, exampleOf(book))
		fmt.Fprintf(&b, "%s: to %s; %s\n", m.ID, strings.Join(to, ", "), state.WhenSent(m))
		for line := range strings.SplitSeq(title+"\n"+text, "\n") {
			fmt.Fprintf(&b, "  | %s\n", line)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return file + ": it tells nobody\n"
	}
	lacking := 0
	for _, c := range book.Channels {
		if lacks := tell.Lacks(c); lacks != "" {
			fmt.Fprintf(&b, "channel %s: %s\n", c.ID, lacks)
			lacking++
		}
	}
	if lacking == 0 {
		b.WriteString("every channel has what it needs here; --send CHANNEL sends a test\n")
	}
	return b.String()
}

// exampleOf gives an example for a fact, or for a field, by its name.
func exampleOf(book *runbook.Runbook) func(string) string {
	return func(name string) string {
		if name == "title" {
			return phases.Clean(book.Title)
		}
		if k, _, ok := fact.Find(name); ok {
			return phases.Clean(k.Example)
		}
		if f, ok := book.Field(name); ok && f.Example != "" {
			return phases.Clean(f.Example)
		}
		return phases.NotKnown
	}
}

// tryChannels sends a test to each channel, and says what came of it.
func (a *app) tryChannels(ctx context.Context, book *runbook.Runbook, message string, channels []string) error {
	note := tell.Note{
		Message: "test", Title: "TEST: " + phases.Clean(book.Title), Test: true, At: time.Now(), Says: map[string]string{}, Facts: map[string]string{},
		Text: "A test of tminus: nothing has happened, and nothing is to be done.",
	}
	if m, ok := book.Message(message); ok {
		title, text := phases.Filled(m, exampleOf(book))
		note.Message, note.Title, note.Text = m.ID, "TEST: "+title, note.Text+"\n\n"+text
	}
	for _, k := range fact.Kinds() {
		if !k.Table {
			note.Facts[k.Name] = phases.Clean(k.Example)
		}
	}
	failed := 0
	for _, id := range slices.Compact(slices.Sorted(slices.Values(channels))) {
		c, _ := book.Channel(id)
		attempts, err := tell.Send(ctx, c, note, tell.Limits{})
		result := "took the test"
		if err != nil {
			result = "NOT TOLD: " + phases.Clean(err.Error())
			failed++
		}
		if attempts > 1 {
			result += ", " + phases.Plural(int64(attempts), "attempt")
		}
		if _, err := fmt.Fprintf(a.stdout, "%s (%s): %s\n", id, c.Way(), result); err != nil {
			return Failed(err)
		}
	}
	if failed > 0 {
		return Failed(fmt.Errorf("%s did not take the test", phases.Plural(int64(failed), "channel")))
	}
	return nil
}
