package runbook

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// single reports whether what stands under a key is a value of its form, and
// says what is wrong with it. It does not look at any other part of the file,
// but for an id, which no other may be.
func (c *checker) single(n *node, k key) bool {
	switch k.value.form {
	case aVersion:
		return c.version(n)
	case aTable:
		if n.kind == isList {
			c.fault(n, k.name+" is a list", "one table a step")
			return false
		}
		_, ok := c.table(n, k.name)
		return ok
	case aDuration:
		return c.length(n, k)
	case aFlag:
		if n.kind != isBool {
			c.fault(n, k.name+" is "+n.kind.String(), "expected true or false")
		}
		return n.kind == isBool
	case aCount:
		return c.count(n, k)
	case aRows:
		if n.kind == isText || n.kind == isNumber {
			if _, ok := parseRows(n.text); ok {
				return true
			}
		}
		c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(quote(n.text))), rowsFix)
		return false
	case aStatus:
		return c.status(n, k)
	case aHeaders:
		return c.headers(n)
	}
	return c.isText(n, k.name) && c.textForm(n, k)
}

func (c *checker) textForm(n *node, k key) bool {
	switch k.value.form {
	case aLine:
		return c.goodLine(n, k.name)
	case anExpectation:
		return c.goodLine(n, k.name) && c.expectation(n)
	case aText:
		if size := utf8.RuneCountInString(n.text); size > maxText {
			c.fault(n, fmt.Sprintf("%s has %d characters", k.name, size), fmt.Sprintf("at most %d", maxText))
			return false
		}
	case anID:
		return c.goodID(n) && c.unique(n, k.value.unique)
	case aFieldID:
		return c.goodID(n)
	case aName:
		if !goodName(n.text) {
			c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(quote(n.text))), nameFix)
			return false
		}
	case aMoment:
		if _, ok := parseDue(n.text, parseDuration); !ok {
			c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(quote(n.text))), momentFix)
			return false
		}
	case aStart:
		if _, ok := parseDue(n.text, parseDuration); !ok && n.text != startsNow {
			c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(quote(n.text))), momentFix+"; or now")
			return false
		}
	case aWord:
		return c.word(n, k.name, k.value.wordNames())
	case aStatement:
		if len(n.text) > maxSQL {
			c.fault(n, fmt.Sprintf("%s has %d bytes", k.name, len(n.text)), fmt.Sprintf("at most %d", maxSQL))
			return false
		}
	case aCondition:
		return c.condition(n)
	case aPattern:
		return c.pattern(n, k.name)
	case anAddress:
		return c.address(n)
	case aRef, aPath, aHost, aFingerprint, aHandle, aPeriod, aSum, aVariable, aLabel, aRepository, aMatcher, aResource:
		return c.goodLine(n, k.name) && c.shapely(n, k)
	}
	return true
}

func (c *checker) shapely(n *node, k key) bool {
	is := shapely[k.value.form]
	if !regexp.MustCompile(is.pattern).MatchString(n.text) {
		c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(quote(n.text))), is.fix)
		return false
	}
	return true
}

func (c *checker) version(n *node) bool {
	if v, ok := digits(n.text); n.kind != isNumber || !ok || v != Version {
		c.fault(n, fmt.Sprintf("the version is %s", clean(quote(n.text))), fmt.Sprintf("this tminus reads version %d: `tminus: %d`", Version, Version))
		return false
	}
	return true
}

// isText reports whether n is text that may stand in a runbook.
func (c *checker) isText(n *node, key string) bool {
	switch n.kind {
	case isText:
		return c.goodText(n, key)
	case isNumber, isBool:
		c.fault(n, fmt.Sprintf("%s is %s, but text is expected", key, n.kind), fmt.Sprintf("put it in quotes: %q", clean(n.text)))
	default:
		c.wrongKind(n, "text for "+key)
	}
	return false
}

func (c *checker) goodText(n *node, key string) bool {
	for i, r := range n.text {
		if r != '\n' && r != '\t' && !printable(r) {
			c.faultAt(n, i, fmt.Sprintf("%s holds the character %U", key, r), "control characters and characters that hide or reorder text are not allowed")
			return false
		}
	}
	if strings.TrimSpace(n.text) == "" {
		c.fault(n, key+" is empty", "write something, or leave the key out")
		return false
	}
	return true
}

func (c *checker) goodLine(n *node, key string) bool {
	text := strings.TrimSpace(n.text)
	if strings.ContainsAny(text, "\n\t") {
		c.fault(n, key+" has more than one line", lineFix)
		return false
	}
	if size := utf8.RuneCountInString(text); size > maxLine {
		c.fault(n, fmt.Sprintf("%s has %d characters", key, size), fmt.Sprintf("at most %d", maxLine))
		return false
	}
	return true
}

// isEntry reports whether an entry of a list is text.
func (c *checker) isEntry(n *node, key string) bool {
	switch n.kind {
	case isText:
		return true
	case isNumber, isBool:
		c.fault(n, fmt.Sprintf("%s in %s, but text is expected", n.kind, key), fmt.Sprintf("put it in quotes: %q", clean(n.text)))
	default:
		c.wrongKind(n, "text in "+key)
	}
	return false
}

func (c *checker) goodID(n *node) bool {
	if !goodID(n.text) {
		c.fault(n, clean(quote(n.text))+" is not an id", idFix)
		return false
	}
	return true
}

