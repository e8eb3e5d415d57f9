package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
)

// beforeBook has the index made before its gate that child's key lacks.
const beforeBook = `
tminus: 1
title: before
indexes: WAY
vacuum: off
phases:
  - {id: clear, title: Clear, risk: high, planned: 1m, lock_wait: 5s, delete: [parent], zero: [child]}
  - {id: rest, title: Rest, planned: 1m, count: [parent]}
`

// lacking is smallSchema without that index, and its tables said to be large.
const lacking = smallSchema + `DROP INDEX child_parent_id_idx; UPDATE pg_class SET reltuples = 3000000 WHERE relname IN ('parent', 'child');`

type indexed struct {
	*fenced
	was string
}

func newIndexed(t *testing.T, way string) *indexed {
	t.Helper()
	r := newRig(t, lacking, strings.ReplaceAll(beforeBook, "WAY", way))
	x := &indexed{fenced: &fenced{rig: r}}
	x.was = x.catalog()
	r.open(engine.Settings{LookAgain: 100 * time.Millisecond})
	r.untilReady()
	return x
}

// catalog is every relation and index there is, as the server defines it.
func (x *indexed) catalog() string {
	x.t.Helper()
	var out string
	if err := x.conn.QueryRow(x.t.Context(), `SELECT string_agg(concat_ws(' ', c.relname, c.relkind, i.indisvalid, pg_get_indexdef(i.indexrelid)), E'\n' ORDER BY c.relname)
		FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace`).Scan(&out); err != nil {
		x.t.Fatal(err)
	}
	return out
}

// more are the lines of the catalog that were not there before the run.
func (x *indexed) more() []string {
	x.t.Helper()
	return slices.DeleteFunc(strings.Split(x.catalog(), "\n"), func(l string) bool { return slices.Contains(strings.Split(x.was, "\n"), l) })
}

func (x *indexed) asBefore() {
	x.t.Helper()
	if got := x.catalog(); got != x.was {
		x.t.Errorf("the catalog is\n%s\nand was\n%s", got, x.was)
	}
}

// failing has an item's action done that fails, and gives its error.
func (x *indexed) failing(item string) string {
	x.t.Helper()
	x.do(phases.Act{Item: item})
	x.until("the end of "+item, func(s *phases.State) bool { a := s.Item(item).Action; return a != nil && !a.Running })
	var failed string
	x.engine.View(func(s *phases.State) { failed = s.Item(item).Action.Error })
	if failed == "" {
		x.t.Fatalf("%s did not fail", item)
	}
	return failed
}

// passGate takes the run through its gate, once that is open.
func (x *indexed) passGate() {
	x.t.Helper()
	x.until("an open gate", func(s *phases.State) bool { return len(s.GateHolds(s.At)) == 0 })
	x.fenced.passGate()
}

// built reports whether a phase made an index in its transaction.
func (x *indexed) built() bool { return strings.Contains(x.log(), "it goes before COMMIT") }

const (
	makeThem = "indexes:made"
	dropThem = "indexes:gone"
)

