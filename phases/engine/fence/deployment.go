package fence

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// deployment is one of Kubernetes, by kubectl and its own login.
type deployment struct{ plan *runbook.Fence }

func newDeployment(f *runbook.Fence, _ Place) Kind { return deployment{f} }

func (d deployment) Read(ctx context.Context, _ Known) (phases.FenceFound, error) {
	said, err := d.kubectl(ctx, "get", "deployment", d.plan.Name, "--output=jsonpath={.spec.replicas}")
	if err != nil {
		return phases.FenceFound{}, err
	}
	count, err := strconv.ParseUint(strings.TrimSpace(said), 10, 31)
	if err != nil {
		return phases.FenceFound{}, fmt.Errorf("kubectl gives no count of replicas: %s", outside.FirstLine(phases.Clean(said)))
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: phases.Plural(int64(count), "replica")}, Off: count == 0}, nil
}

func (d deployment) Off(ctx context.Context, _ Known) (string, error) {
	_, err := d.kubectl(ctx, "scale", "deployment", d.plan.Name, "--replicas=0")
	return "", err
}

func (d deployment) On(ctx context.Context, k Known) (string, error) {
	count, _, _ := strings.Cut(strings.ReplaceAll(k.Recorded.Text, ",", ""), " ")
	// Not over a count that somebody gives it meanwhile.
	_, err := d.kubectl(ctx, "scale", "deployment", d.plan.Name, "--current-replicas=0", "--replicas="+count)
	return "", err
}

func (d deployment) kubectl(ctx context.Context, args ...string) (string, error) {
	argv := []string{"kubectl"}
	if d.plan.Context != "" {
		argv = append(argv, "--context="+d.plan.Context)
	}
	if d.plan.Namespace != "" {
		argv = append(argv, "--namespace="+d.plan.Namespace)
	}
	done, err := outside.Command{Argv: append(argv, args...), Apart: true}.Run(ctx)
	switch {
	case err != nil:
		return "", err
	case done.Exit != 0:
		return "", fmt.Errorf("kubectl ended with exit code %d: %s", done.Exit, outside.FirstLine(phases.Clean(cmp.Or(done.Errors, done.Output))))
	}
	return done.Output, nil
}
