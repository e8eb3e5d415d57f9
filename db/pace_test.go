package db

import (
	"testing"
	"time"
)

// A range takes some rangeTarget: it grows while nothing is met, is cautious before
// the first row was, and is never so large that full blocks in it take many times as
// long.
func TestPace(t *testing.T) {
	t.Parallel()
	type full struct{ empty, blocks int64 }
	for name, c := range map[string]struct {
		table full
		row   time.Duration
	}{
		"all full, cheap":           {full{0, 100_000}, 500},
		"all full, dear":            {full{0, 200}, 2 * time.Millisecond},
		"a long way without rows":   {full{100_000, 5_000}, 2 * time.Microsecond},
		"no index, behind the dead": {full{3_000, 50}, time.Millisecond},
	} {
		const perBlock, passing = 60, 3 * time.Microsecond
		var p pace
		var longest time.Duration
		ranges := 0
		for from := int64(0); from < c.table.empty+c.table.blocks; ranges++ {
			to := min(from+p.next(), c.table.empty+c.table.blocks)
			rows := perBlock * max(0, to-max(from, c.table.empty))
			took := time.Duration(to-from)*passing + time.Duration(rows)*c.row
			longest = max(longest, took)
			p.took(to-from, rows, took)
			from = to
		}
		atOnce := max(time.Duration(blindBlocks)*perBlock*c.row, 3*rangeTarget)
		if longest > atOnce {
			t.Errorf("%s: a range takes %s", name, longest)
		}
		if most := int(c.table.empty/blindBlocks) + int(time.Duration(c.table.blocks*perBlock)*c.row/(rangeTarget/4)) + 50 + int(c.table.blocks/mostBlocks); ranges > most {
			t.Errorf("%s: %d ranges", name, ranges)
		}
	}
}