// unique reports an id that stands in the file already. It is good all the
// same: what refers to it finds one.
func (c *checker) unique(n *node, among string) bool {
	line, twice := c.ids[among][n.text]
	switch {
	case !twice:
		c.ids[among][n.text] = n.line
	case among == amongFields:
		c.fault(n, fmt.Sprintf("the field %q again", n.text), fmt.Sprintf("line %d has it: fields have different ids over the whole runbook", line))
	default:
		c.fault(n, fmt.Sprintf("the id %q again", n.text), fmt.Sprintf("line %d has it: %s have different ids", line, among))
	}
	return true
}

func (c *checker) word(n *node, key string, words []string) bool {
	if slices.Contains(words, n.text) {
		return true
	}
	fix := "one of " + strings.Join(words, ", ")
	if len(words) == 1 {
		fix = "the only value is " + words[0]
	}
	if best := nearest(n.text, words); best != "" {
		fix = "did you mean " + best + "? " + fix
	}
	c.fault(n, fmt.Sprintf("%s is not a value of %s", clean(quote(n.text)), key), fix)
	return false
}

func (c *checker) count(n *node, k key) bool {
	if n.kind != isNumber {
		c.wrongKind(n, fmt.Sprintf("a whole number for %s", k.name))
		return false
	}
	v, ok := digits(n.text)
	if !ok || v < k.value.least || v > k.value.limit {
		fix := fmt.Sprintf("a whole number from %d to %d, in plain digits", k.value.least, k.value.limit)
		if k.value.limit == math.MaxInt64 {
			fix = fmt.Sprintf("a whole number, %d or more, in plain digits", k.value.least)
		}
		c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(n.text)), fix)
		return false
	}
	return true
}

func (c *checker) length(n *node, k key) bool {
	switch n.kind {
	case isNumber:
		c.fault(n, fmt.Sprintf("%s is %s, without a unit", k.name, clean(n.text)), fmt.Sprintf("write %ss or %sm: %s", clean(n.text), clean(n.text), durationFix))
		return false
	case isText:
	default:
		c.wrongKind(n, "a duration for "+k.name+": "+durationFix)
		return false
	}
	least, most := time.Duration(k.value.least), time.Duration(k.value.limit)
	d, ok := parseDuration(strings.TrimSpace(n.text))
	switch {
	case !ok:
		c.fault(n, fmt.Sprintf("%s is %s, which is not a duration", k.name, clean(quote(n.text))), durationFix)
	case d < least || d > most:
		c.fault(n, fmt.Sprintf("%s is %s", k.name, FormatDuration(d)), fmt.Sprintf("from %s to %s", FormatDuration(least), FormatDuration(most)))
		return false
	}
	return ok
}

// tableAt is a table's name, and where the file has it.
type tableAt struct {
	name string
	full string
	node *node
}

func (c *checker) table(n *node, key string) (tableAt, bool) {
	if !c.isEntry(n, key) {
		return tableAt{}, false
	}
	name := strings.TrimSpace(n.text)
	if !goodTable(name) {
		c.fault(n, clean(quote(n.text))+" is not a table's name", tableFix)
		return tableAt{}, false
	}
	return tableAt{name, c.full(name), n}, true
}

// full is a table's name with its schema, so that two spellings are one table.
func (c *checker) full(table string) string { return (&Runbook{Schema: c.schema}).FullName(table) }

// tables gives the tables of a list that has been checked.
func (c *checker) tables(m *checked, key string) []tableAt {
	n := m.good.value(key)
	if n == nil {
		return nil
	}
	var out []tableAt
	for _, item := range n.items {
		name := strings.TrimSpace(item.text)
		out = append(out, tableAt{name, c.full(name), item})
	}
	return out
}

func (c *checker) expectation(n *node) bool {
	expect := strings.TrimSpace(n.text)
	operand := strings.TrimLeft(expect, "<>=!")
	sign := strings.TrimSuffix(expect, operand)
	switch {
	case sign == "":
	case !plainNumber(strings.TrimSpace(operand)):
		c.fault(n, fmt.Sprintf("expect is %s", clean(quote(expect))), "a number after =, !=, <, <=, > or >=; or a text that the answer equals")
		return false
	case !slices.Contains([]string{"=", "!=", "<", "<=", ">", ">="}, sign):
		c.fault(n, fmt.Sprintf("%s is not a comparison", clean(quote(sign))), "one of =, !=, <, <=, > and >=")
		return false
	}
	return true
}

func (c *checker) condition(n *node) bool {
	if len(n.text) > maxSQL {
		c.fault(n, "where is too long", fmt.Sprintf("at most %d bytes", maxSQL))
	} else if fault := checkCondition(n.text); fault != nil {
		c.faultAt(n, fault.offset, fault.problem, fault.fix)
	}
	return true
}

func (c *checker) pattern(n *node, key string) bool {
	if len(n.text) > maxLine {
		c.fault(n, key+" is too long", fmt.Sprintf("at most %d bytes", maxLine))
		return false
	}
	if _, err := regexp.Compile(n.text); err != nil {
		c.fault(n, fmt.Sprintf("%s is not a regular expression: %s", key, clean(strings.TrimPrefix(err.Error(), "error parsing regexp: "))), "Go's syntax: a \\ before a mark that means itself; in YAML, in single quotes")
		return false
	}
	return true
}

func (c *checker) address(n *node) bool {
	u, err := url.Parse(n.text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(n.text, " \n\t"):
		c.fault(n, clean(quote(n.text))+" is not an address", addressFix)
	case u.User != nil:
		c.fault(n, "an address with a user or a password in it", "a runbook is read by many: leave it out, and ask by a command that knows where the secret is")
	default:
		return true
	}
	return false
}
