package outside

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The host that a redirect leads to gets nothing: no header, no body, no request.
func TestARequestStaysAtItsHost(t *testing.T) {
	const secret = "s3cr3t-token"
	reached := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer other.Close()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/other":
			http.Redirect(w, r, other.URL+"/?from="+secret, http.StatusTemporaryRedirect)
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	}))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "http://")
	headers := map[string]string{"Authorization": "Bearer " + secret}
	_, err := Request{URL: server.URL + "/other", Headers: headers}.Do(t.Context())
	if err == nil || !strings.Contains(err.Error(), at+" redirects to another host") || strings.Contains(err.Error(), secret) {
		t.Errorf("got: %v", err)
	}
	if page, err := (Request{URL: server.URL + "/same", Headers: headers}).Do(t.Context()); err != nil || page.Status != http.StatusOK {
		t.Errorf("the same host: %d, %v", page.Status, err)
	}
	// A POST is not made a GET of, nor sent twice: its redirect is the answer.
	for path, status := range map[string]int{"/other": http.StatusTemporaryRedirect, "/same": http.StatusFound} {
		if page, err := (Request{Method: "POST", URL: server.URL + path, Body: secret, Headers: headers}).Do(t.Context()); err != nil || page.Status != status {
			t.Errorf("POST %s: %d, %v", path, page.Status, err)
		}
	}
	if reached != 0 {
		t.Error("the other host was asked")
	}
	if want := "GET /same Bearer " + secret; len(seen) != 5 || seen[1] != want || seen[2] != strings.Replace(want, "same", "end", 1) {
		t.Errorf("asked: %q", seen)
	}
}

func TestARequestSendsWhatItIsGiven(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		_, _ = w.Write([]byte(r.Method + " " + r.Host + " " + r.Header.Get("X-Run") + " " + string(body)))
	}))
	defer server.Close()
	page, err := Request{Method: "POST", URL: server.URL, Headers: map[string]string{"X-Run": "7", "host": "gym"}, Body: "{}"}.Do(t.Context())
	if err != nil || string(page.Body) != "POST gym 7 {}" {
		t.Errorf("%s, %v", page.Body, err)
	}
	_, err = Request{URL: server.URL, Headers: map[string]string{"X-Run": "s3cr3t\r\nX-More: 1"}}.Do(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the header X-Run, which is not shown") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a line break: %v", err)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	var answers []int
	tries := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := answers[min(tries, len(answers)-1)]
		tries++
		w.WriteHeader(status)
	}))
	defer server.Close()
	quick := Retry{Times: 3, First: time.Millisecond}
	anyway := quick
	anyway.Any = true
	for name, c := range map[string]struct {
		method  string
		again   Retry
		answers []int
		tries   int
		status  int
	}{
		"at once":                 {"GET", quick, []int{200}, 1, 200},
		"later":                   {"GET", quick, []int{503, 429, 200}, 3, 200},
		"never":                   {"GET", quick, []int{500}, 4, 500},
		"not its own fault":       {"GET", quick, []int{404, 200}, 1, 404},
		"once":                    {"GET", Retry{}, []int{500, 200}, 1, 500},
		"a POST":                  {"POST", quick, []int{500, 200}, 1, 500},
		"a POST, when asked":      {"POST", anyway, []int{500, 200}, 2, 200},
		"a PUT is as good as one": {"PUT", quick, []int{502, 204}, 2, 204},
	} {
		answers, tries = c.answers, 0
		page, n, err := Request{Method: c.method, URL: server.URL}.Persist(t.Context(), c.again)
		if err != nil || n != c.tries || tries != c.tries || page.Status != c.status {
			t.Errorf("%s: status %d after %d tries (%d came), %v", name, page.Status, n, tries, err)
		}
	}
	_, n, err := Request{URL: "http://127.0.0.1:1/"}.Persist(t.Context(), quick)
	if n != 4 || err == nil || err.Error() != "tried 4 times, the last: nobody listens at 127.0.0.1:1" {
		t.Errorf("nobody there: %d, %v", n, err)
	}
}

func TestATryEndsWithItsTime(t *testing.T) {
	ctx, cut := context.WithCancelCause(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
		time.AfterFunc(50*time.Millisecond, func() { cut(errLate) })
	}))
	defer server.Close()
	_, n, err := Request{URL: server.URL}.Persist(ctx, Retry{Times: 9, First: time.Millisecond})
	if n != 1 || !errors.Is(err, errLate) {
		t.Errorf("%d tries, %v", n, err)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Setenv("TMINUS_TEST_TOKEN", `to"ken/1 2`)
	t.Setenv("TMINUS_TEST_LONG", "first line of it\nsecond line of it\n")
	t.Setenv("TMINUS_TEST_EMPTY", " ")
	var s Secrets
	got, err := s.Expand("Bearer ${TMINUS_TEST_TOKEN}, $HOME, ${ no}", nil)
	if err != nil || got != `Bearer to"ken/1 2, $HOME, ${ no}` {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := s.Value("TMINUS_TEST_LONG"); err != nil {
		t.Error(err)
	}
	for _, said := range []string{`to"ken/1 2`, `to\"ken/1 2`, "to%22ken%2F1+2", "to%22ken%2F1%202", "dG8ia2VuLzEgMg==", "second line of it"} {
		if masked := s.Mask("it said " + said + "."); masked != "it said ***." {
			t.Errorf("%q: %q", said, masked)
		}
	}
	for _, name := range []string{"TMINUS_TEST_EMPTY", "TMINUS_TEST_NONE"} {
		if _, err := s.Expand("${"+name+"}", nil); err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := Variables("${A} ${B} ${A} $C"); len(got) != 2 || got[0] != "A" || got[1] != "B" {
		t.Errorf("variables: %q", got)
	}
}
