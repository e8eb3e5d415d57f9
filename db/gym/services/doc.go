// Package services is what stands around the demo's database, as a real
// system's would: its application's health, and what else the guide's runbook
// asks, tells or switches off outside of PostgreSQL. It serves HTTP on loopback
// alone, and goes with the program that started it; whoever takes the run up
// again starts it at the same address.
//
// A service is a file of its own, with a line in services.go. What one has to
// keep, for a run that is taken up again, it keeps in the folder.
package services
