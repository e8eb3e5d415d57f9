package tell

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tminus/phases/runbook"
)

// quick are limits for a test: three attempts without a wait worth the name.
var quick = Limits{Attempt: 5 * time.Second, Pause: time.Millisecond}

func note() Note {
	return Note{
		Message: "begin", Title: "Reset <b> begins", Text: "Line & one *bold* <!channel>\n\n[two](http://evil) \"quoted\" \\ **x**",
		Says: map[string]string{"database": "gym"}, Facts: map[string]string{"database": "gym", "hold.until": "02:00 UTC"}, RunID: "r1", Number: 3, At: time.Date(2026, 1, 31, 2, 0, 0, 0, time.UTC),
	}
}

// inbox is a webhook that answers as it is told, and keeps what it got last.
type inbox struct {
	*httptest.Server
	asked atomic.Int32
	body  atomic.Value
}

func newInbox(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *inbox {
	t.Helper()
	in := &inbox{}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s with %v: %v", r.Method, r.Header, err)
		}
		in.body.Store(string(body))
		answer(int(in.asked.Add(1)), w, r)
	}))
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) channel(form string) runbook.Channel {
	return runbook.Channel{ID: "users", Webhook: &runbook.Webhook{URL: in.URL + "/services/SECRETPATH/", Form: form}}
}

func ok(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }

func TestAWebhookGetsTheMessageAndTheFacts(t *testing.T) {
	in := newInbox(t, ok)
	if n, err := Send(t.Context(), in.channel(runbook.FormJSON), note(), quick); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	var got plain
	if err := json.Unmarshal([]byte(in.body.Load().(string)), &got); err != nil {
		t.Fatal(err)
	}
	want := note()
	if got.Title != want.Title || got.Text != want.Text || got.Message != "begin" || got.Run != "r1" || got.Number != 3 || got.Facts["database"] != "gym" || len(got.Facts) != 1 || got.Test {
		t.Errorf("got %+v", got)
	}
}

