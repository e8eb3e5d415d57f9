package outside

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// raw answers each connection with text, and closes it.
func raw(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			_, _ = conn.Read(buf)
			_, _ = conn.Write([]byte(text))
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestAsk(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to", http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(r.Method + " " + r.URL.Path + strings.Repeat(".", 2*MaxOutput)))
	}))
	defer server.Close()
	page, err := Ask(t.Context(), "GET", server.URL+"/from")
	if err != nil || page.Status != http.StatusTeapot || !strings.HasPrefix(string(page.Body), "GET /to") || len(page.Body) != MaxOutput {
		t.Errorf("%d, %d bytes, %v", page.Status, len(page.Body), err)
	}
}

func TestWhyThereIsNoAnswer(t *testing.T) {
	const secret = "s3cr3t"
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{"/loop": "/loop", "/ftp": "ftp://host/" + secret, "/refused": "http://127.0.0.1:1/"}[r.URL.Path]
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}))
	defer plain.Close()
	at := strings.TrimPrefix(plain.URL, "http://")
	tls := strings.TrimPrefix(secure.URL, "https://")
	gone := raw(t, "")
	short := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	noHTTP := raw(t, "SSH-2.0-OpenSSH_9.9\r\n")
	for name, c := range map[string]struct{ url, want string }{
		"refused":             {"http://u:" + secret + "@127.0.0.1:1/x?token=" + secret, "nobody listens at 127.0.0.1:1"},
		"refused, the port":   {"http://127.0.0.1:81/", "nobody listens at 127.0.0.1:81"},
		"refused after all":   {plain.URL + "/refused", "nobody listens at 127.0.0.1:1"},
		"no such host":        {"http://nowhere.invalid/", "nowhere.invalid"},
		"redirects":           {plain.URL + "/loop", at + " redirects again and again: 10 redirects were followed"},
		"another scheme":      {plain.URL + "/ftp", at + " redirects to an address that is neither http nor https"},
		"unknown authority":   {secure.URL, "nobody whom this machine trusts signed the certificate of " + tls},
		"no TLS there":        {"https://" + at, at + " does not speak TLS: write http:// if that is meant"},
		"not HTTP":            {"http://" + noHTTP, noHTTP + " gave an answer that is not HTTP"},
		"nothing":             {"http://" + gone, gone + " ended the connection before it had answered"},
		"half":                {"http://" + short, short + " ended the connection before it had answered"},
		"no scheme":           {"127.0.0.1/" + secret, "the URL, which is not shown"},
		"no host":             {"http:///" + secret, "the URL, which is not shown"},
		"no URL":              {"http://u:" + secret + "@[::1/", "the URL, which is not shown"},
		"another scheme's":    {"ftp://host/" + secret, "the URL, which is not shown"},
		"a port that is none": {"http://host:" + secret, "the URL, which is not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Ask(t.Context(), "GET", c.url)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got: %v\nwant: %s", err, c.want)
			}
			wantNoGo(t, err)
			if strings.Contains(err.Error(), secret) {
				t.Errorf("a secret is in: %v", err)
			}
		})
	}
	if _, err := Ask(t.Context(), "G E T", plain.URL); err == nil || err.Error() != `"G E T" is no HTTP method: correct the runbook` {
		t.Errorf("got: %v", err)
	}
}

func TestNoAnswerInTime(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cut := context.WithCancelCause(t.Context())
	go func() { // ends once the request has come
		<-asked
		cut(errLate)
	}()
	if _, err := Ask(ctx, "GET", server.URL); !errors.Is(err, errLate) || err.Error() != errLate.Error() {
		t.Errorf("got: %v", err)
	}
}

// What a test cannot bring about is told from its error alone.
func TestConnectionSentences(t *testing.T) {
	for want, err := range map[string]error{
		"no such host: db9":                        &net.OpError{Op: "dial", Err: &net.DNSError{Name: "db9", IsNotFound: true}},
		"no name server told where db9":            &net.DNSError{Name: "db9", IsTimeout: true},
		"h:1 did not answer in time":               &url.Error{Op: "Get", Err: context.DeadlineExceeded},
		"h:1 gave no answer that can be used: odd": &url.Error{Op: "Get", Err: errors.New("http: odd")},
	} {
		if got := NoConnection("h:1", err); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
