// Package schema is what a database holds, beside its rows: tables, foreign
// keys, triggers, rules, policies and rights, as of one moment and as one role
// sees them. Package db reads it, in one snapshot; what it means for a runbook
// is package lint's to say.
//
// Everything is plain data, and every question a pure function of it. A Schema
// is read by as many goroutines as like once Index has been called.
package schema
