package services

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
)

// What the inbox keeps: the last messages, each of a size that a message has.
const (
	inboxFile  = "inbox.json"
	inboxMost  = 200
	messageMax = 64 << 10
)

// receive is where the demo's people are told: it takes a message and keeps it,
// for whoever looks into the inbox.
func (s *Services) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, messageMax))
	if err != nil || !json.Valid(body) {
		http.Error(w, "a message is a JSON object of at most 64 kB", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, err := s.inbox()
	if err == nil {
		kept = append(kept, json.RawMessage(body))
		if over := len(kept) - inboxMost; over > 0 {
			kept = slices.Delete(kept, 0, over)
		}
		err = s.keepInbox(kept)
	}
	if err != nil {
		http.Error(w, "the inbox cannot be kept", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// received lists what came, the oldest first.
func (s *Services) received(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, err := s.inbox()
	if err != nil {
		http.Error(w, "the inbox cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(kept) // a client that is gone needs no answer
}

// inbox reads what is kept. The caller holds the lock.
func (s *Services) inbox() ([]json.RawMessage, error) {
	kept := []json.RawMessage{}
	data, err := os.ReadFile(filepath.Join(s.dir, inboxFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return kept, nil
	case err != nil:
		return nil, err
	}
	return kept, json.Unmarshal(data, &kept)
}

func (s *Services) keepInbox(kept []json.RawMessage) error {
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	next := filepath.Join(s.dir, inboxFile+".next")
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(s.dir, inboxFile))
}
