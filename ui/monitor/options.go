package monitor

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// DefaultAddress is where metrics are served when no address is named.
const DefaultAddress = "127.0.0.1:9765"

// Options is what a Monitor needs. The zero value tells nobody anything.
type Options struct {
	Metrics string   // address to serve metrics on, as ParseAddress takes it; empty: none
	Status  string   // path of the status file; empty: none
	Environ []string // where the variables of OpenTelemetry are looked for; nil: no traces
	Version string   // of the program, for traces
}

// ErrAddress is why metrics cannot be served where they were asked for.
var ErrAddress = errors.New("the address for metrics cannot be used")

// ParseAddress reads host:port, :port or port. Without a host it is loopback:
// another address than that is written out, 0.0.0.0:9765 or [::]:9765.
func ParseAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if _, bad := strconv.Atoi(text); bad == nil {
		host, port, err = "", text, nil
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q is no host:port, such as %s", ErrAddress, text, DefaultAddress)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%w: %q: the port is a number from 0 to 65535", ErrAddress, text)
	} else {
		port = strconv.FormatUint(n, 10)
	}
	if strings.ContainsAny(host, " /@?#") {
		return "", fmt.Errorf("%w: %q: a host and a port, and nothing else", ErrAddress, text)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
