// Package db is what a run needs from a database, on PostgreSQL 13 and later.
//
// Target is an engine.Target. The engine alone calls its writing methods;
// screens never do. All methods may be called from several goroutines, and all
// wait for the server: give each a context with an end. When it ends, the
// statement is cancelled on the server and the session is kept. A Tx belongs
// to the goroutine that began it, and its Commit doesn't listen to the
// caller's context: a COMMIT that was sent is waited for.
//
// Nothing waits for ever, whatever the context: what the server answers at once
// has Config.Exchange, and what may take hours is watched from another session
// and given up when its answer is lost. That is ErrNoAnswer.
//
// Every session is armoured before its first statement: row security that
// would hide rows is an error, COMMIT is durable, the search path is pinned,
// and no time limit of the server's ends a transaction behind a human's back.
//
//	target, err := db.Open(ctx, db.Config{DSN: dsn, Operator: operator, Runbook: book})
//	if err != nil {
//		return err
//	}
//	defer target.Close()
//	if err := target.Lock(ctx); err != nil { // one run at a time
//		return err
//	}
//	survey, err := target.Survey(ctx)
//
// Errors carry what was done, to what, PostgreSQL's message with its detail,
// and a way out. None holds a password or a connection string.
package db
