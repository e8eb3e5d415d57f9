package ui

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tminus/ui/look"
)

// Looks are what a person wants of a screen's colours and of what it sends to
// the terminal beside its frames. The zero value is what a screen does by itself.
type Looks struct {
	Theme   look.Theme
	NoMouse bool
	Notify  Notify
}

// Notify is how a screen calls for its reader: any of bell, osc9 and osc99, or
// off. None of them at all is the bell.
type Notify []string

// notifyWays are what Notify may hold.
var notifyWays = [...]string{"bell", "osc9", "osc99"}

// Set makes a Notify a flag's value.
func (n *Notify) Set(text string) error {
	*n = nil
	for way := range strings.SplitSeq(text, ",") {
		way = strings.TrimSpace(way)
		if way != "off" && !slices.Contains(notifyWays[:], way) {
			return fmt.Errorf("bell, osc9 and osc99, with commas between them, or off")
		}
		*n = append(*n, way)
	}
	if slices.Contains(*n, "off") && len(*n) > 1 {
		return fmt.Errorf("off stands alone")
	}
	return nil
}

// String is the value as a flag has it.
func (n *Notify) String() string { return strings.Join(*n, ",") }

// Type is what a flag's help calls the value.
func (*Notify) Type() string { return "bell,osc9,osc99|off" }

// Manners are what a terminal understands beside frames. What it does not
// understand is not sent, or is harmless: the zero value sends nothing of it.
type Manners struct {
	osc    bool   // takes operating system commands: titles, progress, clipboard
	inside string // what the terminal is drawn by: tmux, screen, or nothing
}

// MannersOf reads an environment (nil: the process's).
func MannersOf(env []string) Manners {
	if env == nil {
		env = os.Environ()
	}
	vars := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		vars[name] = value
	}
	term := vars["TERM"]
	m := Manners{osc: look.TakesCommands(term)}
	switch {
	case vars["TMUX"] != "" || strings.HasPrefix(term, "tmux"):
		m.inside = "tmux"
	case vars["STY"] != "":
		m.inside = "screen"
	}
	return m
}

// Fit takes from a view what the terminal would show as rubbish.
func (m Manners) Fit(view tea.View) tea.View {
	if !m.osc {
		view.WindowTitle, view.ProgressBar = "", nil
	}
	return view
}

// screenStrings is how long a string may be that GNU Screen passes on.
const screenStrings = 768

// outward is a sequence for the terminal itself, past what draws it.
func (m Manners) outward(seq string) string {
	switch m.inside {
	case "tmux":
		return ansi.TmuxPassthrough(seq)
	case "screen":
		return ansi.ScreenPassthrough(seq, screenStrings)
	}
	return seq
}

// Clipboard has a text put into the clipboard of whoever sits at the terminal; nil
// where the terminal has none that a program can reach.
func (m Manners) Clipboard(text string) tea.Cmd {
	if !m.osc {
		return nil
	}
	seq := ansi.SetSystemClipboard(text)
	if m.inside == "" {
		return tea.Raw(seq)
	}
	// tmux has a clipboard of its own, and passes on only where it is told to.
	return tea.Raw(seq + m.outward(seq))
}

// call is what calls a terminal's reader; empty for nothing.
func (m Manners) call(n Notify, text string) string {
	if len(n) == 0 {
		n = Notify{"bell"}
	}
	out := ""
	text = look.Sanitize(text)
	if m.osc && slices.Contains(n, "osc9") {
		out += m.outward(ansi.Notify(text))
	}
	if m.osc && slices.Contains(n, "osc99") {
		// In base64, in which no character of the text can end the sequence.
		out += m.outward(ansi.DesktopNotification(base64.StdEncoding.EncodeToString([]byte(text)), "i=tminus", "e=1"))
	}
	if slices.Contains(n, "bell") {
		out += "\a"
	}
	return out
}
