package plain

import (
	"strings"

	"tminus/phases"
	"tminus/phases/runbook"
)

// tellSmoke says once what a smoke test that failed asks for. It is no question:
// whoever answers has to call others first.
func (p *plain) tellSmoke(it runbook.Item) {
	st := p.state.Item(it.ID)
	key := "smoke " + it.ID + " " + p.state.ItemLacks(it)
	if st.Decided != nil {
		key += string(st.Decided.Verdict)
	}
	if p.told == key {
		return
	}
	p.told = key
	p.say("waiting: a smoke test failed: %s: %s", it.Text, p.state.ItemLacks(it))
	if st.Decided != nil && st.Decided.Verdict != phases.GoOn {
		p.say("  it was decided to %s: abort REASON ends the run, and says how", st.Decided.Verdict.Word())
	}
	p.say("  decide %s go-on|restore|undo NAME: REASON", it.ID)
	if p.state.ByAction(it) {
		p.say("  act %s runs it again", it.ID)
	}
}

// saidLines is how much of an action's output is shown.
const saidLines = 10

// sayOutput shows the end of an action's output.
func (p *plain) sayOutput(output string) {
	if output == "" {
		return
	}
	lines := strings.Split(output, "\n")
	for _, line := range lines[max(0, len(lines)-saidLines):] {
		p.say("  it wrote: %s", line)
	}
}
