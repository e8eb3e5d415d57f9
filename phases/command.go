package phases

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Command is what an operator may ask for. Each stands with its family, beside
// the events that it leads to.
type Command interface {
	// can says why the command is not possible now, or nil. The run has not ended.
	can(s *State, now time.Time) error
}

// Recorded is a command that is carried out by recording it: nothing else acts.
type Recorded interface {
	Command
	// Events are what is recorded of a command that is possible now. by is who
	// asked for it.
	Events(s *State, by string, now time.Time) ([]Event, error)
}

// Commander takes an operator's commands. engine.Engine is the one there is; a screen
// without one has no way to act.
type Commander interface {
	// Do carries a command out, or says why not. It returns when the command
	// is recorded; what it sets off may go on.
	Do(Command) error
}

// Errors that Can wraps.
var (
	ErrEnded = errors.New("the run has ended")
	ErrHeld  = errors.New("held")
)

// Can says why a command is not possible now, or nil. A screen asks it to say
// why a key does nothing; the engine asks it again before it acts.
func (s *State) Can(c Command, now time.Time) error {
	if s.Outcome != "" {
		return fmt.Errorf("%w: %s", ErrEnded, s.Outcome)
	}
	return c.can(s, now)
}

// heldBy says what holds, the first of several.
func heldBy(holds []Hold) error {
	if only, _ := onlyTime(holds); only {
		return fmt.Errorf("%w: %s", ErrHeld, holds[0].Text)
	}
	if len(holds) == 1 {
		return fmt.Errorf("%w by 1 item: %s", ErrHeld, holds[0].Text)
	}
	return fmt.Errorf("%w by %d items, first: %s", ErrHeld, len(holds), holds[0].Text)
}

func (s *State) typed(name string) error {
	if name != s.Target.Database {
		return fmt.Errorf("type the database's name, %q, to go on", s.Target.Database)
	}
	return nil
}

func needs(what, got string) error {
	if strings.TrimSpace(got) == "" {
		return errors.New(what + " is needed")
	}
	return nil
}
