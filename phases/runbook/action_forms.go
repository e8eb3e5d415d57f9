package runbook

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// Program is a command that an action runs, without a shell.
type Program struct {
	Argv   []string
	Dir    string   // where it is run, an absolute path; empty: where tminus is
	Env    []string // variables of tminus's own environment that it gets, by name, beside PATH, HOME and LANG: no other
	Exit   int      // the exit code that is expected; default 0
	Output string   // regular expression that its output must match; empty accepts all
}

// Call is an HTTP request that an action makes, once or for a while.
type Call struct {
	URL      string
	Method   string // default GET, and POST with a body
	Headers  []Header
	Body     string // {{field}} stands for a recorded field, ${NAME} for a variable; empty: none
	Status   Rows   // the statuses that are expected; default 200
	Expect   string // regular expression that the answer's body must match; empty accepts all
	Retries  int    // how often it is made again without an answer, or with 5xx or 429
	RetryAny bool   // `retry: always`: also where the method may do something twice

	For   time.Duration // it is made again and again for so long; 0: once
	Every time.Duration // from the begin of one to the begin of the next; default 1s
	P95   time.Duration // how long the 95th percentile may take; 0: any time
}

// Header is a header of a request. ${NAME} in its value stands for a variable
// of tminus's own environment.
type Header struct{ Name, Value string }

// Harmless reports whether the request changes nothing at whoever answers it.
func (c *Call) Harmless() bool { return c.Method == "GET" || c.Method == "HEAD" }

// Probe is one statement of an action's transaction.
type Probe struct {
	SQL    string   // with $1, $2, … for Params
	Params []string // names that earlier statements gave to values
	Expect string   // as Check.Expect; empty: anything
	Rows   *Rows    // how many it must give, or touch; nil: any number
	As     string   // the name of the first column of its only row; empty: none
}

// The names of actions that are no word of the runbook's `name:`.
const (
	RunCommand = "command"
	MakeCall   = "http"
	RunSQL     = "sql"
)

// How long an action of these may take where the runbook does not say. A
// request's is for each try.
const (
	actionTimeout = time.Minute
	callTimeout   = 10 * time.Second
	callEvery     = time.Second
	maxFor        = 10 * time.Minute
	maxRetries    = 10
	maxProbes     = 50
	maxHeaders    = 20
)

// Answers reports whether the action itself answers an item without a check:
// it is done when the action has ended well.
func (a *Action) Answers() bool {
	return a != nil && (a.Program != nil || a.Call != nil || a.Probes != nil)
}

// Harmless reports whether the action leaves nothing behind, so that it may
// begin by itself.
func (a *Action) Harmless() bool {
	return a != nil && (a.Call != nil && a.Call.Harmless() || a.Probes != nil)
}

func formKeys() []key {
	return []key{
		{"command", false, listOf(of(anArgument), maxArgs), "a program and its arguments; no shell. It gets PATH, HOME and LANG of tminus's environment, and what `env` names"},
		{"http", false, of(anAddress), "a request to an http or https address. A redirect to another host is not followed, and none of a request that is not GET or HEAD"},
		{"sql", false, listOf(ofObject("probe"), maxProbes), "statements, in one transaction that is always rolled back, and without `rolled_back` read-only"},
		{"timeout", false, ofLength(10*time.Millisecond, time.Hour), "command, http, sql: over it, it is ended, and has failed; default `1m`, and `10s` for each try of a request"},
		{"dir", false, of(aLine), "command: where it is run, an absolute path; default where tminus is"},
		{"env", false, listOf(of(aVariable), maxArgs), "command: names of variables that it gets from tminus's environment. Their values are recorded nowhere"},
		{"exit", false, ofCount(0, 255), "command: expected exit code; default `0`"},
		{"output", false, of(aPattern), "command: regular expression that its output must match"},
		{"method", false, ofWords("", bare("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")...), "http: default `GET`, and `POST` with a body"},
		{"headers", false, of(aHeaders), "http: by name; `${NAME}` in a value stands for a variable of tminus's environment, which is recorded nowhere"},
		{"body", false, of(aText), "http: what is sent; `{{field}}` stands for a recorded field, `${NAME}` for a variable"},
		{"status", false, of(aStatus), "http: expected status; default `200`"},
		{"expect", false, of(aPattern), "http: regular expression that the answer's body must match"},
		{"retries", false, ofCount(0, maxRetries), "http: how often it is tried again without an answer, or with a status of 5xx or 429, after 1, 2, 4, … seconds; default `0`"},
		{"retry", false, ofWords("", bare("always")...), "http: try also a POST or a PATCH again, which may then be done twice"},
		{"for", false, ofLength(time.Second, maxFor), "http: measure for so long, one request after the other. Each must be answered as expected"},
		{"every", false, ofLength(10*time.Millisecond, time.Minute), "http: with `for`, from the begin of one request to the begin of the next; default `1s`"},
		{"p95", false, ofLength(time.Millisecond, time.Minute), "http: with `for`, the longest that 95 percent of the answers may take"},
		{"rehearsal", false, of(aFlag), "command, http: `true` runs it in a rehearsal too; default `false`, since it reaches the real system: a human ticks the item there"},
		{"rolled_back", false, of(aFlag), "sql: `true` lets the statements change rows, until they are rolled back. Sequences stay advanced"},
	}
}

