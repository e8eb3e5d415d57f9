package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestNoSessionInWords(t *testing.T) {
	tcp := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5432}
	for want, err := range map[string]error{
		"nobody listens at 10.0.0.1:5432":                                            &net.OpError{Op: "dial", Net: "tcp", Addr: tcp, Err: syscall.ECONNREFUSED},
		"no way leads to 10.0.0.1:5432: look at the network":                         &net.OpError{Op: "dial", Net: "tcp", Addr: tcp, Err: syscall.EHOSTUNREACH},
		"the server ended the connection before it had answered":                     fmt.Errorf("failed to receive message: %w", io.ErrUnexpectedEOF),
		"the server did not answer in time":                                          fmt.Errorf("timeout: %w", context.DeadlineExceeded),
		"no such host: db9":                                                          fmt.Errorf("hostname resolving error: %w", errors.Join(&net.DNSError{Name: "db9", IsNotFound: true})),
		"the server offers no TLS, and sslmode asks for it":                          fmt.Errorf("tls error: %w", errors.New("server refused TLS connection")),
		"the server is read-only, and target_session_attrs asks for one that is not": fmt.Errorf("ValidateConnect failed: %w", pgconn.ErrReadOnlyConnection),
	} {
		got := noSession(t.Context(), err)
		if got.Error() != want || !errors.Is(got, err) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}

func TestDriverErrorsInWords(t *testing.T) {
	for want, err := range map[string]error{
		"the connection to the server was lost":                      fmt.Errorf("failed to receive message: %w", io.ErrUnexpectedEOF),
		"no answer within 3s: the server did not answer in time":     fmt.Errorf("no answer within 3s: %w", fmt.Errorf("timeout: %w", context.DeadlineExceeded)),
		"the server did not answer in time":                          fmt.Errorf("timeout: %w", context.DeadlineExceeded),
		"it was broken off":                                          fmt.Errorf("timeout: %w", context.Canceled),
		"wait for a session: it was broken off":                      fmt.Errorf("wait for a session: %w", context.Canceled),
		"it gives 2 rows, and must give one":                         errors.New("it gives 2 rows, and must give one"),
		"write to a dead one: the connection to the server was lost": fmt.Errorf("write to a dead one: %w", &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}),
	} {
		if got := (&Error{Op: "x", Err: err}).Error(); got != "x: "+want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}
