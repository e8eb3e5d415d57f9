package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// messagesLocale is one whose messages are not English.
const messagesLocale = "de_DE.UTF-8"

// translated is the one server of a test binary whose messages are German.
var translated = sync.OnceValues(func() (*Server, error) {
	ctx := context.Background()
	s, err := Start(ctx, Options{})
	if err != nil {
		return nil, err
	}
	translatedStarted.Store(s)
	return s, s.translate(ctx)
})

// TranslatedForTest gives a server whose messages are German for every role, one
// for all tests of a binary; it ends in Main. Where the machine has neither the
// locale's source nor the server's translation, the test is skipped.
func TranslatedForTest(tb interface {
	TB
	Skipf(format string, args ...any)
},
) *Server {
	tb.Helper()
	s, err := translated()
	if err != nil {
		tb.Skipf("no server with translated messages: %v", err)
	}
	return s
}

// translate makes the locale in the server's directory, and has its messages in it.
func (s *Server) translate(ctx context.Context) (err error) {
	out, err := runBounded(ctx, startTimeout, s.user.command("localedef", "-i", "de_DE", "-f", "UTF-8", "--no-archive", filepath.Join(s.dir, messagesLocale)))
	if err != nil {
		return fmt.Errorf("make the locale %s: %w: %s", messagesLocale, err, lastLines(out))
	}
	if err := os.Setenv("LOCPATH", s.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Unsetenv("LOCPATH")) }()
	s.opts.Settings = map[string]string{"lc_messages": messagesLocale}
	if err := s.Restart(ctx); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var text string
	if err := conn.QueryRow(ctx, `SELECT pg_describe_object('pg_class'::regclass, 'pg_class'::regclass, 0)`).Scan(&text); err != nil {
		return err
	}
	if strings.HasPrefix(text, "table ") {
		return fmt.Errorf("PostgreSQL %s in %s has no translation into %s", s.bin.version, s.bin.dir, messagesLocale)
	}
	return nil
}
