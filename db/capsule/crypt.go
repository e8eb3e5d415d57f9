package capsule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// ErrLocked says that a capsule is encrypted, and that no identity given opens it.
var ErrLocked = errors.New("it is encrypted, and none of the identities given opens it")

// maxIdentity is the largest file that identities are read from, in bytes.
const maxIdentity = 1 << 20

// parseRecipients reads public keys.
func parseRecipients(recipients []string) ([]age.Recipient, error) {
	out := make([]age.Recipient, 0, len(recipients))
	for i, text := range recipients {
		r, err := parseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("recipient %d of %d: %w", i+1, len(recipients), err)
		}
		out = append(out, r)
	}
	if len(out) > 0 { // some do not go with each other: age tells when it encrypts
		if _, err := age.Encrypt(io.Discard, out...); err != nil {
			return nil, fmt.Errorf("encrypt to these recipients: %w", err)
		}
	}
	return out, nil
}

// parseRecipient reads one, and repeats none that may be a secret.
func parseRecipient(text string) (r age.Recipient, err error) {
	switch {
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-"), strings.Contains(text, "PRIVATE KEY"):
		return nil, errors.New("that is a secret key: name the public one that belongs to it")
	case strings.ContainsAny(text, "\r\n"):
		return nil, errors.New("it has more than one line: name each recipient by itself")
	case strings.HasPrefix(text, "age1pq1"):
		r, err = age.ParseHybridRecipient(text)
	case strings.HasPrefix(text, "age1"):
		r, err = age.ParseX25519Recipient(text)
	case strings.HasPrefix(text, "ssh-ed25519 "), strings.HasPrefix(text, "ssh-rsa "):
		r, err = agessh.ParseRecipient(text)
	default:
		return nil, errors.New("it is none of age1…, ssh-ed25519 … and ssh-rsa …")
	}
	return r, err
}

// Identities reads the secret keys of a file: one that age-keygen wrote, or an SSH
// key without a passphrase. Nobody is asked for anything.
func Identities(file string) ([]age.Identity, error) {
	ids, err := identities(file)
	if err != nil {
		return nil, fmt.Errorf("read the identities of %s: %w%s", file, err, wayOut(err))
	}
	return ids, nil
}

func identities(file string) ([]age.Identity, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxIdentity+1))
	if err != nil {
		return nil, err
	}
	switch begin := strings.TrimSpace(string(text)); {
	case len(text) > maxIdentity:
		return nil, errors.New("it is too large to be one")
	case strings.HasPrefix(begin, "age-encryption.org/"), strings.HasPrefix(begin, "-----BEGIN AGE ENCRYPTED FILE"):
		return nil, errors.New("it is encrypted itself: write what age -d makes of it to a file that only you can read, and name that one")
	case strings.HasPrefix(begin, "-----BEGIN"):
		return sshIdentity(text)
	case strings.HasPrefix(begin, "ssh-"), strings.HasPrefix(begin, "age1"):
		return nil, errors.New("that is a public key: name the file with the secret one that belongs to it")
	case strings.Contains(begin, "AGE-PLUGIN-"):
		return nil, errors.New("its key is behind one of age's plugins, which only age itself asks: decrypt the files with age -d, as " + scriptName + " says")
	}
	return age.ParseIdentities(strings.NewReader(string(text)))
}

func sshIdentity(text []byte) ([]age.Identity, error) {
	id, err := agessh.ParseIdentity(text)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		return nil, errors.New("this SSH key has a passphrase: write a copy without one to a file that only you can read (ssh-keygen -p -N '' -f COPY), and remove it afterwards")
	}
	if err != nil {
		return nil, err
	}
	return []age.Identity{id}, nil
}

// unlock takes the encryption off, where there is any.
func (r *reader) unlock() (io.Reader, error) {
	if !strings.HasSuffix(r.want.File, lockedSuffix) {
		return r.raw, nil
	}
	if len(r.c.ids) == 0 {
		return nil, r.locked()
	}
	plain, err := age.Decrypt(r.raw, r.c.ids...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, r.locked()
	}
	if err != nil {
		return nil, r.odd(err)
	}
	return plain, nil
}

// locked is ErrLocked, unless the file is damaged: then no identity would help, and
// its header may name others than it did.
func (r *reader) locked() error {
	if _, err := io.Copy(io.Discard, r.raw); err != nil {
		return err
	}
	if !r.intact() {
		return errAltered
	}
	return fmt.Errorf("%w; name the file with the secret key of one of %s", ErrLocked, strings.Join(shorten(r.c.manifest.Recipients), ", "))
}

// shorten makes recipients fit into a sentence.
func shorten(recipients []string) []string {
	out := make([]string, 0, len(recipients))
	for _, text := range recipients {
		if r := []rune(text); len(r) > 40 {
			text = string(r[:24]) + "…" + string(r[len(r)-12:])
		}
		out = append(out, text)
	}
	return out
}
