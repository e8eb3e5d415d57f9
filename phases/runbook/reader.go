package runbook

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits on texts and lists. They bound what a screen and a journal must bear,
// and stand in the JSON Schema too.
const (
	maxLine     = 300     // characters of a one-line text
	maxText     = 4_000   // characters of a text of several lines
	maxSQL      = 100_000 // bytes of a statement
	maxID       = 64      // characters of an id
	maxName     = 63      // bytes of a name in PostgreSQL
	maxTables   = 2_000
	maxGroups   = 100
	maxItems    = 200 // of a group or a phase
	maxFields   = 20
	maxPhases   = 100
	maxSteps    = 500
	maxNotes    = 50
	maxContacts = 50
	maxArgs     = 100
	maxDuration = 7 * 24 * time.Hour
)

// mapping is a YAML mapping whose keys have been held against its object.
type mapping struct {
	*report
	node   *node
	object string
	values map[string]*node
}

// mapping checks that n is a mapping and has only the object's keys, each
// required one among them. It returns nil when n is no mapping at all.
func (r *report) mapping(n *node, name string) *mapping {
	shape := shapeOf(name)
	if n.kind != isMap {
		r.wrongKind(n, "a mapping with the keys of "+article(name)+": "+keyNames(shape))
		return nil
	}
	m := &mapping{report: r, node: n, object: name, values: map[string]*node{}}
	for _, e := range n.keys {
		k, known := shape.key(e.name)
		switch {
		case !known:
			r.at(e.line, e.column, fmt.Sprintf("unknown key %s in %s", clean(quote(e.name)), article(name)), suggest(e.name, shape))
		case e.value.kind == isNull:
			r.at(e.line, e.column, fmt.Sprintf("%s has no value", k.name), "expected "+expectation(k))
			m.values[k.name] = nil
		default:
			m.values[k.name] = e.value
		}
	}
	for _, k := range shape.keys {
		if _, there := m.values[k.name]; k.required && !there {
			r.at(n.line, n.column, fmt.Sprintf("%s without %s", article(name), k.name), fmt.Sprintf("add `%s:`, %s", k.name, expectation(k)))
		}
	}
	return m
}

