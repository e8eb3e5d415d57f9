package phases

import (
	"fmt"
	"strings"
	"time"
)

// Price is what a phase is reckoned to take, before it begins: from the planner's
// estimates of the tables, and from what this server was measured to take for a
// row and for a query.
type Price struct {
	Phase string `json:"phase"`

	// Takes is without the time that others hold a lock or that somebody
	// thinks; Least and Most are the range in which it should be.
	Takes time.Duration `json:"takes_ns"`
	Least time.Duration `json:"least_ns"`
	Most  time.Duration `json:"most_ns"`

	WAL     int64 `json:"wal"`      // bytes, where every page was written since the last checkpoint
	MostWAL int64 `json:"most_wal"` // bytes, where none was
	Rows    int64 `json:"rows"`     // that go or change
	Bytes   int64 `json:"bytes"`    // of the rows that go: what a copy of them would hold
	Locks   int   `json:"locks"`    // relations and indexes that the transaction locks

	// Guessed is set where statements, conditions or triggers are a part of it
	// whose cost nobody can know beforehand.
	Guessed bool `json:"guessed,omitempty"`
	// Measured tells whether the server was measured, or usual costs stand in.
	Measured bool `json:"measured"`
	// Unanalyzed are tables that were never analyzed: their rows are reckoned
	// from their size.
	Unanalyzed []string `json:"unanalyzed,omitempty"`
}

// String is the price in words.
func (p Price) String() string {
	if p.Rows == 0 && p.WAL == 0 {
		return p.Time()
	}
	hold := ""
	if p.Bytes > 0 {
		hold = " that hold " + Bytes(p.Bytes)
	}
	return fmt.Sprintf("%s, %s of WAL, about %s%s, %s", p.Time(), p.WALWords(), Rows(p.Rows), hold, Plural(int64(p.Locks), "lock"))
}

// moment is what nobody plans for.
const moment = 200 * time.Millisecond

// Time is how long it takes, with the range.
func (p Price) Time() string {
	text := fmt.Sprintf("about %s (%s to %s)", Span(p.Takes), Span(p.Least), Span(p.Most))
	if p.Most < moment {
		text = "a moment"
	}
	var why []string
	if p.Guessed {
		why = append(why, "in part a guess")
	}
	if !p.Measured {
		why = append(why, "the server was not measured")
	}
	if n := len(p.Unanalyzed); n > 0 {
		why = append(why, Plural(int64(n), "table")+" never analyzed")
	}
	if why != nil {
		text += " [" + strings.Join(why, "; ") + "]"
	}
	return text
}

// WALWords are the bytes of WAL, with the range.
func (p Price) WALWords() string {
	least, most := Bytes(p.WAL), Bytes(p.MostWAL)
	if least == most {
		return least
	}
	return least + " to " + most
}