func formParts() []part {
	return []part{
		{beside: []string{"name"}, keys: []string{"triggers"}},
		{beside: []string{"command"}, keys: []string{"dir", "env", "exit", "output"}},
		{beside: []string{"http"}, keys: []string{"method", "headers", "body", "status", "expect", "retries", "retry", "for", "every", "p95"}},
		{beside: []string{"sql"}, keys: []string{"rolled_back"}},
		{beside: []string{"command", "http"}, keys: []string{"rehearsal"}},
		{beside: []string{"command", "http", "sql"}, keys: []string{"timeout"}},
	}
}

func probeObject() object {
	return object{name: "probe", keys: []key{
		{"sql", true, of(aStatement), "one statement; `{{name}}` stands for a value that an earlier one gave a name, as a parameter"},
		{"expect", false, of(anExpectation), "what the only row's first column must be, as in a check"},
		{"rows", false, of(aRows), "how many rows it must give or touch"},
		{"as", false, of(aLabel), "a name for the first column of its only row, which later statements use"},
	}}
}

// form reads the action's form beside `name`.
func (f fields) form(a *Action) {
	switch {
	case len(f.entries("command")) > 0:
		a.Name = RunCommand
		a.Program = &Program{Argv: f.lines("command"), Dir: f.line("dir"), Env: f.lines("env"), Output: f.text("output")}
		if exit, ok := f.count("exit", math.MaxInt32); ok {
			a.Program.Exit = int(exit)
		}
	case f.node.value("http") != nil:
		a.Name, a.Call = MakeCall, f.call()
	case len(f.entries("sql")) > 0:
		a.Name, a.RolledBack = RunSQL, f.flag("rolled_back", false)
		for _, p := range f.list("sql", "probe") {
			a.Probes = append(a.Probes, p.probe())
		}
	default:
		return
	}
	a.Rehearsal = f.flag("rehearsal", false)
	timeout := actionTimeout
	if a.Call != nil {
		timeout = callTimeout
	}
	a.Timeout = f.length("timeout", timeout, 1)
}

func (f fields) call() *Call {
	c := &Call{
		URL: f.text("http"), Body: f.block("body"), Status: Rows{Min: 200, Max: 200}, Expect: f.text("expect"),
		RetryAny: f.word("retry", "always"),
		For:      f.length("for", 0, 1), Every: f.length("every", callEvery, 1), P95: f.length("p95", 0, 1),
	}
	c.Method = cmp.Or(f.text("method"), map[bool]string{true: "POST", false: "GET"}[c.Body != ""])
	if n, ok := f.count("retries", math.MaxInt32); ok {
		c.Retries = int(n)
	}
	if n := f.node.value("status"); n != nil {
		status, ok := parseRows(f.text("status"))
		if !ok {
			f.pass(n.line, "status")
			status = Rows{Min: 1, Max: 0} // holds no number: an unknown is never a pass
		}
		c.Status = status
	}
	if n := f.node.value("headers"); n != nil {
		for _, e := range n.keys {
			c.Headers = append(c.Headers, Header{Name: e.name, Value: oneLine(e.value.text)})
		}
	}
	return c
}

func (f fields) probe() Probe {
	p := Probe{Expect: f.line("expect"), As: f.text("as")}
	p.SQL, p.Params = bound(f.sql("sql"))
	if n := f.node.value("rows"); n != nil {
		rows, ok := parseRows(f.text("rows"))
		if !ok {
			f.pass(n.line, "rows")
			rows = Rows{Min: 1, Max: 0}
		}
		p.Rows = &rows
	}
	return p
}

// mention is a {{name}} of a statement, outside of quotes and comments.
type mention struct {
	name     string
	from, to int // in bytes
}

// mentions are the {{name}}s of a statement's tokens.
func mentions(tokens []sqlToken) []mention {
	var out []mention
	for i := 0; i+4 < len(tokens); i++ {
		t := tokens[i : i+5]
		if t[0].isMark("{") && t[1].isMark("{") && t[2].kind == sqlWord && t[3].isMark("}") && t[4].isMark("}") {
			out = append(out, mention{t[2].text, t[0].offset, t[4].offset + 1})
			i += 4
		}
	}
	return out
}

// bound puts parameters in the place of the {{name}}s of a statement.
func bound(src string) (string, []string) {
	s, fault := scanSQL(src)
	if fault != nil {
		return src, nil // a rule of today's refuses it: nobody runs it
	}
	var out strings.Builder
	var names []string
	at := 0
	for _, n := range mentions(s.tokens) {
		i := slices.Index(names, n.name)
		if i < 0 {
			names = append(names, n.name)
			i = len(names) - 1
		}
		out.WriteString(src[at:n.from] + parameter(i+1))
		at = n.to
	}
	return out.String() + src[at:], names
}
