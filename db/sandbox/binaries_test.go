package sandbox

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestNamedDirectoryIsUsedOrAnError(t *testing.T) {
	empty := t.TempDir()
	broken := t.TempDir()
	for _, program := range []string{"initdb", "postgres"} {
		script := "#!/bin/sh\necho cannot open shared object >&2; exit 127\n"
		if err := os.WriteFile(filepath.Join(broken, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	openToAll(t, broken)
	for dir, reason := range map[string]string{empty: "no such file", broken: "cannot open shared object"} {
		s, err := Start(t.Context(), Options{BinDir: dir})
		if err == nil {
			s.Stop()
			t.Fatalf("started from %s", dir)
		}
		for _, part := range []string{dir, reason, BinDirEnv, "apt-get install postgresql"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("no %q in: %v", part, err)
			}
		}
	}
	t.Setenv(BinDirEnv, empty)
	if _, err := Start(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "$"+BinDirEnv) {
		t.Errorf("with a bad $%s: %v", BinDirEnv, err)
	}
}

func TestBrokenLocalBinariesArePassedOver(t *testing.T) {
	local := ForTest(t).BinDir()
	t.Setenv(BinDirEnv, "")
	s := start(t, Options{localDirs: func() []string { return []string{t.TempDir(), local} }})
	if s.BinDir() != local {
		t.Errorf("used %s", s.BinDir())
	}
}

func TestNewestFirst(t *testing.T) {
	dirs := []string{"/usr/lib/postgresql/9/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/18/bin"}
	newestFirst(dirs)
	want := []string{"/usr/lib/postgresql/18/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9/bin"}
	if !slices.Equal(dirs, want) {
		t.Errorf("order %q", dirs)
	}
}

// repository serves testdata/standin.txz as the real one serves binaries: in
// a jar, with its checksum. Its programs call those of $TMINUS_STANDIN_BIN. It
// was made by: tar -cf - bin | xz -9 --check=crc32.
func repository(t *testing.T, checksum func(jar []byte) string) (url string, fetched *atomic.Int32) {
	t.Helper()
	archive, err := os.ReadFile("testdata/standin.txz")
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	w := zip.NewWriter(&jar)
	f, err := w.Create("postgres-standin.txz")
	if err == nil {
		_, err = f.Write(archive)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	fetched = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.Contains(r.URL.Path, "/embedded-postgres-binaries-"):
			http.NotFound(w, r)
		case strings.HasSuffix(r.URL.Path, ".sha256"):
			fmt.Fprint(w, checksum(jar.Bytes()))
		default:
			fetched.Add(1)
			_, _ = w.Write(jar.Bytes())
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, fetched
}

func rightChecksum(jar []byte) string {
	sum := sha256.Sum256(jar)
	return hex.EncodeToString(sum[:])
}

func nowhere() []string { return nil }

func TestDownloadWhereNothingIsInstalled(t *testing.T) {
	t.Setenv("TMINUS_STANDIN_BIN", ForTest(t).BinDir())
	t.Setenv(BinDirEnv, "") // as on a machine without any
	url, fetched := repository(t, rightChecksum)
	cache := t.TempDir()
	openToAll(t, cache)
	var steps []string
	opts := Options{
		RepositoryURL: url, CacheDir: cache, localDirs: nowhere,
		Progress: func(step string) { steps = append(steps, step) },
	}
	s := start(t, opts)
	connect(t, s.DSN("postgres"))
	if !strings.HasPrefix(s.BinDir(), cache) {
		t.Errorf("binaries from %s", s.BinDir())
	}
	if !slices.ContainsFunc(steps, func(step string) bool { return strings.Contains(step, "downloading") }) {
		t.Errorf("no word about the download: %q", steps)
	}
	start(t, opts)
	if fetched.Load() != 1 {
		t.Errorf("fetched %d times, want once", fetched.Load())
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "fetch-*")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestFailedDownloadSaysTheWayOut(t *testing.T) {
	t.Setenv("TMINUS_STANDIN_BIN", ForTest(t).BinDir())
	t.Setenv(BinDirEnv, "") // as on a machine without any
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	tampered, _ := repository(t, func([]byte) string { return strings.Repeat("0", 64) })
	for url, reason := range map[string]string{
		closed.URL: "unable to connect", missing.URL: "no version found", tampered: "checksums do not match",
	} {
		cache := t.TempDir()
		s, err := Start(t.Context(), Options{RepositoryURL: url, CacheDir: cache, localDirs: nowhere})
		if err == nil {
			s.Stop()
			t.Fatalf("started from %s", url)
		}
		for _, part := range []string{url, reason, BinDirEnv, "apt-get install postgresql"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("no %q in: %v", part, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(cache, "*")); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
	}
}

func TestFailedDownloadHidesThePassword(t *testing.T) {
	t.Setenv(BinDirEnv, "")
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	address := strings.Replace(closed.URL, "http://", "http://mirror:hunter2@", 1)
	_, err := Start(t.Context(), Options{RepositoryURL: address, CacheDir: t.TempDir(), localDirs: nowhere})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "mirror:xxxxx@") {
		t.Errorf("error: %v", err)
	}
}

func TestDirectoryThatTheServersUserCannotReach(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs servers as somebody else")
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", closed)
	s := start(t, Options{})
	if strings.HasPrefix(s.Dir(), closed) {
		t.Errorf("made %s, where %s cannot go", s.Dir(), s.user.name)
	}
	if left, _ := filepath.Glob(filepath.Join(closed, "*")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := Start(t.Context(), Options{TempDir: closed}); err == nil || strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), "name another one than "+closed) {
		t.Errorf("with that directory asked for: %v", err)
	}
}

func TestDirectoryTooLongForASocket(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	if err := os.Mkdir(long, 0o777); err != nil {
		t.Fatal(err)
	}
	openToAll(t, long)
	t.Setenv("TMPDIR", long)
	s := start(t, Options{})
	if strings.HasPrefix(s.Dir(), long) {
		t.Errorf("made %s", s.Dir())
	}
}

func TestServerRunsAsAnOrdinaryUser(t *testing.T) {
	s := ForTest(t)
	var info syscall.Stat_t
	if err := syscall.Stat(filepath.Join(s.dataDir(), "PG_VERSION"), &info); err != nil || info.Uid == 0 {
		t.Errorf("the data directory's owner is %d: %v", info.Uid, err)
	}
	if os.Geteuid() != 0 {
		return
	}
	// Where there is neither postgres nor nobody, any number does.
	for _, candidate := range ordinaryAccounts() {
		if _, err := runBounded(t.Context(), shortLimit, candidate.command("/bin/sh", "-c", `[ "$(id -u)" -ne 0 ]`)); err != nil {
			t.Errorf("as %s: %v", candidate.name, err)
		}
	}
}
