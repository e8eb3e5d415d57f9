package phases

import (
	"fmt"
	"path/filepath"
)

// CapsuleRoom occurs when it is known whether the run's capsules have room where
// they go, and when that is otherwise than it was.
type CapsuleRoom struct {
	Needs int64  `json:"needs"`           // bytes, at most, as the phases' prices have it
	Free  int64  `json:"free"`            // bytes, for this user
	Mount string `json:"mount"`           // where the file system begins
	Lacks string `json:"lacks,omitempty"` // why they cannot go there; empty where they can
}

// Kind implements Event.
func (CapsuleRoom) Kind() string { return "capsule_room" }

func (e CapsuleRoom) apply(s *State) error {
	s.Room = &e
	return nil
}

func (e CapsuleRoom) words(*State) (Level, string) {
	if e.Lacks != "" {
		return LevelBad, "the capsules: " + e.Lacks
	}
	return LevelInfo, fmt.Sprintf("the capsules take %s at most, and %s are free on %s", Bytes(e.Needs), Bytes(e.Free), Clean(e.Mount))
}

// RoomFor judges the room that there is for the run's capsules. problem is why
// nobody knows of any.
func (s *State) RoomFor(free int64, mount string, problem error) CapsuleRoom {
	out := CapsuleRoom{Needs: s.capsuleNeeds(), Free: free, Mount: mount}
	const way = "name another folder as `capsule: {directory: …}`, or write `capsule: off`, and begin anew"
	folder := Clean(filepath.Dir(s.Opened.Capsule.Folder))
	switch {
	case problem != nil:
		out.Lacks = fmt.Sprintf("nobody knows whether they can go to %s: %s; %s", folder, Clean(problem.Error()), way)
	case free < out.Needs:
		out.Lacks = fmt.Sprintf("%s are free at %s, and the phases may take away %s; make room, or %s", Bytes(free), folder, Bytes(out.Needs), way)
	}
	return out
}

// capsuleNeeds is what the capsules may take at most: compressed text of rows is
// smaller than the rows, but where they are compressed already.
func (s *State) capsuleNeeds() int64 {
	var sum int64
	for i := range s.Phases {
		if p := &s.Phases[i]; s.Keeps(p) && !p.Status.Done() {
			if price := s.Survey.Price(p.Plan.ID); price != nil {
				sum += price.Bytes
			}
		}
	}
	return sum
}

// WatchesRoom reports whether the room for capsules is still to be looked at: until
// the first phase has begun.
func (s *State) WatchesRoom() bool {
	return s.Opened.Capsule != nil && s.Survey != nil && s.T0.IsZero() && s.Outcome == ""
}

// roomHolds is the room that the run's capsules lack.
func (s *State) roomHolds() []Hold {
	switch {
	case s.Opened.Capsule == nil || s.Survey == nil:
		return nil
	case s.Room == nil:
		return []Hold{{Text: "the capsules: nobody has looked yet whether they have room"}}
	case s.Room.Lacks != "":
		return []Hold{{Text: "the capsules: " + s.Room.Lacks}}
	}
	return nil
}
