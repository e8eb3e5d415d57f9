package engine

import "testing"

// What is waited for is named whichever session is done first, and once each.
func TestWhatIsLeft(t *testing.T) {
	names := []string{"fingerprint a", "count a", "count b", "count b where id > 1"}
	for _, c := range []struct{ done, want string }{
		{"", "fingerprint a and 3 more"},
		{"b", "fingerprint a and 2 more"},
		{"a", "count b where id > 1"}, // a fingerprint tells the count as well
		{"c", "count b where id > 1"},
		{"b where id > 1", "end of the baseline"},
	} {
		names = without(names, "fingerprint "+c.done, "count "+c.done)
		if got := left(names); got != c.want {
			t.Errorf("after %q: %q, want %q", c.done, got, c.want)
		}
	}
}
