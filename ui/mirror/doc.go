// Package mirror serves a run's screen over SSH, to look at and not to touch.
//
// A mirror is handed the path of a journal, and reads it. It holds no command,
// no engine and no database, so there is nothing in it that a viewer could
// reach, and nothing to switch off. Whether it runs inside the operator's
// program or as a process of its own makes no difference to it.
//
// # Who gets in
//
// Whoever holds a key of the authorized_keys file, which is read again whenever
// it changes: a key that is taken out ends its sessions. A connection carries
// one session, a session is a terminal and nothing else; commands, subsystems,
// forwarding and further channels are refused with a sentence.
//
// # What it costs the others
//
// One goroutine folds the journal, at most ten times a second, into one state
// for all viewers. A frame is drawn once for all viewers of the same size,
// looks and place, at most ten times a second, and less often when the viewers
// are so different that drawing would take more than a quarter of a core. Every
// session has its own program; a terminal that takes nothing stops that program
// alone, and is cut off after Options.Behind. Nothing here waits for a viewer
// but that viewer's own goroutines.
//
// Nothing is ever printed to the process's own standard output or error: what
// there is to say goes to Options.Log.
//
// # Presence
//
// The one thing that leaves a mirror is who joined and who left, through
// [Presence]. It is called from one goroutine, never from a session, so it may
// block; what it has not been told yet is bounded.
//
// # Who calls what
//
// New reads the keys, makes or reads the host key and binds the address; it
// blocks for the disk alone. Serve blocks until Close is called or its context
// ends. Close ends every viewer's program, which gives them their terminal
// back, and cuts off those that don't answer. All methods may be called from
// any goroutine.
//
// # Example
//
//	m, err := mirror.New(mirror.Options{Journal: path, AuthorizedKeys: keys})
//	if err != nil {
//		return err
//	}
//	fmt.Println("mirror:", m.Addr(), m.HostKeyFingerprint())
//	return m.Serve(ctx)
package mirror
