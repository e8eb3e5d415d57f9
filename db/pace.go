package db

import "time"

const (
	firstBlocks = 4    // small: with an unindexed cascade a block takes a second
	blindBlocks = 64   // the most before a row was met: the first block with rows may be dear
	mostBlocks  = 8192 // 64 MiB, and a second where the disk is slow
	rangeTarget = 100 * time.Millisecond
)

// pace says how many blocks a range has, so that one takes some rangeTarget: what
// it takes depends on the rows in it, and blocks without any may stand before full
// ones. The zero value begins a delete.
type pace struct {
	step  int64
	empty bool    // no rows are expected at all
	dense float64 // the most rows in a block of a range so far
	row   float64 // ns that one took in the last range that had some
}

// next is how many blocks the next range has.
func (p *pace) next() int64 {
	if p.step == 0 {
		return firstBlocks
	}
	return p.step
}

// took tells what the last range took: the next is at most four times as large or a
// quarter, and no larger than what one and a half of the target is enough for if it is
// full.
func (p *pace) took(blocks, rows int64, took time.Duration) {
	if rows > 0 && blocks > 0 {
		p.dense = max(p.dense, float64(rows)/float64(blocks))
		p.row = float64(took) / float64(rows)
	}
	last := p.next()
	aim := last * 4
	if took > 0 {
		aim = int64(float64(last) * float64(rangeTarget) / float64(took))
	}
	most := int64(mostBlocks)
	switch {
	case p.dense > 0:
		most = min(most, int64(1.5*float64(rangeTarget)/max(1, p.dense*p.row)))
	case !p.empty:
		most = blindBlocks
	}
	p.step = max(1, min(max(aim, last/4), last*4, most))
}
