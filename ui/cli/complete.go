package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/lint"
	"tminus/phases/runbook"
)

// What a shell offers where something is to be typed. What cannot be read is left
// out: a shell has no place for its error.

// complete has each command's arguments and flags completed, by what its usage
// calls them.
func complete(root *cobra.Command) {
	for _, c := range root.Commands() {
		complete(c)
	}
	_, argument, _ := strings.Cut(root.Use, " ")
	switch {
	case root.Name() == "resume":
		root.ValidArgsFunction = firstArgument(unfinishedJournals)
	case strings.Contains(argument, "JOURNAL..."):
		root.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return orFiles(journals())
		}
	case strings.Contains(argument, "JOURNAL"):
		root.ValidArgsFunction = firstArgument(journals)
	case strings.HasPrefix(argument, "RUNBOOK"):
		root.ValidArgsFunction = runbookArgument
	}
	for name, offers := range flagOffers(root.Name()) {
		if root.Flags().Lookup(name) != nil && !hasCompletion(root, name) {
			cobra.CheckErr(root.RegisterFlagCompletionFunc(name, offers))
		}
	}
}

func hasCompletion(c *cobra.Command, flag string) bool {
	_, has := c.GetFlagCompletionFunc(flag)
	return has
}

// flagOffers are what flags take, by their names, in a command.
func flagOffers(command string) map[string]cobra.CompletionFunc {
	formats := []cobra.Completion{"text", "json"}
	if command == "reach" {
		formats = append(formats, "svg")
	}
	out := map[string]cobra.CompletionFunc{
		"format":  words(formats...),
		"fail-on": words(string(phases.SeverityError), string(phases.SeverityWarning), string(phases.SeverityNote)),
		"explain": words(findingCodes()...),
		"size":    words("80x24", "120x40", "200x60"),
		"rehearsal": func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return orFiles(journals())
		},
		"phases": ofJournal(func(s *phases.State) (out []cobra.Completion) {
			for _, p := range s.Phases {
				out = append(out, cobra.CompletionWithDesc(p.Plan.ID, phases.Clean(p.Plan.Title)))
			}
			return out
		}),
		"leave": ofJournal(func(s *phases.State) (out []cobra.Completion) {
			for _, f := range s.FencesOff() {
				out = append(out, cobra.CompletionWithDesc(f.Plan.ID, phases.Clean(f.Plan.Title)))
			}
			return out
		}),
		"send": ofRunbook(func(b *runbook.Runbook) (out []cobra.Completion) {
			for _, c := range b.Channels {
				out = append(out, cobra.CompletionWithDesc(c.ID, phases.Clean(c.Way())))
			}
			return out
		}),
	}
	for _, folder := range []string{"from-backup", "checkout", "backups", "capsules"} {
		out[folder] = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	}
	for _, typed := range []string{"dsn", "start-at", "hold", "measure", "users", "seed", "end-holder", "mirror", "listen", "metrics", "speed", "idle", "reason", "title", "schema", "clear", "protect", "keep", "replace", "yes"} {
		out[typed] = cobra.NoFileCompletions
	}
	return out
}

func words(all ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
}

func findingCodes() []cobra.Completion {
	var out []cobra.Completion
	for _, c := range lint.Codes() {
		out = append(out, cobra.CompletionWithDesc(c.Name, string(c.Severity)))
	}
	return out
}

// orFiles has the shell offer files where there is nothing better.
func orFiles(found []cobra.Completion) ([]cobra.Completion, cobra.ShellCompDirective) {
	return found, cobra.ShellCompDirectiveDefault
}

// firstArgument completes the one file that a command takes.
func firstArgument(offers func() []cobra.Completion) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return orFiles(offers())
	}
}

// runbookArgument completes a runbook's file, and behind it one of its messages
// where the command takes one.
func runbookArgument(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
	}
	if len(args) > 1 || !strings.Contains(c.Use, "MESSAGE") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ofRunbook(func(b *runbook.Runbook) (out []cobra.Completion) {
		for _, m := range b.Messages {
			out = append(out, cobra.CompletionWithDesc(m.ID, phases.Clean(m.Title)))
		}
		return out
	})(c, args, "")
}

// ofRunbook offers what the runbook has that the line names.
func ofRunbook(offers func(*runbook.Runbook) []cobra.Completion) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		book, _, err := runbook.Load(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offers(book), cobra.ShellCompDirectiveNoFileComp
	}
}

// ofJournal offers what the run has whose journal the line names.
func ofJournal(offers func(*phases.State) []cobra.Completion) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		recs, _ := journal.Read(args[0])
		s, err := phases.Fold(recs)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offers(s), cobra.ShellCompDirectiveNoFileComp
	}
}

// journals offers those in the folder where one is, and in the state directory, the
// newest first, each with its title and date.
func journals() []cobra.Completion {
	here, _ := filepath.Glob("*" + engine.JournalEnding)
	kept, _ := engine.Journals()
	slices.Reverse(kept)
	var out []cobra.Completion
	for _, path := range append(here, kept...) {
		rec, err := journal.First(path)
		if err != nil {
			continue
		}
		e, err := phases.Decode(rec)
		if opened, ok := e.(phases.RunOpened); ok && err == nil {
			out = append(out, offered(path, opened, rec.At))
		}
	}
	return out
}

// offered is a journal with what a shell says of it.
func offered(path string, o phases.RunOpened, at time.Time) cobra.Completion {
	title := o.File
	if book, err := runbook.Read(o.File, []byte(o.Source)); err == nil {
		title = book.Title
	}
	return cobra.CompletionWithDesc(path, phases.Clean(title+", "+string(o.Environment)+" on "+o.Target.Database+", "+at.Local().Format("2006-01-02 15:04")))
}

// unfinishedJournals offers the runs that resume can take up, the latest first.
func unfinishedJournals() []cobra.Completion {
	dir, err := engine.StateDir()
	if err != nil {
		dir = ""
	}
	found, _, _ := engine.FindUnfinished(dir)
	slices.Reverse(found)
	known := map[string]bool{}
	var out []cobra.Completion
	offer := func(path string, u engine.Unfinished) {
		abs, err := filepath.Abs(path)
		if err != nil || known[abs] || !u.Ready() {
			return
		}
		known[abs] = true
		out = append(out, offered(path, u.State.Opened, u.State.OpenedAt)+": "+phases.Clean(u.State.Standing()))
	}
	here, _ := filepath.Glob("*" + engine.JournalEnding)
	for _, path := range here {
		if u, err := engine.ReadUnfinished(path); err == nil && u != nil {
			offer(path, *u)
		}
	}
	for _, u := range found {
		offer(u.Path, u)
	}
	return out
}
