package fence

import (
	"context"
	"fmt"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Pools are those of a PgBouncer, over its admin console. dsn is how that is
// reached, and holds no password.
type Pools interface {
	// PoolPaused tells whether a database of PgBouncer's is paused.
	PoolPaused(ctx context.Context, dsn, database string) (bool, error)

	// PausePool pauses it: it waits until every transaction in it has ended, and
	// ends with ctx. It is then paused all the same.
	PausePool(ctx context.Context, dsn, database string) error

	// ResumePool has it go on.
	ResumePool(ctx context.Context, dsn, database string) error
}

type pool struct {
	dsn, database string
	db            Pools
}

func newPool(f *runbook.Fence, at Place) Kind { return pool{f.DSN, f.Database, at.Target} }

func (p pool) Read(ctx context.Context, _ Known) (phases.FenceFound, error) {
	paused, err := p.db.PoolPaused(ctx, p.dsn, p.database)
	if err != nil || !paused {
		return phases.FenceFound{Mark: phases.FenceMark{Text: "not paused"}}, err
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: "paused"}, Off: true}, nil
}

// Off has the pool go on when it is not paused in time: whoever waits in it must
// not wait for a pause that nobody has.
func (p pool) Off(ctx context.Context, _ Known) (string, error) {
	err := p.db.PausePool(ctx, p.dsn, p.database)
	if err == nil {
		return "", nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if rerr := p.db.ResumePool(after, p.dsn, p.database); rerr != nil {
		return "", fmt.Errorf("%w; and it could not be resumed: %w; RESUME it by hand", err, rerr)
	}
	return "", fmt.Errorf("%w; it was resumed: end the transactions that keep it from pausing, and try again", err)
}

func (p pool) On(ctx context.Context, _ Known) (string, error) {
	return "", p.db.ResumePool(ctx, p.dsn, p.database)
}
