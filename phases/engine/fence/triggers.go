package fence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tminus/phases"
	"tminus/phases/check"
	"tminus/phases/runbook"
)

// Triggers is what disables triggers, brings them back, and tells how they are.
type Triggers interface {
	// ReadTriggers gives definition and state of every trigger with one of the
	// names, whatever table it stands on. A name without a trigger is an error.
	ReadTriggers(ctx context.Context, names []string) ([]phases.Trigger, error)

	// DisableTriggers disables exactly these triggers, in one transaction.
	DisableTriggers(ctx context.Context, triggers []phases.Trigger) error

	// RestoreTriggers brings back exactly what was recorded: definition and state.
	// A definition that somebody has changed is an error, and nothing is done.
	RestoreTriggers(ctx context.Context, recorded []phases.Trigger) error

	// Check asks one database check by name.
	Check(ctx context.Context, check *runbook.Check, facts phases.Facts) (phases.Answer, error)
}

type triggers struct {
	names []string
	db    Triggers
}

func newTriggers(f *runbook.Fence, at Place) Kind { return triggers{f.Triggers, at.Target} }

// Read asks the two checks that there are of triggers. What is neither is ours to
// bring back: which are on, which are gone, the record has it all, and a
// definition that was changed is refused there.
func (t triggers) Read(ctx context.Context, k Known) (phases.FenceFound, error) {
	if k.Recorded == nil {
		now, err := t.db.ReadTriggers(ctx, t.names)
		if err != nil {
			return phases.FenceFound{}, err
		}
		off := slices.DeleteFunc(slices.Clone(now), func(tr phases.Trigger) bool { return tr.Enabled != "D" })
		return phases.FenceFound{Mark: markOf(now), Off: len(off) > 0}, nil
	}
	facts := phases.Facts{Triggers: k.Recorded.Triggers}
	back, err := t.db.Check(ctx, &runbook.Check{Name: check.TriggersRestored}, facts)
	if err != nil {
		return phases.FenceFound{}, err
	}
	if back.Pass {
		return phases.FenceFound{Mark: *k.Recorded}, nil
	}
	off, err := t.db.Check(ctx, &runbook.Check{Name: check.TriggersDisabled, Triggers: t.names}, facts)
	if err != nil {
		return phases.FenceFound{}, err
	}
	return phases.FenceFound{Mark: phases.FenceMark{Text: off.Value}, Off: off.Pass, Ours: true}, nil
}

// Off disables what is as it was recorded. What somebody has enabled since it was
// off, in whatever mode, is disabled again, and comes back as it was recorded.
func (t triggers) Off(ctx context.Context, k Known) (string, error) {
	if k.Taken == nil {
		return "", t.db.DisableTriggers(ctx, k.Recorded.Triggers)
	}
	now, err := t.db.ReadTriggers(ctx, t.names)
	if err != nil {
		return "", err
	}
	for _, n := range now {
		if !slices.ContainsFunc(k.Recorded.Triggers, func(r phases.Trigger) bool { return sameTrigger(r, n) && r.Definition == n.Definition }) {
			return "", fmt.Errorf("%s on %s is not defined as it was recorded: which of the two is wanted, somebody has to say", n.Name, n.Table)
		}
	}
	return "", t.db.DisableTriggers(ctx, now)
}

func sameTrigger(a, b phases.Trigger) bool {
	return a.Schema == b.Schema && a.Table == b.Table && a.Name == b.Name
}

func (t triggers) On(ctx context.Context, k Known) (string, error) {
	return "", t.db.RestoreTriggers(ctx, k.Recorded.Triggers)
}

// widen takes in triggers of the names that were made since.
func (t triggers) widen(ctx context.Context, recorded phases.FenceMark) (phases.FenceMark, error) {
	now, err := t.db.ReadTriggers(ctx, t.names)
	if err != nil {
		return recorded, err
	}
	all := slices.Clone(recorded.Triggers)
	for _, n := range now {
		known := slices.ContainsFunc(all, func(r phases.Trigger) bool { return sameTrigger(r, n) })
		switch {
		case known:
		case n.Enabled == "D":
			return recorded, fmt.Errorf("%s on %s is disabled, and this run has no record of it: enable it, or drop it", n.Name, n.Table)
		default:
			all = append(all, n)
		}
	}
	if len(all) == len(recorded.Triggers) {
		return recorded, nil
	}
	return markOf(all), nil
}

// markOf is the state of triggers, each by its table.
func markOf(all []phases.Trigger) phases.FenceMark {
	words := map[string]string{"O": "enabled", "D": "disabled", "R": "replica", "A": "always"}
	var each []string
	for _, t := range all {
		each = append(each, fmt.Sprintf("%s on %s %s", t.Name, t.Table, words[t.Enabled]))
	}
	text := phases.Clean(phases.Plural(int64(len(all)), "trigger") + ": " + strings.Join(each, ", "))
	if r := []rune(text); len(r) > 1_000 {
		text = string(r[:999]) + "…"
	}
	return phases.FenceMark{Text: text, Triggers: all}
}
