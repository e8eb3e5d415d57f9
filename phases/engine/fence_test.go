package engine_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/journal"
	"tminus/phases/report"
)

// fencedBook has a fence of each of three kinds, with items for two of them.
const fencedBook = `
tminus: 1
title: fenced
fences:
  - id: service
    title: the service
    commands:
      off: [/bin/sh, -c, 'echo stopped >service; echo off >>calls']
      on: [/bin/sh, -c, 'echo running >service; echo on >>calls']
      state: [/bin/cat, service]
      dir: DIR
  - id: workflow
    title: the workflow
    git_file: {dir: DIR/checkout, path: refill.yml, branch: main}
  - id: guards
    title: the guards
    triggers: [guard]
checklist:
  - id: before
    title: Before
    items:
      - {id: service_off, text: The service is stopped, fence: service}
      - {id: guards_off, text: The guards are off, fence: guards}
phases:
  - id: clear
    title: Clear
    risk: high
    planned: 1m
    steps: [{delete: parent}]
after:
  - id: back
    title: Back
    items: [{id: guards_back, text: The guards are back, fence: guards}]
  - id: last
    title: Last
    items: [{id: service_back, text: The service runs, fence: service}]
`

// fenced is a run of fencedBook, with what stands around it.
type fenced struct {
	*rig
	dir string
}

func newFenced(t *testing.T) *fenced {
	dir := t.TempDir()
	f := &fenced{newRig(t, smallSchema+`
		CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER guard BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION guard();
		CREATE TRIGGER guard AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION guard();
		ALTER TABLE parent ENABLE REPLICA TRIGGER guard;
		ALTER TABLE child ENABLE ALWAYS TRIGGER guard`, strings.ReplaceAll(fencedBook, "DIR", dir)), dir}
	f.write("service", "running\n")
	f.git(dir, "init", "--quiet", "--bare", "--initial-branch=main", "remote")
	f.git(dir, "clone", "--quiet", "remote", "checkout")
	f.git(filepath.Join(dir, "checkout"), "checkout", "--quiet", "-B", "main")
	f.write("checkout/refill.yml", "on: schedule\n")
	f.git(filepath.Join(dir, "checkout"), "config", "user.name", "dba")
	f.git(filepath.Join(dir, "checkout"), "config", "user.email", "dba@example")
	f.git(filepath.Join(dir, "checkout"), "add", "refill.yml")
	f.git(filepath.Join(dir, "checkout"), "commit", "--quiet", "-m", "Refill")
	f.git(filepath.Join(dir, "checkout"), "push", "--quiet", "origin", "main")
	return f
}

func (f *fenced) git(dir string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (f *fenced) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fenced) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// outside is how all that the fences are of stands now.
func (f *fenced) outside() string {
	f.t.Helper()
	var triggers string
	if err := f.conn.QueryRow(f.t.Context(), `SELECT string_agg(tgrelid::regclass || ' ' || tgenabled::text, ', ' ORDER BY tgrelid::regclass::text) FROM pg_trigger WHERE tgname = 'guard'`).Scan(&triggers); err != nil {
		f.t.Fatal(err)
	}
	return f.read("service") + "; " + f.git(filepath.Join(f.dir, "remote"), "ls-tree", "--name-only", "main") + "; " + triggers
}

const (
	allOn  = "running; refill.yml; child A, parent R"
	allOff = "stopped; refill.yml.disabled; child D, parent D"
)

// act has an item's action done, and waits for its end.
func (f *fenced) act(item string) {
	f.t.Helper()
	f.do(phases.Act{Item: item})
	f.until("the end of "+item, func(s *phases.State) bool { a := s.Item(item).Action; return a != nil && !a.Running })
	f.engine.View(func(s *phases.State) {
		if a := s.Item(item).Action; a.Error != "" {
			f.t.Fatalf("%s: %s", item, a.Error)
		}
	})
}

func (f *fenced) takeAll() {
	f.t.Helper()
	f.untilReady()
	for _, item := range []string{"service_off", "off:workflow", "guards_off"} {
		f.act(item)
	}
}

