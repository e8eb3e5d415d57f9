package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tminus/phases"
	"tminus/ui/look"
	"tminus/ui/plain"
)

// A word of the mode that is typed for a name becomes none by itself, and nothing
// is done by it either.
func TestPlainAWordIsNobodysName(t *testing.T) {
	for _, word := range []string{"extend", "back", "commit", "cancel 4711", "Late"} {
		synctest.Test(t, func(t *testing.T) {
			e := newFakeEngine(t)
			e.add(phases.ItemTicked{Item: "backup_taken"}, phases.FieldRecorded{Field: "backup_id", Value: "b"}, passing("connects"))
			r := startPlain(t, e, nil)
			r.enter(word)
			r.wants(`Question: is "` + word + `" the name of the Approving authority? [y/N]`)
			r.enter("")
			if n := strings.Count(r.out.String(), "the approver's name for GO"); n != 2 {
				t.Errorf("the name is asked for %d times after a no:\n%s", n, r.out.String())
			}
			r.enter(word, "holds", "y")
			if strings.Contains(r.out.String(), "for GO approved by y") || len(e.got) != 0 {
				t.Errorf("a yes answers what is asked no more: %v\n%s", e.got, r.out.String())
			}
		})
	}
}

func TestPlainAWordCanBeMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		r.enter("check 7", "y")
		r.wants(`is "check 7" the value of Backup ID? [y/N]`, "recorded: Backup ID: check 7")
		if want := []phases.Command{phases.Record{Item: "backup_taken", Field: "backup_id", Value: "check 7"}}; !slices.Equal(e.got, want) {
			t.Errorf("commands: %v", e.got)
		}
	})
}

// A question that is gone takes its doubt along: a yes that comes late answers
// nothing else.
func TestPlainADoubtGoesWithItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		r.enter("check 7")
		e.add(phases.FieldRecorded{Item: "backup_taken", Field: "backup_id", Value: "b"})
		r.settle()
		r.enter("y")
		if strings.Contains(r.out.String(), "recorded: Location: check 7") {
			t.Errorf("the value of another question was taken:\n%s", r.out.String())
		}
	})
}

// An empty line is the answer that the question names.
func TestPlainTakesTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.FieldRecorded{Field: "backup_id", Value: "b"}, phases.FieldRecorded{Field: "backup_place", Value: "c"}, passing("connects"))
		r := startPlain(t, e, nil)
		r.wants("Done? [y/N], or skip, or ?")
		r.enter("")
		if len(e.got) != 0 {
			t.Errorf("an empty line did something: %v", e.got)
		}
		r.enter("y")
		r.wants("ticked: The final backup is taken")
	})
}

// On a terminal no line is wider than it, but for a word that is, and nothing of any
// is lost or torn; for a program each line is whole. Nothing is drawn in either.
func TestPlainWrapsForATerminalAlone(t *testing.T) {
	const long = "the /var/backups/gym-20261130T173712Z-and-more/dump was found as it should not be, and somebody has to look at it before anything else is done by anyone"
	synctest.Test(t, func(t *testing.T) {
		var all []string
		for _, width := range []int{0, 40, 10} {
			e := newFakeEngine(t)
			r := startPlain(t, e, func(o *plain.Options) { o.Width = func() int { return width } })
			r.enter("note " + long)
			for _, l := range strings.Split(r.out.String(), "\n") {
				if width == 40 && look.Width(l) > width && strings.Contains(strings.TrimSpace(l), " ") && !strings.HasPrefix(l, "> ") {
					t.Errorf("%q is wider than %d", l, width)
				}
				if at := strings.IndexAny(l, "│┌└─█░▸✓✗|\t\x1b"); at >= 0 || strings.Contains(strings.TrimLeft(l, " "), "  ") {
					t.Errorf("%q is drawn", l)
				}
			}
			all = append(all, strings.Join(strings.Fields(r.out.String()), " "))
		}
		if all[0] != all[1] || all[0] != all[2] || !strings.Contains(all[1], long) {
			t.Errorf("wrapping changes what is said:\n%s\n%s", all[0], all[1])
		}
	})
}

// Every word that help lists is understood.
func TestPlainKnowsItsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		e.add(phases.ItemTicked{Item: "backup_taken"}, phases.FieldRecorded{Field: "backup_id", Value: "b"}, passing("connects"), phases.GatePassed{Approver: "B"})
		e.add(phases.PhaseStarted{Phase: "leaf", Attempt: 1}, phases.TablesLocked{Phase: "leaf"}) // nothing is asked
		e.refuse = errors.New("not now")
		r := startPlain(t, e, nil)
		for _, w := range plain.Words() {
			switch w.Word {
			case "skip", "?", "=", "quit": // they answer a question, or end it
			default:
				r.enter(w.Word)
			}
		}
		if strings.Contains(r.out.String(), "was ignored") {
			t.Errorf("a word is not understood:\n%s", r.out.String())
		}
	})
}

// A question that events have buried is put again, once, when it is quiet.
func TestPlainPutsABuriedQuestionAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine(t)
		r := startPlain(t, e, nil)
		asked := func() int { return strings.Count(r.out.String(), "Question: Backup") }
		for range 7 {
			e.add(phases.NoteRecorded{Text: "something else"})
		}
		time.Sleep(10 * time.Second)
		if n := asked(); n != 1 {
			t.Errorf("seven lines later it was asked %d times:\n%s", n, r.out.String())
		}
		e.add(phases.NoteRecorded{Text: "one more"})
		r.settle()
		if n := asked(); n != 1 {
			t.Errorf("it is asked %d times while others speak:\n%s", n, r.out.String())
		}
		time.Sleep(20 * time.Second)
		if n := asked(); n != 2 {
			t.Errorf("it was asked %d times, want 2:\n%s", n, r.out.String())
		}
	})
}
