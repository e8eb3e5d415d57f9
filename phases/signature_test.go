package phases

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases/journal"
)

const signedBook = `tminus: 1
title: Signed
protected: [keep]
phases:
  - {id: base, title: Base, planned: 1m, count: [users]}
  - {id: users, title: Users, risk: high, planned: 1m, steps: [{delete: users}]}
after:
  - id: tests
    title: Tests
    items:
      - {id: works, text: It works}
  - id: hand
    title: Handover
    items:
      - {id: all, text: All held, check: {database: run.verified, remedy: R}}
      - {id: kept, text: The rest is there, check: {database: run.protected, remedy: R}}
      - {id: base_there, text: The baseline is there, check: {database: run.baseline, remedy: R}}
      - {id: gone, text: All went, check: {database: run.deletions, remedy: R}}
      - {id: tested, text: It was tested, check: {database: run.items, items: [tests, works], remedy: R}}
  - id: sign
    title: Signatures
    items:
      - {id: dba, text: The log is right, sign: DBA, fields: [{id: place, label: Place}]}
      - {id: client, text: It is accepted, sign: Client}
`

// signing is a run in a journal of its own, after its last phase.
type signing struct {
	t *testing.T
	w *journal.Writer
	s *State
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	w, err := journal.Create(filepath.Join(t.TempDir(), "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return &signing{t: t, w: w, s: &State{}}
}

var signingDay = time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC)

func (j *signing) add(events ...Event) {
	j.t.Helper()
	for _, e := range events {
		rec, err := j.w.Append(signingDay.Add(time.Duration(j.s.Seq)*time.Second), e.Kind(), e, journal.Buffered)
		if err == nil {
			err = j.s.Apply(rec)
		}
		if err != nil {
			j.t.Fatal(err)
		}
	}
}

func (j *signing) do(c Recorded) {
	j.t.Helper()
	if err := j.s.Can(c, signingDay); err != nil {
		j.t.Fatalf("%+v: %v", c, err)
	}
	events, err := c.Events(j.s, "ada@ops1", signingDay)
	if err != nil {
		j.t.Fatal(err)
	}
	j.add(events...)
}

// through takes the run to the end of its phases.
func (j *signing) through(protected Verification) {
	j.t.Helper()
	j.add(
		RunOpened{RunID: "r1", File: "book.yaml", Source: signedBook, Target: Identity{Database: "shop"}},
		GatePassed{Approver: "B. Boss"},
		PhaseStarted{Phase: "base", Attempt: 1},
		BaselineTaken{Phase: "base", Baseline: Baseline{Counts: []TableCount{{Table: "users", Rows: 7}}, Protected: []Fingerprint{{Table: "keep", Rows: 2, Hash: "h"}}}},
		PhasePassed{Phase: "base"},
		PhaseStarted{Phase: "users", Attempt: 1},
		StepDone{Phase: "users", Rows: 7},
		PhaseVerified{Phase: "users", Results: []Verification{protected}},
		PhaseCommitted{Phase: "users"},
	)
}

func (j *signing) recs() []journal.Record {
	j.t.Helper()
	recs, err := journal.Read(j.w.Path())
	if err != nil {
		j.t.Fatal(err)
	}
	return recs
}

var keptIntact = Verification{Kind: VerifyProtected, Name: "keep", Pass: true, Rows: 2}

// answered records what each check about the run answers now.
func (j *signing) answered() map[string]Answer {
	j.t.Helper()
	out := map[string]Answer{}
	facts := j.s.Facts()
	for _, it := range j.s.Asked() {
		a, ok := OfRun(it.Check, facts, signingDay)
		if !ok {
			j.t.Fatalf("%s is not of the run", it.ID)
		}
		out[it.ID] = a
		j.add(CheckAnswered{Item: it.ID, Pass: a.Pass, Value: a.Value})
	}
	return out
}

func (j *signing) toSign() {
	j.t.Helper()
	j.through(keptIntact)
	j.add(ItemTicked{Item: "works", By: "ada@ops1"})
	j.answered()
}

func TestASignatureIsBoundToTheRecordBeforeIt(t *testing.T) {
	t.Parallel()
	j := newSigning(t)
	j.toSign()
	it, _, _ := j.s.Runbook.Item("dba")
	notPossible(t, "a tick", j.s.Can(Tick{Item: "dba"}, signingDay), "a tick is no signature")
	notPossible(t, "before its field", j.s.Can(Sign{Item: "dba", Name: "Ada"}, signingDay), "needs Place")
	j.do(Record{Item: "dba", Field: "place", Value: "Bonn"})
	if ask := j.s.Ask(it); ask.Need != NeedSign || j.s.ItemLacks(it) != "not signed by the DBA" {
		t.Errorf("it asks for %q and lacks %q", ask.Need, j.s.ItemLacks(it))
	}
	for name, want := range map[string]string{"": "the name of who signs as DBA is needed", " \x1b[31m ": "is needed", "\u202e": "is needed", strings.Repeat("x", 600): "at most 500 bytes"} {
		notPossible(t, "the name "+name, j.s.Can(Sign{Item: "dba", Name: name}, signingDay), want)
	}
	notPossible(t, "an item that nobody signs", j.s.Can(Sign{Item: "works", Name: "Ada"}, signingDay), "nobody signs this item")
	notPossible(t, "no signature", j.s.Can(Withdraw{Item: "dba", Reason: "r"}, signingDay), "it is not signed")

	seq, head := j.s.Seq, j.s.Head
	j.do(Sign{Item: "dba", Name: " Ada Lund "})
	sig := j.s.Item("dba").Signed
	if sig == nil || sig.Name != "Ada Lund" || sig.Role != "DBA" || sig.Seq != seq || sig.Head != head || sig.Record != seq+1 || sig.Loose || sig.By != "ada@ops1" {
		t.Fatalf("signed: %+v", sig)
	}
	if want := "bound to record " + Digits(int64(seq)) + ", " + head[:12] + "…"; sig.Bound() != want || !j.s.ItemDone(it) {
		t.Errorf("%s, done %v", sig.Bound(), j.s.ItemDone(it))
	}
	notPossible(t, "twice", j.s.Can(Sign{Item: "dba", Name: "B"}, signingDay), "it is signed by Ada Lund")
	notPossible(t, "as a tick", j.s.Can(Untick{Item: "dba"}, signingDay), "a signature is withdrawn, with a reason")
	notPossible(t, "without a reason", j.s.Can(Withdraw{Item: "dba"}, signingDay), "a reason is needed")
	if n, err := CheckSignatures(j.recs()); n != 1 || err != nil {
		t.Errorf("%d signatures, %v", n, err)
	}

	j.do(Withdraw{Item: "dba", Reason: "a count was\twrong"})
	if j.s.Item("dba").Signed != nil || j.s.ItemDone(it) || !strings.Contains(j.s.Log[len(j.s.Log)-1].Text, "the signature is withdrawn: a count was wrong, by ada@ops1") {
		t.Errorf("withdrawn: %+v, log %+v", j.s.Item("dba"), j.s.Log[len(j.s.Log)-1])
	}
	j.do(Sign{Item: "dba", Name: "Ada"})
	j.do(Sign{Item: "client", Name: "Cleo"})
	if all := j.s.Signatures(); len(all) != 2 || all[0].Item != "dba" || all[1].Item != "client" {
		t.Errorf("signatures %+v", all)
	}
	// A value that changes under a signature takes it away, as it does a tick.
	j.do(Record{Item: "dba", Field: "place", Value: "Rome"})
	if j.s.Item("dba").Signed != nil {
		t.Error("the signature stands under another value")
	}
	j.do(Sign{Item: "dba", Name: "Ada"})
	j.add(RunClosed{Outcome: Completed})
	if err := j.s.Can(Withdraw{Item: "dba", Reason: "late"}, signingDay); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if n, err := CheckSignatures(j.recs()); n != 4 || err != nil {
		t.Errorf("%d signatures, %v", n, err)
	}
}

// A journal can be written anew with a right chain: what a signature names does
// not follow.
// Whoever signs is told of what was truncated, which is in no count.
func TestWhatIsSignedHasWhatWasTruncated(t *testing.T) {
	said := func(rows int64, steps string) string {
		f := foldOf(t, strings.Replace(signedBook, "steps: [{delete: users}]", "steps: "+steps, 1), Production)
		f.do(GatePassed{Approver: "B."}, PhaseStarted{Phase: "users", Attempt: 1})
		if rows > 0 {
			f.do(StepDone{Phase: "users", Rows: rows})
		}
		step := strings.Count(steps, "delete:")
		f.do(StepDone{Phase: "users", Step: step, Command: "TRUNCATE TABLE"}, PhaseCommitted{Phase: "users"})
		if got := f.deletionsAnswer(); !got.Pass || !strings.Contains(got.Value, " truncated, ") {
			t.Errorf("the check of what was deleted says %q", got.Value)
		}
		for _, name := range []string{"rows.deleted", "rows.deleted.logs"} {
			if got := f.Fact(name, f.at); !strings.HasSuffix(got, " (and what TRUNCATE took, not counted)") {
				t.Errorf("%s is %q", name, got)
			}
		}
		if got := f.Fact("rows.deleted.users", f.at); got != Digits(rows) {
			t.Errorf("of users it is %q", got)
		}
		return f.Signed()[1]
	}
	if got := said(0, "[{sql: 'TRUNCATE logs', touch: [logs], rows: any}]"); got != "1 table truncated, its rows not counted" {
		t.Errorf("one alone: %q", got)
	}
	if got := said(7, "[{delete: users}, {sql: 'TRUNCATE logs, more', touch: [logs, more], rows: any}]"); got != "7 rows deleted, 2 tables truncated, their rows not counted" {
		t.Errorf("two beside rows: %q", got)
	}
}

func TestASignatureOfAnotherJournalIsNone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ItemSigned){
		"another hash":      func(e *ItemSigned) { e.Head = strings.Repeat("0", 64) },
		"an earlier record": func(e *ItemSigned) { e.Seq-- },
		"itself":            func(e *ItemSigned) { e.Seq++ },
		"nothing at all":    func(e *ItemSigned) { e.Seq, e.Head = 0, "" },
	} {
		j := newSigning(t)
		j.toSign()
		e := ItemSigned{Item: "client", Role: "Client", Name: "Cleo", Seq: j.s.Seq, Head: j.s.Head}
		change(&e)
		j.add(e)
		it, _, _ := j.s.Runbook.Item("client")
		if sig := j.s.Item("client").Signed; !sig.Loose || j.s.ItemDone(it) || !strings.Contains(j.s.ItemLacks(it), "NOT bound to record") {
			t.Errorf("%s: %+v, lacks %q", name, sig, j.s.ItemLacks(it))
		}
		if last := j.s.Log[len(j.s.Log)-1]; last.Level != LevelBad {
			t.Errorf("%s: the log says %+v", name, last)
		}
		if _, err := CheckSignatures(j.recs()); err == nil {
			t.Errorf("%s: it holds", name)
		}
		// It can be withdrawn, and given anew.
		j.do(Withdraw{Item: "client", Reason: "not mine"})
	}
}

