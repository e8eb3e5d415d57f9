package gym

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The README says how large the gym of `make demo` is, which is a paced one.
func TestTheReadmeCountsThePacedGym(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := totalRows(Options{Users: PacedUsers, Paced: true})
	want := fmt.Sprintf("%d,000 users, some %.1f million rows", PacedUsers/1000, float64(rows)/1e6)
	if got := strings.Join(strings.Fields(string(text)), " "); !strings.Contains(got, want) {
		t.Errorf("it does not say %q", want)
	}
}
