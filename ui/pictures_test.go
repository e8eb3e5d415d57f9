package ui

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tminus/phases"
	"tminus/phases/journal"
	"tminus/testdata/picture"
	"tminus/ui/look"
	"tminus/ui/pane"
)

// pictured is the run that the documents show: a demo of 60,000 users that was
// driven by hand, its progress thinned, up to the end of its last phase.
const pictured = "testdata/demo.journal"

// take is a moment of the pictured run: so long after the first record of a kind,
// and of a phase where one is named.
type take struct {
	kind, phase string
	after       time.Duration
}

// studio folds the pictured run to a moment, and shows it on some screen.
type studio struct {
	t     testing.TB
	recs  []journal.Record
	state *phases.State
	n     int // records that are folded
}

func newStudio(t testing.TB) *studio {
	t.Helper()
	recs, err := journal.Read(pictured)
	if err != nil {
		t.Fatal(err)
	}
	return &studio{t: t, recs: recs}
}

// at gives the moment of a take.
func (s *studio) at(tk take) time.Time {
	s.t.Helper()
	for _, r := range s.recs {
		if r.Kind == tk.kind && (tk.phase == "" || strings.Contains(string(r.Data), `"phase":"`+tk.phase+`"`)) {
			return r.At.Add(tk.after)
		}
	}
	s.t.Fatalf("the pictured run has no %s of %q", tk.kind, tk.phase)
	return time.Time{}
}

// fold gives the state at a moment. It is the studio's, and stands until the next
// call.
func (s *studio) fold(at time.Time) *phases.State {
	s.t.Helper()
	if s.state == nil || s.recs[s.n-1].At.After(at) {
		s.state, s.n = &phases.State{}, 0
	}
	for s.n < len(s.recs) && !s.recs[s.n].At.After(at) {
		if err := s.state.Apply(s.recs[s.n]); err != nil {
			s.t.Fatal(err)
		}
		s.n++
	}
	return s.state
}

// operator is the screen of who drives the run.
func (s *studio) operator(w, h int) *Viewer {
	v := NewViewer(ViewerOptions{Styles: look.NewStyles(true), Journal: "gym-reset.journal"})
	v.keys = operatorKeys()
	v.Resize(w, h)
	return v
}

// frame draws a screen as of a moment.
func (s *studio) frame(v *Viewer, at time.Time) string {
	v.Show(s.fold(at))
	return v.Frame(at.UTC())
}

// drawn holds a picture of the documents against what the screen draws now.
func drawn(t *testing.T, name string, got []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "docs", "pictures", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/pictures/%s is not what the screen shows: go test ./ui -run Picture -update draws it anew", name)
	}
}

// The pictures of the documents are frames that the screen really draws.
func TestPicturesShowRealFrames(t *testing.T) {
	s := newStudio(t)
	mirror := func(w, h int) *Viewer {
		v := NewMirrorViewer(ViewerOptions{Styles: look.NewStyles(true), ReadOnly: "READ-ONLY", Journal: "gym-reset.journal"})
		v.Resize(w, h)
		return v
	}
	for _, p := range []struct {
		name, title string
		of          take
		w, h        int
		screen      func(w, h int) *Viewer
		look        pane.ID // empty: where the run is
	}{
		{"checklist.svg", "The checklist: an item with its check, what it found, and what to do", take{"phase_started", "phase1", -40 * time.Second}, 120, 40, s.operator, pane.Checklist},
		{"gate.svg", "The gate: nothing holds it, and what is known of the backup and of an undo", take{"gate_passed", "", -time.Second}, 120, 40, s.operator, pane.Gate},
		{"phase.svg", "A phase runs: its tables with their rows, and how far each is", take{"phase_started", "phase5", 40 * time.Second}, 120, 40, s.operator, ""},
		{"hold.svg", "A phase on hold: verified, it waits for COMMIT or ROLLBACK", take{"hold_opened", "phase4", 2 * time.Second}, 120, 40, s.operator, ""},
		{"mirror.svg", "The mirror: what it would take to undo now, beside the timeline", take{"hold_opened", "phase4", 2 * time.Second}, 100, 30, mirror, ""},
	} {
		t.Run(p.name, func(t *testing.T) {
			v, at := p.screen(p.w, p.h), s.at(p.of)
			if p.look != "" {
				v.Show(s.fold(at))
				v.goTo(p.look)
			}
			svg, err := picture.Still(s.frame(v, at), picture.Page{Columns: p.w, Rows: p.h, Title: p.title})
			drawn(t, p.name, svg, err)
		})
	}
}

// The film at the top of the README is a phase of the pictured run: its rows go at
// four times their speed, its hold lasts as long as it did. It is no more than a page
// should load.
func TestPictureOfAPhaseMoves(t *testing.T) {
	const (
		every = 500 * time.Millisecond // of the film
		most  = 300_000
	)
	s := newStudio(t)
	v := s.operator(100, 30)
	hold := s.at(take{"hold_opened", "phase5", 0})
	end := s.at(take{"phase_committed", "phase5", 1500 * time.Millisecond})
	var frames []picture.Frame
	film, still := time.Duration(0), 0
	for at := s.at(take{"phase_started", "phase5", -time.Second}); at.Before(end); film += every {
		if film < 12*time.Second {
			still = len(frames)
		}
		text := s.frame(v, at)
		if n := len(frames); n == 0 || frames[n-1].Text != text {
			frames = append(frames, picture.Frame{At: film, Text: text})
		}
		speed := time.Duration(4)
		if at.Add(every).After(hold) {
			speed = 1
		}
		at = at.Add(speed * every)
	}
	svg, err := picture.Film(frames, film+every, still, picture.Page{Columns: 100, Rows: 30, Title: "A phase from its start to its COMMIT"})
	drawn(t, "phase-film.svg", svg, err)
	if len(svg) > most {
		t.Errorf("it has %d bytes, and at most %d are wanted", len(svg), most)
	}
}
