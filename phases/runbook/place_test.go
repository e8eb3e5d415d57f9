package runbook

import "testing"

func TestPlacesOfTables(t *testing.T) {
	const source = `tminus: 1
title: T
protected: [kept]
phases:
  - id: one
    title: One
    risk: high
    planned: 1m
    delete: [a, public.b]
  - id: two
    title: Two
    risk: high
    planned: 1m
    steps:
      - {delete: '"c d"', where: id > 1}
`
	book, err := Parse("t.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	p := PlacesOf("t.yaml", []byte(source), book)
	for _, c := range []struct {
		phase, table string
		line, column int
	}{
		{"one", "a", 9, 14},
		{"one", "b", 9, 17},
		{"one", "", 5, 9},
		{"one", "elsewhere", 5, 9},
		{"two", `"c d"`, 15, 18},
		{"", "kept", 3, 13},
		{"", "b", 9, 17},
		{"three", "a", 9, 14},
		{"", "", 1, 1},
	} {
		m := p.At(c.phase, c.table, "", "")
		if m.Line != c.line || m.Column != c.column {
			t.Errorf("%s of phase %q stands at %d:%d, want %d:%d", c.table, c.phase, m.Line, m.Column, c.line, c.column)
		}
	}
	if m := (Places{}).At("one", "a", "x", ""); m.Line != 1 {
		t.Errorf("without a file: %+v", m)
	}
}
