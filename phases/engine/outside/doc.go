// Package outside runs commands and makes HTTP requests for a run, answers the
// checks by name of what is outside of the database, and says in sentences what
// became of them.
//
// # Nothing is left behind
//
// A command that has ended, or whose context has, leaves no process: whatever
// it started is killed (SIGKILL), also what went into a process group or a
// session of its own, lost its parent, or cleared its environment.
//
// On Linux each command runs below a guard: this same program, started under
// another name, which does nothing else. The guard takes in every descendant
// whose parent ends (PR_SET_CHILD_SUBREAPER), so that the command's processes
// are, at every moment, the guard's own tree, and no one else's are in it. It
// kills its own children alone, and goes on until it has none: the children of
// a killed one become its own. A child's process ID cannot be given out again
// before its parent has waited for it, and the guard does not wait while it
// kills: so no stranger is ever hit. A pipe ties the guard to the program: when
// the program dies, however that happens, the guard ends its command too.
//
// What is beyond it: a command that kills its guard; a process that belongs to
// another user (sudo), or that the kernel does not let go of (a dead disk).
// The last two are named in the error.
//
// Elsewhere the command's process group is killed: what left that group lives on.
//
// # Who calls what
//
// The engine calls [Run], [Ask] and [Check] for checks, and [Command] and [Request]
// for actions, with [Secrets] for what goes out and may not come back. They block until there
// is an answer or ctx ends, and then for a few seconds at most. They may be
// called by several goroutines. What [Check] runs, it runs as [Run] does; it
// changes nothing, and asks no one. Importing the package is what makes a program able to be
// its own guard.
//
//	done, err := outside.Run(ctx, []string{"pgbackrest", "check"})
//	if err != nil {
//		return err // it could not be run, or did not end by itself: a sentence
//	}
//	if done.Exit != 0 { … }
package outside
