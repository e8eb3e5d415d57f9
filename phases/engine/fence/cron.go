package fence

import (
	"context"

	"tminus/phases"
	"tminus/phases/runbook"
)

// Jobs are those of pg_cron in the run's database.
type Jobs interface {
	// JobActive tells whether the job of a name is active. None of that name, or
	// several, is an error.
	JobActive(ctx context.Context, name string) (bool, error)

	// SetJobActive makes it so, or not.
	SetJobActive(ctx context.Context, name string, active bool) error
}

type cron struct {
	job string
	db  Jobs
}

func newCron(f *runbook.Fence, at Place) Kind { return cron{f.Job, at.Target} }

func (c cron) Read(ctx context.Context, _ Known) (phases.FenceFound, error) {
	active, err := c.db.JobActive(ctx, c.job)
	if err != nil || active {
		return phases.FenceFound{Mark: phases.FenceMark{Text: "active"}}, err
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: "inactive"}, Off: true}, nil
}

func (c cron) Off(ctx context.Context, _ Known) (string, error) {
	return "", c.db.SetJobActive(ctx, c.job, false)
}

func (c cron) On(ctx context.Context, _ Known) (string, error) {
	return "", c.db.SetJobActive(ctx, c.job, true)
}
