package fence_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tminus/db/gym/services"
	"tminus/phases"
	"tminus/phases/engine/fence"
	"tminus/phases/journal"
	"tminus/phases/runbook"
)

// rig is a run with one fence, folded as any reader folds it.
type rig struct {
	t     *testing.T
	state *phases.State
	place fence.Place
}

// newRig makes one of a fence as a runbook has it, behind its id and its title.
func newRig(t *testing.T, kind string) *rig {
	t.Helper()
	source := "tminus: 1\ntitle: t\nfences:\n  - id: f\n    title: the fence\n    " + kind + "\nphases:\n  - {id: p, title: P, risk: high, planned: 1m, delete: [t]}\n"
	if _, err := runbook.Parse("t.yaml", []byte(source)); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, state: &phases.State{}, place: fence.Place{RunID: "run-1", Title: "t", Until: time.Now().Add(time.Hour), Longest: time.Hour}}
	r.record(phases.RunOpened{RunID: "run-1", File: "t.yaml", Source: source})
	return r
}

func (r *rig) record(events ...phases.Event) error {
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := r.state.Apply(journal.Record{Seq: r.state.Seq + 1, At: time.Now(), Kind: e.Kind(), Data: data}); err != nil {
			r.t.Fatal(err)
		}
	}
	return nil
}

func (r *rig) job() *fence.Job {
	r.t.Helper()
	f := r.state.Fence("f")
	kind, err := fence.Open(f.Plan, r.place)
	if err != nil {
		r.t.Fatal(err)
	}
	return &fence.Job{Kind: kind, State: *f, By: "dba", Record: r.record}
}

func (r *rig) take() error { return r.job().Take(r.t.Context()) }
func (r *rig) lift() error { return r.job().Lift(r.t.Context()) }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) fails(err error, want string) {
	r.t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		r.t.Errorf("got %v, want %q", err, want)
	}
}

// word is how the fence stands after a look at it.
func (r *rig) word() string {
	r.t.Helper()
	seen := r.job().Look(r.t.Context())
	r.must(r.record(seen))
	return r.state.Fence("f").Word()
}

// log is what the run's log says.
func (r *rig) log() string {
	var out strings.Builder
	for _, l := range r.state.Log {
		out.WriteString(l.Text + "\n")
	}
	return out.String()
}

func TestEveryKindOfFenceIsKnown(t *testing.T) {
	book, _, err := runbook.Load("../../../testdata/runbooks/good/fences.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range book.Fences {
		if _, err := fence.Open(&book.Fences[i], fence.Place{}); err != nil {
			t.Error(err)
		}
	}
	if _, err := fence.Open(&runbook.Fence{ID: "later"}, fence.Place{}); err == nil || !strings.Contains(err.Error(), `"later"`) {
		t.Errorf("a kind of a later version: %v", err)
	}
}

