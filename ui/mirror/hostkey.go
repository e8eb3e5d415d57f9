package mirror

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// hostKey reads the host's private key, and makes it when there is none. It is
// made once: whoever has connected before recognises the host by it.
func hostKey(path string) ([]byte, ssh.Signer, error) {
	raw, err := readHostKey(path)
	if errors.Is(err, os.ErrNotExist) {
		raw, err = makeHostKey(path)
	}
	if err != nil {
		return nil, nil, err
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("read host key %s: %w; move it away and a new one is made", path, err)
	}
	return raw, signer, nil
}

func readHostKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read host key %s: its mode %04o lets others read it; chmod 600 it, or move it away and a new one is made", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read host key: %w", err)
	}
	return raw, nil
}

func makeHostKey(path string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "tminus mirror")
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	raw := pem.EncodeToMemory(block)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	// A key appears under its name whole or not at all, and never takes the
	// place of one that another mirror made meanwhile.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".host_key_*")
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	err = errors.Join(err, tmp.Chmod(0o600), tmp.Sync(), tmp.Close())
	if err != nil {
		return nil, fmt.Errorf("make host key %s: %w", path, err)
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, os.ErrExist) {
		return readHostKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("make host key: %w", err)
	}
	return raw, nil
}
