package gym

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tminus/db/backup"
	"tminus/db/gym/services"
	"tminus/db/sandbox"
	"tminus/phases/runbook"
)

// Server is a demo's: a throwaway server with the gym's database, and with what
// stands around that.
type Server struct {
	*sandbox.Server
	around *services.Services // nil before they are started
}

// database is the gym's in a demo.
const database = "gym"

// NewServer is a demo's on a server without anything.
func NewServer(s *sandbox.Server) *Server { return &Server{Server: s} }

// Adopt takes up what an earlier program left: a demo's services serve again,
// where they did. A server that has none, such as a copy's, is left as it is.
func Adopt(s *sandbox.Server, dsn string) (*Server, error) {
	out := NewServer(s)
	if _, err := os.Stat(out.siteDir()); errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	var err error
	out.around, err = services.Start(out.siteDir(), dsn)
	return out, err
}

// siteDir is where the site is, and what the services keep.
func (s *Server) siteDir() string { return filepath.Join(s.Dir(), "site") }

// Stop removes the server, and ends what stands around it.
func (s *Server) Stop() error { return errors.Join(s.close(), s.Server.Stop()) }

// Release leaves the server to whoever resumes its run.
func (s *Server) Release() error { return errors.Join(s.close(), s.Server.Release()) }

func (s *Server) close() error {
	if s.around == nil {
		return nil
	}
	return s.around.Close()
}

// Site makes what the guide's runbook asks about beside the database: a git
// checkout, a place for backups, and the application's services.
func (s *Server) Site(ctx context.Context) (runbook.Site, error) {
	dir := s.siteDir()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return runbook.Site{}, fmt.Errorf("make the demo's site: %w", err)
	}
	site, err := MakeSite(ctx, dir, backup.Major(s.Version()))
	if err != nil {
		return site, err
	}
	if s.around, err = services.Start(dir, s.DSN(database)); err != nil {
		return site, err
	}
	site.Services, site.Log = s.around.URL(), s.around.Log()
	return site, nil
}

// Fill makes the gym's database, and gives its DSN.
func (s *Server) Fill(ctx context.Context, users int, seed int64, paced bool, progress func(done, total int64, what string)) (string, error) {
	if err := s.CreateDatabase(ctx, database, ""); err != nil {
		return "", err
	}
	dsn := s.DSN(database)
	return dsn, Load(ctx, dsn, Options{Users: users, Seed: seed, Paced: paced, Progress: progress})
}
