package runbook

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// checkKeys are the keys that only one kind of check has.
func checkKeys(kind string) []string {
	switch kind {
	case "database":
		return []string{"max", "min", "triggers", "tables", "max_age", "observer"}
	case "sql":
		return []string{"expect"}
	case "command", "shell":
		return []string{"exit", "output"}
	case "http":
		return []string{"method", "status", "body"}
	}
	return nil
}

// databaseKeys are the keys that a database check takes, and of those the
// ones of which it needs at least one.
func databaseKeys(name string) (takes, needs []string) {
	switch name {
	case "database.connections", "database.transactions":
		return []string{"max"}, nil
	case "database.tables", "database.size":
		return []string{"min", "max"}, []string{"min", "max"}
	case "triggers.disabled":
		return []string{"triggers"}, nil
	case "tables.zero", "tables.filled":
		return []string{"tables"}, []string{"tables"}
	case "backup.age":
		return []string{"max_age"}, nil
	case "mirror.present":
		return []string{"observer"}, nil
	}
	return nil, nil
}

func (d *decoder) check(n *node, where part) *Check {
	m := d.mapping(n, "check")
	if m == nil {
		return nil
	}
	kind := d.checkKind(m)
	if kind == "" {
		return nil
	}
	c := &Check{
		Timeout: m.duration("timeout", 10*time.Second, 10*time.Millisecond, 10*time.Minute),
		Every:   m.duration("every", 10*time.Second, 10*time.Millisecond, time.Hour),
		Remedy:  m.line("remedy"),
	}
	if m.has("through") {
		c.Through = m.word("through", "phases") != ""
		if at := m.value("through"); at != nil && where != inChecklist {
			d.fault(at, "through outside the checklist", "leave it out: only an item of the checklist is asked through the phases")
		}
	}
	switch kind {
	case "database":
		d.databaseCheck(m, c, where)
	case "sql":
		d.sqlCheck(m, c)
	case "command", "shell":
		d.commandCheck(m, c, kind)
	case "http":
		d.httpCheck(m, c)
	}
	return c
}

// checkKind finds the one key that says what is asked, and reports keys that
// belong to another kind.
func (d *decoder) checkKind(m *mapping) string {
	kinds := []string{"database", "sql", "command", "shell", "http"}
	kind := ""
	for _, k := range kinds {
		switch {
		case !m.has(k):
		case kind == "":
			kind = k
		default:
			d.fault(m.place(k, m.node), fmt.Sprintf("a check with both %s and %s", kind, k), "a check asks one question: keep one of them")
		}
	}
	if kind == "" {
		d.fault(m.node, "a check that asks nothing", "add one of "+strings.Join(kinds, ", "))
		return ""
	}
	for _, other := range kinds {
		for _, k := range checkKeys(other) {
			if m.has(k) && !slices.Contains(checkKeys(kind), k) && other != "shell" {
				d.fault(m.place(k, m.node), fmt.Sprintf("%s does not belong to a check with %s", k, kind), "leave it out")
			}
		}
	}
	return kind
}

func (d *decoder) databaseCheck(m *mapping, c *Check, where part) {
	c.Kind = CheckDatabase
	var names []string
	for name := range DatabaseChecks {
		names = append(names, name)
	}
	slices.Sort(names)
	c.Name = m.word("database", names...)
	if c.Name == "" {
		return
	}
	takes, needs := databaseKeys(c.Name)
	for _, k := range checkKeys("database") {
		if m.has(k) && !slices.Contains(takes, k) {
			d.fault(m.place(k, m.node), fmt.Sprintf("%s does not belong to %s", k, c.Name), "leave it out")
		}
	}
	if len(needs) > 0 && !slices.ContainsFunc(needs, m.has) {
		d.fault(m.value("database"), fmt.Sprintf("%s without %s", c.Name, strings.Join(needs, " or ")), "add it: "+DatabaseChecks[c.Name])
	}
	c.Max, c.Min = m.countPointer("max"), m.countPointer("min")
	if c.Max != nil && c.Min != nil && *c.Min > *c.Max {
		d.fault(m.value("min"), "min is more than max", "min is at most max")
	}
	c.Triggers = d.nameList(m, "triggers")
	c.Tables = tableNames(d.tableList(m, "tables"))
	c.MaxAge = m.duration("max_age", d.book.Backup.MaxAge, time.Second, maxDuration)
	if m.has("observer") {
		c.Observer = m.line("observer")
	}
	d.checkNeeds(m.value("database"), c, where)
}

func (m *mapping) countPointer(key string) *int64 {
	if v, ok := m.count(key, 0, math.MaxInt64); ok {
		return &v
	}
	return nil
}

