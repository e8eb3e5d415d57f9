package fence

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// workflow is one of GitHub Actions, by its API or by the program gh.
type workflow struct{ plan *runbook.Fence }

func newWorkflow(f *runbook.Fence, _ Place) Kind { return workflow{f} }

// The states that are GitHub's own words, of those that matter here.
const (
	workflowActive = "active"
	workflowOff    = "disabled_manually"
)

func (w workflow) Read(ctx context.Context, k Known) (phases.FenceFound, error) {
	var said struct {
		State string `json:"state"`
	}
	var err error
	if w.plan.ByGH {
		said.State, err = w.gh(ctx, "--jq", ".state")
	} else {
		err = w.ask(ctx, http.MethodGet, "", &said)
	}
	state := strings.TrimSpace(phases.Clean(said.State))
	switch {
	case err != nil:
		return phases.FenceFound{}, err
	case state == "":
		return phases.FenceFound{}, &stateError{"GitHub's answer has no state: is that the right address?"}
	case k.Recorded == nil && state != workflowActive && state != workflowOff:
		return phases.FenceFound{}, &stateError{"GitHub has it as " + state + ", which is neither active nor a state that can be brought back: enable it, or take the fence out of the runbook"}
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: state}, Off: state == workflowOff}, nil
}

func (w workflow) Off(ctx context.Context, _ Known) (string, error) { return "", w.put(ctx, "disable") }

func (w workflow) On(ctx context.Context, _ Known) (string, error) { return "", w.put(ctx, "enable") }

func (w workflow) put(ctx context.Context, what string) error {
	if w.plan.ByGH {
		_, err := w.gh(ctx, "--method", "PUT", what)
		return err
	}
	return w.ask(ctx, http.MethodPut, "/"+what, nil)
}

func (w workflow) path() string {
	return "repos/" + w.plan.Repository + "/actions/workflows/" + w.plan.Workflow
}

// ask makes a request of the API. The token goes to that host and to no other.
func (w workflow) ask(ctx context.Context, method, what string, into any) error {
	secrets := &outside.Secrets{}
	c := call{
		method: method, url: strings.TrimRight(w.plan.URL, "/") + "/" + w.path() + what, into: into, secrets: secrets,
		headers: map[string]string{"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
	}
	if w.plan.Token != "" {
		token, err := secrets.Value(w.plan.Token)
		if err != nil {
			return err
		}
		c.headers["Authorization"] = "Bearer " + token
	}
	if err := c.do(ctx); err != nil {
		return fmt.Errorf("ask GitHub for %s of %s: %w", w.plan.Workflow, w.plan.Repository, err)
	}
	return nil
}

// gh asks by the program; of the arguments, the last may be what is to be done.
func (w workflow) gh(ctx context.Context, args ...string) (string, error) {
	path := w.path()
	if last := args[len(args)-1]; last == "enable" || last == "disable" {
		path, args = path+"/"+last, args[:len(args)-1]
	}
	done, err := outside.Command{Argv: append([]string{"gh", "api", path}, args...), Apart: true}.Run(ctx)
	switch {
	case err != nil:
		return "", err
	case done.Exit != 0:
		return "", fmt.Errorf("gh ended with exit code %d: %s", done.Exit, outside.FirstLine(phases.Clean(cmp.Or(done.Errors, done.Output))))
	}
	return done.Output, nil
}
