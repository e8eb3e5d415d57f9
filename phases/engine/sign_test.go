package engine_test

import (
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// A check that answers all the time leaves answers that wait to be recorded: they
// come before a signature, never between it and the record that it names.
func TestASignatureComesBehindTheEvidence(t *testing.T) {
	t.Parallel()
	book := strings.Replace(smallBook, "items: [{id: said, text: Said so}]", `items: [{id: said, text: Said so}]
  - id: hand
    title: Handover
    items:
      - {id: there, text: It answers, check: {database: database.connects, every: 10ms, remedy: R}}
      - {id: held, text: All held, check: {database: run.verified, every: 10ms, remedy: R}}
      - {id: told_all, text: All is done, check: {database: run.items, items: [done, told], every: 10ms, remedy: R}}
      - {id: signed, text: The log is right, sign: DBA}`, 1)
	r := newRig(t, smallSchema, book)
	r.open(engine.Settings{})
	r.toHold()
	r.do(phases.Commit{Phase: "clear"})
	r.untilStatus("clear", phases.PhaseIsCommitted)
	r.refused(phases.Sign{Item: "signed", Name: "Ada"}, "first comes")
	r.do(phases.Tick{Item: "said"})
	for range 10 {
		r.until("the checks have answered", func(s *phases.State) bool {
			return s.Item("there").Check != nil && s.Item("held").Check != nil && s.Item("told_all").Check != nil
		})
		r.do(phases.Sign{Item: "signed", Name: "Ada"})
		var record uint64
		r.engine.View(func(s *phases.State) { record = s.Item("signed").Signed.Record })
		r.do(phases.Withdraw{Item: "signed", Reason: "once more"})
		r.until("more answers", func(s *phases.State) bool { return s.Seq > record+2 })
	}
	r.do(phases.Sign{Item: "signed", Name: "Ada"})
	r.until("all is done", func(s *phases.State) bool { return s.Can(phases.CloseRun{}, s.At) == nil })
	r.do(phases.CloseRun{})
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	recs, err := journal.Read(r.path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := phases.CheckSignatures(recs); n != 11 || err != nil {
		t.Errorf("%d signatures hold: %v", n, err)
	}
	if sig := r.state().Item("signed").Signed; sig == nil || sig.Loose {
		t.Errorf("%+v", sig)
	}
}
