package schema

// Attribute is a column of a table.
type Attribute struct {
	Relation uint32
	Name     string
	Type     uint32 // its pg_type
}
