package engine

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/engine/outside"
	"tminus/phases/runbook"
)

// lackingVariables are findings of the variables of tminus's own environment that
// actions need and that are not set: at T+14 it is too late to learn that. The
// caller holds the lock.
func (e *Engine) lackingVariables() []phases.Finding {
	var out []phases.Finding
	for _, g := range e.state.Runbook.Groups() {
		for _, it := range g.Items {
			if it.Action == nil || !e.state.Runs(it.Action) {
				continue
			}
			for _, name := range variablesOf(it.Action) {
				if strings.TrimSpace(os.Getenv(name)) != "" {
					continue
				}
				out = append(out, phases.Finding{
					Code: phases.VariableMissing, Severity: phases.SeverityWarning,
					Text:   fmt.Sprintf("the variable %s, which the action of %q needs, is not set in tminus's own environment", name, it.Text),
					Remedy: "leave the run, set it, and take the run up again",
				})
			}
		}
	}
	return out
}

// withWarnings puts warnings behind those that are there, and before what is
// less grave.
func withWarnings(found, more []phases.Finding) []phases.Finding {
	at := slices.IndexFunc(found, func(f phases.Finding) bool {
		return f.Severity != phases.SeverityError && f.Severity != phases.SeverityWarning
	})
	if at < 0 {
		at = len(found)
	}
	return slices.Insert(found, at, more...)
}

// variablesOf are the variables that an action needs, each once.
func variablesOf(a *runbook.Action) []string {
	var out []string
	if a.Program != nil {
		out = a.Program.Env
	}
	if a.Call != nil {
		text := a.Call.Body
		for _, h := range a.Call.Headers {
			text += "\n" + h.Value
		}
		out = outside.Variables(text)
	}
	out = slices.Sorted(slices.Values(out))
	return slices.Compact(out)
}