// github is a stand-in for its API.
type github struct {
	state   string
	status  int // of every answer; 0: as it should be
	body    string
	to      string // where it redirects to; empty: nowhere
	changes int
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case g.to != "":
		http.Redirect(w, r, g.to, http.StatusFound)
	case r.Header.Get("Authorization") != "Bearer top-secret":
		w.WriteHeader(http.StatusUnauthorized)
	case g.status != 0:
		w.WriteHeader(g.status)
		fmt.Fprint(w, g.body)
	case r.Method == http.MethodPut:
		g.changes++
		g.state = map[string]string{"disable": "disabled_manually", "enable": "active"}[filepath.Base(r.URL.Path)]
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/repos/gym/app/actions/workflows/refill.yml":
		fmt.Fprintf(w, `{"state": %q}`, g.state)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestAWorkflowIsDisabledAndEnabled(t *testing.T) {
	g := &github{state: "active"}
	server := httptest.NewServer(g)
	defer server.Close()
	r := newRig(t, "github_workflow: {repository: gym/app, workflow: refill.yml, token: FENCE_TOKEN, url: '"+server.URL+"'}")
	r.fails(r.take(), "the variable FENCE_TOKEN is not set")
	t.Setenv("FENCE_TOKEN", "top-secret")
	r.must(r.take())
	if g.state != "disabled_manually" || r.word() != "off" {
		t.Errorf("taken: %s, %s", g.state, r.word())
	}
	r.must(r.take()) // it is off: nothing is done twice
	r.must(r.lift())
	if g.state != "active" || r.word() != "back" || g.changes != 2 {
		t.Errorf("lifted: %s, %s, %d changes", g.state, r.word(), g.changes)
	}
	// Another program's doing is found, and left alone.
	r.must(r.take())
	g.state = "disabled_inactivity"
	if r.word() != "changed by somebody else" {
		t.Errorf("changed: %s", r.word())
	}
	if err := r.lift(); !errors.Is(err, fence.ErrChanged) || g.changes != 3 {
		t.Errorf("lifted: %v, %d changes", err, g.changes)
	}
	// A state that is none to bring back is not taken, nor is one that is off already.
	for state, want := range map[string]string{"disabled_inactivity": "nor a state that can be brought back", "disabled_manually": "off already, before this run"} {
		fresh := newRig(t, "github_workflow: {repository: gym/app, workflow: refill.yml, token: FENCE_TOKEN, url: '"+server.URL+"'}")
		g.state = state
		fresh.fails(fresh.take(), want)
		if fresh.state.Fence("f").Recorded != nil || g.state != state {
			t.Errorf("%s was taken", state)
		}
	}
}

// What answers badly is unknown, and the token goes nowhere else.
func TestAServerThatAnswersBadly(t *testing.T) {
	t.Setenv("FENCE_TOKEN", "top-secret")
	var stolen atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stolen.Add(1)
		t.Errorf("another host was asked, with %q", r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	g := &github{state: "active"}
	server := httptest.NewServer(g)
	defer server.Close()
	r := newRig(t, "github_workflow: {repository: gym/app, workflow: refill.yml, token: FENCE_TOKEN, url: '"+server.URL+"'}")
	r.must(r.take())
	for name, c := range map[string]struct {
		change func()
		want   string
	}{
		"an error":      {func() { g.status, g.body = 500, "top-secret \x1b[31mbroken\x1b[0m" }, "status 500"},
		"a redirect":    {func() { g.to = thief.URL + "/steal" }, "redirect"},
		"no JSON":       {func() { g.status, g.body = 200, "<html>" }, "not the JSON"},
		"too much":      {func() { g.status, g.body = 200, strings.Repeat(" ", 1<<20)+"{}" }, "longer than"},
		"another shape": {func() { g.status, g.body = 200, `{"message": "Not Found"}` }, "has no state"},
	} {
		g.status, g.body, g.to = 0, "", ""
		c.change()
		seen := r.job().Look(t.Context())
		if seen.Sight != phases.SeenUnknown || !strings.Contains(seen.Error, c.want) {
			t.Errorf("%s: %+v", name, seen)
		}
		r.fails(r.lift(), "nothing was changed")
		if log := r.log() + seen.Error; strings.Contains(log, "top-secret") || strings.Contains(log, "\x1b") {
			t.Errorf("%s: it says %q", name, log)
		}
	}
	if g.changes != 1 || stolen.Load() > 0 {
		t.Errorf("%d changes, %d requests elsewhere", g.changes, stolen.Load())
	}
}

func TestASilenceIsMadeFoundAndExpired(t *testing.T) {
	around, err := services.Start(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer around.Close()
	silences := func() (out []map[string]any) {
		resp, err := http.Get(around.URL() + "/alertmanager/api/v2/silences")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(out, func(s map[string]any) bool {
			return s["status"].(map[string]any)["state"] == "expired"
		})
	}
	kind := "alertmanager: {url: '" + around.URL() + "/alertmanager', matchers: ['service=\"gym\"', 'severity=~\"page|ticket\"', 'team!=night', 'zone!~\"test.*\"']}"
	other := newRig(t, kind)
	other.place.RunID = "run-2"
	other.must(other.take())
	r := newRig(t, kind)
	r.must(r.take())
	if all := silences(); len(all) != 2 || all[1]["createdBy"] != "tminus run-1 f" {
		t.Fatalf("silences: %v", all)
	}
	// A program that died before it had noted that finds its silence again.
	dead := newRig(t, kind)
	dead.must(dead.record(phases.FenceRecorded{Fence: "f", Mark: phases.FenceMark{Text: "not silenced by this run"}}))
	dead.must(dead.take())
	if len(silences()) != 2 || dead.word() != "off" {
		t.Errorf("it was made twice: %v", silences())
	}
	// One that ends before the abort limit is made longer.
	r.place.Until = r.place.Until.Add(2 * time.Hour)
	r.place.Longest = 3 * time.Hour
	if r.word() != "partly off" {
		t.Errorf("too short: %s", r.word())
	}
	r.must(r.take())
	if r.word() != "off" || len(silences()) != 2 {
		t.Errorf("made longer: %s, %v", r.word(), silences())
	}
	r.must(r.lift())
	if all := silences(); len(all) != 1 || all[0]["createdBy"] != "tminus run-2 f" {
		t.Errorf("left: %v", all)
	}
}

// A silence that is yet to begin by Alertmanager's clock silences nothing.
func TestASilenceThatHasNotBegun(t *testing.T) {
	around, err := services.Start(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer around.Close()
	r := newRig(t, "alertmanager: {url: '"+around.URL()+"/alertmanager', matchers: [service=gym]}")
	r.must(r.record(phases.FenceRecorded{Fence: "f", Mark: phases.FenceMark{Text: "not silenced by this run"}}))
	later := `{"matchers": [{"name": "service", "value": "gym", "isEqual": true}], "createdBy": "tminus run-1 f", "comment": "t", "startsAt": "` +
		time.Now().Add(30*time.Minute).UTC().Format(time.RFC3339) + `", "endsAt": "` + time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339) + `"}`
	resp, err := http.Post(around.URL()+"/alertmanager/api/v2/silences", "application/json", strings.NewReader(later))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if word := r.word(); word != "partly off" || !strings.Contains(r.state.Fence("f").Found, "yet to begin") {
		t.Errorf("it is %s: %s", word, r.state.Fence("f").Found)
	}
	r.must(r.take())
	if word := r.word(); word != "off" {
		t.Errorf("it is %s: %s", word, r.state.Fence("f").Found)
	}
	r.must(r.lift())
	if word := r.word(); word != "back" {
		t.Errorf("it is %s: %s", word, r.state.Fence("f").Found)
	}
}

func TestFailoverIsPausedAndResumed(t *testing.T) {
	config := `{"ttl": 30}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			var patch map[string]any
			if err := json.NewDecoder(r.Body).Decode(&patch); err != nil || r.URL.Path != "/config" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			config = `{"ttl": 30}`
			if patch["pause"] == true {
				config = `{"ttl": 30, "pause": true}`
			}
		}
		fmt.Fprint(w, config)
	}))
	defer server.Close()
	r := newRig(t, "patroni: {url: '"+server.URL+"/'}")
	r.must(r.take())
	if !strings.Contains(config, "pause") {
		t.Errorf("taken: %s", config)
	}
	r.must(r.lift())
	if config != `{"ttl": 30}` {
		t.Errorf("lifted: %s", config)
	}
}

// programs puts scripts on PATH, before all others.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ncd "+dir+"\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func TestADeploymentGoesToNoneAndBack(t *testing.T) {
	dir := programs(t, map[string]string{"kubectl": `echo "$@" >>calls
echo "Warning: v1 is deprecated" >&2
case "$*" in
*get*) cat count;;
*--replicas=*) for a; do case $a in --replicas=*) printf %s "${a#--replicas=}" >count;; esac; done;;
esac`})
	count := func(n string) {
		if err := os.WriteFile(filepath.Join(dir, "count"), []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "count"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	count("1200")
	r := newRig(t, "deployment: {name: workers, namespace: gym, context: prod}")
	r.must(r.take())
	if is() != "0" || r.state.Fence("f").Recorded.Text != "1,200 replicas" {
		t.Errorf("taken: %s, recorded %v", is(), r.state.Fence("f").Recorded)
	}
	// A second program that takes up the run must not take 0 for the count.
	again := newRig(t, "deployment: {name: workers, namespace: gym, context: prod}")
	again.must(again.record(phases.FenceRecorded{Fence: "f", Mark: *r.state.Fence("f").Recorded}))
	again.must(again.take())
	again.must(again.lift())
	if is() != "1200" {
		t.Errorf("lifted: %s", is())
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || !strings.Contains(string(calls), "--context=prod --namespace=gym scale deployment workers --current-replicas=0 --replicas=1200") {
		t.Errorf("called as %s (%v)", calls, err)
	}
	// Somebody else has scaled it meanwhile.
	count("1200")
	r = newRig(t, "deployment: {name: workers}")
	r.must(r.take())
	count("5")
	if err := r.lift(); !errors.Is(err, fence.ErrChanged) || is() != "5" {
		t.Errorf("lifted over it: %v, %s", err, is())
	}
	count("none\x1b[2J")
	if seen := r.job().Look(t.Context()); seen.Sight != phases.SeenUnknown || strings.Contains(seen.Error, "\x1b") {
		t.Errorf("no count: %+v", seen)
	}
}

func TestAWorkflowByGH(t *testing.T) {
	dir := programs(t, map[string]string{"gh": `echo "A new release of gh is available" >&2
case "$*" in
*/disable*) echo disabled_manually >state;;
*/enable*) echo active >state;;
*--jq*) cat state;;
esac`})
	if err := os.WriteFile(filepath.Join(dir, "state"), []byte("active\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, "github_workflow: {repository: gym/app, workflow: refill.yml, by: gh}")
	r.must(r.take())
	if r.state.Fence("f").Taken.Text != "disabled_manually" {
		t.Errorf("taken: %+v", r.state.Fence("f").Taken)
	}
	r.must(r.lift())
	if r.word() != "back" {
		t.Errorf("lifted: %s", r.word())
	}
}

func TestCommandsThatMisbehave(t *testing.T) {
	dir := programs(t, map[string]string{
		"state": `cat is`, "off": `echo off >is`, "on": `echo on >is`, "nothing": `:`,
		"fails": `echo half >is; echo "no \033[31mpermission" >&2; exit 3`, "hangs": `echo half >is; sleep 600 & sleep 600`,
		"restless": `date +%s%N`, "floods": `head -c 300000 /dev/zero | tr '\0' x`, "binary": `printf '\001\033]0;title\007 on \377'`,
	})
	set := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "is"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		kind, want string
		recorded   bool
	}{
		"off does nothing": {"commands: {off: [nothing], on: [on], state: [state], limit: 10s}", "it was off already", true},
		"off fails":        {"commands: {off: [fails], on: [on], state: [state]}", "ended with exit code 3", true},
		"off hangs":        {"commands: {off: [hangs], on: [on], state: [state], limit: 5s}", "not done within its limit", true},
		"restless":         {"commands: {off: [off], on: [on], state: [restless]}", "another although nothing was done", false},
		"no state":         {"commands: {off: [off], on: [on], state: [nothing]}", "prints no state", false},
		"too much":         {"commands: {off: [off], on: [on], state: [floods]}", "longer than", false},
		"no variable":      {"commands: {off: [off], on: [on], state: [state], env: [FENCE_NOWHERE]}", "has no variable FENCE_NOWHERE", false},
		"no program":       {"commands: {off: [off], on: [on], state: [nosuchprogram]}", `there is no command "nosuchprogram"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			set("on\n")
			r := newRig(t, c.kind)
			ctx, cancel := context.WithTimeoutCause(t.Context(), r.state.Fence("f").Plan.Limit, errors.New("not done within its limit"))
			defer cancel()
			r.fails(r.job().Take(ctx), c.want)
			f := r.state.Fence("f")
			if (f.Recorded != nil) != c.recorded {
				t.Errorf("recorded: %v", f.Recorded)
			}
			if strings.Contains(r.log(), "\x1b") {
				t.Errorf("the log has escapes: %q", r.log())
			}
			if f.Holding() || f.Word() == "off" {
				t.Errorf("it counts as off: %+v", f)
			}
			if c.recorded { // whatever is half done comes back
				r.must(r.lift())
				if f := r.state.Fence("f"); f.Word() != "back" || f.Found != "on" {
					t.Errorf("lifted: %+v", f)
				}
			}
		})
	}
	r := newRig(t, "commands: {off: [off], on: [on], state: [binary]}")
	if seen := r.job().Look(t.Context()); strings.ContainsAny(seen.Found, "\x1b\x01\x07") || !strings.Contains(seen.Found, "on") {
		t.Errorf("seen %q", seen.Found)
	}
}

