package phases

import (
	"fmt"

	"tminus/phases/check"
)

// ObserverJoined occurs when a mirror session starts.
type ObserverJoined struct {
	Name        string `json:"name"` // the key's comment
	Fingerprint string `json:"fingerprint"`
	Session     string `json:"session"`
}

// Kind implements Event.
func (ObserverJoined) Kind() string { return "observer_joined" }

func (ObserverJoined) stirs(*State) check.Fact { return check.Observers }

func (e ObserverJoined) apply(s *State) error {
	s.Observers = append(s.Observers, Observer{Name: e.Name, Fingerprint: e.Fingerprint, Session: e.Session, Since: s.At})
	return nil
}

func (e ObserverJoined) words(*State) (Level, string) {
	return LevelInfo, "observer joined: " + e.Name
}

// ObserverLeft occurs when a mirror session ends.
type ObserverLeft struct {
	Session string `json:"session"`
}

// Kind implements Event.
func (ObserverLeft) Kind() string { return "observer_left" }

func (ObserverLeft) stirs(*State) check.Fact { return check.Observers }

func (e ObserverLeft) apply(s *State) error {
	s.observerLeft(e.Session)
	return nil
}

func (ObserverLeft) words(s *State) (Level, string) {
	return LevelInfo, fmt.Sprintf("observer left; %s", Plural(int64(len(s.Observers)), "observer")+" watching")
}

func (s *State) observerLeft(session string) {
	var stay []Observer
	for _, o := range s.Observers {
		if o.Session != session {
			stay = append(stay, o)
		}
	}
	s.Observers = stay
}