func TestAssumedIsNotSigned(t *testing.T) {
	t.Parallel()
	j := newSigning(t)
	j.toSign()
	j.add(ItemAssumed{Item: "client"})
	it, _, _ := j.s.Runbook.Item("client")
	if st := j.s.Item("client"); st.Signed != nil || !st.Assumed || !j.s.ItemDone(it) || len(j.s.Signatures()) != 0 {
		t.Errorf("%+v", st)
	}
	if last := j.s.Log[len(j.s.Log)-1].Text; last != "assumed, nobody signed as Client: It is accepted" {
		t.Errorf("the log says %q", last)
	}
	j.do(Sign{Item: "client", Name: "Cleo"})
	if st := j.s.Item("client"); st.Assumed || st.Signed == nil {
		t.Errorf("signed after all: %+v", st)
	}
}

func TestWhatTheRunAnswersOfItself(t *testing.T) {
	t.Parallel()
	j := newSigning(t)
	j.through(keptIntact)
	if a := courseAnswer(nil, j.s.Facts(), signingDay); a.Pass {
		t.Errorf("asked too early: %+v", a)
	}
	j.add(ItemTicked{Item: "works"})
	got := j.answered()
	for id, want := range map[string]string{
		"all": "2 phases done, 1 verification held", "kept": "1 protected table, each with the content of the baseline",
		"base_there": "1 count, and the content of 1 protected table", "gone": "7 rows deleted from 1 table", "tested": "2 items done",
	} {
		if a := got[id]; !a.Pass || a.Value != want {
			t.Errorf("%s: %+v, want %q", id, a, want)
		}
	}
	if j.s.CurrentAfter() != 2 {
		t.Errorf("the stage is %d", j.s.CurrentAfter())
	}
	if lines := strings.Join(j.s.Signed(), "; "); !strings.HasPrefix(lines, "2 of 2 phases committed or passed on shop; 7 rows deleted; 1 protected table") {
		t.Errorf("signed would be %q", lines)
	}
}

