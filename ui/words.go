package ui

import (
	"strings"

	"tminus/phases"
)

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}

func outcomeLevel(o phases.Outcome) phases.Level {
	switch o {
	case phases.Completed:
		return phases.LevelGood
	case phases.NoGo, phases.Unfinished:
		return phases.LevelWarn
	}
	return phases.LevelBad
}

// phaseWord is a phase's status in a word or two.
func phaseWord(s phases.PhaseStatus) string {
	switch s {
	case phases.PhasePending:
		return "not started"
	case phases.PhaseInDoubt:
		return "in doubt"
	}
	return strings.ReplaceAll(string(s), "_", " ")
}
