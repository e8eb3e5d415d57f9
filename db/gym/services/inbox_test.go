package services

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func send(t *testing.T, address, body string) int {
	t.Helper()
	resp, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// The inbox keeps what came over the program's end, and no more than it has room for.
func TestTheInboxKeepsWhatCame(t *testing.T) {
	dir := t.TempDir()
	s, err := Start(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, s.URL()+"/inbox"); code != http.StatusOK || strings.TrimSpace(body) != "[]" {
		t.Errorf("empty, it answered %d %s", code, body)
	}
	for _, bad := range []string{"no JSON", `{"text":"` + strings.Repeat("x", messageMax) + `"}`} {
		if code := send(t, s.URL()+"/inbox", bad); code != http.StatusBadRequest {
			t.Errorf("it took %.20s with %d", bad, code)
		}
	}
	for i := range inboxMost + 5 {
		if code := send(t, s.URL()+"/inbox", fmt.Sprintf(`{"number":%d}`, i)); code != http.StatusAccepted {
			t.Fatalf("message %d: %d", i, code)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Start(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	_, body := get(t, again.URL()+"/inbox")
	var kept []struct{ Number int }
	if err := json.Unmarshal([]byte(body), &kept); err != nil || len(kept) != inboxMost || kept[0].Number != 5 {
		t.Errorf("%d are kept: %v", len(kept), err)
	}
}
