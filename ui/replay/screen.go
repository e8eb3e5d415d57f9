package replay

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tminus/phases"
	"tminus/ui"
	"tminus/ui/look"
)

// The screen's rhythm, how far a key skips, and how long an answer stays.
const (
	tickEvery = 100 * time.Millisecond
	skipBy    = 10 * time.Second
	saidFor   = 4 * time.Second
	longest   = time.Second // that one tick lets pass: a program that was stopped does not leap
)

// The smallest terminal that has room for the scrubber beside a screen.
const (
	leastWidth  = 60
	leastHeight = 18
)

// Show plays a film on the terminal that opts say, until its watcher leaves or
// ctx ends. It blocks, and fails as ui.Run does.
func Show(ctx context.Context, f *Film, speed int, opts ui.Options) error {
	return ui.Present(ctx, opts, newScreen(f, speed, opts, time.Now))
}

// screen is the tea.Model: a viewer, and a player that says what it views.
type screen struct {
	viewer    *ui.Viewer
	player    *player
	projector projector
	styles    *look.Styles
	dress     look.Dress
	manners   ui.Manners
	now       func() time.Time
	ticked    time.Time
	width     int
	height    int

	said  string // the answer to a key
	until time.Time
}

type tickMsg struct{}

func newScreen(f *Film, speed int, opts ui.Options, now func() time.Time) *screen {
	m := &screen{player: newPlayer(f, speed), projector: projector{film: f}, now: now, ticked: now()}
	m.dress, m.manners = look.NewDress(opts.Looks.Theme, opts.Env), ui.MannersOf(opts.Env)
	m.styles = m.dress.Styles()
	m.viewer = ui.NewReplayViewer(ui.ViewerOptions{Styles: m.styles, ReadOnly: "REPLAY", Journal: f.path}, ownKeys(), leaveKey())
	m.turn()
	return m
}

// Init implements tea.Model.
func (m *screen) Init() tea.Cmd {
	return tea.Batch(tick(), m.dress.Asks())
}

func tick() tea.Cmd { return tea.Tick(tickEvery, func(time.Time) tea.Msg { return tickMsg{} }) }

// Update implements tea.Model.
func (m *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		if dress, changed := m.dress.On(msg); changed {
			m.dress, m.styles = dress, dress.Styles()
			m.viewer.SetStyles(m.styles)
		}
	case tea.PasteMsg:
		m.say("Pasted text has no place here.")
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case tickMsg:
		now := m.now()
		m.player.pass(min(longest, now.Sub(m.ticked)))
		m.ticked = now
		m.turn()
		return m, tick()
	}
	return m, nil
}

func (m *screen) resize(width, height int) {
	m.width, m.height = max(0, width), max(0, height)
	if m.roomy() {
		height -= scrubberLines
	}
	m.viewer.Resize(width, height)
}

func (m *screen) roomy() bool { return m.width >= leastWidth && m.height >= leastHeight }

// turn shows the state of where the player is.
func (m *screen) turn() {
	f := m.player.film
	m.viewer.Show(m.projector.to(m.player.records))
	m.viewer.Stop(nil)
	if m.player.records == len(f.scene) && f.fault != nil {
		m.viewer.Stop(f.fault)
	}
}

func (m *screen) say(text string) { m.said, m.until = text, m.now().Add(saidFor) }

func (m *screen) key(key tea.KeyPressMsg) tea.Cmd {
	m.said = ""
	id, own := m.viewer.Own(key)
	switch {
	case id == "quit" && own:
		return tea.Quit
	case own:
		m.act(id)
	case m.viewer.Navigate(key):
	default:
		m.say(ui.Nothing(key))
	}
	return nil
}

// act does one of the replay's own keys, or says why it does nothing.
func (m *screen) act(id string) {
	p := m.player
	var mark Mark
	var err error
	switch id {
	case "play":
		p.toggle()
	case "next mark":
		mark, err = p.next()
	case "last mark":
		mark, err = p.last()
	case "faster":
		err = p.faster(1)
	case "slower":
		err = p.faster(-1)
	case "forth":
		err = p.skip(skipBy)
	case "back":
		err = p.skip(-skipBy)
	case "begin":
		p.seek(0)
	case "end":
		p.seek(p.film.length())
		p.playing = false
	case "quiet":
		p.whole = !p.whole
		m.say(map[bool]string{true: "Quiet times take as long as they took.", false: "Quiet times are short."}[p.whole])
	}
	switch {
	case err != nil:
		m.say(upper(err.Error()) + ".")
	case mark.Text != "":
		m.say(mark.Text)
	}
	m.turn()
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// View implements tea.Model.
func (m *screen) View() tea.View {
	now := m.player.film.moment(m.player.at).UTC()
	if m.now().After(m.until) {
		m.said = ""
	}
	m.viewer.Say(phases.LevelInfo, m.said)
	view := m.viewer.View(now)
	view.ProgressBar = nil // nothing runs
	view.WindowTitle = "replay of " + view.WindowTitle
	view = m.manners.Fit(view)
	lines := strings.Split(view.Content, "\n")
	if !m.roomy() || len(lines) != m.height-scrubberLines {
		return view
	}
	last := len(lines) - m.viewer.Foot(now)
	scrubber := m.player.scrubber(m.projector.state, m.styles, now, m.width)
	for i := range scrubber {
		scrubber[i] = m.styles.Write(scrubber[i])
	}
	lines = append(lines[:last:last], append(scrubber, lines[last:]...)...)
	view.Content = strings.Join(lines, "\n")
	return view
}

// Keys are the replay's and its viewer's, as the help page has them.
func Keys() []look.KeyRow {
	return ui.NewReplayViewer(ui.ViewerOptions{}, ownKeys(), leaveKey()).Keys()
}

// ownKeys are the replay's: none of them is a pane's.
func ownKeys() []ui.OwnKey {
	return []ui.OwnKey{
		{ID: "play", Keys: []string{"space"}, Label: "space", Name: "stop/go", Help: "pause, and go on"},
		{ID: "next mark", Keys: []string{"]"}, Label: "]", Name: "next mark", Help: "to the next gate, hold, COMMIT, ROLLBACK, doubt or abort"},
		{ID: "last mark", Keys: []string{"["}, Label: "[", Name: "mark before", Help: "to the one before"},
		{ID: "faster", Keys: []string{"+", "=", ">"}, Label: "+", Name: "faster", Help: "faster: 1, 2, 5, 10, 60 times"},
		{ID: "slower", Keys: []string{"-", "<"}, Label: "-", Name: "slower", Help: "slower"},
		{ID: "forth", Keys: []string{"."}, Label: ".", Name: "10 s on", Help: "ten seconds on"},
		{ID: "back", Keys: []string{","}, Label: ",", Name: "10 s back", Help: "ten seconds back"},
		{ID: "begin", Keys: []string{"{"}, Label: "{", Name: "beginning", Help: "to the beginning"},
		{ID: "end", Keys: []string{"}"}, Label: "}", Name: "end", Help: "to the end"},
		{ID: "quiet", Keys: []string{"z"}, Label: "z", Name: "quiet times", Help: "quiet times short, or as long as they took"},
	}
}

func leaveKey() ui.OwnKey {
	return ui.OwnKey{Keys: []string{"q", "ctrl+c"}, Label: "q", Name: "leave", Help: "leave"}
}
