package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// ErrSignal is in the cause of a context that StopOnSignals ended. A run that
// it interrupts is unfinished, as one that its operator left: nothing failed.
var ErrSignal = errors.New("signal")

// DoNotSuspend keeps a terminal's job control from stopping the program, until its
// end: stopped, it would hold its locks for as long, and no limit of its own would
// end that. SIGTSTP is caught, and given to whoever wants to say so. The others are
// for a program in the background that uses its terminal. Caught, each would come
// again at once with the read or write that is begun anew; ignored, a write is done,
// and a read fails as one whose input has ended.
func DoNotSuspend() <-chan os.Signal {
	suspends := make(chan os.Signal, 1)
	signal.Notify(suspends, syscall.SIGTSTP)
	signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	return suspends
}

// StopOnSignals ends the context on SIGHUP, SIGINT or SIGTERM, with the
// signal's name as the cause: a closed terminal asks the engine for a safe end,
// and does not decide a transaction by killing the program in its middle.
// Further signals change nothing. SIGPIPE is ignored: a reader that went away
// is an error of the write, not the program's end. release gives the context's
// resources back; the signals stay caught until the program's end, since a
// COMMIT may still be under way.
func StopOnSignals(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	go func() { // ends with the program
		for s := range signals {
			cancel(fmt.Errorf("%w: %s", ErrSignal, s))
		}
	}()
	return ctx, func() { cancel(nil) }
}
