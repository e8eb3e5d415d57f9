package phases

import (
	"math"
	"strconv"
	"strings"
)

// AsExpected compares what was found with what the runbook expects: a
// comparison of numbers such as "<= 5", or a text to equal.
func AsExpected(want, got string) bool {
	want = strings.TrimSpace(want)
	for _, op := range []string{"<=", ">=", "!=", "=", "<", ">"} {
		rest, ok := strings.CutPrefix(want, op)
		if !ok {
			continue
		}
		w, errW := strconv.ParseFloat(strings.TrimSpace(rest), 64)
		g, errG := strconv.ParseFloat(strings.TrimSpace(got), 64)
		return errW == nil && errG == nil && !math.IsNaN(g) && compare(op, g, w)
	}
	return want == got
}

func compare(op string, got, want float64) bool {
	switch op {
	case "<=":
		return got <= want
	case ">=":
		return got >= want
	case "!=":
		return got != want
	case "=":
		return got == want
	case "<":
		return got < want
	}
	return got > want
}
