package engine

import (
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/runbook"
)

// What a person reads of a check that has no answer.
func TestAskedInVain(t *testing.T) {
	const soon, ample = time.Second, time.Minute
	for want, c := range map[string]runbook.Check{
		"no answer within 1s, it was ended":                                          {Kind: runbook.CheckCommand, Command: []string{"sleep", "1000"}, Timeout: soon},
		`there is no command "nosuchcommand": look at PATH, or write its whole path`: {Kind: runbook.CheckCommand, Command: []string{"nosuchcommand"}, Timeout: ample},
		"ended by a signal, SIGTERM (somebody asked it to end): bye":                 {Kind: runbook.CheckCommand, Shell: "echo bye; kill $$", Timeout: ample},
		`"(" is no regular expression: correct the runbook`:                          {Kind: runbook.CheckCommand, Shell: "true", Output: "(", Timeout: ample},
		"git.quiet: name the folder as `dir`":                                        {Kind: runbook.CheckOutside, Name: "git.quiet", Timeout: ample},
		"nobody listens at 127.0.0.1:1":                                              {Kind: runbook.CheckHTTP, Method: "GET", URL: "http://u:p@127.0.0.1:1/x", Timeout: ample},
	} {
		if a, err := ask(t.Context(), nil, &c, phases.Facts{}); err == nil || err.Error() != want || a.Pass {
			t.Errorf("got %+v, %v\nwant %s", a, err, want)
		}
	}
}
