package fence

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
)

// failover is Patroni's, which acts for the whole cluster: its dynamic
// configuration says whether that is paused.
type failover struct{ url string }

func newFailover(f *runbook.Fence, _ Place) Kind { return failover{f.URL} }

func (p failover) Read(ctx context.Context, _ Known) (phases.FenceFound, error) {
	var config struct {
		Pause *bool `json:"pause"`
	}
	if err := p.ask(ctx, http.MethodGet, nil, &config); err != nil {
		return phases.FenceFound{}, err
	}
	if config.Pause != nil && *config.Pause {
		return phases.FenceFound{Mark: phases.FenceMark{Text: "paused"}, Off: true}, nil
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: "not paused"}}, nil
}

func (p failover) Off(ctx context.Context, _ Known) (string, error) {
	return "", p.ask(ctx, http.MethodPatch, map[string]any{"pause": true}, nil)
}

// On takes the pause out of the configuration, as patronictl resume does.
func (p failover) On(ctx context.Context, _ Known) (string, error) {
	return "", p.ask(ctx, http.MethodPatch, map[string]any{"pause": nil}, nil)
}

func (p failover) ask(ctx context.Context, method string, body, into any) error {
	c := call{method: method, url: strings.TrimRight(p.url, "/") + "/config", body: body, into: into}
	if err := c.do(ctx); err != nil {
		return fmt.Errorf("ask Patroni: %w", err)
	}
	return nil
}
