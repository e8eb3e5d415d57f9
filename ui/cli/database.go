package cli

import (
	"context"
	"time"

	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// Database is what the commands need of PostgreSQL. All of it is set.
type Database struct {
	// Connect opens a database and takes its operator lock. The caller closes
	// the target.
	Connect func(ctx context.Context, a Access) (engine.Target, phases.Identity, error)

	// Open is the same without the lock, to look alone.
	Open func(ctx context.Context, a Access) (engine.Target, phases.Identity, error)

	// Address is how a DSN, as in Access, reaches a database, without a secret.
	Address func(dsn string) (phases.Address, error)

	// ReadSchema reads what a database holds beside its rows, and changes
	// nothing. dsn is as in Access. With a runbook it also looks for what that
	// one's findings rest on beside the schema; it may be nil.
	ReadSchema func(ctx context.Context, dsn string, book *runbook.Runbook) (*schema.Schema, error)

	// StartServer starts a demo's throwaway server; progress is told what it
	// waits for. AdoptServer takes over the one of a run that was left or killed,
	// and gives the DSN of its database; another is how to get one where that is
	// gone. The caller stops or releases it.
	StartServer func(ctx context.Context, progress func(string)) (Server, error)
	AdoptServer func(ctx context.Context, id phases.Identity, another string) (Throwaway, string, error)

	// PlanUndo tells what the runbook's steps that put capsules back would do, in
	// their order, who the server is, and what its ledger holds of a run. It changes
	// nothing, and takes no lock.
	PlanUndo func(ctx context.Context, a Access, runID string) ([]phases.PutBackPlan, phases.Identity, []phases.LedgerRow, error)

	// Capsules are the files of what phases took away.
	Capsules Capsules

	// MakeCopy restores a backup into a throwaway server. With an error nothing of
	// it is left. The caller stops or releases the server.
	MakeCopy func(ctx context.Context, r CopyRequest) (Copy, error)

	MinUsers   int // that a demo's gym may have
	PacedUsers int // of a demo whose phases are to last some seconds
}

// Capsules reads and destroys what phases took away. It needs no server. A capsule
// is named by its folder; sha256 is that of its manifest, as the run's journal has
// it. identity is a file with the key that opens it, or empty. progress is told of
// the bytes that were read.
type Capsules interface {
	// List gives the capsules in a run's folder, and reads none to its end.
	List(folder string) ([]phases.CapsuleFiles, error)
	// Verify reads all of one.
	Verify(ctx context.Context, capsule, sha256, identity string, progress func(done, total int64)) error
	// Expire destroys its rows for good.
	Expire(capsule, by string, now time.Time) error
	// Decrypt writes a plain copy of it to a folder that is not there yet; after
	// an error there is none.
	Decrypt(ctx context.Context, capsule, sha256, identity, out string, progress func(done, total int64)) error
}

// Access is how a run reaches its database.
type Access struct {
	DSN       string // empty: PG* variables, service file, password file
	EndHolder uint32 // session to end when it holds the operator lock; 0: none
	Identity  string // file with the key that opens encrypted capsules; empty: none
	Operator  phases.Operator
	Runbook   *runbook.Runbook
}

// CopyRequest is of which backup a copy is made.
type CopyRequest struct {
	Location string // of one backup; empty: the newest of the runbook's
	Operator phases.Operator
	Runbook  *runbook.Runbook
	Say      func(line string)
	Progress func(phases.ActionProgress) // is called from one goroutine
}

// Copy is a database in a server of its own.
type Copy struct {
	Server Throwaway
	DSN    string
	Of     phases.Copy
}

// Throwaway is a server of a run's own. It waits DemoLinger for that to be
// resumed.
type Throwaway interface {
	// Stop removes the server. Release leaves it to whoever resumes its run.
	Stop() error
	Release() error
}

// Server is a demo's.
type Server interface {
	Throwaway

	// Fill makes the gym's database, and gives its DSN. A paced one has the rows that
	// keep each phase at work for some seconds.
	Fill(ctx context.Context, users int, seed int64, paced bool, progress func(done, total int64, what string)) (dsn string, err error)

	// Site makes what the guide's runbook asks about beside the database: a git
	// checkout, and a place for backups. It goes with the server.
	Site(ctx context.Context) (runbook.Site, error)

	// AgeBackup gives a backup another age, as if it had been taken so long before,
	// and says which one it is then. EnableTrigger enables one that the run has
	// disabled. HoldLock has a session hold a lock on a table of the run's third
	// phase, until let is called or somebody ends it.
	AgeBackup(b phases.Backup, by time.Duration) (phases.Backup, error)
	EnableTrigger(ctx context.Context) error
	HoldLock(ctx context.Context) (let func(), err error)
}
