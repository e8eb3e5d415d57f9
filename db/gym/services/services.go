package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Services are the demo's, at one address.
type Services struct {
	dir    string // where they keep what outlives the program
	dsn    string // of the gym's database
	addr   string
	server *http.Server
	log    *slog.Logger // of what went wrong, and that they were started
	file   *os.File     // behind it
	mu     sync.Mutex   // guards what is kept in dir
}

// served is what is served, by the pattern of net/http's ServeMux.
var served = map[string]func(*Services, http.ResponseWriter, *http.Request){
	"GET /health":          (*Services).health,
	"GET /api/memberships": (*Services).memberships,
	"POST /inbox":          (*Services).receive,
	"GET /inbox":           (*Services).received,

	"GET /alertmanager/api/v2/silences":        (*Services).silences,
	"POST /alertmanager/api/v2/silences":       (*Services).silence,
	"DELETE /alertmanager/api/v2/silence/{id}": (*Services).expire,
}

// readLimit bounds how long a request may take to come.
const readLimit = 5 * time.Second

// addressFile keeps the address: a run that is taken up again has it in its
// runbook.
const addressFile = "services.address"

// Start serves until Close. The address is the one that the folder dir has from
// an earlier program, and a free port of loopback otherwise. An error says that
// nobody can listen there, or that the folder cannot be written.
func Start(dir, dsn string) (*Services, error) {
	at := "127.0.0.1:0"
	file := filepath.Join(dir, addressFile)
	kept, err := os.ReadFile(file)
	if err == nil {
		at = strings.TrimSpace(string(kept))
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the address of the demo's services: %w", err)
	}
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("serve the demo's application at %s: %w: end what listens there, and take the run up again", at, err)
	}
	s := &Services{dir: dir, dsn: dsn, addr: listener.Addr().String()}
	if err := s.openLog(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if err := os.WriteFile(file, []byte(s.addr+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("keep the address of the demo's services: %w", err), listener.Close(), s.file.Close())
	}
	mux := http.NewServeMux()
	for pattern, handle := range served {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { handle(s, w, r) })
	}
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: readLimit}
	go func() { _ = s.server.Serve(listener) }() // ends with Close, whose error it has then
	return s, nil
}

// openLog appends to the log of an earlier program, if there is one.
func (s *Services) openLog() (err error) {
	s.file, err = os.OpenFile(s.Log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of the demo's services: %w", err)
	}
	s.log = slog.New(slog.NewTextHandler(s.file, nil))
	s.log.Info("started", "address", s.addr)
	return nil
}

// Log is the file that they log to.
func (s *Services) Log() string { return filepath.Join(s.dir, "app.log") }

// URL is where they are, without a slash at its end.
func (s *Services) URL() string { return "http://" + s.addr }

// Close ends them, and what is being answered.
func (s *Services) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	return errors.Join(err, s.file.Close())
}