func TestFencesAreTakenInOrderAndLiftedInReverse(t *testing.T) {
	f := newFenced(t)
	f.open(engine.Settings{})
	f.untilReady()
	f.refused(phases.Act{Item: "off:workflow"}, `first comes "the service"`)
	f.refused(phases.Act{Item: "guards_back"}, "not switched off by this run")
	f.refused(phases.PassGate{Approver: "x", Typed: f.opened.Target.Database}, "held by 3 items")
	f.takeAll()
	if got := f.outside(); got != allOff {
		t.Fatalf("outside: %s", got)
	}
	f.refused(phases.Act{Item: "guards_off"}, "it is off")
	f.refused(phases.Act{Item: "service_back"}, `first comes "the guards"`)
	f.until("an open gate", func(s *phases.State) bool { return len(s.GateHolds(s.At)) == len(s.Unacknowledged()) })
	for _, finding := range f.state().Unacknowledged() {
		f.do(phases.Acknowledge{Code: finding.Code, Who: "the duty manager", Typed: finding.Code})
	}
	if line := f.state().OffLine(); !strings.HasPrefix(line, "OFF for this run since ") || !strings.HasSuffix(line, ": the service, the workflow, the guards") {
		t.Errorf("the banner: %s", line)
	}
	f.passGate()
	f.commit("clear")
	f.refused(phases.CloseRun{}, `stage "Back" is not done`)
	for _, item := range []string{"guards_back", "back:workflow", "service_back"} {
		f.act(item)
	}
	f.until("all stages done", func(s *phases.State) bool { return s.CurrentAfter() == 2 })
	f.do(phases.CloseRun{})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	if got := f.outside(); got != allOn {
		t.Errorf("outside: %s", got)
	}
	if s := f.state(); s.OffLine() != "" || s.TriggersOff || f.read("checkout/refill.yml") == "" || f.read("calls") != "off\non" {
		t.Errorf("left: %q, calls %q", s.OffLine(), f.read("calls"))
	}
}

// What somebody else enables during the phases is found, and can be switched off
// again between them; what is off already before a run is refused.
func TestAFenceThatSomebodyElseLifts(t *testing.T) {
	f := newFenced(t)
	f.open(engine.Settings{})
	f.takeAll()
	f.exec(`ALTER TABLE child ENABLE TRIGGER guard`)
	f.until("the fence seen partly off", func(s *phases.State) bool { return s.Fence("guards").Seen == phases.SeenPartly })
	f.until("the hold", func(s *phases.State) bool {
		return slices.ContainsFunc(s.GateHolds(s.At), func(h phases.Hold) bool {
			return strings.HasPrefix(h.Text, "The guards are off: found partly off: 1 of 2 disabled")
		})
	})
	f.exec(`ALTER TABLE child DISABLE TRIGGER guard`)
	f.until("the fence seen off", func(s *phases.State) bool { return s.Fence("guards").Seen == phases.SeenOff })

	f.write("service", "broken\n")
	f.do(phases.Recheck{})
	f.until("the change", func(s *phases.State) bool { return s.Fence("service").Seen == phases.SeenChanged })
	f.refused(phases.Act{Item: "service_off"}, "somebody else has changed it: it is broken, and was running")
	f.act("guards_back")
	f.act("back:workflow")
	f.do(phases.Act{Item: "service_back"})
	f.until("the refusal", func(s *phases.State) bool { a := s.Item("service_back").Action; return a != nil && a.Error != "" })
	if s := f.state(); !strings.Contains(s.Item("service_back").Action.Error, "left alone") || f.read("service") != "broken" {
		t.Errorf("overwritten: %s, %q", f.read("service"), s.Item("service_back").Action.Error)
	}
	f.do(phases.DeclareNoGo{Reason: "the service is broken", Lift: true})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	s := f.state()
	if got := s.Summary(f.path); !strings.Contains(got, "the service: changed by somebody else; it was: running") || !strings.Contains(got, "tminus restore "+f.path) {
		t.Errorf("the summary says\n%s", got)
	}
}

