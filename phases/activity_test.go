package phases

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// One look follows another: what is news is recorded, and the rest now and then.
func TestActivityIsRecordedWhenItIsNews(t *testing.T) {
	app := Session{PID: 7, Application: "web", State: "idle in transaction", Since: time.Unix(100, 0)}
	waits := Session{PID: 9, State: "active", Own: true, Wants: "ShareLock on a", BlockedBy: []uint32{7}}
	reads := app
	reads.State, reads.Wait = "active", "IO: DataFileRead"
	other := reads
	other.Wait = "LWLock: BufferMapping"
	refused := errors.New("it was not\x1b[2J done in time")
	s := &State{At: time.Unix(1000, 0)}
	for i, c := range []struct {
		after    time.Duration
		phase    string
		sessions []Session
		failed   error
		news     bool
		full     bool
		age      time.Duration // of what the state then shows
	}{
		{phase: "a", failed: refused, news: true},
		{after: 2 * time.Second, phase: "a", failed: refused},
		{after: 2 * time.Second, phase: "a", sessions: []Session{app}, news: true, full: true},
		{after: 2 * time.Second, phase: "a", sessions: []Session{app}, age: 2 * time.Second},
		{after: 2 * time.Second, phase: "a", sessions: []Session{reads}, age: 4 * time.Second},
		{after: 2 * time.Second, phase: "a", sessions: []Session{reads}, news: true, full: true},
		{after: 6 * time.Second, phase: "a", sessions: []Session{other}, age: 6 * time.Second},
		{after: 2 * time.Second, phase: "a", sessions: []Session{reads, waits}, news: true, full: true},
		{after: 2 * time.Second, phase: "a", failed: refused, news: true, age: 2 * time.Second},
		{after: 2 * time.Second, phase: "a", sessions: []Session{reads, waits}, news: true, full: true},
		{after: 10 * time.Second, phase: "a", sessions: []Session{reads, waits}, news: true},
		{after: time.Second, phase: "b", sessions: []Session{reads, waits}, news: true, full: true},
	} {
		s.At = s.At.Add(c.after)
		seen := Activity{Sessions: c.sessions}
		e, news := s.ActivityNews(c.phase, seen, c.failed, s.At)
		if news != c.news || news && (e.Seen != nil) != c.full || e.Error != "" && e.Error != "it was not done in time" {
			t.Fatalf("look %d: news %v, %+v", i, news, e)
		}
		if news {
			if err := e.apply(s); err != nil {
				t.Fatal(err)
			}
		}
		if s.Activity.At.IsZero() != (i < 2) {
			t.Fatalf("look %d: seen at %s", i, s.Activity.At)
		}
		if age := s.At.Sub(s.Activity.At); i >= 2 && age != c.age {
			t.Errorf("look %d: what is shown is %s old, want %s", i, age, c.age)
		}
		if (c.failed != nil) != (s.Activity.Error != "") {
			t.Errorf("look %d: the error is %q", i, s.Activity.Error)
		}
	}
}

// Five thousand sessions are counted, not kept; what a journal says of one is short.
func TestActivityIsBounded(t *testing.T) {
	seen := Activity{More: 2}
	for i := range 5000 {
		seen.Sessions = append(seen.Sessions, Session{PID: uint32(i + 1)})
	}
	s := &State{At: time.Unix(1000, 0)}
	if err := (ActivitySeen{Phase: "a", Seen: &seen}).apply(s); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Activity.Sessions); n != MostSessions || s.Activity.More != 5002-MostSessions {
		t.Errorf("%d sessions and %d more", n, s.Activity.More)
	}
	if _, known := s.Activity.Session(41); known {
		t.Error("a session that is not named is known")
	}
	if got, known := s.Activity.Session(40); !known || got.PID != 40 {
		t.Errorf("%+v, %v", got, known)
	}
	data, err := json.Marshal(ActivitySeen{Phase: "a"})
	if err != nil || string(data) != `{"phase":"a"}` {
		t.Errorf("%s, %v", data, err)
	}
	if WeightOf(s, ActivitySeen{}) != Fleeting {
		t.Error("a look at the sessions is waited for until it is on disk")
	}
}
