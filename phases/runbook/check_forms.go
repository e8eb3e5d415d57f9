package runbook

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// How a status and a header's name are written, for the JSON Schema.
const (
	statusPattern = `^[1-5][0-9][0-9](\.\.[1-5][0-9][0-9])?$`
	headerPattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
)

func parameter(n int) string { return "$" + strconv.Itoa(n) }

func (c *checker) status(n *node, k key) bool {
	rows, ok := parseRows(n.text)
	if (n.kind == isText || n.kind == isNumber) && ok && regexp.MustCompile(statusPattern).MatchString(n.text) && rows.Max >= rows.Min {
		return true
	}
	c.fault(n, fmt.Sprintf("%s is %s", k.name, clean(quote(n.text))), statusFix)
	return false
}

// notTheirs are headers that the connection has by itself.
var notTheirs = []string{"connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"}

// hasSecret are headers whose value is one.
var hasSecret = []string{"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}

// headers reports whether n is a mapping of headers.
func (c *checker) headers(n *node) bool {
	if n.kind != isMap || len(n.keys) == 0 {
		c.fault(n, "headers is "+n.kind.String(), headersFix)
		return false
	}
	before := len(c.mistakes)
	if len(n.keys) > maxHeaders {
		c.fault(n, fmt.Sprintf("headers has %d entries", len(n.keys)), fmt.Sprintf("at most %d", maxHeaders))
	}
	for _, e := range n.keys {
		at, name := &node{line: e.line, column: e.column}, strings.ToLower(e.name)
		switch {
		case !regexp.MustCompile(headerPattern).MatchString(e.name):
			c.fault(at, clean(quote(e.name))+" is no name of a header", "letters, digits and -")
		case slices.Contains(notTheirs, name):
			c.fault(at, "the header "+e.name, "leave it out: the connection sets it by itself")
		case e.value.kind == isNull:
			c.fault(at, e.name+" has no value", headersFix)
		case !c.isText(e.value, e.name) || !c.goodLine(e.value, e.name):
		case slices.Contains(hasSecret, name) && !variables.MatchString(e.value.text):
			c.fault(e.value, "a secret in "+e.name, "a runbook is recorded and read by many: write ${NAME}, and set that variable where tminus is started")
		default:
			c.variables(e.value)
		}
	}
	return len(c.mistakes) == before
}

var variables = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// variables holds that each ${ of a text is one of ${NAME}.
func (c *checker) variables(n *node) {
	for at := 0; ; {
		i := strings.Index(n.text[at:], "${")
		if i < 0 {
			return
		}
		at += i
		found := variables.FindStringIndex(n.text[at:])
		if found == nil || found[0] != 0 {
			c.faultAt(n, at, "a ${ without a variable's name and }", "write ${NAME}: letters, digits and _")
			return
		}
		at += found[1]
	}
}

// form holds the keys of one of an action's forms against each other.
func (c *checker) form(m *checked, kind string) {
	switch kind {
	case RunCommand:
		c.absolute(m, "dir")
	case MakeCall:
		c.callForm(m)
	case RunSQL:
		c.probes(m)
	}
}

func (c *checker) callForm(m *checked) {
	call := c.values(m).call()
	if n := m.good.value("http"); n != nil && strings.Contains(n.text, "${") {
		c.fault(n, "a variable in an address", "an address is recorded and shown: put the secret into headers or body")
	}
	if n := m.good.value("body"); n != nil {
		c.placeholders(n)
		c.variables(n)
		if call.Harmless() {
			c.fault(n, "a body with "+call.Method, "leave out the method, or the body")
		}
	}
	if n := m.good.value("http"); n != nil && inTheClear(n.text) && sends(call) {
		c.fault(n, "a secret to an http:// address", "it can be read on the way: write https://")
	}
	mayTwice := call.Method != "POST" && call.Method != "PATCH"
	if m.has("retries") && call.Retries > 0 && !mayTwice && !call.RetryAny {
		c.fault(m.place("retries", m.node), call.Method+" with retries", "without an answer nobody knows whether it was done: leave retries out, or add `retry: always` where doing it twice is harmless")
	}
	if m.has("retry") && call.Retries == 0 {
		c.fault(m.place("retry", m.node), "retry without retries", "add `retries:` with a number")
	}
	if !m.has("for") {
		for _, k := range []string{"every", "p95"} {
			if m.has(k) {
				c.fault(m.place(k, m.node), k+" without for", "add `for:`, how long is measured")
			}
		}
		return
	}
	switch {
	case !call.Harmless():
		c.fault(m.place("for", m.node), "for with "+call.Method, "only GET and HEAD are made again and again")
	case m.has("retries"):
		c.fault(m.place("retries", m.node), "retries with for", "leave it out: while it is measured, each request has to be answered")
	case call.For > 0 && call.Every > call.For:
		c.fault(m.place("every", m.node), "every is longer than for", "every is at most for")
	}
}

// inTheClear reports whether what goes to an address can be read on the way.
func inTheClear(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	return !loopback.MatchString(u.Hostname())
}

var loopback = regexp.MustCompile(`^(localhost|127(\.[0-9]{1,3}){3}|::1)$`)

// sends reports whether a request has a secret in it.
func sends(call *Call) bool {
	return variables.MatchString(call.Body) || slices.ContainsFunc(call.Headers, func(h Header) bool { return variables.MatchString(h.Value) })
}

// probes holds an action's statements against the rules, and their names
// against each other.
func (c *checker) probes(m *checked) {
	writes := c.values(m).flag("rolled_back", false)
	known := map[string]bool{}
	for _, p := range m.inner["sql"] {
		n := p.good.value("sql")
		if n != nil {
			if fault := checkProbe(n.text, writes, known); fault != nil {
				c.faultAt(n, fault.offset, fault.problem, fault.fix)
			}
		}
		as := p.good.value("as")
		if as == nil {
			continue
		}
		if known[as.text] {
			c.fault(as, "the name "+as.text+" again", "give each value a name of its own")
		}
		known[as.text] = true
	}
}

// checkProbe says what is wrong with a statement of an action. known are the
// names that earlier ones gave.
func checkProbe(src string, writes bool, known map[string]bool) *sqlFault {
	tokens, fault := statement(src)
	if fault != nil {
		return fault
	}
	if fault := probeNames(tokens, known); fault != nil {
		return fault
	}
	first := tokens[0]
	word := strings.ToUpper(first.text)
	reads := first.isWord("select", "with", "values", "table", "show")
	switch {
	case first.isWord("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"):
		return &sqlFault{first.offset, word + " in an action", "tminus begins the transaction, and rolls it back: leave the statement out"}
	case first.isWord("set", "reset", "discard"):
		return &sqlFault{first.offset, word + " in an action", "tminus keeps the session's settings as they must be: leave the statement out"}
	case !writes && !reads:
		return &sqlFault{first.offset, fmt.Sprintf("a statement that begins with %s, and the transaction is read-only", clean(quote(first.text))), "SELECT, WITH, VALUES, TABLE or SHOW; or `rolled_back: true`, to undo what it does"}
	case !reads && !first.isWord("insert", "update", "delete", "merge", "truncate", "call", "do", "lock"):
		return &sqlFault{first.offset, fmt.Sprintf("an action may not begin with %s", clean(quote(first.text))), "SELECT, WITH, VALUES, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CALL, DO and LOCK are possible"}
	}
	return setsConfig(tokens)
}

// probeNames holds that each {{name}} is one that an earlier statement gave.
func probeNames(tokens []sqlToken, known map[string]bool) *sqlFault {
	const fix = "write {{name}}, of an earlier statement's `as`, outside of quotes"
	used := map[int]bool{}
	for _, n := range mentions(tokens) {
		if !known[n.name] {
			return &sqlFault{n.from, "no earlier statement gives the name " + clean(quote(n.name)), "give one `as: " + clean(n.name) + "`"}
		}
		for at := n.from; at < n.to; at++ {
			used[at] = true
		}
	}
	quoted := regexp.MustCompile(placeholder)
	for _, t := range tokens {
		switch found := quoted.FindStringSubmatch(t.text); {
		case t.isMark("{") && !used[t.offset]:
			return &sqlFault{t.offset, "a { outside quotes", fix}
		case t.kind != sqlMark && found != nil && known[strings.TrimSpace(found[1])]:
			return &sqlFault{t.offset, "{{" + found[1] + "}} inside quotes, where it is text", fix}
		}
	}
	return nil
}
