package schema

import "time"

// Costs are what this server takes for what a run does most, measured on its own
// catalogs, and what it has room for. The zero value is not measured.
type Costs struct {
	Row      time.Duration // one row more in a scan of a table in memory
	Query    time.Duration // a query of one row by its index, begun and ended inside the server
	Exchange time.Duration // there and back: a statement that does nothing
	Measured bool          // else they are those of an ordinary server of today

	Block     int64 // bytes of a page
	Buffers   int64 // bytes of shared_buffers
	LockSlots int64 // locks that the server has room for, of all sessions; 0 when not read
	FullPages bool  // full_page_writes: the first change of a page after a checkpoint writes all of it
}

// UsualCosts are the costs where they could not be measured: those of a server of
// today with its data in memory, on the same network.
func UsualCosts() Costs {
	return Costs{Row: 50 * time.Nanosecond, Query: 2 * time.Microsecond, Exchange: time.Millisecond, Block: 8192, FullPages: true}
}

// Estimate is how many rows of a relation the planner takes a condition for to
// hold.
type Estimate struct {
	Relation uint32
	Where    string
	Rows     float64
	Refused  string // what the server said where it refuses the condition; empty otherwise
}
