package db

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tminus/db/capsule"
)

// What a run drops is its own: another run's stays, also where its rows have expired.
func TestDropLeavesAnotherRunsCapsule(t *testing.T) {
	for name, c := range map[string]struct {
		of             string
		whole, expired bool
		gone           bool
	}{
		"its own":                {of: "mine", whole: true, gone: true},
		"begun":                  {of: "mine", gone: true},
		"another's":              {of: "another's", whole: true},
		"another's, and expired": {of: "another's", whole: true, expired: true},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "J.capsule", "one.1")
			w, err := capsule.Create(folder, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.whole {
				if _, _, err := w.Close(capsule.Manifest{RunID: c.of, Phase: "one", Attempt: 1, Taken: time.Now(), Database: "gym", Encoding: "UTF8"}); err != nil {
					t.Fatal(err)
				}
			}
			if c.expired {
				if err := capsule.Expire(folder, "ada", time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			if err := (&Target{}).Drop(folder, "mine"); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) != c.gone {
				t.Errorf("gone %v: %v", c.gone, err)
			}
		})
	}
}
