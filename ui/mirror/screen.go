package mirror

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui"
	"tminus/ui/look"
)

// keysPerSecond is more than a hand or a held key gives, and few enough that
// what they move costs the others nothing.
const keysPerSecond = 40

// saidFor is how long an answer to a key stays on the screen.
const saidFor = 3 * time.Second

// looks are the styles that all viewers share, by what they wear. They are never written.
type looks map[look.Wear]*look.Styles

func newLooks() looks {
	out := looks{}
	for _, w := range look.Wears() {
		out[w] = look.StylesOf(w)
	}
	return out
}

// beatMsg says that there may be a new frame.
type beatMsg struct{}

// said is an answer to a key.
type said struct {
	level phases.Level
	text  string
}

// screen is a session's program: it turns keys into moves, and shows the
// frames that the feed draws.
type screen struct {
	session *session
	feed    *feed
	looks   looks
	viewer  *ui.Viewer
	dress   look.Dress // as the viewer's own terminal has it
	manners ui.Manners

	shown tea.View
	said  said
	until time.Time // from when on it is not said any more

	keys     float64 // that may still come now
	keysFrom time.Time
}

func newScreen(s *session, f *feed, l looks, t terminal) *screen {
	m := &screen{session: s, feed: f, looks: l, dress: t.dress(), manners: ui.MannersOf(t.environ()), keys: keysPerSecond, keysFrom: time.Now()}
	m.viewer = ui.NewMirrorViewer(ui.ViewerOptions{Styles: l[m.dress.Wear()], ReadOnly: "READ-ONLY", Journal: f.path})
	m.viewer.Resize(t.width, t.height)
	m.redraw()
	return m
}

// Init asks for the background, so that colours can be told from it.
func (m *screen) Init() tea.Cmd { return m.dress.Asks() }

// Update routes. A defect in here ends this session, and says so in the log
// only: nothing may be printed over the operator's screen.
func (m *screen) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			m.session.srv.log.say("session %s: defect: %v", m.session.id, r)
			m.session.end("The mirror had to end this session because of a defect of its own; connect again.", 1)
			cmd = nil
		}
	}()
	switch msg := msg.(type) {
	case beatMsg:
		m.redraw()
	case tea.WindowSizeMsg:
		m.viewer.Resize(msg.Width, msg.Height)
		m.redraw()
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		if dress, changed := m.dress.On(msg); changed {
			m.dress = dress
			m.viewer.SetStyles(m.looks[dress.Wear()])
			m.redraw()
		}
	case tea.KeyPressMsg:
		return m, m.press(msg)
	}
	return m, nil
}

func (m *screen) press(key tea.KeyPressMsg) tea.Cmd {
	id := ""
	m.feed.locked(func() {
		var own bool
		if id, own = m.viewer.Own(key); own {
			return
		}
		if why := m.viewer.Answer(key); why != "" {
			m.say(phases.LevelInfo, why)
		}
		m.viewer.Navigate(key)
	})
	switch id {
	case "quit":
		return tea.Quit
	case "copy":
		return m.copied(m.feed.restoreCommand())
	case "copy undo":
		return m.copied(m.feed.undoCommand())
	}
	// The frame is drawn at the next beat, so that a flood of keys costs no
	// more frames than none.
	nudge(m.session.wake)
	return nil
}

// copied puts a command into the viewer's own clipboard, or says why there is none.
func (m *screen) copied(text string, why error) tea.Cmd {
	nudge(m.session.wake)
	if why != nil {
		m.say(phases.LevelWarn, look.Initial(why.Error())+".")
		return nil
	}
	copied := m.manners.Clipboard(text)
	if copied == nil {
		m.say(phases.LevelWarn, fmt.Sprintf("Your terminal has no clipboard that a program can reach: %s", ui.Copied(text)))
		return nil
	}
	m.say(phases.LevelGood, fmt.Sprintf("Sent to your terminal's clipboard (OSC 52): %s", ui.Copied(text)))
	return copied
}

func (m *screen) say(level phases.Level, text string) {
	m.said, m.until = said{level, text}, time.Now().Add(saidFor)
}

func (m *screen) redraw() {
	if m.said.text != "" && time.Now().After(m.until) {
		m.said = said{}
	}
	m.shown = m.manners.Fit(m.feed.draw(m.viewer, m.said))
}

// View is the last frame: the program asks for it after every message, which
// must cost nothing.
func (m *screen) View() tea.View { return m.shown }

// filter takes away what a viewer's terminal has no business to send: bubbletea
// acts on some of it by itself.
func (m *screen) filter(_ tea.Model, msg tea.Msg) tea.Msg {
	switch msg := msg.(type) {
	case tea.SuspendMsg, tea.InterruptMsg, tea.PasteMsg, tea.PasteStartMsg, tea.PasteEndMsg, tea.MouseMsg, tea.KeyReleaseMsg, tea.CapabilityMsg, tea.EnvMsg, tea.ClipboardMsg:
		return nil
	case tea.WindowSizeMsg:
		// A terminal can also announce its size in what it types.
		if !sane(msg.Width, msg.Height) {
			return nil
		}
	case tea.KeyPressMsg:
		now := time.Now()
		m.keys = min(keysPerSecond, m.keys+now.Sub(m.keysFrom).Seconds()*keysPerSecond)
		m.keysFrom = now
		if m.keys < 1 {
			return nil
		}
		m.keys--
	}
	return msg
}
