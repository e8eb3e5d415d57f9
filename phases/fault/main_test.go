package fault

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tminus/db/sandbox"
)

var (
	all    = flag.Bool("all", false, "run every trial, not a selection")
	only   = flag.String("only", "", "run only trials whose kind or name holds this text")
	update = flag.String("table", "", "write the table of results into this file, between its markers")
)

func TestMain(m *testing.M) {
	if order := os.Getenv(childOrder); order != "" {
		os.Exit(child(order))
	}
	flag.Parse()
	os.Exit(m.Run())
}

// workers is how many trials run at the same time; most of a trial is waiting.
const workers = 4

// TestFaults runs the trials: a selection that is quick, or with -all every one.
func TestFaults(t *testing.T) {
	h := newHarness(t)
	faults := h.collect()
	if *only == "" && *update == "" {
		checkTable(t, "../../docs/safety.md", faults)
	}
	if *only == "" && !*all {
		faults = selection(faults)
	}
	if _, err := h.binary(); err != nil { // no trial is to wait for it
		t.Fatal(err)
	}
	results := h.runAll(faults)
	for _, r := range results {
		for _, err := range r.trial.wrong {
			t.Errorf("%s: %s: %v\n%s", r.kind, r.name, err, r.trial.story())
		}
	}
	table := tabulate(faults, results)
	t.Logf("%s\n%s", summary(results), table)
	if *update != "" && *all && *only == "" && !t.Failed() {
		if err := writeTable(*update, table); err != nil {
			t.Fatal(err)
		}
	}
}

// selection keeps what belongs to every selection, and of each kind's other
// trials an evenly spaced few.
func selection(faults []fault) []fault {
	count, index := map[string]int{}, map[string]int{}
	for _, f := range faults {
		count[f.kind]++
	}
	var out []fault
	for _, f := range faults {
		i := index[f.kind]
		index[f.kind]++
		every := max(1, count[f.kind]/2)
		if f.smoke || i%every == every/2 {
			out = append(out, f)
		}
	}
	return out
}

// harness has what trials share.
type harness struct {
	t      *testing.T
	folder string
	book   string          // the runbook's file, for the real program
	shared *sandbox.Server // never crashes
	binary func() (string, error)

	mu     sync.Mutex
	places int
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{t: t, folder: t.TempDir()}
	h.book = filepath.Join(h.folder, "fault.yaml")
	if err := os.WriteFile(h.book, []byte(book), 0o600); err != nil {
		t.Fatal(err)
	}
	h.shared = h.serve(nil)
	h.binary = sync.OnceValues(h.build)
	return h
}

func (h *harness) serve(extra map[string]string) *sandbox.Server {
	h.t.Helper()
	set := map[string]string{"autovacuum": "off", "max_connections": "200"}
	for k, v := range extra {
		set[k] = v
	}
	s, err := sandbox.Start(h.t.Context(), sandbox.Options{Settings: set})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = s.Stop() })
	return s
}

// build makes the real program, once.
func (h *harness) build() (string, error) {
	path := filepath.Join(h.folder, "tminus")
	cmd := exec.Command("go", "build", "-o", path, "tminus")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, out)
	}
	return path, nil
}

func (h *harness) place(s *sandbox.Server) *place {
	h.mu.Lock()
	h.places++
	name := fmt.Sprintf("fault_%d", h.places)
	h.mu.Unlock()
	p, err := newPlace(context.WithoutCancel(h.t.Context()), s, name, h.folder)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(p.close)
	return p
}

// collect makes all trials from a clean run, in an order that never changes.
func (h *harness) collect() []fault {
	clean := h.cleanRun()
	var out []fault
	for _, more := range [][]fault{
		wireFaults(clean), otherSessionFaults(), lateFaults(),
		h.killFaults(clean), h.statementFaults(), childFaults(clean), h.commitKillFaults(),
		backendFaults(), reuseFaults(), serverFaults(), h.operatorFaults(clean),
		diskFaults(clean), fileFaults(clean), fullDiskFaults(), clockFaults(), h.signalFaults(clean), h.terminalFaults(clean),
		h.backupFaults(), ledgerFaults(), noLedgerFaults(),
		changeFaults(), furtherFaults(), sessionFaults(), h.pastFaults(), h.putBackFaults(), swallowedFaults(), h.staleFaults(clean),
		silenceFaults(clean), connectionFaults(), verdictFaults(clean), commandFaults(), swappedFaults(), overwriteFaults(clean),
		capsuleFaults(), capsuleDiskFaults(), h.undoFaults(), h.trialFaults(), h.wayFaults(), h.indexFaults(),
	} {
		out = append(out, more...)
	}
	if *only != "" {
		out = slices.DeleteFunc(out, func(f fault) bool { return !strings.Contains(f.kind+" "+f.name, *only) })
	}
	return out
}

// result is what came of one fault.
type result struct {
	fault
	trial *trial
	took  time.Duration
}

// runAll runs the trials: those that leave their server alone side by side,
// those that crash it each on a server of the worker's own.
func (h *harness) runAll(faults []fault) []result {
	results := make([]result, len(faults))
	var quiet, crashing []int
	for i, f := range faults {
		if f.crashes {
			crashing = append(crashing, i)
		} else {
			quiet = append(quiet, i)
		}
	}
	var work sync.WaitGroup
	run := func(p *place, queue chan int) {
		for i := range queue {
			began := time.Now()
			results[i] = result{faults[i], try(h.t.Context(), p, faults[i]), time.Since(began)}
		}
	}
	start := func(n int, list []int, on func() *sandbox.Server) {
		queue := make(chan int, len(list))
		for _, i := range list {
			queue <- i
		}
		close(queue)
		for range min(n, len(list)) {
			p := h.place(on())
			work.Go(func() { run(p, queue) }) // ends with the queue
		}
	}
	some := workers
	if *all {
		some *= 2 // it is long, and nobody else is at work
	}
	start(some, quiet, func() *sandbox.Server { return h.shared })
	start(2, crashing, func() *sandbox.Server {
		// What is not committed is not written early either: so a crash takes
		// the transaction's ID back, which is the hardest case.
		return h.serve(map[string]string{"wal_writer_delay": "10s"})
	})
	work.Wait()
	return results
}
