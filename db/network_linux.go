package db

import (
	"context"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged is how long what was sent may stay without the other
// machine's acknowledgement: as long as keepalives give a silent line.
const unacknowledged = 30_000 // milliseconds

// boundUnacknowledged ends a TCP connection whose network swallows what is
// sent. Keepalives do not: they are sent on a line that is idle alone.
func boundUnacknowledged(_ context.Context, network, address string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	err := c.Control(func(fd uintptr) {
		// A kernel that does not know it keeps its own limit.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, unacknowledged)
	})
	if err != nil {
		return fmt.Errorf("set the time limit of the connection to %s: %w", address, err)
	}
	return nil
}
