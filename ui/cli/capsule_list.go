package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/charmbracelet/x/term"

	"tminus/phases"
	"tminus/ui/look"
)

// listCapsules lists what runs kept.
func (a *app) listCapsules(paths []string, f capsuleFlags) error {
	runs, bad := 0, int64(0)
	err := a.keptRuns(paths, f, func(run *keptRun) error {
		if runs > 0 {
			fmt.Fprintln(a.stdout)
		}
		runs++
		n, err := a.listRun(run, time.Now())
		bad += n
		return err
	})
	if err == nil && runs == 0 {
		_, err = fmt.Fprintln(a.stdout, "no run in the user's state directory has capsules: name the journals of those that are elsewhere")
		return Failed(err)
	}
	if err == nil && bad > 0 {
		return Failed(fmt.Errorf("%s not as it should be", phases.Plural(bad, "capsule")))
	}
	return err
}

// listRun lists those of one run, and gives how many are not as they should be.
func (a *app) listRun(run *keptRun, now time.Time) (bad int64, err error) {
	s := run.state
	ended := "not ended"
	if !s.ClosedAt.IsZero() {
		ended = strings.ReplaceAll(string(s.Outcome), "_", " ") + " " + moment(s.ClosedAt)
	}
	fmt.Fprintf(a.stdout, "%s: %s on database %s, %s\n", run.path, s.Opened.Environment, phases.Clean(s.Target.Database), ended)
	if len(run.held) == 0 {
		_, err := fmt.Fprintln(a.stdout, "  no capsules")
		return 0, err
	}
	fmt.Fprintf(a.stdout, "  in %s\n", phases.Clean(run.folder))
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  capsule\trows\tsize\ttaken\tkept until\tencrypted for\tstate")
	for _, h := range run.held {
		says, good := s.CapsuleWords(h)
		if !good {
			bad++
			says = "! " + says
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", phases.Clean(h.Name), strings.Join(heldFacts(h, now), "\t"), says)
	}
	return bad, w.Flush()
}

// heldFacts are what is known of one: rows, size, age, how long it is kept, and for
// whom it is encrypted.
func heldFacts(h phases.HeldCapsule, now time.Time) []string {
	f := h.Files
	switch {
	case f != nil && f.SHA256 != "":
		size, until := phases.Bytes(f.Size), "no end set"
		switch {
		case f.Expired:
			size, until = "–", "–"
		case f.Over(now):
			until = "over, " + moment(f.KeepUntil)
		case !f.KeepUntil.IsZero():
			until = moment(f.KeepUntil)
		}
		return []string{phases.Digits(f.Rows), size, look.Ago(now.Sub(f.Taken)), until, readers(f.Recipients)}
	case h.Recorded != nil: // as the journal has it
		return []string{phases.Digits(h.Recorded.Rows()), "–", "–", "–", "–"}
	}
	return []string{"–", "–", "–", "–", "–"}
}

// moment is a time on this machine's clock, to the minute.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// readers are those whom a capsule is encrypted for.
func readers(recipients []string) string {
	if len(recipients) == 0 {
		return "nobody: plain"
	}
	var out []string
	for _, r := range recipients {
		fields := strings.Fields(phases.Clean(r))
		if len(fields) > 2 { // an SSH key's comment says whose it is
			fields = []string{fields[0], strings.Join(fields[2:], " ")}
		}
		text := []rune(strings.Join(fields, " "))
		if len(text) > 32 {
			text = append(append(text[:16:16], '…'), text[len(text)-8:]...)
		}
		out = append(out, string(text))
	}
	return strings.Join(out, ", ")
}

// How long something is read in silence, and how often a line says how far it is
// where there is no terminal.
const (
	silence = time.Second
	between = 10 * time.Second
)

// reading tells how far the reading of files is, where that takes longer than a
// second: on a terminal in a line that is written over. over ends that line.
func (a *app) reading(what string) (progress func(done, total int64), over func()) {
	live, open := term.IsTerminal(a.stderr.Fd()), false
	next := time.Now().Add(silence)
	progress = func(done, total int64) {
		now := time.Now()
		if now.Before(next) {
			return
		}
		line := fmt.Sprintf("%s: %d %%, %s of %s", what, 100*done/max(1, total), phases.Bytes(done), phases.Bytes(total))
		if live {
			fmt.Fprintf(a.stderr, "\r\x1b[K%s", line)
			open, next = true, now.Add(silence/5)
			return
		}
		fmt.Fprintln(a.stderr, line)
		next = now.Add(between)
	}
	return progress, func() {
		if open {
			fmt.Fprint(a.stderr, "\r\x1b[K")
		}
	}
}
