package terminal

import (
	"fmt"
	"strings"
	"time"
)

// quiet is how long a dialog wants the keyboard to rest before it takes a yes.
const quiet = 450 * time.Millisecond

// Robot is a person who knows nothing but what the screen says: they press the
// key that the last line names first, take an example where one is offered,
// and type what a dialog wants typed.
type Robot struct {
	*Terminal
	Name string // what they write where a name or a reason is wanted
	// Database is the name that they type where one is wanted. Empty: gym.
	Database string
	// Until is what they stop at: they press no key while the screen shows it.
	Until string
	Keys  []string // what they pressed
	// Counted are those of Keys without what was pressed again because the machine
	// was busy: on a screen that had not changed.
	Counted []string
	at      string // the last key, and the screen it was pressed on
	trail   Trail
	typed   time.Time // when the last key was pressed
	last    string    // what the screen said at the last step
	since   time.Time // since when it has said so
	asked   string    // what the screen said when they last looked again
}

// Step does what the screen asks for now, or waits for it to change. It fails
// where the keys lead in a circle.
func (r *Robot) Step() {
	r.t.Helper()
	before := r.settledText()
	if before != r.last || r.since.IsZero() {
		r.last, r.since = before, time.Now()
	}
	if time.Since(r.since) > patience {
		r.t.Fatalf("what the screen says leads nowhere:\n%s", r.Text())
	}
	key := r.next(r.Text())
	// Once the program has left its screen there is nobody to type for.
	if key == "" || !r.Alternate() {
		r.Within(quiet, func() bool { return r.settledText() != before })
		return
	}
	if err := r.trail.Press(before, key); err != nil {
		r.t.Fatalf("%v; the last keys: %q\n%s", err, r.Keys[max(0, len(r.Keys)-20):], r.Text())
	}
	if key == "r" {
		r.asked = before
	}
	focus := r.focus()
	r.Type(key)
	r.Keys = append(r.Keys, key)
	if at := before + "\x00" + key; at != r.at {
		r.Counted, r.at = append(r.Counted, key), at
	}
	r.typed = time.Now()
	if len([]rune(key)) > 1 && !strings.HasPrefix(key, "\x1b") {
		// Typed twice it would be wrong, and a busy machine may still be
		// drawing what the key before it did.
		r.Await(fmt.Sprintf("what was typed is seen: %q, after %q", key, r.Keys[max(0, len(r.Keys)-12):]), func() bool { return r.focus() != focus })
	}
	// What a key did has to be seen before the next one: pressed again, because
	// a busy machine had not drawn yet what it did, it would be another's.
	r.Within(10*quiet, func() bool { return r.focus() != focus })
}

// focus is what a key changes: the keys themselves, the line that the cursor is
// in, and what stands in a dialog's field.
func (r *Robot) focus() string {
	lines := strings.Split(r.Text(), "\n")
	out := lines[len(lines)-1]
	for _, l := range lines {
		if _, after, ok := strings.Cut(l, "›"); ok {
			out += "\n" + after
		}
	}
	return withoutDigits(out)
}

// settledText is the screen without what moves by itself: the two lines of the
// header, and digits, which are clocks and counts.
func (r *Robot) settledText() string {
	lines := strings.Split(r.Text(), "\n")
	return withoutDigits(strings.Join(lines[min(2, len(lines)):], "\n"))
}

// next reads the key to press off the screen. None: wait.
func (r *Robot) next(text string) string {
	lines := strings.Split(text, "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	words := strings.Fields(last)
	if len(words) == 0 || r.Until != "" && strings.Contains(text, r.Until) {
		return ""
	}
	if !inDialog(text) && !strings.HasSuffix(last, " leave") && !strings.HasSuffix(last, "? keys") {
		return "" // half drawn, as after a resize: another line stands where the keys will
	}
	if inDialog(text) {
		return r.answer(text, last)
	}
	switch words[0] {
	case "wait":
		return ""
	case "r": // they look again once, and then wait for what they see to change
		if r.asked == r.settledText() {
			return ""
		}
	case "↓":
		return "\x1b[B"
	case "space", "enter": // which say that they have read what it is about
		if time.Since(r.typed) < quiet || time.Since(r.since) < quiet {
			return ""
		}
		if words[0] == "enter" {
			return "\r"
		}
		return " "
	case "tab":
		return "\t"
	}
	return words[0]
}

// inDialog tells that the last line's keys are a dialog's.
func inDialog(text string) bool {
	return strings.Contains(text[strings.LastIndexByte(text, '\n')+1:], "  esc ")
}

// answer is for a dialog.
func (r *Robot) answer(text, hints string) string {
	keys := strings.Join(r.Keys, "")
	field, inField := fieldIn(text), strings.Contains(hints, "  tab ")
	switch {
	case strings.Contains(hints, "tab take the example"):
		return "\t"
	case inField && strings.Contains(text, "✗ type "+r.database()+" to go on"):
		return "\x15" // a letter too many: the key that opened this was pressed twice
	case inField && strings.Contains(field, " type "+r.database()+" "):
		return r.database()
	case inField && strings.Contains(field, " type here "):
		return r.Name
	case time.Since(r.typed) < quiet:
		return "" // it takes no yes yet
	case strings.Contains(text, "›[ Save"):
		return "\r"
	case strings.HasSuffix(keys, "yy"):
		return "\x1b" // it came too late, and the dialog says why
	case inField:
		return "\r"
	case strings.Contains(hints, "  y "):
		return "y"
	case atLastButton(text):
		return "\r"
	}
	return "\x1b[C" // of several answers the last one goes furthest
}

// atLastButton tells that the last of a dialog's buttons is chosen.
func atLastButton(text string) bool {
	for line := range strings.Lines(text) {
		if i := strings.LastIndex(line, "[ "); i > 0 && strings.Contains(line, "│") && strings.Contains(line, " ]") && strings.HasSuffix(line[:i], "›") {
			return true
		}
	}
	return false
}

func fieldIn(text string) (field string) {
	for _, l := range strings.Split(text, "\n") {
		if _, after, ok := strings.Cut(l, "│ › "); ok {
			field += after
		}
	}
	return field
}

func (r *Robot) database() string {
	if r.Database == "" {
		return "gym"
	}
	return r.Database
}

// Confirm presses the key that ends a program, once the keyboard was quiet for
// as long as a dialog wants it, and again if that was not taken.
func (x *Terminal) Confirm(key string) {
	x.t.Helper()
	for !x.Within(quiet, x.Ended) {
		x.Type(key)
		if x.Within(10*quiet, x.Ended) {
			return
		}
	}
}
