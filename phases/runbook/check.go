package runbook

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// checker holds a file against the rules. First it walks along the shape, and
// looks at each value by itself; then it looks at what the parts say together,
// as far as they are good by themselves.
type checker struct {
	*report
	reader *reader
	shapes map[string]*object
	schema string                    // of the tables that name none
	ids    map[string]map[string]int // by what they are unique among: the line of each
	fields map[string]fieldAt
	uses   tableUses
	// disables are the triggers that actions disable; nil without such an action.
	disables []string
	actions  map[string]bool // that some item has
	earlier  map[string]bool // ids of the items and groups that the walk has come past
	before   map[string]bool // of the phases
	fences   map[string]fenceAt
}

type fieldAt struct {
	line int
	kind FieldType
}

// checked is a mapping that the walk has been over.
type checked struct {
	node  *node                 // as it stands in the file
	good  *node                 // with what is good by itself, and nothing else
	inner map[string][]*checked // the objects under a key
}

// check reports every mistake of a file.
func checkFile(root *node, r *report) {
	all := shapes()
	c := &checker{
		report: r, reader: &reader{shapes: all}, shapes: all, schema: "public",
		ids: map[string]map[string]int{amongAll: {}, amongFields: {}, amongChannels: {}, amongMessages: {}, amongFences: {}}, fields: map[string]fieldAt{}, actions: map[string]bool{}, earlier: map[string]bool{}, before: map[string]bool{}, fences: map[string]fenceAt{},
	}
	if root.kind != isMap {
		c.wrongKind(root, "a mapping that begins with the line `tminus: 1`")
		return
	}
	if n := root.value("schema"); n != nil && n.kind == isText && goodName(n.text) {
		c.schema = unquoted(n.text)
	}
	c.runbook(c.object(root, "runbook"))
}

// object holds a mapping against its shape: its keys, each required one among
// them, and their values. It returns nil when n is no mapping at all.
func (c *checker) object(n *node, name string) *checked {
	shape := c.shapes[name]
	if n.kind != isMap {
		c.wrongKind(n, "a mapping with the keys of "+article(name)+": "+strings.Join(shape.keyNames(), ", "))
		return nil
	}
	m := &checked{node: n, good: &node{kind: isMap, line: n.line, column: n.column}, inner: map[string][]*checked{}}
	for _, e := range n.keys {
		k, known := shape.key(e.name)
		switch {
		case !known:
			c.at(e.line, e.column, fmt.Sprintf("unknown key %s in %s", clean(quote(e.name)), article(name)), suggest(e.name, shape))
		case e.value.kind == isNull:
			c.at(e.line, e.column, fmt.Sprintf("%s has no value", k.name), "expected "+expectation(k))
		}
	}
	for _, k := range shape.keys {
		if k.required && !n.has(k.name) {
			c.at(n.line, n.column, fmt.Sprintf("%s without %s", article(name), k.name), fmt.Sprintf("add `%s:`, %s", k.name, expectation(k)))
		}
	}
	if two := shape.apart; n.has(two.first) && n.has(two.second) {
		c.fault(m.place(two.first, n), fmt.Sprintf("%s with both %s and %s", article(name), two.first, two.second), two.fix)
	}
	for _, k := range shape.keys {
		v := n.value(k.name)
		if beside := shape.belongs(k.name); v == nil || beside != nil && !slices.ContainsFunc(beside, n.has) {
			continue
		}
		if good := c.value(m, v, k); good != nil {
			m.good.keys = append(m.good.keys, entry{k.name, v.line, v.column, good})
		}
	}
	return m
}

// value gives what is good of a key's value; nil when nothing is.
func (c *checker) value(m *checked, n *node, k key) *node {
	switch {
	case k.value.most > 0:
		return c.list(m, n, k)
	case k.value.form == anObject && k.value.words != nil && n.scalar():
		if c.isText(n, k.name) && c.word(n, k.name, k.value.wordNames()) {
			return n
		}
	case k.value.form == anObject:
		if o := c.object(n, k.value.object); o != nil {
			m.inner[k.name] = []*checked{o}
			return o.good
		}
	case c.single(n, k):
		return n
	}
	return nil
}

