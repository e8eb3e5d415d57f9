package runbook

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
)

// GuideName is the file name of the runbook that Guide gives.
const GuideName = "gym-reset.yaml"

var (
	//go:embed guide.yaml
	guide []byte
	//go:embed guide_by_hand.txt
	guideByHand string
)

// The places that the guide's file names.
const (
	guideCheckout = "/srv/gym-app"
	guideBackups  = "/var/backups/gym"
	guideServices = "https://gym.example"
	guideLog      = "/var/log/gym-app/app.log"
)

// Site is where the guide's runbook finds what it asks about and writes to. The
// zero value is what the file names, as an example.
type Site struct {
	Checkout string // the application's, an absolute path; empty: the example's
	Backups  string // below it backups are written, an absolute path; empty: the example's
	Services string // URL of the application, without a slash at its end; empty: the example's
	Log      string // the application's, an absolute path; empty: the example's

	// Measure is how long response times are measured; 0: the guide's minute. So few
	// answers say little: their limit is ten times as wide.
	Measure time.Duration

	// ByHand has somebody else take the backup, and a human record it: nothing
	// proves such a one.
	ByHand bool
}

// Guide gives the runbook of the gym's data reset, for a site.
func Guide(site Site) []byte {
	if site == (Site{}) {
		return slices.Clone(guide)
	}
	text := string(guide)
	if site.ByHand {
		for _, start := range []string{"\nbackup:\n", "\n  - id: backup\n", "\n  - id: handover_database\n"} {
			_, after, _ := strings.Cut(guideByHand+"\n", start)
			text = exchange(text, start, paragraph(after))
		}
	}
	for _, at := range []struct{ key, example, path string }{
		{"dir: ", guideCheckout, site.Checkout}, {"{directory: ", guideBackups, site.Backups}, {"ERROR|CRITICAL, ", guideLog, site.Log},
	} {
		if at.path != "" {
			text = strings.ReplaceAll(text, at.key+at.example, at.key+"'"+strings.ReplaceAll(at.path, "'", "''")+"'")
		}
	}
	if site.Services != "" {
		text = strings.ReplaceAll(text, guideServices, site.Services)
	}
	if site.Measure > 0 {
		length := FormatDuration(site.Measure)
		text = strings.ReplaceAll(text, "Over a minute, 95 percent of the answers come within 200 ms", fmt.Sprintf("Over %g s", site.Measure.Seconds())+", 95 percent of the answers come within 2 s")
		text = strings.ReplaceAll(text, "for: 1m\n          p95: 200ms\n", "for: "+length+"\n          every: 100ms\n          p95: 2s\n")
	}
	return []byte(text)
}

// exchange puts another paragraph behind a start.
func exchange(text, start, by string) string {
	before, after, _ := strings.Cut(text, start)
	return before + start + by + strings.TrimPrefix(after, paragraph(after))
}

// paragraph is text up to the first empty line.
func paragraph(text string) string {
	out, _, _ := strings.Cut(text, "\n\n")
	return out
}
