package main

import (
	"testing"

	"tminus/testdata/house"
)

// The arrows of design.md, and the house's other rules.
func TestTheHouseHoldsItsRules(t *testing.T) {
	mistakes, err := house.Mistakes(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mistakes {
		t.Error(m)
	}
}