func (c *checker) list(m *checked, n *node, k key) *node {
	switch {
	case k.value.form == anArgument && n.kind == isText:
		c.fault(n, k.name+" is one text", "a list of the program and its arguments: [psql, --version]; or shell: for a line of the shell")
		return nil
	case n.kind != isList:
		c.fault(n, fmt.Sprintf("%s is %s", k.name, n.kind), "expected a list: one entry a line, each after `- `")
		return nil
	case len(n.items) == 0:
		c.fault(n, k.name+" is an empty list", "add an entry, or leave the key out")
	}
	items := n.items
	if len(items) > k.value.most {
		c.fault(items[k.value.most], fmt.Sprintf("%s has %d entries", k.name, len(items)), fmt.Sprintf("at most %d", k.value.most))
		items = items[:k.value.most]
	}
	good := &node{kind: isList, line: n.line, column: n.column}
	seen := map[string]int{}
	for _, item := range items {
		if k.value.form == anObject {
			if o := c.object(item, k.value.object); o != nil {
				m.inner[k.name] = append(m.inner[k.name], o)
				good.items = append(good.items, o.good)
			}
		} else if c.entry(item, k, seen) {
			good.items = append(good.items, item)
		}
	}
	return good
}

// entry reports whether an entry of a list of texts is good. A list has each
// table and each name once.
func (c *checker) entry(n *node, k key, seen map[string]int) bool {
	switch k.value.form {
	case aTable:
		t, ok := c.table(n, k.name)
		if !ok {
			return false
		}
		if line, twice := seen[t.full]; twice {
			c.fault(n, fmt.Sprintf("%s names the table %s again", k.name, t.name), fmt.Sprintf("line %d has it: keep one of the two", line))
			return false
		}
		seen[t.full] = n.line
		return true
	case aName:
		if !c.isEntry(n, k.name) {
			return false
		}
		_, twice := seen[n.text]
		switch {
		case !goodName(n.text):
			c.fault(n, clean(quote(n.text))+" is not a name", nameFix)
		case twice:
			c.fault(n, fmt.Sprintf("%s names %s again", k.name, n.text), "keep one of the two")
		default:
			seen[n.text] = n.line
			return true
		}
		return false
	}
	if !c.isEntry(n, k.name) || !c.goodText(n, k.name) || !c.goodLine(n, k.name) {
		return false
	}
	_, patterned := shapely[k.value.form]
	return !patterned || c.shapely(n, k)
}

// place gives a key's value, or where else to point when it has none.
func (m *checked) place(key string, other *node) *node {
	if n := m.node.value(key); n != nil {
		return n
	}
	for _, e := range m.node.keys {
		if e.name == key {
			return &node{line: e.line, column: e.column}
		}
	}
	return other
}

// has reports whether the key stands in the file, with a value or without.
func (m *checked) has(key string) bool { return m.node.has(key) }

// values are the good values, to read them.
func (c *checker) values(m *checked) fields { return fields{c.reader, m.good} }

