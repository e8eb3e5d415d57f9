package mirror

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Options is what a mirror needs. Journal and AuthorizedKeys have no default;
// the zero value of everything else means the default that stands beside it.
type Options struct {
	Journal        string // path of the run's journal, which must exist; it may be empty yet
	Listen         string // host:port; 127.0.0.1:2222
	AuthorizedKeys string // path of an authorized_keys file with at least one usable key
	HostKey        string // path of the host's private key, made when missing; tminus/mirror_host_key in the user's state folder

	Presence Presence  // told who joins and leaves; nil: nobody is told, the log alone has it
	Log      io.Writer // one line each of who came, left and was refused; nil: nowhere. It never gets two writes at once

	MaxSessions int           // viewers at a time; 50
	PerKey      int           // viewers at a time with the same key; 5
	MaxHalfOpen int           // connections at a time that have no session yet; 64. One more closes the oldest
	Grace       time.Duration // from connecting to a running session; 20 s
	Idle        time.Duration // a client that answers nothing for so long is cut off; 30 s
	Behind      time.Duration // a viewer that has not taken a frame for so long is cut off; 15 s
}

// Presence is told who watches. It can carry nothing else. Its methods are
// called one at a time and in order, each Left after its Joined; they may block.
type Presence interface {
	Joined(name, fingerprint, session string)
	Left(session string)
}

// Errors that callers tell apart.
var (
	ErrNoKeys  = errors.New("no key may watch") // the authorized_keys file is missing, unsafe or holds no usable key
	ErrAddress = errors.New("the mirror's address cannot be used")
)

func (o Options) withDefaults() (Options, error) {
	if o.Journal == "" {
		return o, errors.New("start mirror: no journal is named; give the path of a run's journal")
	}
	if o.AuthorizedKeys == "" {
		return o, fmt.Errorf("start mirror: %w: no authorized_keys file is named; name one, a mirror without it would let anybody in", ErrNoKeys)
	}
	if o.HostKey == "" {
		path, err := defaultHostKey()
		if err != nil {
			return o, err
		}
		o.HostKey = path
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:2222"
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	o.MaxSessions = orElse(o.MaxSessions, 50)
	o.PerKey = orElse(o.PerKey, 5)
	o.MaxHalfOpen = orElse(o.MaxHalfOpen, 64)
	o.Grace = orElse(o.Grace, 20*time.Second)
	o.Idle = orElse(o.Idle, 30*time.Second)
	o.Behind = orElse(o.Behind, 15*time.Second)
	return o, nil
}

func orElse[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// defaultHostKey is where a host key lives that nobody gave a place to.
func defaultHostKey() (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the mirror's host key: %w; name one", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "tminus", "mirror_host_key"), nil
}
