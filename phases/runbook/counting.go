package runbook

// Counting is how the tables are counted and fingerprinted outside of a phase's
// transaction.
type Counting struct {
	Sessions int // that read at the same time, as of one moment; 0 means 4
}

const (
	countingSessions = 4
	maxSessions      = 32
)

func countingObject() object {
	return object{name: "counting", keys: []key{
		{"sessions", false, ofCount(1, maxSessions), "how many sessions at most read at the same time, as of one moment; default `4`. Fewer do where tables are small, and where the server, the database or the role has no room for more"},
	}}
}

func (f fields) counting() Counting {
	if n := f.node.value("counting"); n != nil {
		if some, ok := f.object(n, "counting").count("sessions", maxSessions); ok {
			return Counting{Sessions: int(some)}
		}
	}
	return Counting{}
}

// CountingSessions is how many sessions may count at the same time.
func (r *Runbook) CountingSessions() int {
	if r.Counting.Sessions > 0 {
		return r.Counting.Sessions
	}
	return countingSessions
}