func TestAFenceThatIsOffAlready(t *testing.T) {
	f := newFenced(t)
	f.exec(`ALTER TABLE child DISABLE TRIGGER guard`)
	f.open(engine.Settings{})
	f.untilReady()
	f.act("service_off")
	f.act("off:workflow")
	f.do(phases.Act{Item: "guards_off"})
	f.until("the refusal", func(s *phases.State) bool { a := s.Item("guards_off").Action; return a != nil && a.Error != "" })
	if s := f.state(); !strings.Contains(s.Item("guards_off").Action.Error, "off already, before this run") || s.Fence("guards").Recorded != nil {
		t.Errorf("got %q, recorded %v", s.Item("guards_off").Action.Error, s.Fence("guards").Recorded)
	}
	f.do(phases.DeclareNoGo{Reason: "triggers", Lift: true})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	if got := f.outside(); got != "running; refill.yml; child D, parent R" {
		t.Errorf("outside: %s", got)
	}
}

// dying is a disk that ends with the n-th line of a fence's: before that line is
// written, or behind it.
type dying struct {
	journal.File
	left   int
	behind bool
}

var errDied = errors.New("the program is dead")

// Write implements io.Writer.
func (d *dying) Write(p []byte) (int, error) {
	if d.left <= 0 {
		return 0, errDied
	}
	if bytes.Contains(p, []byte(`"kind":"fence_`)) && !bytes.Contains(p, []byte(`"kind":"fence_seen"`)) {
		d.left--
		if d.left == 0 {
			if d.behind {
				if _, err := d.File.Write(p); err != nil {
					return 0, err
				}
				if err := d.File.Sync(); err != nil {
					return 0, err
				}
			}
			return 0, errDied
		}
	}
	return d.File.Write(p)
}

// Truncate implements journal.File: a dead program takes nothing back.
func (d *dying) Truncate(size int64) error {
	if d.left <= 0 {
		return errDied
	}
	return d.File.Truncate(size)
}

// allKills has each place tried in both ways, not in one of them.
var allKills = flag.Bool("kills", false, "kill at every line of a fence, and both resume and restore after each")

// TestKilledBetweenAnyTwoFences ends the program at each line that a fence writes,
// before it and behind it: taken up again, or restored, all comes back, and is
// compared.
func TestKilledBetweenAnyTwoFences(t *testing.T) {
	const lines = 6 + 6 // recorded and taken, started and lifted, of three fences
	for n := 1; n <= lines; n++ {
		for _, behind := range []bool{false, true} {
			for _, restore := range []bool{false, true} {
				if !*allKills && restore != (behind == (n%2 == 0)) {
					continue
				}
				t.Run(fmt.Sprintf("%d behind %t restore %t", n, behind, restore), func(t *testing.T) {
					t.Parallel()
					killedAt(t, n, behind, restore)
				})
			}
		}
	}
}

// TestKilledWhereFencesAreTakenAgain does the same where somebody has switched all on
// meanwhile, and they are switched off a second time.
func TestKilledWhereFencesAreTakenAgain(t *testing.T) {
	for n := 7; n <= 12; n++ { // recorded and taken once more, of three fences
		for _, behind := range []bool{false, true} {
			for _, restore := range []bool{false, true} {
				if !*allKills && restore != (behind == (n%2 == 0)) {
					continue
				}
				t.Run(fmt.Sprintf("%d behind %t restore %t", n, behind, restore), func(t *testing.T) {
					t.Parallel()
					f := newFenced(t)
					f.open(engine.Settings{}, journal.WithFile(func(file *os.File) journal.File { return &dying{file, n, behind} }))
					f.takeAll()
					f.switchOn()
					f.killed("service_off", "off:workflow", "guards_off")
					f.allBack(restore)
				})
			}
		}
	}
}

