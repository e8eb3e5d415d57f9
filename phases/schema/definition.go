package schema

// Definition is one part of a relation as the catalog defines it: the relation
// itself, a column, a constraint, an index, a trigger, a rule, a policy. Its text
// is not kept: equal hashes mean equal definitions. What bears another name in a
// copy of the database, as a partition does, is hashed without it, and nothing in
// it is an OID.
type Definition struct {
	Relation uint32 // that it belongs to; of a foreign key also the one that it refers to
	Hash     string // SHA-256, in hex
}
