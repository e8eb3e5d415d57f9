package mirror

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"tminus/phases"
)

// maxKeysBytes is more than any list of people who watch a maintenance.
const maxKeysBytes = 1 << 20

// minRSABits is the shortest RSA key that is let in.
const minRSABits = 2048

// keyring is the people who may watch: fingerprint to name.
type keyring struct {
	names   map[string]string
	skipped []string // what is wrong with the lines that were left out
}

// keyFile is an authorized_keys file that is read again whenever it changes.
// Its methods may be called from several goroutines.
type keyFile struct {
	path string

	mu    sync.Mutex
	stamp stamp
	ring  keyring
	err   error // why nobody may watch; nil while somebody may
}

// stamp tells a file from what it was.
type stamp struct {
	size  int64
	mtime time.Time
	mode  os.FileMode
	inode os.FileInfo
}

func (s stamp) same(o stamp) bool {
	return s.inode != nil && o.inode != nil && os.SameFile(s.inode, o.inode) &&
		s.size == o.size && s.mtime.Equal(o.mtime) && s.mode == o.mode
}

// current gives the file's keys as they are now. Where the file cannot be
// trusted any more nobody may watch: a list that is gone is an empty list.
func (f *keyFile) current() (keyring, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		f.stamp, f.ring = stamp{}, keyring{}
		f.err = fmt.Errorf("read authorized_keys: %w: %w", ErrNoKeys, err)
		return f.ring, f.err
	}
	now := stamp{size: info.Size(), mtime: info.ModTime(), mode: info.Mode(), inode: info}
	// A file written twice within its clock's tick looks unchanged: one that
	// is that young is not taken for known.
	if f.stamp.same(now) && time.Since(now.mtime) > 2*time.Second {
		return f.ring, f.err
	}
	f.stamp = now
	f.ring, f.err = readKeys(f.path, info)
	return f.ring, f.err
}

// name gives the name of a key's owner; ok is false for a key that may not watch.
func (f *keyFile) name(key ssh.PublicKey) (name string, ok bool) {
	ring, err := f.current()
	if err != nil || weak(key) != "" {
		return "", false
	}
	name, ok = ring.names[ssh.FingerprintSHA256(key)]
	return name, ok
}

func readKeys(path string, info os.FileInfo) (keyring, error) {
	refused := func(why, wayOut string) (keyring, error) {
		return keyring{}, fmt.Errorf("read authorized_keys %s: %w: %s; %s", path, ErrNoKeys, why, wayOut)
	}
	switch {
	case !info.Mode().IsRegular():
		return refused("it is not a file", "name one")
	case info.Mode().Perm()&0o022 != 0:
		return refused(fmt.Sprintf("its mode %04o lets others write to it", info.Mode().Perm()), "chmod go-w it")
	case info.Size() > maxKeysBytes:
		return refused("it is larger than 1 MiB", "name a list of those who watch")
	}
	file, err := os.Open(path)
	if err != nil {
		return keyring{}, fmt.Errorf("read authorized_keys: %w: %w", ErrNoKeys, err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxKeysBytes))
	if err != nil {
		return keyring{}, fmt.Errorf("read authorized_keys: %w: %w", ErrNoKeys, err)
	}
	ring := parseKeys(raw)
	if len(ring.names) == 0 {
		return ring, fmt.Errorf("read authorized_keys %s: %w: no line of it is a usable public key; add one, such as the rollback engineer's id_ed25519.pub", path, ErrNoKeys)
	}
	return ring, nil
}

// parseKeys reads line by line: a line that is no key locks out nobody else.
func parseKeys(raw []byte) keyring {
	ring := keyring{names: map[string]string{}}
	for n, line := range bytes.Split(raw, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, comment, options, _, err := ssh.ParseAuthorizedKey(line)
		skip := ""
		switch {
		case err != nil:
			skip = "it is no public key"
		case len(options) > 0:
			// An option narrows what its key may do (from=, expiry-time=):
			// to ignore it would let in more than was meant.
			skip = "it has options, which a mirror does not know: give the key without"
		default:
			skip = weak(key)
		}
		if skip != "" {
			ring.skipped = append(ring.skipped, fmt.Sprintf("authorized_keys line %d is left out: %s", n+1, skip))
			continue
		}
		ring.names[ssh.FingerprintSHA256(key)] = keyName(comment, key)
	}
	return ring
}

// weak says why a key of its kind is not let in; empty when it may be.
func weak(key ssh.PublicKey) string {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return ""
	case ssh.KeyAlgoRSA:
		if bits := rsaBits(key); bits < minRSABits {
			return fmt.Sprintf("an RSA key of %d bits is too short", bits)
		}
		return ""
	}
	return "keys of type " + phases.Clean(key.Type()) + " are not taken"
}

// rsaBits is the length of an RSA key's modulus.
func rsaBits(key ssh.PublicKey) int {
	var wire struct {
		Name string
		E, N []byte
	}
	if err := ssh.Unmarshal(key.Marshal(), &wire); err != nil {
		return 0
	}
	n := bytes.TrimLeft(wire.N, "\x00")
	return len(n) * 8
}

// keyName is what viewers with a key are called: its comment, short and clean.
func keyName(comment string, key ssh.PublicKey) string {
	name := []rune(phases.Clean(comment))
	if len(name) == 0 {
		name = []rune(ssh.FingerprintSHA256(key))
	}
	if len(name) > 64 {
		name = name[:64]
	}
	return string(name)
}
