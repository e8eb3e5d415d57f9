// Package catalog reads what a database holds beside its rows, from PostgreSQL's
// own catalogs: one query for each kind of thing, all in the caller's
// transaction, so that they are of one moment where that is REPEATABLE READ.
// What it reads is package schema's.
package catalog
