// Command tminus runs a destructive PostgreSQL maintenance from a runbook, in
// a full-screen terminal: a go/no-go gate, one transaction a phase,
// verification before COMMIT, and a journal that survives any crash.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"tminus/db"
	"tminus/db/gym"
	"tminus/db/sandbox"
	"tminus/phases"
	"tminus/phases/engine"
	"tminus/phases/runbook"
	"tminus/phases/schema"
	"tminus/ui/cli"
)

func main() { os.Exit(run(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})) }

func run(args []string, streams cli.Streams) int {
	// Libraries that log would write over the screen; what matters is an error
	// that somebody is handed, or in the journal.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	return cli.Execute(args, streams, cli.Database{
		Connect: connect, Open: open, Address: db.AddressOf, ReadSchema: readSchema, StartServer: startServer, AdoptServer: adoptServer, MakeCopy: makeCopy, PlanUndo: planUndo, Capsules: db.Capsules{}, MinUsers: gym.MinUsers, PacedUsers: gym.PacedUsers,
	})
}

// connect opens the database and takes the operator lock. A holder whose
// program is dead is ended first when the operator typed its pid.
func connect(ctx context.Context, a cli.Access) (engine.Target, phases.Identity, error) {
	target, identity, err := opened(ctx, a)
	if err != nil {
		return nil, identity, err
	}
	err = target.Lock(ctx)
	var locked *engine.LockedError
	if errors.As(err, &locked) {
		if a.EndHolder != 0 && a.EndHolder == locked.Holder.PID {
			err = target.TakeOver(ctx, locked.Holder)
		} else {
			err = fmt.Errorf("%w (--end-holder %d)", err, locked.Holder.PID)
		}
	}
	if err != nil {
		target.Close()
		return nil, identity, err
	}
	return target, identity, nil
}

// open opens the database without the lock.
func open(ctx context.Context, a cli.Access) (engine.Target, phases.Identity, error) {
	target, identity, err := opened(ctx, a)
	if err != nil {
		return nil, identity, err // no nil pointer in an interface
	}
	return target, identity, nil
}

func opened(ctx context.Context, a cli.Access) (*db.Target, phases.Identity, error) {
	target, err := db.Open(ctx, db.Config{DSN: a.DSN, Operator: a.Operator, Runbook: a.Runbook, Sandbox: startSandbox, Identity: a.Identity})
	if err != nil {
		return nil, phases.Identity{}, err
	}
	identity, err := target.Identity(ctx)
	if err != nil {
		target.Close()
		return nil, identity, err
	}
	return target, identity, nil
}

func planUndo(ctx context.Context, a cli.Access, runID string) ([]phases.PutBackPlan, phases.Identity, []phases.LedgerRow, error) {
	return db.PlanUndo(ctx, db.Config{DSN: a.DSN, Operator: a.Operator, Runbook: a.Runbook, Identity: a.Identity}, runID)
}

func readSchema(ctx context.Context, dsn string, book *runbook.Runbook) (*schema.Schema, error) {
	return db.ReadSchema(ctx, db.Config{DSN: dsn, Runbook: book})
}

// startSandbox starts the server that a backup is restored into. It syncs, so
// that a restore takes as long as elsewhere.
func startSandbox(ctx context.Context, directory string) (db.Sandbox, error) {
	s, err := sandbox.Start(ctx, sandbox.Options{Durable: true, TempDir: directory})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func startServer(ctx context.Context, progress func(string)) (cli.Server, error) {
	s, err := sandbox.Start(ctx, sandbox.Options{Linger: cli.DemoLinger, Progress: progress})
	if err != nil {
		return nil, err
	}
	return gym.NewServer(s), nil
}

func adoptServer(ctx context.Context, id phases.Identity, another string) (cli.Throwaway, string, error) {
	s, err := sandbox.Adopt(ctx, id.Host)
	if errors.Is(err, sandbox.ErrGone) {
		err = fmt.Errorf("%w: a throwaway server waits %.0f minutes for its run to be resumed; %s, or name a server with --dsn", err, cli.DemoLinger.Minutes(), another)
	}
	if err != nil {
		return nil, "", err
	}
	dsn := db.LocalDSN(id)
	adopted, err := gym.Adopt(s, dsn)
	if err != nil {
		return nil, "", errors.Join(err, s.Release())
	}
	return adopted, dsn, nil
}

// makeCopy restores a backup into a server that is left to resume only once all
// of it is there.
func makeCopy(ctx context.Context, r cli.CopyRequest) (cli.Copy, error) {
	var s *sandbox.Server
	start := func(ctx context.Context, directory string) (db.Sandbox, error) {
		var err error
		if s, err = sandbox.Start(ctx, sandbox.Options{Durable: true, TempDir: directory, Linger: cli.DemoLinger, LingerLater: true}); err != nil {
			return nil, err
		}
		return s, nil
	}
	made, err := db.CopyBackup(ctx, db.Config{Operator: r.Operator, Runbook: r.Runbook, Sandbox: start}, db.CopyPlan{Location: r.Location, Say: r.Say, Progress: r.Progress})
	if err != nil {
		return cli.Copy{}, err
	}
	if err := s.LetLinger(); err != nil {
		return cli.Copy{}, errors.Join(err, s.Stop())
	}
	return cli.Copy{Server: s, DSN: made.DSN, Of: made.Of}, nil
}
