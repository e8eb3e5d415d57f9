// Package picture makes SVGs of the screen for the documents: a frame as a
// terminal would show it, or some frames one after the other. It is pure: the
// same frames give the same bytes.
//
// Letters are text, so that a picture is sharp at any size and light; lines and
// blocks are shapes, since fonts disagree about how they meet. Each text says how
// wide it is, so that columns stand whatever font there is. A film's parts stand
// in the picture once, with the times at which they are seen.
//
//	svg, err := picture.Still(frame, picture.Page{Columns: 120, Rows: 40, Title: "The gate"})
package picture
