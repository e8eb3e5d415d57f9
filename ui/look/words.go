package look

import (
	"strings"

	"tminus/phases"
)

// NameOr is a name, or what stands for it where there is none.
func NameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}

// OutcomeLevel is how good an outcome is.
func OutcomeLevel(o phases.Outcome) phases.Level {
	switch o {
	case phases.Completed:
		return phases.LevelGood
	case phases.NoGo, phases.Unfinished:
		return phases.LevelWarn
	}
	return phases.LevelBad
}

// PhaseWord is a phase's status in a word or two.
func PhaseWord(s phases.PhaseStatus) string {
	switch s {
	case phases.PhasePending:
		return "not started"
	case phases.PhaseInDoubt:
		return "in doubt"
	}
	return strings.ReplaceAll(string(s), "_", " ")
}

// RestoredBy says when a restore would be done that begins at the abort limit;
// empty where nobody knows how long one takes.
func RestoredBy(s *phases.State) string {
	took, measured := s.RestoreTime()
	how := "expected"
	if measured {
		how = "measured"
	}
	at := s.RestoredAfter()
	if at == 0 {
		return ""
	}
	return "a restore then ends by " + Clock(at) + " (" + phases.Span(took) + " " + how + ")"
}

// Said is a sentence below or above the panes of a screen that is width cells wide,
// with its level's mark: in as many lines as it takes, of most at most. What is
// longer is cut at its end.
func (s *Styles) Said(level phases.Level, text string, width, most int) []string {
	style, lead := s.LevelStyle(level), s.LevelMark(level)+" "
	room := max(1, width-4)
	lines := Wrap(Sanitize(text), room)
	if len(lines) > most {
		lines = append(lines[:most-1], Clip(strings.Join(lines[most-1:], " "), room))
	}
	for i, line := range lines {
		lines[i] = " " + Paint(style, lead+strings.TrimRight(line, " "))
		lead = "  "
	}
	return lines
}

// KeyNames writes keys as keyboards do.
func KeyNames(keys []string) string {
	names := map[string]string{"up": "↑", "down": "↓", "left": "←", "right": "→", "pgdown": "pgdn"}
	out := make([]string, len(keys))
	for i, k := range keys {
		if n, ok := names[k]; ok {
			k = n
		}
		out[i] = k
	}
	return strings.Join(out, " ")
}
