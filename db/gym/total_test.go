package gym

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// README.md says what `make demo` loads.
func TestTheReadmeSaysHowManyRowsADemoHas(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	million := float64(totalRows(Options{Users: PacedUsers, Paced: true})) / 1e6
	want := fmt.Sprintf("(%d,000 users, some %.1f million rows)", PacedUsers/1000, million)
	if text := strings.Join(strings.Fields(string(page)), " "); !strings.Contains(text, want) {
		t.Errorf("README.md does not have %q", want)
	}
}
