// Package monitor tells other programs how a run stands: Prometheus by a page
// of metrics, a collector of OpenTelemetry by spans, anything else by a JSON
// file.
//
// It is a reader like any screen: [Monitor.Follow] folds the journal on its own
// and hands one [Picture] of it to all three. It holds no engine, no commander
// and no database, and takes no lock that the engine takes. Whoever scrapes,
// and a collector or a disk that hangs, costs the run nothing.
//
// [New] claims what can be claimed before a run begins: an address that is
// taken, or a file that must not be overwritten, is an error then, and not in
// the window. What fails later is told by [Monitor.Close], and ends nothing.
package monitor
