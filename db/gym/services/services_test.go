package services

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tminus/db/sandbox"
)

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// startedAgain gives services that were ended and started again, and where they were
// before. An error is that of the second start.
func startedAgain(t *testing.T, dsn string) (at string, again *Services, err error) {
	t.Helper()
	dir := t.TempDir()
	s, err := Start(dir, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, s.URL()+"/health"); code != http.StatusOK || !strings.Contains(body, `"ok"`) {
		t.Errorf("a healthy application answered %d %s", code, body)
	}
	at = s.URL()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err = Start(dir, dsn)
	return at, again, err
}

func TestHealthIsTheDatabases(t *testing.T) {
	server, err := sandbox.Start(t.Context(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = server.Stop()
		}
	})
	// Whoever takes the run up again finds them where its runbook says.
	at, again, err := startedAgain(t, server.DSN("postgres"))
	for n := 1; err != nil && n < 3; n++ { // in between, its port may have become somebody else's
		at, again, err = startedAgain(t, server.DSN("postgres"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.URL() != at {
		t.Errorf("served at %s, and before at %s", again.URL(), at)
	}
	stopped = true
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, again.URL()+"/health"); code != http.StatusServiceUnavailable {
		t.Errorf("without its database the application answered %d %s", code, body)
	}
}
