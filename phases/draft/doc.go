// Package draft writes a runbook for a database that somebody points at: what is
// to be cleared and what must stay are given, and from the schema follow the
// order that nothing refuses, the tables that go along, the keys that have to
// be set to NULL first, and what is counted and checked. Where a human has to
// decide, it refuses and says what about, or leaves a comment.
//
// It is pure: the same schema and wish give the same text.
package draft