// checkNeeds reports a check that could never pass: what it asks about is
// nowhere in the runbook, or does not exist yet when it is asked.
func (d *decoder) checkNeeds(n *node, c *Check, where part) {
	phases := len(d.book.Phases)
	d.later = append(d.later, func() {
		switch c.Name {
		case "backup.age":
			if d.book.Backup.TimeField == "" {
				d.fault(n, "backup.age, but no field records the backup's time", "add `time_field:` to backup, with the id of a field of type time")
			}
		case "triggers.disabled", "triggers.restored":
			if len(d.disables) == 0 && len(c.Triggers) == 0 {
				d.fault(n, c.Name+", but no item disables triggers", "give an item of the checklist the action triggers.disable")
			}
		case "protected.intact":
			if len(d.book.Protected) == 0 {
				d.fault(n, "protected.intact, but nothing is protected", "add `protected:` with the tables")
			}
			if where == inChecklist || where == inConfirm && phases == 0 {
				d.fault(n, "protected.intact before the first phase", "the baseline is taken in the first phase: ask it later")
			}
		}
	})
	if c.Name != "backup.age" {
		c.MaxAge = 0
	}
}

func (d *decoder) sqlCheck(m *mapping, c *Check) {
	c.Kind = CheckSQL
	c.SQL = d.statementText(m, "sql")
	if c.SQL != "" {
		if fault := checkQuery(m.value("sql").text); fault != nil {
			d.faultAt(m.value("sql"), fault.offset, fault.problem, fault.fix)
		}
	}
	if !m.has("expect") {
		d.fault(m.place("sql", m.node), "a query without expect", `add what it must answer, such as expect: "= 0"`)
		return
	}
	c.Expect = m.line("expect")
	if c.Expect == "" {
		return
	}
	if operator := strings.TrimLeft(c.Expect, "<>=!"); operator != c.Expect && !plainNumber(strings.TrimSpace(operator)) {
		d.fault(m.value("expect"), fmt.Sprintf("expect is %s", clean(quote(c.Expect))), "a number after =, !=, <, <=, > or >=; or a text that the answer equals")
	} else if sign := strings.TrimSuffix(c.Expect, operator); sign != "" && !slices.Contains([]string{"=", "!=", "<", "<=", ">", ">="}, sign) {
		d.fault(m.value("expect"), fmt.Sprintf("%s is not a comparison", clean(quote(sign))), "one of =, !=, <, <=, > and >=")
	}
}

// statementText gives SQL as it stands, without the space around it.
func (d *decoder) statementText(m *mapping, key string) string {
	n, ok := m.scalar(key)
	if !ok {
		return ""
	}
	if len(n.text) > maxSQL {
		d.fault(n, fmt.Sprintf("%s has %d bytes", key, len(n.text)), fmt.Sprintf("at most %d", maxSQL))
		return ""
	}
	return strings.TrimRight(strings.TrimSpace(n.text), "; \n")
}

func (d *decoder) commandCheck(m *mapping, c *Check, kind string) {
	c.Kind = CheckCommand
	if kind == "shell" {
		c.Shell = m.block("shell")
	} else if n := m.value("command"); n != nil {
		if n.kind == isText {
			d.fault(n, "command is one text", "a list of the program and its arguments: [psql, --version]; or shell: for a line of the shell")
		} else {
			c.Command = m.lines("command", maxArgs)
		}
	}
	if exit, ok := m.count("exit", 0, 255); ok {
		c.Exit = int(exit)
	}
	c.Output = d.pattern(m, "output")
}

func (d *decoder) pattern(m *mapping, key string) string {
	n, ok := m.scalar(key)
	if !ok {
		return ""
	}
	if len(n.text) > maxLine {
		d.fault(n, key+" is too long", fmt.Sprintf("at most %d bytes", maxLine))
		return ""
	}
	if _, err := regexp.Compile(n.text); err != nil {
		d.fault(n, fmt.Sprintf("%s is not a regular expression: %s", key, clean(strings.TrimPrefix(err.Error(), "error parsing regexp: "))), "Go's syntax: a \\ before a mark that means itself; in YAML, in single quotes")
		return ""
	}
	return n.text
}

func (d *decoder) httpCheck(m *mapping, c *Check) {
	c.Kind, c.Method, c.Status = CheckHTTP, "GET", 200
	if n, ok := m.scalar("http"); ok {
		c.URL = n.text
		u, err := url.Parse(n.text)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(n.text, " \n\t"):
			d.fault(n, clean(quote(n.text))+" is not an address", "write http://host/path or https://host/path")
		case u.User != nil:
			d.fault(n, "an address with a user or a password in it", "a runbook is read by many: leave it out, and ask by a command that knows where the secret is")
		}
	}
	if m.value("method") != nil {
		c.Method = m.word("method", "GET", "HEAD", "POST")
	}
	if status, ok := m.count("status", 100, 599); ok {
		c.Status = int(status)
	}
	c.Body = d.pattern(m, "body")
}