func TestWhatTheRunDoesNotAnswerWell(t *testing.T) {
	t.Parallel()
	changed := newSigning(t)
	changed.through(Verification{Kind: VerifyProtected, Name: "keep", Got: "another content", Rows: 2})
	changed.add(ItemAssumed{Item: "works"})
	got := changed.answered()
	for id, want := range map[string]string{"all": "phase 2: protected keep: another content", "kept": "found 0 of 1 protected table as they were"} {
		if a := got[id]; a.Pass || !strings.Contains(a.Value, want) {
			t.Errorf("%s: %+v, want %q", id, a, want)
		}
	}
	if a := got["tested"]; !a.Pass || !strings.HasSuffix(a.Value, "2 of them assumed: nobody looked") {
		t.Errorf("assumed: %+v", a)
	}
	if lines := strings.Join(changed.s.Signed(), "; "); !strings.Contains(lines, "NOT known to be intact") {
		t.Errorf("signed would be %q", lines)
	}

	unknown := newSigning(t)
	unknown.through(Verification{Kind: VerifyProtected, Name: "keep", Pass: true, Unknown: "no privilege"})
	unknown.add(ItemTicked{Item: "works"})
	if a := unknown.answered()["all"]; a.Pass {
		t.Errorf("unknown is a pass: %+v", a)
	}

	undone := newSigning(t)
	undone.through(keptIntact)
	undone.add(PhaseUndone{Phase: "users", Reason: "gone", Ledger: true}, UndoneAccepted{Phase: "users", Reason: "looked"}, ItemTicked{Item: "works"})
	got = undone.answered()
	for id, want := range map[string]string{"all": "was undone, and counts because somebody accepted it", "gone": "phase 2 is not committed as it was run"} {
		if a := got[id]; a.Pass || !strings.Contains(a.Value, want) {
			t.Errorf("%s: %+v, want %q", id, a, want)
		}
	}

	bare := newSigning(t)
	bare.through(keptIntact)
	bare.s.Baseline = &Baseline{Counts: []TableCount{{Table: "other"}}}
	if a := bare.s.baselineAnswer(); a.Pass || a.Value != "the baseline lacks users, keep" {
		t.Errorf("%+v", a)
	}
	if a := bare.s.itemsAnswer([]string{"tests"}); a.Pass || a.Value != "1 of 1 item not done: It works: not ticked" {
		t.Errorf("%+v", a)
	}
	if a := bare.s.itemsAnswer([]string{"nothing"}); a.Pass {
		t.Errorf("%+v", a)
	}
}

func notPossible(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}