// An index that is made before the gate holds it until it is there, is of use to the
// phase, which makes none itself, and is gone after the run. A program that takes
// the run up meanwhile knows of it, and what was surveyed is as it was.
func TestIndexesAreMadeBeforeTheGate(t *testing.T) {
	x := newIndexed(t, "before")
	x.until("an answer", func(s *phases.State) bool { return s.Item(makeThem).Check != nil })
	x.refused(phases.PassGate{Approver: "x", Typed: x.opened.Target.Database}, "held by 1 item: The indexes that foreign keys lack are made: found not made yet")
	x.refused(phases.Act{Item: dropThem}, "this run has made none")
	x.act(makeThem)
	made := x.more()
	if len(made) != 1 || !strings.HasPrefix(made[0], "tminus_") || !strings.Contains(made[0], " i t CREATE INDEX tminus_") || !strings.HasSuffix(made[0], " ON public.child USING btree (parent_id)") {
		t.Fatalf("made: %q", made)
	}
	survey := x.state().Survey
	x.refused(phases.Act{Item: makeThem}, "it is made")
	x.refused(phases.Act{Item: dropThem}, "the phases need them")
	if err := x.leave(); err != nil {
		t.Fatal(err)
	}
	x.resume(engine.Settings{})
	x.untilReady()
	s := x.state()
	if len(s.Survey.PhaseWays) != 1 || !slices.EqualFunc(s.Survey.PhaseWays[0].Indexes, survey.PhaseWays[0].Indexes, func(a, b phases.PhaseIndex) bool { return a.String() == b.String() }) || !s.Survey.PhaseWays[0].Indexes[0].Before {
		t.Errorf("surveyed again: %+v", s.Survey.PhaseWays)
	}
	if differs := survey.Schema.Differs(*s.Survey.Schema); differs != nil { // what was rehearsed would be refused
		t.Errorf("the tables are taken for others: %q", differs)
	}
	if line := s.OffLine(); line != "MADE for this run: the indexes, until its end" {
		t.Errorf("the banner: %s", line)
	}
	x.passGate()
	x.commit("clear")
	if x.built() {
		t.Errorf("the phase made one of its own:\n%s", x.log())
	}
	x.do(phases.StartPhase{Phase: "rest"})
	x.untilStatus("rest", phases.PhaseIsPassed)
	x.refused(phases.CloseRun{}, `stage "Indexes of the run" is not done`)
	x.act(dropThem)
	x.until("the stage done", func(s *phases.State) bool { return s.CurrentAfter() == 1 })
	x.do(phases.CloseRun{})
	if err := x.wait(); err != nil {
		t.Fatal(err)
	}
	x.asBefore()
}

// What is kept has the name that the server would have given it; the catalog has
// that index more, and nothing else.
func TestIndexesThatAreKept(t *testing.T) {
	x := newIndexed(t, "keep")
	x.act(makeThem)
	x.passGate()
	x.commit("clear")
	x.do(phases.StartPhase{Phase: "rest"})
	x.untilStatus("rest", phases.PhaseIsPassed)
	x.act(dropThem)
	if got := x.more(); len(got) != 1 || got[0] != "child_parent_id_idx i t CREATE INDEX child_parent_id_idx ON public.child USING btree (parent_id)" {
		t.Errorf("kept: %q", got)
	}
	if w := x.state().Indexes().Word(); w != "kept" {
		t.Errorf("they are %s", w)
	}
}

// However a run ends, what it made goes: by NO-GO, by an abort, and by restore
// where its program is gone.
func TestIndexesGoWithTheRun(t *testing.T) {
	for name, end := range map[string]func(*indexed){
		"NO-GO": func(x *indexed) { x.do(phases.DeclareNoGo{Reason: "no", Lift: true}) },
		"abort": func(x *indexed) {
			x.passGate()
			x.do(phases.StartPhase{Phase: "clear"})
			x.untilStatus("clear", phases.PhaseHolding)
			x.do(phases.Abort{Reason: "no", Lift: true})
		},
		"restore": func(x *indexed) {
			if err := x.leave(); err != nil {
				x.t.Fatal(err)
			}
			w, recs, torn, err := journal.OpenWriter(x.path)
			if err != nil {
				x.t.Fatal(err)
			}
			defer w.Close()
			x.openTarget()
			if _, err := engine.Restore(x.t.Context(), x.target, w, recs, engine.Restoring{Operator: x.opened.Operator, Torn: torn}); err != nil {
				x.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newIndexed(t, "before")
			x.act(makeThem)
			end(x)
			if err := x.wait(); err != nil {
				t.Fatal(err)
			}
			x.asBefore()
			if s := x.state(); s.ClosedAt.IsZero() || len(s.FencesOff()) > 0 {
				t.Errorf("left: %v", s.FenceLines(x.path))
			}
		})
	}
}