// article puts a or an before the name of an object.
func article(name string) string {
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

func expectation(k key) string {
	want := "a " + k.value.called
	switch {
	case k.value.called == "line":
		want = "one line of text"
	case strings.ContainsAny(k.value.called[:1], "`aeiou"), k.value.called == "text":
		want = k.value.called
	}
	if k.doc == "" {
		return want
	}
	return want + ": " + k.doc
}

func suggest(name string, shape *object) string {
	if best := nearest(name, shape.keyNames()); best != "" {
		return "did you mean " + best + "?"
	}
	return "its keys are " + strings.Join(shape.keyNames(), ", ")
}

// runbook holds the parts of the file against each other.
func (c *checker) runbook(m *checked) {
	c.gather(m)
	c.gatherFences(m)
	v := c.values(m)
	window, backup := v.window(), v.backup()
	if n := m.good.value("window"); n != nil {
		if window.Gate > window.Opens {
			c.fault(n, "the gate is due before the checklist opens", "gate is at most opens")
		}
		if window.Abort < window.Planned {
			c.fault(n, "the abort limit is before the planned end", "abort is at least planned")
		}
	}
	for _, b := range m.inner["backup"] {
		c.backup(b)
	}
	for _, k := range m.inner["capsule"] {
		c.capsule(k)
	}
	c.fencing(m)
	protected := c.tables(m, "protected")
	c.uses.protect(protected)
	asked := asking{backup: backup, protected: len(protected) > 0, noRehearsal: v.rehearsal().None}
	c.groups(m.inner["checklist"], asked)
	c.phases(m, window, asked)
	asked.where = inAfter
	c.groups(m.inner["after"], asked)
	c.messages(m)
}

// gather collects what items define and other parts refer to.
func (c *checker) gather(m *checked) {
	for _, item := range everyItem(m) {
		for _, f := range item.inner["fields"] {
			id := f.good.value("id")
			if id == nil {
				continue
			}
			kind := FieldType(c.values(f).text("type"))
			if !f.has("type") {
				kind = FieldText
			}
			if _, twice := c.fields[id.text]; !twice {
				c.fields[id.text] = fieldAt{id.line, kind}
			}
		}
		for _, a := range item.inner["action"] {
			v := c.values(a)
			c.actions[v.text("name")] = true
			if v.text("name") == DisableTriggers {
				c.disables = append(c.disables, v.triggers()...)
			}
		}
	}
}

// everyItem gives the items of the whole file.
func everyItem(m *checked) []*checked {
	var out []*checked
	for _, g := range m.inner["checklist"] {
		out = append(out, g.inner["items"]...)
	}
	for _, p := range m.inner["phases"] {
		out = append(out, p.inner["confirm"]...)
	}
	for _, g := range m.inner["after"] {
		out = append(out, g.inner["items"]...)
	}
	return out
}

// fieldRef holds that a key names a field that there is, of a type.
func (c *checker) fieldRef(m *checked, key string, want FieldType) {
	n := m.good.value(key)
	if n == nil {
		return
	}
	f, there := c.fields[n.text]
	switch {
	case !there:
		c.fault(n, fmt.Sprintf("no item has a field %q", n.text), c.knownFields(n.text))
	case want != "" && f.kind != want:
		c.fault(n, fmt.Sprintf("the field %q is of type %s", n.text, f.kind), fmt.Sprintf("line %d: `type: %s`", f.line, want))
	}
}

func (c *checker) knownFields(name string) string {
	return nearestOf(name, c.fields, "give an item of the checklist a field with this id")
}

// nearestOf asks whether the id that is most like a name was meant, or says what
// else to do.
func nearestOf[V any](name string, ids map[string]V, otherwise string) string {
	if best := nearest(name, slices.Sorted(maps.Keys(ids))); best != "" {
		return "did you mean " + best + "?"
	}
	return otherwise
}

// placeholder is how a text refers to a recorded field.
const placeholder = `\{\{([^{}]*)\}\}`

// placeholders checks that each {{field}} of a text names a field.
func (c *checker) placeholders(n *node) {
	c.eachPlaceholder(n, func(at int, name string) {
		if _, there := c.fields[name]; !there {
			c.faultAt(n, at, fmt.Sprintf("no item has a field %s", clean(quote(name))), c.knownFields(name))
		}
	})
}

// eachPlaceholder calls look with the place and the name of each {{name}}.
func (c *checker) eachPlaceholder(n *node, look func(at int, name string)) {
	found := regexp.MustCompile(placeholder).FindAllStringSubmatchIndex(n.text, -1)
	for _, at := range found {
		look(at[0], n.text[at[2]:at[3]])
	}
	for i := 0; i < len(n.text); i++ {
		next := strings.Index(n.text[i:], "{{")
		if next < 0 {
			break
		}
		i += next
		if len(found) > 0 && found[0][0] == i {
			i = found[0][1] - 1
			found = found[1:]
			continue
		}
		c.faultAt(n, i, "a {{ without a field's id and }}", "write {{field}}")
		break
	}
}