// What has failed half way is tried again, by whoever looked at it.
func TestACommandThatFailedHalfWay(t *testing.T) {
	dir := programs(t, map[string]string{
		"state": `cat is`, "on": `echo on >is`,
		"off": `echo off >>calls; if [ -e mended ]; then echo off >is; else echo half >is; exit 1; fi`,
	})
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("on\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("is")
	r := newRig(t, "commands: {off: [off], on: [on], state: [state]}")
	r.fails(r.take(), "exit code 1; now: half")
	if word := r.word(); word != "partly off" {
		t.Errorf("it is %s", word)
	}
	write("mended")
	r.must(r.take())
	if f := r.state.Fence("f"); !f.Holding() || f.Recorded.Text != "on" || f.Found != "off" {
		t.Errorf("taken: %+v", f)
	}
	r.must(r.lift())
	if word := r.word(); word != "back" {
		t.Errorf("it is %s", word)
	}
}

// What commands are given of the environment is what the runbook lists, and
// nothing of that is recorded.
func TestCommandsHaveTheEnvironmentThatIsListed(t *testing.T) {
	programs(t, map[string]string{
		"show": `[ "$FENCE_GIVEN" = s3cret-token ] && echo it is given; env`,
		"off":  `echo "denied: Bearer $FENCE_GIVEN"; exit 1`, "hangs": `echo "Bearer $FENCE_GIVEN"; sleep 600`, "killed": `printf '%0105d' 0; echo "Bearer $FENCE_GIVEN"; kill -USR2 $$`, "fixed": `echo on`,
	})
	t.Setenv("FENCE_HIDDEN", "hidden")
	t.Setenv("FENCE_GIVEN", "s3cret-token")
	r := newRig(t, "commands: {off: [off], on: [off], state: [show], env: [FENCE_GIVEN]}")
	seen := r.job().Look(t.Context())
	for _, want := range []string{"it is given", "FENCE_GIVEN=***"} {
		if !strings.Contains(seen.Found, want) {
			t.Errorf("%q is not in %q", want, seen.Found)
		}
	}
	for _, no := range []string{"FENCE_HIDDEN", "s3cret"} {
		if strings.Contains(seen.Found, no) {
			t.Errorf("%q is in %q", no, seen.Found)
		}
	}
	for off, want := range map[string]string{"off": "Bearer ***", "hangs": "too late", "killed": "ended by a signal"} {
		r = newRig(t, "commands: {off: ["+off+"], on: [off], state: [fixed], env: [FENCE_GIVEN], limit: 8s}")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 8*time.Second, errors.New("too late"))
		err := r.job().Take(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error()+r.log(), "s3cret") {
			t.Errorf("%s: %v\n%s", off, err, r.log())
		}
	}
}
