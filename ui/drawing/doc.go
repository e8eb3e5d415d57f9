// Package drawing draws what deletes reach, as an SVG for a browser or a page:
// a box for each table, a line for each foreign key. It is pure: the same reach
// gives the same bytes. What it writes stands alone, without scripts and
// without anything to fetch, and is dark where the reader's screen is.
//
// Tables stand in columns, each to the right of all that it is reached from, but
// for cycles. Lines run between the columns, and past a column's boxes, never
// behind them. Names are cut to their box, and whole in its tooltip.
package drawing
