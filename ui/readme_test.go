package ui_test

import (
	"os"
	"strings"
	"testing"
)

// The README's picture is a frame that the screen really draws.
func TestReadmeShowsARealFrame(t *testing.T) {
	frame, err := os.ReadFile("testdata/TestScreenGolden/holding_80x24.golden")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```\n"+strings.TrimRight(string(frame), "\n")+"\n```") {
		t.Error("README.md shows another frame than ui/testdata/TestScreenGolden/holding_80x24.golden: copy that one")
	}
}