// switchOn is somebody else who brings all back, which the run sees.
func (f *fenced) switchOn() {
	f.t.Helper()
	f.write("service", "running\n")
	f.git(f.dir, "clone", "--quiet", "remote", "elsewhere")
	for _, args := range [][]string{{"mv", "refill.yml.disabled", "refill.yml"}, {"-c", "user.name=x", "-c", "user.email=x@example", "commit", "--quiet", "-m", "Refill"}, {"push", "--quiet", "origin", "main"}} {
		f.git(filepath.Join(f.dir, "elsewhere"), args...)
	}
	f.git(filepath.Join(f.dir, "checkout"), "fetch", "--quiet", "origin")
	f.exec(`ALTER TABLE parent ENABLE REPLICA TRIGGER guard; ALTER TABLE child ENABLE ALWAYS TRIGGER guard`)
	f.do(phases.Recheck{})
	f.until("all seen back", func(s *phases.State) bool {
		return !slices.ContainsFunc(s.Fences, func(f phases.FenceState) bool { return f.Seen != phases.SeenBack })
	})
}

// What was seen back, since somebody had switched it on, and is off again, comes back:
// an earlier version has switched it off again without a word, or somebody else has.
func TestRestoreLooksAgain(t *testing.T) {
	f := newFenced(t)
	f.open(engine.Settings{})
	f.takeAll()
	f.switchOn()
	f.stop(fmt.Errorf("%w: terminated", engine.ErrSignal))
	_ = f.wait()
	f.write("service", "stopped\n")
	f.exec(`ALTER TABLE child DISABLE TRIGGER guard`)
	f.restore()
	if got := f.outside(); got != allOn {
		t.Errorf("outside: %s\n%s", got, f.log())
	}
	if s := f.state(); len(s.FencesOff()) > 0 || s.TriggersOff || s.ClosedAt.IsZero() {
		t.Errorf("the journal has left: %q", s.OffLine())
	}
}

func killedAt(t *testing.T, n int, behind, restore bool) {
	f := newFenced(t)
	f.open(engine.Settings{}, journal.WithFile(func(file *os.File) journal.File { return &dying{file, n, behind} }))
	f.untilReady()
	f.killed("service_off", "off:workflow", "guards_off", "guards_back", "back:workflow", "service_back")
	f.allBack(restore)
	// Nothing was done twice: a service that stopped was started once.
	if calls := f.calls(); calls != "" && calls != "off\non" {
		t.Errorf("the commands ran as %q", calls)
	}
}

// killed has the items' actions done until the program dies.
func (f *fenced) killed(items ...string) {
	t := f.t
	t.Helper()
	for _, item := range items {
		if f.engine.Do(phases.Act{Item: item}) != nil {
			break
		}
		ended := false
		f.until("the end of "+item, func(s *phases.State) bool { // or the program's
			a := s.Item(item).Action
			select {
			case <-f.engine.Ended():
				ended = true
			default:
			}
			return ended || a != nil && !a.Running
		})
		if ended {
			break
		}
	}
	if err := f.wait(); !errors.Is(err, errDied) {
		t.Fatalf("it was to die: %v\n%s", err, f.log())
	}
	f.connect()
}

