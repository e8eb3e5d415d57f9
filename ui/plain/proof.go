package plain

import (
	"time"

	"tminus/ui/look"
)

// sayProof says what is known of the recorded backup, and what a restore from the
// abort limit on would mean.
func (p *plain) sayProof() {
	s := p.state
	for _, l := range s.Proof(time.Now()).Lines() {
		p.say("  backup %s: %s", l.What, l.Text)
	}
	if restored := look.RestoredBy(s); restored != "" {
		p.say("  abort limit %s: %s", look.Clock(s.Runbook.Window.Abort+s.Extra), restored)
	}
}
