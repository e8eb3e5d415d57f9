// Package putback puts one capsule, what one phase took away, back inside one
// transaction that the caller has opened, and proves that it is back.
//
// It makes what ROLLBACK would have been, late: rows that are gone come back,
// old values come back where the row still is as the phase left it, and rows
// that the phase added go where they still are as it added them. What others
// wrote since stays. Where that is in the way, it is a conflict: it is found
// before anything is written, and Options say what is done, a table at a time.
//
// The caller opens the transaction, READ COMMITTED and of its own, without
// savepoints, in a session in which search_path is pg_catalog and DateStyle,
// IntervalStyle, TimeZone, extra_float_digits, bytea_output, lc_monetary, xmloption
// and array_nulls are those of the capture. On any error the caller rolls back;
// after Run without one, COMMIT is all that is left. One Run a transaction. Look
// leaves temporary tables behind, which a ROLLBACK takes away.
//
//	tx: BEGIN
//	result, err := putback.Run(ctx, session, capsule, putback.Options{})
//	tx: err == nil ? COMMIT : ROLLBACK
//
// Rows stream through: what is held in memory does not grow with them.
//
// Keys that are NOT VALID are not checked, as they were not for these rows.
// Sequences stay where they are.
package putback
