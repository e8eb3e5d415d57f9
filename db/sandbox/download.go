package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// RepositoryEnv names the environment variable that says which Maven
// repository binaries are downloaded from.
const RepositoryEnv = "TMINUS_PG_REPOSITORY"

const (
	mavenCentral  = "https://repo1.maven.org/maven2"
	downloadLimit = 5 * time.Minute
	cachedVersion = embedded.V18
)

// download gives binaries from the cache, or fetches them there.
func download(ctx context.Context, opts *Options, a *account) (binaries, error) {
	cache, err := cacheDir(opts)
	if err != nil {
		return binaries{}, fmt.Errorf("no PostgreSQL on this machine: %w; %s", err, wayOut)
	}
	home := filepath.Join(cache, "postgresql-"+string(cachedVersion))
	if bin, err := tryBinaries(ctx, filepath.Join(home, "bin"), a); err == nil {
		return bin, nil
	}
	repository := cmp.Or(opts.RepositoryURL, os.Getenv(RepositoryEnv), mavenCentral)
	opts.step("no PostgreSQL on this machine: downloading server binaries %s (once)", cachedVersion)
	if err := fetch(ctx, repository, cache, home); err != nil {
		return binaries{}, &downloadError{url: repository, cause: err}
	}
	bin, err := tryBinaries(ctx, filepath.Join(home, "bin"), a)
	if err != nil {
		return bin, fmt.Errorf("downloaded PostgreSQL binaries do not run: %w; %s", err, wayOut)
	}
	return bin, nil
}

// downloadError hides the password that a repository's address may have: the
// library puts the address into its own errors, too.
type downloadError struct {
	url   string
	cause error
}

func (e *downloadError) Unwrap() error { return e.cause }

func (e *downloadError) Error() string {
	shown := "the repository"
	if address, err := url.Parse(e.url); err == nil {
		shown = address.Redacted()
	}
	return fmt.Sprintf("no PostgreSQL on this machine, and downloading %s from %s failed: %s; %s",
		cachedVersion, shown, strings.ReplaceAll(e.cause.Error(), e.url, shown), wayOut)
}

// cacheDir is where downloads are kept. Root's own cache is closed to the
// user that runs the server.
func cacheDir(opts *Options) (string, error) {
	dir := opts.CacheDir
	switch {
	case dir != "":
	case os.Geteuid() == 0:
		dir = "/var/cache/tminus"
	default:
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a cache directory: %w", err)
		}
		dir = filepath.Join(user, "tminus")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	return dir, nil
}

// fetch downloads an archive and unpacks it at home, all of it or nothing.
func fetch(ctx context.Context, repository, cache, home string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadLimit)
	defer cancel()
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return err
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	result := make(chan error, 1)
	// Ends when the download does; it cannot be cancelled, and after ctx's end
	// nobody waits for it. It removes its own directory.
	go func() {
		err := fetchWith(repository, work)
		if err == nil && ctx.Err() == nil {
			err = publish(filepath.Join(work, "unpacked"), home)
		}
		result <- errors.Join(err, os.RemoveAll(work))
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// publish moves a complete tree to its place. Another process may have been
// faster: its tree is as good.
func publish(unpacked, home string) error {
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	err := os.Rename(unpacked, home)
	if err != nil && exists(filepath.Join(home, "bin", "postgres")) {
		return nil
	}
	return err
}

// fetchWith has the library download and unpack. It does so only on its way to
// start a server of its own; one that finds a data directory with nothing but
// a version in it gives up at once, and what it unpacked is what we wanted.
func fetchWith(repository, work string) error {
	unpacked, data := filepath.Join(work, "unpacked"), filepath.Join(work, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	major := string(cachedVersion)[:2] + "\n"
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(major), 0o600); err != nil {
		return err
	}
	port, err := freePort(context.Background())
	if err != nil {
		return err
	}
	server := embedded.NewDatabase(embedded.DefaultConfig().
		Version(cachedVersion).
		BinaryRepositoryURL(repository).
		CachePath(filepath.Join(work, "archive")).
		BinariesPath(unpacked).
		RuntimePath(filepath.Join(work, "runtime")).
		DataPath(data).
		Port(uint32(port)).
		StartTimeout(time.Second).
		Logger(io.Discard))
	err = server.Start()
	if err == nil {
		return errors.Join(errors.New("the downloaded server started on an empty directory"), server.Stop())
	}
	if exists(filepath.Join(unpacked, "bin", "postgres")) && exists(filepath.Join(unpacked, "bin", "initdb")) {
		return nil
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
