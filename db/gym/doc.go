// Package gym makes the demo's database: the product of a gym, with members,
// subscriptions, bookings, and what a reset must not touch.
//
// Load fills an empty database, in one transaction: 56 tables in schema
// public, foreign keys as they grow in a real product (cascades, SET NULL, a
// few that somebody forgot to index), the triggers that a reset has to disable
// and bring back, and rows that depend on nothing but the seed and the number
// of users. It refuses a database that has tables.
//
// SetNullOnProtected, Resurrect and ReenableTrigger plant faults that a run
// must find. They are for tests.
//
// Everything here blocks until the server has answered, and may be called from
// any goroutine; a connection belongs to one at a time. One example:
//
//	err := gym.Load(ctx, server.DSN("gym"), gym.Options{Users: 1000})
package gym
