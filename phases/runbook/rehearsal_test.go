package runbook

import (
	"strings"
	"testing"
	"time"
)

// A word may stand in the place of the object: the loader and the schema take
// the same, and no other.
func TestARehearsalIsAWordOrAnObject(t *testing.T) {
	minimal := string(read(t, testRunbooks+"/good/minimal.yaml"))
	for value, want := range map[string]struct {
		rehearsal Rehearsal
		mistake   string
	}{
		"none":            {Rehearsal{None: true, MaxAge: rehearsalAge}, ""},
		"{max_age: 48h}":  {Rehearsal{MaxAge: 48 * time.Hour}, ""},
		"{}":              {Rehearsal{MaxAge: rehearsalAge}, ""},
		"never":           {Rehearsal{}, `"never" is not a value of rehearsal`},
		"5":               {Rehearsal{}, "rehearsal is a number, but text is expected"},
		"{max_age: 169h}": {Rehearsal{}, "max_age"},
		"{max_age: 7d}":   {Rehearsal{}, "a duration is written like"},
		"[none]":          {Rehearsal{}, "max_age"},
	} {
		source := []byte(minimal + "rehearsal: " + value + "\n")
		book, err := Parse("t.yaml", source)
		switch {
		case want.mistake == "" && (err != nil || book.Rehearsal != want.rehearsal):
			t.Errorf("%s: %+v, %v", value, book, err)
		case want.mistake != "" && (err == nil || !strings.Contains(err.Error(), want.mistake)):
			t.Errorf("%s is explained otherwise: %v", value, err)
		}
		// How long a duration may be is not the schema's to say.
		if refused := compileSchema(t).Validate(instance(t, source)); (refused != nil) != (err != nil) && value != "{max_age: 169h}" {
			t.Errorf("%s: the schema says %v, the loader %v", value, refused, err)
		}
	}
	old, err := Read("t.yaml", []byte(minimal+"rehearsal: never\n"))
	if err != nil || len(old.Passed) != 1 || old.Rehearsal.None {
		t.Errorf("what is not known is taken: %+v, %v", old, err)
	}
}
