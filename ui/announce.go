package ui

import (
	"strings"

	"tminus/ui/look"
)

// announced reports whether the mirror is announced on lines of its own: while
// nobody watches. Then the header needs no word of it.
func (v *Viewer) announced() bool {
	return v.opts.HostKey != "" && (v.state == nil || len(v.state.Observers) == 0)
}

// announcement is where the mirror is and its host key, whole, on as many lines as
// that takes: a viewer compares a fingerprint to its last letter.
func (v *Viewer) announcement(w int) []string {
	if v.opts.Note == "" {
		return nil
	}
	text := v.opts.Note
	if v.opts.HostKey != "" {
		text += ", host key " + v.opts.HostKey
	}
	var out []string
	for _, l := range look.Wrap(look.Sanitize(text), max(1, w)) {
		out = append(out, strings.TrimRight(l, " "))
	}
	return out
}

// announceLines are the announcement where it stands below the header.
func (v *Viewer) announceLines() []string {
	if !v.announced() {
		return nil
	}
	lines := v.announcement(v.width - 2)
	for i := range lines {
		lines[i] = " " + look.Paint(v.styles.Text, lines[i])
	}
	return lines
}
