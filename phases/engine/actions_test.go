package engine_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
)

// actionBook is smallBook with items of the checklist, each with an action; and
// with others after the last phase.
func actionBook(checklist, after string) string {
	book := smallBook
	if checklist != "" {
		book = strings.Replace(book, "        fields: [{id: who, label: Who}]\n", "        fields: [{id: who, label: Who}]\n"+indent(checklist), 1)
	}
	if after != "" {
		book = strings.Replace(book, "after:\n", "after:\n  - id: smoke\n    title: Smoke tests\n    smoke: true\n    items:\n"+indent(after), 1)
	}
	return book
}

func indent(items string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(items)) {
		b.WriteString("      " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}

// result is what came of an item's action.
func (r *rig) result(item string) phases.ActionState {
	r.t.Helper()
	return *r.state().Item(item).Action
}

func TestCommandOfAnItem(t *testing.T) {
	t.Setenv("TMINUS_TEST_SECRET", "hunter2-and-more")
	t.Setenv("TMINUS_TEST_OTHER", "not-asked-for")
	dir := t.TempDir()
	program(t, filepath.Join(dir, "say"), `#!/bin/sh
case $1 in
env) env | sort | sed 's/=.*/ is set/'; echo "$TMINUS_TEST_SECRET"; pwd;;
escapes) printf '\033]0;title\007\033[31mred\033[0m <b>&amp;\342\200\256 \001\377\nlast line\n';;
much) yes 'a line of output that goes on and on' | head -c 100000000; echo the end;;
deaf) trap '' TERM INT HUP; echo "$TMINUS_TEST_SECRET"; sleep 1000;;
child) (trap '' TERM; sleep 1000) & echo left;;
esac
exit ${2:-0}
`)
	say := func(id, args, more string) string {
		return fmt.Sprintf("- {id: %s, text: '%s <b>', action: {command: [%s, %s]%s}}\n", id, id, filepath.Join(dir, "say"), args, more)
	}
	r := newRig(t, smallSchema, actionBook(
		say("env", "env", ", env: [TMINUS_TEST_SECRET], dir: "+dir)+
			say("escapes", "escapes", "")+say("much", "much", "")+say("child", "child", "")+
			say("deaf", "deaf", ", env: [TMINUS_TEST_SECRET], timeout: 3s")+
			say("code", "none, '3'", ", exit: 3")+say("wrong", "none, '4'", "")+
			say("unlike", "escapes", ", output: '^never$'")+
			say("lacking", "env", ", env: [TMINUS_TEST_NONE]")+
			say("nowhere", "env", ", dir: /no/such/folder"), ""))
	r.open(engine.Settings{})
	r.untilReady()
	var lacking []string
	for _, f := range r.state().Survey.Findings {
		if f.Code == phases.VariableMissing {
			lacking = append(lacking, f.Text)
		}
	}
	if len(lacking) != 1 || !strings.Contains(lacking[0], `TMINUS_TEST_NONE, which the action of "lacking <b>" needs`) {
		t.Errorf("variables are missing: %q", lacking)
	}
	r.refused(phases.Tick{Item: "env"}, "its action answers this item")
	for item, want := range map[string]string{
		"env": "", "escapes": "", "much": "", "child": "", "code": "",
		"deaf":    "not done within its limit of 3.0 s, it was ended: ***",
		"wrong":   "exit code 4, and 0 is expected",
		"unlike":  "its output does not match ^never$: red <b>&amp; \uFFFD",
		"lacking": "the variable TMINUS_TEST_NONE is not set",
		"nowhere": `the folder "/no/such/folder" cannot be looked at`,
	} {
		got := r.acts(item)
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", item, got, want)
		}
		if done := r.done(item); done != (want == "") {
			t.Errorf("%s: done is %v", item, done)
		}
	}
	env := r.result("env").Result.Output
	for _, has := range []string{"HOME is set", "PATH is set", "TMINUS_TEST_SECRET is set", "***", dir} {
		if !strings.Contains(env, has) {
			t.Errorf("%q is missing in:\n%s", has, env)
		}
	}
	if strings.Contains(env, "OTHER") {
		t.Errorf("a variable that nobody asked for:\n%s", env)
	}
	if got := r.result("escapes").Result.Output; got != "red <b>&amp; \uFFFD\nlast line" {
		t.Errorf("escapes: %q", got)
	}
	much := r.result("much").Result.Output
	if lines := strings.Split(much, "\n"); len(lines) != 41 || !strings.HasSuffix(lines[40], "the end") || !strings.HasSuffix(lines[0], "is not kept)") {
		t.Errorf("%d lines of much, from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
	if exit := r.result("code").Result.Exit; exit == nil || *exit != 3 {
		t.Errorf("exit code %v", exit)
	}
	r.keepsSecret("hunter2-and-more")
}

// keepsSecret holds that the journal nowhere has a text.
func (r *rig) keepsSecret(secret string) {
	r.t.Helper()
	text, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	if strings.Contains(string(text), secret) {
		r.t.Errorf("the journal has the secret %q", secret)
	}
}

func TestRequestOfAnItem(t *testing.T) {
	const secret = "t0p-s3cret/token"
	t.Setenv("TMINUS_TEST_TOKEN", secret)
	var bodies []string
	flaky := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/post":
			body := make([]byte, max(0, q.ContentLength))
			_, _ = q.Body.Read(body)
			bodies = append(bodies, q.Header.Get("Authorization")+" "+string(body))
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, "you said %s", q.Header.Get("Authorization"))
		case "/flaky":
			if flaky++; flaky < 2 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case "/away":
			http.Redirect(w, q, other.URL, http.StatusFound)
		case "/much":
			for range 1 << 14 { // a gigabyte, as long as somebody reads it
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		case "/drip":
			for q.Context().Err() == nil {
				_, _ = w.Write([]byte("."))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-q.Context().Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		case "/hang":
			<-q.Context().Done()
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("stack trace"))
		default:
			_, _ = w.Write([]byte(`{"status": "ok"}`))
		}
	}))
	defer server.Close()
	ask := func(id, path, more string) string {
		return fmt.Sprintf("- {id: %s, text: '%s', action: {http: '%s%s'%s}}\n", id, id, server.URL, path, more)
	}
	r := newRig(t, smallSchema, actionBook(
		ask("health", "/", `, expect: '"status": "ok"'`)+
			ask("post", "/post", `, headers: {Authorization: 'Bearer ${TMINUS_TEST_TOKEN}'}, body: '{"who": "{{who}}", "key": "${TMINUS_TEST_TOKEN}"}', status: 200..299`)+
			ask("flaky", "/flaky", ", retries: 2")+
			ask("away", "/away", ", headers: {Authorization: '${TMINUS_TEST_TOKEN}'}")+
			ask("much", "/much", "")+ask("drip", "/drip", ", timeout: 200ms")+ask("hang", "/hang", ", timeout: 200ms")+
			ask("broken", "/broken", "")+ask("unlike", "/", ", expect: never")+
			ask("quick", "/", ", for: 1s, every: 10ms, p95: 1m")+
			ask("slow", "/", ", for: 1s, every: 500ms, p95: 1ms")+
			ask("failing", "/broken", ", for: 1m, every: 10ms"), ""))
	r.open(engine.Settings{})
	r.untilReady()
	if got := r.acts("post"); !strings.Contains(got, "the body needs the field who, which nobody has recorded") || len(bodies) > 0 {
		t.Errorf("without its field: %q, %q", got, bodies)
	}
	r.do(phases.Record{Item: "told", Field: "who", Value: `"all" of them ${TMINUS_TEST_TOKEN}`})
	for item, want := range map[string]string{
		"health": "", "post": "", "flaky": "", "much": "", "quick": "",
		"away":    "redirects to another host",
		"drip":    "no answer within 0.2 s",
		"hang":    "no answer within 0.2 s",
		"broken":  "status 500, and 200 is expected",
		"unlike":  "status 200: the body does not match never",
		"failing": "request 1: status 500, and 200 is expected",
	} {
		if got := r.acts(item); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", item, got, want)
		}
	}
	if got := r.acts("slow"); got != "" && !strings.Contains(got, "and a p95 of at most 1.0 ms is expected") {
		t.Errorf("slow: %q", got)
	}
	if want := `Bearer ` + secret + ` {"who": "\"all\" of them ${TMINUS_TEST_TOKEN}", "key": "` + secret + `"}`; len(bodies) != 1 || bodies[0] != want {
		t.Errorf("sent %q\nwant %q", bodies, want)
	}
	if got := r.result("post").Result; got.Output != "you said Bearer ***" || got.Status != http.StatusCreated {
		t.Errorf("post: %+v", got)
	}
	m := r.result("quick").Result.Measured
	if m == nil || m.Requests < 2 || m.P50 > m.P95 || m.P95 > m.Max || m.P50 <= 0 {
		t.Errorf("measured: %+v", m)
	}
	if got := r.result("broken").Result.Output; got != "stack trace" {
		t.Errorf("broken said %q", got)
	}
	r.keepsSecret(secret)
}

func (r *rig) done(item string) bool {
	r.t.Helper()
	s := r.state()
	it, _, ok := s.Runbook.Item(item)
	return ok && s.ItemDone(it)
}
