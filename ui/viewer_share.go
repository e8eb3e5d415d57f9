package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// Standing is where a reader stands and what their terminal is like: two
// viewers of the same state whose Standing is equal draw the same Frame for the
// same moment. It is comparable; its content is nobody's business.
type Standing struct {
	styles        *look.Styles
	width, height int
	focus, main   pane.ID
	want          pane.ID
	cursor        string
	scroll        string // of the panes that are not where they stand by themselves
	filter        string // of the panes that have one
	typing        pane.ID
	palette       palette
	more          bool
	help          bool
	helpScroll    int
	saying        said
}

// Standing gives where the reader stands now.
func (v *Viewer) Standing() Standing {
	s := Standing{
		styles: v.styles, width: v.width, height: v.height,
		focus: v.nav.focus, main: v.nav.main, want: v.nav.want, cursor: v.nav.cursor,
		typing: v.nav.typing, palette: v.nav.palette, more: v.nav.more, help: v.nav.help, helpScroll: v.nav.helpScroll, saying: v.saying,
	}
	for _, k := range pane.Kinds() {
		if n := v.nav.scroll[k.ID]; n != 0 {
			s.scroll += fmt.Sprintf("%s %d;", k.ID, n)
		}
		if f := v.nav.filters[k.ID]; f != "" {
			s.filter += fmt.Sprintf("%s %q;", k.ID, f)
		}
	}
	return s
}

// Say puts a sentence in the place of what the run waits for, with its level's
// mark. An empty text takes it away.
func (v *Viewer) Say(level phases.Level, text string) { v.saying = said{level: level, text: text} }

// Foot is how many lines stand below the panes: what the run waits for, or what
// Say has put there, and the keys.
func (v *Viewer) Foot(now time.Time) int { return strings.Count(v.statusLine(now), "\n") + 2 }

// MirrorKeys are what the mirror itself takes from a viewer, by Own, beside the keys
// that Navigate does: Copy and CopyUndo have the restore and the undo command put
// into the viewer's own clipboard, Quit leaves.
const (
	MirrorCopy     = "y"
	MirrorCopyUndo = "Y"
	MirrorQuit     = "q"
)

// NewMirrorViewer gives a Viewer for somebody at a mirror: it opens on what an
// undo would take, and stays there until they go elsewhere or follow the run. Help
// and hints name the mirror's own keys too. Navigate leaves those to the caller.
func NewMirrorViewer(opts ViewerOptions) *Viewer {
	v := NewViewer(opts)
	v.home = pane.Undo
	v.nav.focus, v.nav.main, v.nav.stays = pane.Undo, pane.Undo, true
	v.lead = []string{"copy undo"} // as soon as there is something to undo
	v.keys = append(v.keys,
		binding{id: "copy", keys: []string{MirrorCopy}, label: MirrorCopy, name: "copy the restore command", help: "copy the restore command to your own clipboard", group: groupLeave, can: canCopyRestore, own: true},
		binding{id: "copy undo", keys: []string{MirrorCopyUndo}, label: MirrorCopyUndo, name: "copy the undo command", help: "copy the undo command to your own clipboard", group: groupLeave, can: canCopyUndo, own: true},
		binding{id: "quit", keys: []string{MirrorQuit, "ctrl+c"}, label: MirrorQuit, name: "leave", help: "leave; the run goes on", group: groupLeave, own: true},
	)
	return v
}

func canCopyRestore(v *Viewer, _ time.Time) error {
	s, err := v.run()
	if err != nil {
		return err
	}
	return Restorable(s)
}

func canCopyUndo(v *Viewer, _ time.Time) error { return Undoable(v.state) }

// Undoable says why no command undoes a run, of which a reader may know nothing yet.
func Undoable(s *phases.State) error {
	if s == nil || s.Runbook == nil || s.Undo().Phases == nil {
		return errors.New("there is nothing that an undo brings back")
	}
	return nil
}

// OwnKey is a key that a viewer's caller does by itself. Help and hints name it.
type OwnKey struct {
	ID    string   // what Own calls it
	Keys  []string // as tea.KeyPressMsg.String gives them
	Label string   // how hints write the keys
	Name  string   // in the hint line: one to three words
	Help  string   // in the help page: a sentence's part
}

// NewReplayViewer gives a Viewer for a run as it was. Its hints name the caller's
// own keys first, in their order; leave ends them.
func NewReplayViewer(opts ViewerOptions, own []OwnKey, leave OwnKey) *Viewer {
	v := NewViewer(opts)
	for _, k := range own {
		v.keys = append(v.keys, binding{id: k.ID, keys: k.Keys, label: k.Label, name: k.Name, help: k.Help, group: groupReplay, own: true})
		v.lead = append(v.lead, k.ID)
	}
	v.keys = append(v.keys, binding{id: "quit", keys: leave.Keys, label: leave.Label, name: leave.Name, help: leave.Help, group: groupLeave, own: true})
	return v
}

// Own tells which of the caller's own keys a key is; the one that leaves is
// "quit". While letters are text none of them is one, but for ctrl+c; enter is the
// one that it chooses from the palette.
func (v *Viewer) Own(key tea.KeyPressMsg) (id string, ok bool) {
	if v.entering() && key.String() != "ctrl+c" {
		c, ok := v.selectedChoice(time.Time{}, v.able)
		if !ok || !c.own || key.String() != "enter" || v.small() {
			return "", false
		}
		v.nav.palette = palette{}
		v.turn()
		return c.id, true
	}
	b, ok := v.keys.press(key.String())
	return b.id, ok && b.own
}

// Answer is what to say of a key that does nothing now; empty where it does
// something. A key that the caller does by itself is none of its business.
func (v *Viewer) Answer(key tea.KeyPressMsg) string {
	if v.entering() {
		return "" // letters are text
	}
	b, ok := v.keys.press(key.String())
	if !ok {
		return Nothing(key)
	}
	if err := b.ready(v, v.moment()); err != nil {
		return b.label + " (" + b.name + "): " + look.Sanitize(err.Error()) + "."
	}
	return ""
}

// Nothing is the answer to a key that has no binding on a reader's screen.
func Nothing(key tea.KeyPressMsg) string { return nothing(key.String(), true) }

// OperatorKeys are the keys of who drives a run, as the help page has them.
func OperatorKeys() []look.KeyRow { return operatorKeys().rows() }

// WatchKeys are the keys of a reader at the journal.
func WatchKeys() []look.KeyRow { return watchKeys().rows() }

// Keys are the viewer's, as its help page has them.
func (v *Viewer) Keys() []look.KeyRow { return v.keys.rows() }