// allBack has a run that was killed restored, or taken up again, and holds that all
// is back.
func (f *fenced) allBack(restore bool) {
	t := f.t
	t.Helper()
	if restore {
		f.restore()
	} else {
		f.resume(engine.Settings{})
		f.untilReady()
		f.do(phases.DeclareNoGo{Reason: "killed", Lift: true})
		if err := f.wait(); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.outside(); got != allOn {
		t.Errorf("outside: %s\n%s", got, f.log())
	}
	s := f.state()
	if s.OffLine() != "" || s.ClosedAt.IsZero() || s.TriggersOff {
		t.Errorf("the journal has left: %q\n%s", s.OffLine(), f.log())
	}
	for _, fence := range s.Fences {
		if fence.Step == phases.FenceIsBack && fence.Found != fence.Recorded.Text {
			t.Errorf("%s was compared with %q and is %q", fence.Plan.ID, fence.Recorded.Text, fence.Found)
		}
	}
}

func (f *fenced) calls() string {
	if _, err := os.Stat(filepath.Join(f.dir, "calls")); err != nil {
		return ""
	}
	return f.read("calls")
}

// restore does what `tminus restore` does.
func (f *fenced) restore() {
	f.t.Helper()
	f.openTarget()
	defer f.target.Close()
	w, recs, torn, err := journal.OpenWriter(f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer w.Close()
	if _, err := engine.Restore(context.Background(), f.target, w, recs, engine.Restoring{Operator: f.opened.Operator, Torn: torn}); err != nil {
		f.t.Fatal(err)
	}
}

// What cannot be left changes nothing: the run can still be resumed.
func TestRestoreLeavesNoUnknownFence(t *testing.T) {
	f := newFenced(t)
	f.open(engine.Settings{})
	f.takeAll()
	f.stop(fmt.Errorf("%w: terminated", engine.ErrSignal))
	_ = f.wait()
	before, _ := os.ReadFile(f.path)
	w, recs, _, err := journal.OpenWriter(f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, err = engine.Restore(t.Context(), nil, w, recs, engine.Restoring{Operator: f.opened.Operator, Leave: []string{"service", "servcie"}, Reason: "R"})
	if err == nil || !strings.Contains(err.Error(), "servcie is no fence") {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(f.path); !bytes.Equal(before, after) || f.outside() != allOff {
		t.Errorf("something was changed:\n%s", after[len(before):])
	}
}

// A run that is closed with its fences off is restored behind its last line.
func TestAClosedRunIsRestored(t *testing.T) {
	f := newFenced(t)
	f.open(engine.Settings{})
	f.takeAll()
	f.do(phases.DeclareNoGo{Reason: "no backup"})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	if got := f.outside(); got != allOff {
		t.Fatalf("outside: %s", got)
	}
	closed := f.state()
	if !strings.Contains(f.log(), "still off, or not known to be back") {
		t.Errorf("the end does not say what is off:\n%s", f.log())
	}
	f.restore()
	f.restore() // and once more: there is nothing left to do
	if got := f.outside(); got != allOn {
		t.Errorf("outside: %s", got)
	}
	s := f.state()
	if s.Outcome != phases.NoGo || !s.ClosedAt.Equal(closed.ClosedAt) || len(s.FencesOff()) > 0 {
		t.Errorf("restored: %s, %v", s.Outcome, s.FencesOff())
	}
	sum, err := journal.Verify(f.path, phases.RunClosed{}.Kind(), phases.ClosingKinds()[1:]...)
	if err != nil || !sum.Closed {
		t.Errorf("the journal is not complete: %+v, %v", sum, err)
	}
}

// A dropped trigger comes back from its recorded definition.
func TestADroppedTriggerComesBack(t *testing.T) {
	f := newFenced(t)
	f.open(engine.Settings{})
	f.takeAll()
	f.exec(`DROP TRIGGER guard ON child`)
	f.act("guards_back")
	f.do(phases.DeclareNoGo{Reason: "enough", Lift: true})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	if got := f.outside(); got != allOn {
		t.Errorf("outside: %s", got)
	}
}

// toPhases takes a run of fencedBook through its gate.
func (f *fenced) toPhases() {
	f.t.Helper()
	f.takeAll()
	f.until("an open gate", func(s *phases.State) bool { return len(s.GateHolds(s.At)) == len(s.Unacknowledged()) })
	for _, finding := range f.state().Unacknowledged() {
		f.do(phases.Acknowledge{Code: finding.Code, Who: "the duty manager", Typed: finding.Code})
	}
	f.passGate()
}

// A trigger that somebody enables once phases have begun holds the next one, and
// can be disabled again between them. One that was made meanwhile is recorded too.
func TestATriggerEnabledDuringThePhasesHoldsTheNext(t *testing.T) {
	f := newFenced(t)
	f.source = strings.Replace(f.source, "steps: [{delete: parent}]\n", "steps: [{delete: child}]\n  - {id: second, title: Second, risk: high, planned: 1m, delete: [parent]}\n", 1)
	f.opened.Source, f.opened.SHA256 = f.source, engine.SHA256([]byte(f.source))
	f.open(engine.Settings{})
	f.toPhases()
	f.commit("clear")
	f.exec(`ALTER TABLE child ENABLE TRIGGER guard; CREATE TRIGGER guard BEFORE UPDATE ON keep FOR EACH ROW EXECUTE FUNCTION guard()`)
	f.until("the hold", func(s *phases.State) bool { return len(s.PhaseHolds(1, s.At)) > 0 })
	f.refused(phases.StartPhase{Phase: "second"}, "The guards are off: found partly off: 1 of 3 disabled")
	f.refused(phases.Act{Item: "service_off"}, "it is off")
	f.act("guards_off")
	f.until("an open way", func(s *phases.State) bool { return len(s.PhaseHolds(1, s.At)) == 0 })
	f.commit("second")
	f.refused(phases.Act{Item: "guards_off"}, "the checklist is closed")
	for _, item := range []string{"guards_back", "back:workflow", "service_back"} {
		f.act(item)
	}
	f.until("all stages done", func(s *phases.State) bool { return s.CurrentAfter() == 2 })
	f.do(phases.CloseRun{})
	if err := f.wait(); err != nil {
		t.Fatal(err)
	}
	if got := f.outside(); got != "running; refill.yml; child A, keep O, parent R" {
		t.Errorf("outside: %s", got)
	}
	recs, err := journal.Read(f.path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Build(recs)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Deviations, func(l report.Line) bool { return strings.Contains(l.Text, "fence: the guards: partly off") }) {
		t.Errorf("deviations: %+v", r.Deviations)
	}
	if len(r.Fences) != 3 || !r.Fences[2].Compared || r.Fences[2].State != "back" {
		t.Errorf("fences: %+v", r.Fences)
	}
}

// An abort out of an open phase brings all back before the run is closed; the
// program that leaves meanwhile leaves that to whoever takes the run up.
func TestAnAbortBringsAllBack(t *testing.T) {
	for name, leave := range map[string]bool{"stays": false, "leaves": true} {
		t.Run(name, func(t *testing.T) {
			f := newFenced(t)
			if leave { // switching on takes as long as somebody needs to leave
				f.source = strings.Replace(f.source, "on: [/bin/sh, -c, 'echo running", "on: [/bin/sh, -c, 'touch began; while [ -e slow ]; do read -r x <hold; done; echo running", 1)
				f.opened.Source, f.opened.SHA256 = f.source, engine.SHA256([]byte(f.source))
				f.write("slow", "")
				if out, err := exec.Command("mkfifo", filepath.Join(f.dir, "hold")).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			f.open(engine.Settings{})
			f.toPhases()
			f.do(phases.StartPhase{Phase: "clear"})
			f.untilStatus("clear", phases.PhaseHolding)
			f.refused(phases.Act{Item: "guards_back"}, "a phase is open")
			f.do(phases.Abort{Reason: "out of time", Lift: true})
			if leave {
				f.until("the last fence", func(s *phases.State) bool { return s.Fence("service").Step == phases.FenceBeingLifted })
				if err := f.leave(); err != nil {
					t.Fatal(err)
				}
				if s := f.state(); !s.ClosedAt.IsZero() || !s.WantsLift() || s.Fence("guards").Step != phases.FenceIsBack {
					t.Fatalf("left: closed %s, %+v", s.ClosedAt, s.Fences)
				}
				if err := os.Remove(filepath.Join(f.dir, "slow")); err != nil {
					t.Fatal(err)
				}
				f.resume(engine.Settings{})
			}
			if err := f.wait(); err != nil {
				t.Fatal(err)
			}
			s := f.state()
			if got := f.outside(); got != allOn || s.Outcome != phases.Aborted || s.ClosedAt.IsZero() || f.rows("parent") != 5000 {
				t.Errorf("outside: %s; %s, closed %s\n%s", got, s.Outcome, s.ClosedAt, f.log())
			}
			if strings.Contains(s.Summary(f.path), "tminus restore") {
				t.Errorf("the summary says\n%s", s.Summary(f.path))
			}
		})
	}
}
