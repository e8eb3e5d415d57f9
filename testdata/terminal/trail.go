package terminal

import (
	"fmt"
	"strings"
	"unicode"
)

// rounds is how often the same key may be pressed on the same screen.
const rounds = 4

// Trail is the way that somebody took by the keys on screen. Who follows it must
// not come by the same place again and again.
type Trail struct{ been map[string]int }

// Press notes that a key is pressed on a screen, and says so when that key leads
// in a circle. What moves by itself, digits, is no progress.
func (t *Trail) Press(screen, key string) error {
	if t.been == nil {
		t.been = map[string]int{}
	}
	at := withoutDigits(screen) + "\x00" + key
	if t.been[at]++; t.been[at] > rounds {
		return fmt.Errorf("the keys lead in a circle: %q was pressed %d times on this screen", key, t.been[at])
	}
	return nil
}

// withoutDigits is a text without clocks and counts.
func withoutDigits(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsDigit(c) {
			return '0'
		}
		return c
	}, text)
}

// Count is how many keys were pressed: a word counts as its letters, a key that a
// terminal sends as a sequence as one.
func Count(keys []string) int {
	n := 0
	for _, key := range keys {
		if strings.HasPrefix(key, "\x1b") {
			n++
			continue
		}
		n += len([]rune(key))
	}
	return n
}
