package outside

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"tminus/phases"
	"tminus/phases/runbook"
)

// maxGreeting is how much a server may say before it names its version, in bytes.
const maxGreeting = 8 << 10

// keyKinds are the kinds of key that a host may have, one of which is asked for
// at a time.
var keyKinds = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512},
}

// checkSSH reads how a server greets, and what keys it has where one is wanted.
// It never comes to a login.
func checkSSH(ctx context.Context, c *runbook.Check) (phases.Answer, error) {
	if c.Host == "" {
		return phases.Answer{}, errors.New("name the host as `host`")
	}
	at := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	conn, err := connect(ctx, at)
	if err != nil {
		return phases.Answer{}, err
	}
	version, err := greeting(ctx, conn, at)
	if err != nil {
		return phases.Answer{}, err
	}
	if !strings.HasPrefix(version, "SSH-2.0-") && !strings.HasPrefix(version, "SSH-1.99-") {
		return phases.Answer{Value: at + " does not speak SSH 2, it says: " + version}, nil
	}
	if c.Fingerprint == "" {
		return phases.Answer{Pass: true, Value: version}, nil
	}
	var found []string
	for _, kind := range keyKinds {
		conn, err := connect(ctx, at)
		if err != nil {
			return phases.Answer{}, err
		}
		key, err := hostKey(ctx, conn, at, kind)
		switch {
		case err != nil:
			return phases.Answer{}, err
		case key == nil:
			continue
		}
		shown := ssh.FingerprintSHA256(key)
		if shown == c.Fingerprint {
			return phases.Answer{Pass: true, Value: version + ", with the key as given"}, nil
		}
		found = append(found, fmt.Sprintf("%s (%s)", shown, key.Type()))
	}
	if found == nil {
		return phases.Answer{}, fmt.Errorf("%s has no key of a kind that is known, Ed25519, ECDSA or RSA: leave `fingerprint` out", at)
	}
	return phases.Answer{Value: fmt.Sprintf("%s has not the key %s; it has %s", at, c.Fingerprint, strings.Join(found, ", "))}, nil
}

func connect(ctx context.Context, at string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("%w: there is no connection to %s", context.Cause(ctx), at)
	case err != nil:
		return nil, errors.New(NoConnection(at, err))
	}
	return conn, nil
}

// greeting gives the line by which an SSH server names its version, or, of a
// server that is none and says so much or ends the connection, its first line.
// It closes conn, as ctx does.
func greeting(ctx context.Context, conn net.Conn, at string) (string, error) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	first := ""
	lines := bufio.NewReader(io.LimitReader(conn, maxGreeting))
	for {
		line, err := lines.ReadString('\n')
		line = FirstLine(line)
		if strings.HasPrefix(line, "SSH-") && err == nil {
			return line, nil
		}
		if first == "" {
			first = line
		}
		switch {
		case err == nil:
		case ctx.Err() != nil && first != "":
			return "", fmt.Errorf("%w: %s does not speak SSH, it says: %s", context.Cause(ctx), at, first)
		case ctx.Err() != nil:
			return "", fmt.Errorf("%w: %s took the connection and says nothing", context.Cause(ctx), at)
		case first != "":
			return first, nil
		default:
			return "", errors.New(NoConnection(at, err))
		}
	}
}

// errSeen ends a handshake once the host has proved its key.
var errSeen = errors.New("the key was seen")

// hostKey gives a host's key of a kind; nil when it has none. It closes conn, as
// ctx does.
func hostKey(ctx context.Context, conn net.Conn, at string, kind []string) (ssh.PublicKey, error) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var seen ssh.PublicKey
	_, _, _, err := ssh.NewClientConn(conn, at, &ssh.ClientConfig{
		HostKeyAlgorithms: kind,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return errSeen
		},
	})
	_, none := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	switch {
	case seen != nil || none:
		return seen, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %s does not tell its keys", context.Cause(ctx), at)
	case errors.Is(err, net.ErrClosed):
		err = io.EOF // whoever closed it here did so after the host had
	}
	return nil, errors.New(NoConnection(at, err))
}
