package runbook

import "testing"

func TestGuideParses(t *testing.T) {
	book, err := Parse(GuideName, Guide())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range book.Checklist {
		n += len(g.Items)
	}
	a := 0
	for _, g := range book.After {
		a += len(g.Items)
	}
	t.Log(n, a)
}
