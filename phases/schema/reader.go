package schema

// Reader is a view or a materialized view, with one relation that it reads.
type Reader struct {
	View, Reads uint32
	Filled      bool // a materialized view that holds rows
	Unique      bool // it has an index by which REFRESH may go on CONCURRENTLY
}
