package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
)

// toSignature drives a script to the first item that somebody signs, and selects it.
func toSignature(t *testing.T, o *Operator, s *script) {
	t.Helper()
	s.record(phases.SurveyTaken{})
	feed(t, o, s)
	for presses := 0; ; presses++ {
		if presses > 1000 {
			t.Fatalf("no signature is reached; the screen stands at\n%s", frameText(o))
		}
		if it, err := o.selected(); err == nil && it.Sign != "" && o.dialog == nil && s.state.Can(phases.Sign{Item: it.ID, Name: "-"}, s.now) == nil {
			return
		}
		s.now = s.now.Add(time.Second)
		if due := s.state.Due(s.now); due != "" {
			s.act(due, phases.Itself)
		}
		if s.state.Gate.Decision == phases.Go && presses%8 == 0 {
			s.checks()
		}
		if o.dialog != nil {
			answerDialog(o)
		} else {
			run(o, keyNamed(firstHint(t, o)))
		}
		feed(t, o, s)
	}
}

// The key that ticks others opens what is signed, and takes a name; pressed again
// it withdraws that, with a reason.
func TestAnItemIsSignedOnScreen(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		o, s := scripted(t, size[0], size[1])
		toSignature(t, o, s)
		it, _ := o.selected()
		if !strings.Contains(frameText(o), "to be signed as DBA") || !strings.Contains(frameText(o), "sign as DBA") {
			t.Errorf("the screen does not say that it is signed:\n%s", frameText(o))
		}
		run(o, keyNamed("space"))
		got := frameText(o)
		for _, want := range []string{"Sign: ", "What is signed:", "6 of 6 phases", "records until now, head", "Name, as DBA"} {
			if !strings.Contains(got, want) {
				t.Errorf("the dialog does not say %q:\n%s", want, got)
			}
		}
		checkFrame(t, "signing", got, size[0], size[1])
		t.Run(fmt.Sprint(size[0]), func(t *testing.T) { golden.RequireEqual(t, trimmed(got)) })
		run(o, keyNamed("enter"))
		if o.dialog == nil || s.state.Item(it.ID).Signed != nil {
			t.Fatal("it is signed without a name")
		}
		typed(o, "Ada Lund")
		s.now = s.now.Add(time.Second)
		run(o, keyNamed("enter"))
		feed(t, o, s)
		if sig := s.state.Item(it.ID).Signed; sig == nil || sig.Name != "Ada Lund" || sig.Loose {
			t.Fatalf("signed: %+v", sig)
		}
		for o.nav.cursor != it.ID {
			run(o, keyNamed("k"))
		}
		if got := frameText(o); !strings.Contains(got, "signed by Ada Lund") || !strings.Contains(got, "bound to record") || !strings.Contains(got, "withdraw the signature") {
			t.Errorf("the signature is not shown:\n%s", got)
		}
		run(o, keyNamed("enter"))
		if got := frameText(o); !strings.Contains(got, "Withdraw the signature?") {
			t.Fatalf("the question is another:\n%s", got)
		}
		typed(o, "a count was wrong")
		s.now = s.now.Add(time.Second)
		run(o, keyNamed("enter"))
		feed(t, o, s)
		if s.state.Item(it.ID).Signed != nil {
			t.Error("the signature stands")
		}
	}
}

func TestPlainTakesASignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := openFakeEngine(t, func(o *phases.RunOpened) {
			o.Source = `tminus: 1
title: Signed
phases:
  - {id: leaf, title: Leaf, risk: medium, planned: 1m, steps: [{delete: audit_logs}]}
after:
  - id: hand
    title: Handover
    items:
      - {id: log, text: The log is right, sign: DBA}
      - {id: told, text: They know}
`
		})
		e.add(phases.GatePassed{Approver: "B. Boss"})
		e.phase("leaf")
		e.add(phases.PhaseCommitted{Phase: "leaf"})
		r := startPlain(t, e, nil)
		r.wants("Question: Handover: The log is right", "1,200 rows deleted", "the name of who signs as DBA [no default], or skip, or ?")
		r.enter("", "note looks good", "skip", "y", "untick log", "sign log", "Ada Lund", "untick log", "withdraw log", "withdraw log a count was wrong", "sign log Bea Ruiz", "close")
		if err := r.ended(); err != nil {
			t.Fatal(err)
		}
		r.wants("signed by Ada Lund, DBA, bound to record", "refused: it is signed: a signature is withdrawn, with a reason", "refused: a reason is needed", "the signature is withdrawn: a count was wrong", "signed by Bea Ruiz")
		if sig := e.state.Item("log").Signed; sig == nil || sig.Name != "Bea Ruiz" {
			t.Errorf("%+v", sig)
		}
	})
}
