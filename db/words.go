package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"tminus/phases/engine/outside"
)

// told is an error of the driver's or the network's in words for a person.
type told struct {
	words string
	err   error
}

// Error is the words alone.
func (t *told) Error() string { return t.words }

// Unwrap gives what the words stand for.
func (t *told) Unwrap() error { return t.err }

// noSession says why a session could not be opened, where it was not the
// server who refused it.
func noSession(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &told{context.Cause(ctx).Error(), err}
	}
	where := "the server"
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		where = op.Addr.String()
	}
	words := outside.NoConnection(where, err)
	switch {
	case strings.HasPrefix(where, "/") && errors.Is(err, os.ErrNotExist):
		words = "there is no socket " + where
	case strings.Contains(err.Error(), "server refused TLS connection"):
		words = "the server offers no TLS, and sslmode asks for it"
	case errors.Is(err, pgconn.ErrReadOnlyConnection):
		words = "the server is read-only, and target_session_attrs asks for one that is not"
	case errors.Is(err, pgconn.ErrReadWriteConnection):
		words = "the server is not read-only, and target_session_attrs asks for one that is"
	case errors.Is(err, pgconn.ErrPrimaryConnection):
		words = "the server is a primary, and target_session_attrs asks for a standby"
	case errors.Is(err, pgconn.ErrStandbyConnection):
		words = "the server is a standby, and target_session_attrs asks for a primary"
	}
	return &told{words, err}
}

// driverWords are those by which an error of the driver's or the network's is
// known in a text.
var driverWords = []string{
	"context deadline exceeded", "context canceled", "i/o timeout", "conn closed", "unexpected EOF",
	"use of closed network connection", "dial tcp", "dial unix", "read tcp", "read unix", "write tcp", "write unix",
}

// plain is an error's text, with what the driver and the network say put in
// words for a person. What was said before them stays.
func plain(err error) string {
	text := err.Error()
	at := len(text)
	for _, words := range driverWords {
		if i := strings.Index(text, words); i >= 0 {
			at = min(at, i)
		}
	}
	if _, ours := errors.AsType[*told](err); ours || at == len(text) && !errors.Is(err, io.EOF) {
		return clean(text)
	}
	said := strings.TrimSuffix(strings.TrimSpace(text[:at]), ":")
	for _, prefix := range []string{"timeout", "failed to receive message", "write failed", "failed to write startup message", "EOF"} {
		said = strings.TrimSuffix(strings.TrimSuffix(said, prefix), ": ")
	}
	late, isNet := errors.AsType[net.Error](err)
	words := "the connection to the server was lost"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		words = "the server does not run any more"
	case errors.Is(err, context.Canceled):
		words = "it was broken off"
	case isNet && late.Timeout():
		words = "the server did not answer in time"
	}
	if said != "" {
		return fmt.Sprintf("%s: %s", clean(said), words)
	}
	return words
}
