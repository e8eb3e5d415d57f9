package capsule_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"tminus/db/capsule"
)

// pair makes a key of age's: the public one, and a file with the secret one.
func pair(t *testing.T) (recipient, file string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "key", []byte("# a comment\n"+id.String()+"\n"))
	return id.Recipient().String(), filepath.Join(dir, "key")
}

// sshPair makes one of SSH's.
func sshPair(t *testing.T, key any, passphrase string) (recipient, file string) {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "key", pem.EncodeToMemory(block))
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), filepath.Join(dir, "key")
}

func keys(t *testing.T) (ed ed25519.PrivateKey, r *rsa.PrivateKey) {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err = rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return ed, r
}

// Each of the recipients opens a capsule, and nobody else.
func TestEachRecipientOpensIt(t *testing.T) {
	t.Parallel()
	ed, r := keys(t)
	one, oneFile := pair(t)
	two, twoFile := sshPair(t, ed, "")
	three, threeFile := sshPair(t, r, "")
	tables, parts := sample()
	dir, _ := write(t, blank(), tables, parts, one, two+" anna@office", three)
	for _, file := range []string{oneFile, twoFile, threeFile} {
		ids, err := capsule.Identities(file)
		if err != nil {
			t.Fatal(err)
		}
		c := open(t, dir, ids...)
		same(t, c, parts)
		if err := c.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	modes(t, dir)
	plain(t, dir)

	_, other := pair(t)
	ids, err := capsule.Identities(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*capsule.Capsule{open(t, dir), open(t, dir, ids...)} {
		_, err := c.Read(c.Manifest().Tables[0], capsule.Gone)
		if !errors.Is(err, capsule.ErrLocked) || errors.Is(err, capsule.ErrDamaged) || !strings.Contains(err.Error(), "secret key of one of age1") {
			t.Errorf("read: %v", err)
		}
		if err := c.Verify(t.Context(), nil); !errors.Is(err, capsule.ErrLocked) || errors.Is(err, capsule.ErrDamaged) {
			t.Errorf("verify: %v", err)
		}
	}
}

// plain looks for rows in the files of an encrypted capsule.
func plain(t *testing.T, dir string) {
	t.Helper()
	for _, name := range names(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		switch strings.Contains(name, ".gz") {
		case true:
			if !strings.HasSuffix(name, ".age") || !strings.HasPrefix(string(text), "age-encryption.org/v1\n") {
				t.Errorf("%s is not encrypted", name)
			}
		case false:
			if strings.Contains(string(text), "@x") {
				t.Errorf("%s has a row's content", name)
			}
		}
	}
}

func TestARecipientThatIsNone(t *testing.T) {
	t.Parallel()
	good, file := pair(t)
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(strings.TrimPrefix(string(secret), "# a comment\n"))
	for text, want := range map[string]string{
		good[:20]:                   "recipient 2 of 2: malformed recipient",
		"ssh-ed25519 AAAA":          "recipient 2 of 2: malformed SSH recipient",
		"ecdsa-sha2-nistp256 AAAA":  "recipient 2 of 2: it is none of age1…, ssh-ed25519 … and ssh-rsa …",
		key:                         "recipient 2 of 2: that is a secret key: name the public one",
		strings.ToLower(key):        "recipient 2 of 2: that is a secret key: name the public one",
		good + "\n" + good:          "recipient 2 of 2: it has more than one line",
		"":                          "recipient 2 of 2: it is none of",
		"age1pq1" + good[5:]:        "recipient 2 of 2: malformed recipient",
		good[:len(good)-1] + "\xff": "recipient 2 of 2: malformed recipient",
	} {
		dir := filepath.Join(t.TempDir(), "c")
		_, err := capsule.Create(dir, []string{good, text})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(strings.ToUpper(err.Error()), strings.ToUpper(key)) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: the folder is there: %v", text, err)
		}
	}
}

func TestIdentitiesThatAreNone(t *testing.T) {
	t.Parallel()
	ed, _ := keys(t)
	_, locked := sshPair(t, ed, "a passphrase")
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, unfit := sshPair(t, curve, "")
	dir := t.TempDir()
	file := func(name, text string) string {
		put(t, dir, name, []byte(text))
		return filepath.Join(dir, name)
	}
	for path, want := range map[string]string{
		locked:                     "this SSH key has a passphrase",
		unfit:                      "unsupported SSH identity type",
		filepath.Join(dir, "none"): "no such file",
		file("empty", ""):          "no identities found",
		file("age", "age-encryption.org/v1\n-> x"):  "it is encrypted itself",
		file("public", "age1abc\n"):                 "that is a public key",
		file("ssh", "ssh-ed25519 AAAA\n"):           "that is a public key",
		file("plugin", "# x\nAGE-PLUGIN-YUBIKEY-1"): "behind one of age's plugins",
		file("long", strings.Repeat("x", 2<<20)):    "too large",
	} {
		_, err := capsule.Identities(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// decrypt tells how far it is, up to its end.
func decrypt(t *testing.T, dir, out string, ids ...age.Identity) error {
	t.Helper()
	c, err := capsule.Open(dir, ids...)
	if err != nil {
		t.Fatal(err)
	}
	var done, total int64
	err = c.Decrypt(t.Context(), out, func(d, of int64) { done, total = d, of })
	if err == nil && (done == 0 || done != total || total != c.Manifest().Size()) {
		t.Errorf("decrypted, it told of %d bytes of %d, and has %d", done, total, c.Manifest().Size())
	}
	return err
}

// A copy that nobody waits for any more is none.
func TestDecryptingIsBrokenOff(t *testing.T) {
	t.Parallel()
	recipient, file := pair(t)
	tables, parts := sample()
	dir, _ := write(t, blank(), tables, parts, recipient)
	ids, err := capsule.Identities(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := capsule.Open(dir, ids...)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "copy")
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Decrypt(ctx, out, func(_, _ int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
	if _, err := os.Lstat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy that was broken off: %v", err)
	}
}

// A decrypted copy is a capsule of its own, which pg_restore and psql read.
func TestADecryptedCopyIsPutBack(t *testing.T) {
	t.Parallel()
	recipient, file := pair(t)
	s, c, dsn, dir, before := oddly(t, recipient)
	ids, err := capsule.Identities(file)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "plain", "copy")
	if err := decrypt(t, dir, out); !errors.Is(err, capsule.ErrLocked) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := os.Lstat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy without a key: %v", err)
	}
	if err := decrypt(t, dir, out, ids...); err != nil {
		t.Fatal(err)
	}
	if err := mustVerify(t, out); err != nil {
		t.Error(err)
	}
	if err := decrypt(t, out, out+"2"); err == nil || !strings.Contains(err.Error(), "it is not encrypted") {
		t.Error(err)
	}
	if out, err := call(t, out, client(t, s, "pg_restore"), "--data-only", "-l", out); err != nil || !strings.Contains(out, "visits") {
		t.Errorf("pg_restore: %s", out)
	}
	// What is encrypted as it stands says so.
	if out, err := call(t, dir, client(t, s, "psql"), "-X", "-d", dsn, "-f", "put-back.sql"); err == nil {
		t.Errorf("without decrypting: %s", out)
	}
	putBack(t, s, out, dsn)
	equal(t, held(t, c, oddTables()), before)
}

// Decrypted by hand, as the script says: age -d on each file does what is done here.
func TestDecryptedInItsFolder(t *testing.T) {
	t.Parallel()
	recipient, file := pair(t)
	s, c, dsn, dir, before := oddly(t, recipient)
	script, err := os.ReadFile(filepath.Join(dir, "put-back.sql"))
	if err != nil || !strings.Contains(string(script), `for f in *.age; do age -d -i SECRET_KEY -o "${f%.age}" "$f"; done`) {
		t.Errorf("the script says nothing of decrypting: %v", err)
	}
	ids, err := capsule.Identities(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, dir) {
		if !strings.HasSuffix(name, ".age") {
			continue
		}
		text, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		r, err := age.Decrypt(text, ids...)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(r)
		if err := errors.Join(err, text.Close()); err != nil {
			t.Fatal(err)
		}
		put(t, dir, strings.TrimSuffix(name, ".age"), plain)
	}
	putBack(t, s, dir, dsn)
	equal(t, held(t, c, oddTables()), before)
	if err := capsule.Expire(dir, "anna", taken); err != nil || len(names(t, dir)) != 2 {
		t.Errorf("%v, left %v", err, names(t, dir))
	}
}