// Somebody's transaction keeps an index from being made: it is named, waited for no
// longer than the phase waits for its locks, and what is left is seen. Waived, the
// phase makes its own; at the end nothing is left of either.
func TestAnIndexThatOthersKeepFromBeingMade(t *testing.T) {
	t.Parallel()
	x := newIndexed(t, "before")
	x.exec(`BEGIN; INSERT INTO keep VALUES (1000); LOCK TABLE child IN ROW EXCLUSIVE MODE`)
	x.do(phases.Act{Item: makeThem})
	x.until("who is in the way", func(s *phases.State) bool {
		a := s.Item(makeThem).Action
		return strings.Contains(a.Progress.What, "make index 1 of 1, on child: ") && strings.Contains(a.Progress.What, ", session ") && strings.HasSuffix(a.Progress.What, ", is in the way") || !a.Running
	})
	x.do(phases.CancelAction{Item: makeThem})
	x.until("the end of it", func(s *phases.State) bool { return !s.Item(makeThem).Action.Running })
	if a := x.state().Item(makeThem).Action; !a.Cancelled || !strings.HasPrefix(a.Error, "make them: cancelled by ") {
		t.Errorf("cancelled: %+v", a)
	}
	if failed := x.failing(makeThem); !strings.Contains(failed, "others did not let go of it within 5.0 s: session ") {
		t.Errorf("it said: %s", failed)
	}
	x.exec(`ROLLBACK`)
	if err := x.leave(); err != nil {
		t.Fatal(err)
	}
	x.resume(engine.Settings{})
	x.untilReady()
	x.do(phases.Waive{Item: makeThem, Who: "DBA", Reason: "the window"})
	x.passGate()
	x.commit("clear")
	if !x.built() {
		t.Errorf("the phase made none:\n%s", x.log())
	}
	x.do(phases.StartPhase{Phase: "rest"})
	x.untilStatus("rest", phases.PhaseIsPassed)
	if s := x.state(); len(s.FencesOff()) > 0 {
		x.act(dropThem)
	}
	x.until("the stage done", func(s *phases.State) bool { return s.CurrentAfter() == 1 })
	x.asBefore()
}

// What a cut left is not valid: it is found by the next program, dropped and made
// again, when somebody asks for that.
func TestAnIndexThatWasCutOffIsMadeAgain(t *testing.T) {
	x := newIndexed(t, "before")
	x.act(makeThem)
	x.exec(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT oid FROM pg_class WHERE relname LIKE 'tminus%')`)
	x.until("it seen", func(s *phases.State) bool { return s.Indexes().Seen == phases.SeenPartly })
	x.until("the hold", func(s *phases.State) bool { return len(s.GateHolds(s.At)) == 1 })
	x.act(makeThem)
	if got := x.more(); len(got) != 1 || !strings.Contains(got[0], " i t CREATE") {
		t.Errorf("made again: %q", got)
	}
	// Another one under its name is nobody's to drop.
	name, _, _ := strings.Cut(x.more()[0], " ")
	x.exec(`DROP INDEX ` + name + `; CREATE INDEX ` + name + ` ON child (parent_id) WHERE id > 5`)
	x.until("it seen", func(s *phases.State) bool { return s.Indexes().Seen == phases.SeenChanged })
	x.do(phases.DeclareNoGo{Reason: "no", Lift: true})
	if err := x.wait(); err != nil {
		t.Fatal(err)
	}
	if got := x.more(); len(got) != 1 || !strings.HasSuffix(got[0], "WHERE (id > 5)") {
		t.Errorf("left: %q", got)
	}
	if s := x.state(); !strings.Contains(s.Indexes().Failed, "somebody else has changed it") {
		t.Errorf("it says: %s", s.Indexes().Failed)
	}
}

// An index that is gone when a phase starts, it makes itself; one that cannot be
// made says why.
func TestAPhaseMakesWhatIsNotThere(t *testing.T) {
	x := newIndexed(t, "before")
	x.act(makeThem)
	x.passGate()
	name, _, _ := strings.Cut(x.more()[0], " ")
	x.exec(`DROP INDEX ` + name)
	x.commit("clear")
	if !x.built() {
		t.Errorf("the phase made none:\n%s", x.log())
	}
	x.asBefore()

	x = newIndexed(t, "before")
	x.exec(`ALTER TABLE child RENAME TO gone`)
	if failed := x.failing(makeThem); !strings.Contains(failed, "child") || !strings.Contains(failed, "does not exist") {
		t.Errorf("it said: %s", failed)
	}
}