// What stands in a fact is text on the other side as well: no markup, no link,
// and it calls nobody.
func TestMarkupArrivesAsText(t *testing.T) {
	in := newInbox(t, ok)
	if _, err := Send(t.Context(), in.channel(runbook.FormSlack), note(), quick); err != nil {
		t.Fatal(err)
	}
	var s slack
	if err := json.Unmarshal([]byte(in.body.Load().(string)), &s); err != nil {
		t.Fatal(err)
	}
	if s.Mrkdwn || len(s.Blocks) != 2 || s.Blocks[0].Type != "header" {
		t.Fatalf("slack: %+v", s)
	}
	for _, b := range s.Blocks {
		if b.Text.Type != "plain_text" || strings.ContainsAny(b.Text.Text, "<>") || b.Text.Emoji == nil || *b.Text.Emoji {
			t.Errorf("slack: %+v", b)
		}
	}
	if want := "Line &amp; one *bold* &lt;!channel&gt;"; !strings.HasPrefix(s.Blocks[1].Text.Text, want) || strings.ContainsAny(s.Text, "<>") {
		t.Errorf("slack: %q", s.Blocks[1].Text.Text)
	}

	if _, err := Send(t.Context(), in.channel(runbook.FormTeams), note(), quick); err != nil {
		t.Fatal(err)
	}
	var teams struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body          []struct {
					Type    string
					Inlines []struct{ Type, Text string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(in.body.Load().(string)), &teams); err != nil {
		t.Fatal(err)
	}
	if teams.Type != "message" || len(teams.Attachments) != 1 || teams.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || teams.Attachments[0].Content.Type != "AdaptiveCard" {
		t.Fatalf("teams: %+v", teams)
	}
	var lines []string
	for _, b := range teams.Attachments[0].Content.Body {
		if b.Type != "RichTextBlock" || len(b.Inlines) != 1 || b.Inlines[0].Type != "TextRun" {
			t.Errorf("teams: %+v, which may have markup", b)
			continue
		}
		lines = append(lines, b.Inlines[0].Text)
	}
	if strings.Join(lines, "\n") != note().Title+"\n"+strings.ReplaceAll(note().Text, "\n\n", "\n") {
		t.Errorf("teams: %q", lines)
	}
}

func TestALongTextIsSentInParts(t *testing.T) {
	n := note()
	n.Text = strings.Repeat(strings.Repeat("x", 99)+"\n", 60) + strings.Repeat("ä", 4000)
	s := slackForm(n).(slack)
	all := ""
	for _, b := range s.Blocks[1:] {
		if len([]rune(b.Text.Text)) > 3000 {
			t.Errorf("a section of %d characters", len([]rune(b.Text.Text)))
		}
		all += b.Text.Text
	}
	if strings.ReplaceAll(all, "\n", "") != strings.ReplaceAll(n.Text, "\n", "") {
		t.Error("something is lost")
	}
}

func TestAWebhookThatDoesNotTakeIt(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the message went to another host") }))
	t.Cleanup(other.Close)
	status := func(code int, text string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	for _, c := range []struct {
		name     string
		answer   func(int, http.ResponseWriter, *http.Request)
		attempts int
		says     string // of the error; empty: it was taken
	}{
		{"500, each time", status(500, "boom"), 3, "status 500: boom"},
		{"500, then well", func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 3 {
				w.WriteHeader(500)
			}
		}, 3, ""},
		{"429", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(429)
			}
		}, 2, ""},
		{"404, and it says the address", status(404, "no /services/SECRETPATH/ here"), 1, "status 404: no /***/***/ here"},
		{"404, and the address is where it is cut", status(404, strings.Repeat("x", 100)+"/services/SECRETPATH/"), 1, "xx/***/***/"},
		{"redirected to another host", func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, 1, "redirects (status 307)"},
		{"a gigabyte", func(_ int, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			for range 1 << 14 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, 1, "status 400"},
		{"it hangs up", func(_ int, w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 3, "ended the connection"},
	} {
		in := newInbox(t, c.answer)
		n, err := Send(t.Context(), in.channel(runbook.FormJSON), note(), quick)
		switch {
		case n != c.attempts || n != int(in.asked.Load()):
			t.Errorf("%s: %d attempts, want %d: %v", c.name, n, c.attempts, err)
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "SECRET")):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A server that says an address as it reads it does not put it into the journal,
// nor what is left of it beside a shorter part.
func TestAnAddressIsMaskedAsAServerReadsIt(t *testing.T) {
	in := newInbox(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(404)
		_, _ = io.WriteString(w, r.URL.Path+" for "+r.URL.Query().Get("token"))
	})
	c := in.channel(runbook.FormJSON)
	c.Webhook.URL = in.URL + "/services/services-T0KEN/T0P%2DSECRET%2Fpart?token=QUERY+SECRET%21"
	if _, err := Send(t.Context(), c, note(), quick); err == nil || err.Error() != "it answered with status 404: /***/***/*** for ***" {
		t.Errorf("it says %v", err)
	}
}

func TestAWebhookThatHangsIsGivenUp(t *testing.T) {
	gone := make(chan struct{})
	in := newInbox(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	t.Cleanup(func() { close(gone) })
	l := quick
	l.Attempt = 20 * time.Millisecond
	if n, err := Send(t.Context(), in.channel(runbook.FormJSON), note(), l); n != 3 || err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("%d attempts: %v", n, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the program ended")
	cancel(left)
	if n, err := Send(ctx, in.channel(runbook.FormJSON), note(), quick); n != 1 || !errors.Is(err, left) {
		t.Errorf("%d attempts: %v", n, err)
	}
}

// A certificate that nobody vouches for is not accepted, and nothing is sent.
func TestAWebhookWithoutACertificateToTrust(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it got the message") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c := runbook.Channel{ID: "users", Webhook: &runbook.Webhook{URL: server.URL, Form: runbook.FormJSON}}
	if _, err := Send(t.Context(), c, note(), quick); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("sent: %v", err)
	}
}

func TestAnAddressFromAVariable(t *testing.T) {
	in := newInbox(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(403)
		_, _ = io.WriteString(w, "not "+r.URL.String())
	})
	c := runbook.Channel{ID: "users", Webhook: &runbook.Webhook{URLFrom: "TELL_TEST_URL", Form: runbook.FormJSON}}
	if n, err := Send(t.Context(), c, note(), quick); n != 0 || err == nil || !strings.Contains(err.Error(), "TELL_TEST_URL is not set") {
		t.Errorf("without it: %d attempts: %v", n, err)
	}
	t.Setenv("TELL_TEST_URL", in.URL+"/hook?token=T0PSECRET")
	if _, err := Send(t.Context(), c, note(), quick); err == nil || strings.Contains(err.Error(), "T0PSECRET") || !strings.Contains(err.Error(), "status 403") {
		t.Errorf("with it: %v", err)
	}
	for _, bad := range []string{"ftp://host/x", "hook", "http:///path", "http://%zz", "http://192.0.2.7/T0PSECRET"} {
		t.Setenv("TELL_TEST_URL", bad)
		if n, err := Send(t.Context(), c, note(), quick); n != 0 || err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %d attempts: %v", bad, n, err)
		}
	}
}
