package mirror

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	"charm.land/ssh"
	"github.com/charmbracelet/colorprofile"
	gossh "golang.org/x/crypto/ssh"

	"tminus/ui/look"
)

// Limits of what a client may ask for before its session runs. A terminal of
// 2000 x 2000 would cost 2 GB: every cell is held several times.
const (
	maxColumns  = 500
	maxRows     = 200
	maxEnv      = 24
	maxEnvBytes = 256
	maxRequests = 64
	maxTerm     = 64
)

// terminal is what a client said of its terminal.
type terminal struct {
	asked  bool // for a terminal at all
	term   string
	env    []string
	width  int
	height int
}

// sane reports whether a mirror draws for a size. 0 is a size that the client
// does not know.
func sane(width, height int) bool {
	return width >= 0 && height >= 0 && width <= maxColumns && height <= maxRows
}

// orUsual puts a usual size in the place of an unknown one.
func orUsual(width, height int) (int, int) {
	if width == 0 {
		width = 80
	}
	if height == 0 {
		height = 24
	}
	return width, height
}

type ptyRequest struct {
	Term                         string
	Columns, Rows, Pixels, Lines uint32
	Modes                        string
}

type windowChange struct {
	Columns, Rows, Pixels, Lines uint32
}

func (w windowChange) size() (width, height int, ok bool) {
	// The numbers are a client's: they are compared before they are converted.
	if w.Columns > maxColumns || w.Rows > maxRows {
		return 0, 0, false
	}
	width, height = orUsual(int(w.Columns), int(w.Rows))
	return width, height, true
}

// negotiate answers a channel's requests until there is a shell to run. A
// sentence says why there will be none; ok is false when the client is gone.
func negotiate(reqs <-chan *gossh.Request) (t terminal, refused string, ok bool) {
	tooLarge := ""
	for n := 0; ; n++ {
		req, open := <-reqs
		if !open {
			return t, "", false
		}
		if n == maxRequests {
			_ = req.Reply(false, nil)
			return t, "too many requests before a shell", true
		}
		switch req.Type {
		case "pty-req":
			refusal, valid := t.pty(req.Payload)
			if refusal != "" {
				tooLarge = refusal
			}
			_ = req.Reply(valid, nil)
		case "env":
			_ = req.Reply(t.setenv(req.Payload), nil)
		case "shell":
			// Answered with yes even where there will be none: only then does
			// a client show the sentence that says why.
			_ = req.Reply(true, nil)
			return t, t.unfit(tooLarge), true
		case "exec":
			_ = req.Reply(true, nil)
			return t, "this is a mirror: it runs no commands. Connect without one: ssh -p PORT HOST", true
		case "subsystem":
			_ = req.Reply(true, nil)
			return t, "this is a mirror: it has no subsystems and transfers no files", true
		default:
			// X11 and agent forwarding among them: the protocol has no place
			// for a sentence here.
			_ = req.Reply(false, nil)
		}
	}
}

func (t *terminal) pty(payload []byte) (refusal string, ok bool) {
	var req ptyRequest
	if t.asked || gossh.Unmarshal(payload, &req) != nil || len(req.Term) > maxTerm {
		return "", false
	}
	w, h, ok := windowChange{Columns: req.Columns, Rows: req.Rows}.size()
	if !ok {
		return fmt.Sprintf("a terminal of %d x %d is too large: the mirror draws up to %d x %d", req.Columns, req.Rows, maxColumns, maxRows), false
	}
	t.asked, t.term, t.width, t.height = true, req.Term, w, h
	return "", true
}

// setenv keeps the few variables that say what a terminal can show.
func (t *terminal) setenv(payload []byte) bool {
	var kv struct{ Key, Value string }
	if gossh.Unmarshal(payload, &kv) != nil || len(kv.Value) > maxEnvBytes || len(t.env) >= maxEnv {
		return false
	}
	switch kv.Key {
	case "NO_COLOR", "COLORTERM", "CLICOLOR", "CLICOLOR_FORCE", "COLORFGBG", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LC_ALL", "LC_CTYPE", "LANG":
		t.env = append(t.env, kv.Key+"="+kv.Value)
		return true
	}
	return false
}

// unfit says why a terminal cannot show the mirror; empty when it can.
func (t *terminal) unfit(tooLarge string) string {
	switch {
	case tooLarge != "":
		return tooLarge
	case !t.asked:
		return "the mirror needs a terminal to draw on: connect from one, or add -t"
	case t.term == "" || t.term == "dumb":
		return fmt.Sprintf("the mirror needs a terminal that can place a cursor; TERM=%s cannot", safeTerm(t.term))
	}
	return ""
}

func safeTerm(term string) string {
	if term == "" {
		return "(nothing)"
	}
	return term
}

// environ is the terminal's environment as a program reads it: the client's,
// never the host's.
func (t *terminal) environ() []string {
	return append([]string{"TERM=" + t.term}, t.env...)
}

// profile is how many colours the terminal shows.
func (t *terminal) profile() colorprofile.Profile { return colorprofile.Env(t.environ()) }

// dress is how the terminal wants to be coloured, as far as its environment says.
func (t *terminal) dress() look.Dress {
	dress, _ := look.NewDress(look.Auto, t.environ()).On(tea.ColorProfileMsg{Profile: t.profile()})
	return dress
}

// refuseChannel answers what is not a session: forwarded ports above all.
func refuseChannel(_ *ssh.Server, _ *gossh.ServerConn, ch gossh.NewChannel, _ ssh.Context) {
	_ = ch.Reject(gossh.Prohibited, "this is a mirror: it forwards nothing")
}

// refuseRequest answers requests that concern a whole connection: forwarded
// ports, and questions whether the host is still there, to which any answer
// is one.
func refuseRequest(ssh.Context, *ssh.Server, *gossh.Request) (bool, []byte) { return false, nil }
