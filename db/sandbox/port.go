package sandbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// freePort is one that nobody listens on: where there is one, below those that
// systems give to connections, so that it is still free at a Restart.
func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	for range portAttempts {
		port := 16384 + rand.IntN(16384)
		if l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port on 127.0.0.1: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