func keyNames(o *object) string {
	names := make([]string, 0, len(o.keys))
	for _, k := range o.keys {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// article puts a or an before the name of an object.
func article(name string) string {
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

func expectation(k key) string {
	want := "a " + k.value
	switch {
	case k.value == "line":
		want = "one line of text"
	case strings.ContainsAny(k.value[:1], "`aeiou"), k.value == "text":
		want = k.value
	}
	if k.doc == "" {
		return want
	}
	return want + ": " + k.doc
}

func suggest(name string, shape *object) string {
	names := make([]string, 0, len(shape.keys))
	for _, k := range shape.keys {
		names = append(names, k.name)
	}
	if best := nearest(name, names); best != "" {
		return "did you mean " + best + "?"
	}
	return "its keys are " + keyNames(shape)
}

// nearest gives the name that a typing mistake away from word, or "".
func nearest(word string, names []string) string {
	best, bound := "", max(2, utf8.RuneCountInString(word)/3)+1
	word = strings.ToLower(word)
	if len(word) > maxID {
		return ""
	}
	for _, name := range names {
		if d := distance([]rune(word), []rune(strings.ToLower(name))); d < bound {
			best, bound = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove or replace.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func (r *report) wrongKind(n *node, want string) {
	r.at(n.line, n.column, "found "+n.kind.String(), "expected "+want)
}

// fault records a mistake at a value.
func (r *report) fault(n *node, problem, fix string) { r.at(n.line, n.column, problem, fix) }

// faultAt records a mistake inside a text, at its source line where that can
// be told: in a block after |, or in a text of one line.
func (r *report) faultAt(n *node, offset int, problem, fix string) {
	offset = min(max(offset, 0), len(n.text))
	before := n.text[:offset]
	down := strings.Count(before, "\n")
	across := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	if n.literal {
		lines := strings.Split(n.text, "\n")
		if i := n.line + down; i < len(r.lines) && strings.HasSuffix(r.lines[i], lines[down]) {
			indent := utf8.RuneCountInString(r.lines[i]) - utf8.RuneCountInString(lines[down])
			r.at(i+1, indent+across+1, problem, fix)
			return
		}
	}
	if down == 0 && n.line <= len(r.lines) {
		if source := []rune(r.lines[n.line-1]); n.column-1 <= len(source) {
			rest := string(source[n.column-1:])
			for i := range 2 { // without and with an opening quote
				if len(rest) >= i && strings.HasPrefix(rest[i:], n.text) {
					r.at(n.line, n.column+i+across, problem, fix)
					return
				}
			}
		}
	}
	r.fault(n, problem, fix)
}

// value gives a key's value; nil when it is absent or has no value.
func (m *mapping) value(key string) *node { return m.values[key] }

// has reports whether the key stands in the file, with a value or without.
func (m *mapping) has(key string) bool { _, ok := m.values[key]; return ok }

// scalar gives a key's text, whatever may stand in it. ok is false when there
// is none, or when it is not text and the mistake has been reported.
func (m *mapping) scalar(key string) (n *node, ok bool) {
	n = m.values[key]
	if n == nil {
		return nil, false
	}
	switch n.kind {
	case isText:
		return n, m.goodText(n, key)
	case isNumber, isBool:
		m.fault(n, fmt.Sprintf("%s is %s, but text is expected", key, n.kind), fmt.Sprintf("put it in quotes: %q", clean(n.text)))
	default:
		m.wrongKind(n, "text for "+key)
	}
	return nil, false
}

func (r *report) goodText(n *node, key string) bool {
	for i, c := range n.text {
		if c != '\n' && c != '\t' && !printable(c) {
			r.faultAt(n, i, fmt.Sprintf("%s holds the character %U", key, c), "control characters and characters that hide or reorder text are not allowed")
			return false
		}
	}
	if strings.TrimSpace(n.text) == "" {
		r.fault(n, key+" is empty", "write something, or leave the key out")
		return false
	}
	return true
}

// line gives a text of one line.
func (m *mapping) line(key string) string {
	n, ok := m.scalar(key)
	if !ok {
		return ""
	}
	return m.goodLine(n, key)
}

func (r *report) goodLine(n *node, key string) string {
	text := strings.TrimSpace(n.text)
	if strings.ContainsAny(text, "\n\t") {
		r.fault(n, key+" has more than one line", "one line, without tabs")
		return ""
	}
	if c := utf8.RuneCountInString(text); c > maxLine {
		r.fault(n, fmt.Sprintf("%s has %d characters", key, c), fmt.Sprintf("at most %d", maxLine))
		return ""
	}
	return text
}

// block gives a text that may have several lines.
func (m *mapping) block(key string) string {
	n, ok := m.scalar(key)
	if !ok {
		return ""
	}
	if c := utf8.RuneCountInString(n.text); c > maxText {
		m.fault(n, fmt.Sprintf("%s has %d characters", key, c), fmt.Sprintf("at most %d", maxText))
		return ""
	}
	return strings.TrimSpace(n.text)
}

// word gives one of a few words.
func (m *mapping) word(key string, words ...string) string {
	n, ok := m.scalar(key)
	if !ok {
		return ""
	}
	if slices.Contains(words, n.text) {
		return n.text
	}
	fix := "one of " + strings.Join(words, ", ")
	if len(words) == 1 {
		fix = "the only value is " + words[0]
	}
	if best := nearest(n.text, words); best != "" {
		fix = "did you mean " + best + "? " + fix
	}
	m.fault(n, fmt.Sprintf("%s is not a value of %s", clean(quote(n.text)), key), fix)
	return ""
}

func quote(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return strconv.Quote(s)
}

// flag gives true or false.
func (m *mapping) flag(key string, absent bool) bool {
	n := m.value(key)
	if n == nil {
		return absent
	}
	if n.kind != isBool {
		m.fault(n, key+" is "+n.kind.String(), "expected true or false")
		return absent
	}
	return strings.EqualFold(n.text, "true")
}

// count gives a whole number from least to most.
func (m *mapping) count(key string, least, most int64) (int64, bool) {
	n := m.value(key)
	if n == nil {
		return 0, false
	}
	if n.kind != isNumber {
		m.wrongKind(n, fmt.Sprintf("a whole number for %s", key))
		return 0, false
	}
	v, ok := digits(n.text)
	if !ok || v < least || v > most {
		fix := fmt.Sprintf("a whole number from %d to %d, in plain digits", least, most)
		if most == math.MaxInt64 {
			fix = fmt.Sprintf("a whole number, %d or more, in plain digits", least)
		}
		m.fault(n, fmt.Sprintf("%s is %s", key, clean(n.text)), fix)
		return 0, false
	}
	return v, true
}

// digits reads a number that can be read in one way only.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// list gives the entries of a list with at least one and at most most.
func (m *mapping) list(key string, most int) []*node {
	n := m.value(key)
	if n == nil {
		return nil
	}
	if n.kind != isList {
		m.fault(n, fmt.Sprintf("%s is %s", key, n.kind), "expected a list: one entry a line, each after `- `")
		return nil
	}
	if len(n.items) == 0 {
		m.fault(n, key+" is an empty list", "add an entry, or leave the key out")
	}
	if len(n.items) > most {
		m.fault(n.items[most], fmt.Sprintf("%s has %d entries", key, len(n.items)), fmt.Sprintf("at most %d", most))
		return n.items[:most]
	}
	return n.items
}

// lines gives a list of texts of one line.
func (m *mapping) lines(key string, most int) []string {
	var out []string
	for _, n := range m.list(key, most) {
		if n.kind != isText {
			m.notText(n, key)
			continue
		}
		if m.goodText(n, key) {
			if s := m.goodLine(n, key); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

func (r *report) notText(n *node, key string) {
	if n.kind == isNumber || n.kind == isBool {
		r.fault(n, fmt.Sprintf("%s in %s, but text is expected", n.kind, key), fmt.Sprintf("put it in quotes: %q", clean(n.text)))
		return
	}
	r.wrongKind(n, "text in "+key)
}
