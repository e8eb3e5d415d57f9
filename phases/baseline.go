package phases

// Counted is a table to count, or those of its rows that match a condition.
type Counted struct {
	Table string
	Where string // empty: all rows
}

// String is what screens call it: the table, with its condition.
func (c Counted) String() string {
	if c.Where == "" {
		return c.Table
	}
	return c.Table + " where " + c.Where
}

// TableCount is an exact row count: of a table, or of those of its rows that
// match a condition.
type TableCount struct {
	Table string `json:"table"`
	Where string `json:"where,omitempty"`
	Rows  int64  `json:"rows"`
}

// Fingerprint is a table's count and content. Equal fingerprints mean equal content.
type Fingerprint struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	Hash  string `json:"hash"`
}

// Baseline is what the database held before the first phase.
type Baseline struct {
	Counts    []TableCount  `json:"counts"`
	Protected []Fingerprint `json:"protected"`
	Undo      []Fingerprint `json:"undo,omitempty"` // of all other tables, where the undo is tried at the end; nil elsewhere
}

// matching adds up the baseline's counts of a table's rows under conditions;
// it is -1 when one of them was not counted.
func (b *Baseline) matching(table string, wheres []string) int64 {
	var sum int64
	for _, where := range wheres {
		n := b.rows(table, where)
		if n < 0 {
			return -1
		}
		sum += n
	}
	return sum
}

// rows is one of the baseline's counts, or -1 when it was not made.
func (b *Baseline) rows(table, where string) int64 {
	for _, c := range b.Counts {
		if c.Table == table && c.Where == where {
			return c.Rows
		}
	}
	for _, f := range b.Protected {
		if f.Table == table && where == "" {
			return f.Rows
		}
	}
	return -1
}
