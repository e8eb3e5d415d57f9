package cli

import (
	"context"
	"fmt"
	"os"

	"tminus/phases"
	"tminus/phases/engine"
)

// command writes a command on a journal, as it stands on a shell's line.
func (a *app) command(command, path string) string {
	return phases.ShellCommand(engine.ProgramName(), command, path)
}

// reached is how a run's database is reached that is known from its journal.
type reached struct {
	dsn     string
	address *phases.Address // as the journal has it; nil where it is asked for anew
	trouble string          // what to say where nobody answers there
}

// reach is how to reach a run's database: by --dsn where one was given, else as
// the run's journal has it.
func reach(s *phases.State, dsn string) reached {
	if dsn != "" {
		return reached{dsn: dsn}
	}
	address, recorded := s.Address()
	switch {
	case recorded:
		out := reached{dsn: address.DSN(), address: &address, trouble: "the run's journal has its database there: where it has moved, name it with --dsn"}
		if lacks := address.LacksWords(); lacks != "" {
			out.trouble += "; " + lacks
		}
		return out
	case address.Settings["host"] == "" || environmentNames():
		return reached{trouble: "the run's journal is of an earlier version, and does not say how its database is reached: name it with --dsn, or by the PG* variables"}
	}
	return reached{dsn: address.DSN(), trouble: "the run's journal is of an earlier version, and says no more than this of how its database is reached: name it with --dsn, or by the PG* variables"}
}

// environmentNames reports whether the PG* variables name a database.
func environmentNames() bool {
	for _, name := range []string{"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// connected opens the database of a run, with its address for the journal.
func (a *app) connected(ctx context.Context, s *phases.State, access Access, open func(context.Context, Access) (engine.Target, phases.Identity, error)) (engine.Target, phases.Identity, *phases.Address, error) {
	to := reach(s, access.DSN)
	access.DSN = to.dsn
	target, id, err := open(ctx, access)
	if err != nil {
		return nil, id, nil, to.explain(err)
	}
	if to.address == nil {
		to.address, err = a.addressOf(to.dsn)
	}
	if err != nil {
		target.Close()
		return nil, id, nil, err
	}
	return target, id, to.address, nil
}

// explain adds to an error whence the address was that led to it.
func (r reached) explain(err error) error {
	if err == nil || r.trouble == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, r.trouble)
}

// addressAgain is the address that a new run's journal keeps.
func (a *app) addressAgain(f Flags) (*phases.Address, error) {
	if f.address.address != nil {
		return f.address.address, nil
	}
	return a.addressOf(f.DSN)
}

func (a *app) addressOf(dsn string) (*phases.Address, error) {
	address, err := a.database.Address(dsn)
	if err != nil {
		return nil, err
	}
	return &address, nil
}
