// Package sandbox runs a private, throwaway PostgreSQL server: for the demo,
// for rehearsals on a copy, and for tests.
//
// The server listens on a Unix socket in a temporary directory that only its
// user can enter. It is a direct child of this process. When the program runs
// as root, which PostgreSQL refuses, the server's processes run as an ordinary
// user instead.
//
// Nothing stays behind, whatever ends the program. Stop ends the server and
// removes the directory. When the program dies without calling it (kill -9
// included), a watchdog process notices that its pipe to us closed, and does
// the same; on Linux the kernel also signals the server. What even that missed
// is swept by the next Start.
//
// A server started with Options.Linger is the exception: when its program dies
// or calls Release, it lives on for that long, so that another program can
// Adopt it, and is removed by the watchdog only then.
//
// Server binaries are those of Options.BinDir, or of $TMINUS_PG_BIN, or the
// newest that the machine has, or, failing all, downloaded once and cached.
//
// Start, Adopt, Stop, Restart and Crash block until the server is there or gone. All
// methods may be called from any goroutine. One example:
//
//	server, err := sandbox.Start(ctx, sandbox.Options{})
//	if err != nil {
//		return err
//	}
//	defer server.Stop()
//	conn, err := pgx.Connect(ctx, server.DSN("postgres"))
//
// Tests share one server in a test binary, and take a database each:
//
//	dsn := sandbox.ForTest(t).NewDatabase(t)
package sandbox
