package pane

import (
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"tminus/phases"
)

// Who is in the way of an item stands where its reason does, with who can end whom
// this role cannot.
func TestInTheWayGolden(t *testing.T) {
	r := paneStates()["failing"]()
	r.Items["no_connections"].Check.InTheWay = []phases.Blocker{
		{PID: 4713, User: "batch", Application: "nightly", State: "active", Since: r.now.Add(-2 * time.Hour), BackendStart: r.now.Add(-2 * time.Hour), Needs: "a member of batch or of pg_signal_backend"},
		{PID: 4711, User: "app", Application: "web-2", State: "idle in transaction", Since: r.now.Add(-4 * time.Minute), BackendStart: r.now.Add(-time.Hour)},
		{PID: 4712, User: "app", State: "idle", BackendStart: r.now.Add(-time.Hour)},
	}
	p := r.pane(78, 30)
	p.Cursor = "no_connections"
	golden.RequireEqual(t, framed(ansi.Strip(p.show(Checklist))))
}
