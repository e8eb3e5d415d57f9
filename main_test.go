package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tminus/db/sandbox"
	"tminus/testdata/house"
	"tminus/testdata/script"
)

// suite ends the shared server after the tests.
type suite struct{ m *testing.M }

func (s suite) Run() int { return sandbox.Main(s.m) }

// TestMain puts this very program on the PATH, as tminus.
func TestMain(m *testing.M) { testscript.Main(suite{m}, map[string]func(){"tminus": main}) }

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

// The scripts drive the program against a server that they share.
func TestScripts(t *testing.T) { script.Run(t, sandbox.ForTest(t), "testdata/script") }
