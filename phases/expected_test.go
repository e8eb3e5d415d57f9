package phases

import "testing"

func TestExpected(t *testing.T) {
	for _, c := range []struct {
		want, got string
		pass      bool
	}{
		{"0", "0", true},
		{"yes", " yes", false},
		{"<= 5", "5", true},
		{"<= 5", "5.1", false},
		{"!= 0", "1", true},
		{"!= 0", "NaN", false}, // what is no number is no answer
		{"!= 0", "", false},
		{"> 0", "many", false},
	} {
		if pass := AsExpected(c.want, c.got); pass != c.pass {
			t.Errorf("%q found where %q is wanted: %v", c.got, c.want, pass)
		}
	}
}
