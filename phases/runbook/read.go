package runbook

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tminus/phases/check"

	"tminus/phases/step"
)

// Read reads the runbook that a journal recorded, of whatever age, and judges
// nothing: what a rule refuses today was right when it was recorded. What it
// does not know, or cannot read, it passes over, and says so in Passed. name
// is the file's, for errors.
//
// An error means that source is no YAML mapping, or that it is of another
// version of the file format.
func Read(name string, source []byte) (*Runbook, error) {
	r := &report{file: clean(name)}
	text := strings.TrimPrefix(strings.ReplaceAll(string(source), "\r\n", "\n"), "\uFEFF")
	text = visible(text)
	r.lines = strings.Split(text, "\n")
	root := readYAML(text, r, true)
	switch {
	case root == nil:
		return nil, r.err()
	case root.kind != isMap:
		return nil, fmt.Errorf("read runbook %s: found %s, and a runbook is a mapping that begins with the line `tminus: %d`", r.file, root.kind, Version)
	}
	if v := root.value("tminus"); v != nil && v.text != fmt.Sprint(Version) {
		return nil, fmt.Errorf("read runbook %s: it is of version %s, and this tminus reads version %d: use the tminus that wrote it", r.file, quote(visible(v.text)), Version)
	}
	root.makeVisible()
	return fromYAML(root), nil
}

// visible puts the replacement character where a control character stands, or
// one that hides or reorders text: no version has accepted a runbook with one.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && c != '\t' && !printable(c) {
			return '\uFFFD'
		}
		return c
	}, s)
}

func (n *node) makeVisible() {
	n.text = visible(n.text)
	for i, e := range n.keys {
		n.keys[i].name = visible(e.name)
		e.value.makeVisible()
	}
	for _, item := range n.items {
		item.makeVisible()
	}
}

// reader makes a Runbook from a file's nodes. It has no rule: what is written
// is taken as it is written, and what cannot be taken is passed over.
type reader struct {
	shapes map[string]*object
	schema string // of tables that are written without one
	passed []string
}

// fields are the keys of a mapping.
type fields struct {
	*reader
	node *node
}

// pass notes what is not taken.
func (r *reader) pass(line int, what string) {
	if len(r.passed) < maxMistakes {
		r.passed = append(r.passed, fmt.Sprintf("line %d: %s", line, what))
	}
}

// object gives the keys of a mapping, and none where n is something else.
func (r *reader) object(n *node, name string) fields {
	if n.kind != isMap {
		r.pass(n.line, name)
		return fields{r, &node{}}
	}
	for _, e := range n.keys {
		if _, known := r.shapes[name].key(e.name); !known || e.value.kind == isNull {
			r.pass(e.line, clean(quote(e.name)))
		}
	}
	return fields{r, n}
}

// list gives the mappings of a list: as many as it has entries, since an
// entry's place may be its name.
func (f fields) list(key, object string) []fields {
	var out []fields
	for _, n := range f.entries(key) {
		out = append(out, f.object(n, object))
	}
	return out
}

func (f fields) entries(key string) []*node {
	n := f.node.value(key)
	switch {
	case n == nil:
		return nil
	case n.kind == isList:
		return n.items
	}
	return []*node{n}
}

// text gives what is written under a key, and "" where that is no single value.
func (f fields) text(key string) string {
	n := f.node.value(key)
	switch {
	case n == nil:
		return ""
	case n.scalar():
		return n.text
	}
	f.pass(n.line, key)
	return ""
}

func (f fields) line(key string) string  { return oneLine(f.text(key)) }
func (f fields) block(key string) string { return strings.TrimSpace(f.text(key)) }

func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(strings.TrimSpace(s))
}

// lines gives the single values of a list.
func (f fields) lines(key string) []string {
	var out []string
	for _, n := range f.entries(key) {
		if n.scalar() {
			out = append(out, oneLine(n.text))
		} else {
			f.pass(n.line, key)
		}
	}
	return out
}

// tables gives the tables of a list, each by its one name.
func (f fields) tables(key string) []string {
	out := f.lines(key)
	for i := range out {
		out[i] = f.table(out[i])
	}
	return out
}

// table is the one name of a table, however it is written.
func (f fields) table(written string) string {
	if written == "" {
		return ""
	}
	book := &Runbook{Schema: f.schema}
	return book.TableName(book.SplitTable(written))
}

// triggers gives the names of triggers as the catalog has them.
func (f fields) triggers() []string {
	out := f.lines("triggers")
	for i := range out {
		out[i] = unquoted(out[i])
	}
	return out
}

// length gives a time of at least least, or absent.
func (f fields) length(key string, absent, least time.Duration) time.Duration {
	s := f.block(key)
	if s == "" {
		return absent
	}
	d, ok := anyDuration(s)
	if !ok || d < least {
		f.pass(f.node.value(key).line, key)
		return absent
	}
	return d
}

func (f fields) flag(key string, absent bool) bool {
	switch s := f.text(key); {
	case strings.EqualFold(s, "true"):
		return true
	case strings.EqualFold(s, "false"):
		return false
	case s != "":
		f.pass(f.node.value(key).line, key)
	}
	return absent
}

// count gives a whole number of at most most. ok is false where there is none.
func (f fields) count(key string, most int64) (v int64, ok bool) {
	s := f.text(key)
	if s == "" {
		return 0, false
	}
	if v, ok = digits(s); !ok || v > most {
		f.pass(f.node.value(key).line, key)
		return 0, false
	}
	return v, true
}

// word notes a word that is none of those that the key has: what it asks for
// cannot be done.
func (f fields) word(key, known string) bool {
	s := f.text(key)
	if s != "" && s != known {
		f.pass(f.node.value(key).line, key)
	}
	return s == known
}

// fromYAML takes a runbook from the nodes of its file.
func fromYAML(root *node) *Runbook {
	r := &reader{shapes: shapes(), schema: "public"}
	m := r.object(root, "runbook")
	if s := m.text("schema"); s != "" {
		r.schema = unquoted(s)
	}
	b := &Runbook{
		Title: m.line("title"), Summary: m.block("summary"), Schema: r.schema,
		Window: m.window(), Backup: m.backup(),
		Protected: m.tables("protected"),
		Ledger:    !m.word("ledger", "none"),
		Rehearsal: m.rehearsal(), Capsule: m.capsule(), Counting: m.counting(),
		Gate: Gate{Approve: "Approving authority"},
	}
	for _, c := range m.list("contacts", "contact") {
		b.Contacts = append(b.Contacts, Contact{Role: c.line("role"), Name: c.line("name"), Phone: c.line("phone")})
	}
	if n := root.value("gate"); n != nil {
		g := r.object(n, "gate")
		b.Gate.Text = g.block("text")
		if s := g.line("approve"); s != "" {
			b.Gate.Approve = s
		}
	}
	for _, f := range m.list("fences", "fence") {
		b.Fences = append(b.Fences, f.fence())
	}
	b.Checklist = m.groups("checklist", b.Backup.MaxAge)
	for _, p := range m.list("phases", "phase") {
		b.Phases = append(b.Phases, p.phase(b.Backup.MaxAge).by(m.defaults()))
	}
	b.After = m.groups("after", b.Backup.MaxAge)
	for _, c := range m.list("channels", "channel") {
		b.Channels = append(b.Channels, c.channel())
	}
	for _, msg := range m.list("messages", "message") {
		b.Messages = append(b.Messages, msg.message())
	}
	b.completeFences()
	b.completeIndexes()
	b.Passed = r.passed
	return b
}

func (f fields) window() Window {
	w := Window{Opens: time.Hour, Gate: 15 * time.Minute, Planned: 20 * time.Minute, Abort: 25 * time.Minute}
	if n := f.node.value("window"); n != nil {
		v := f.object(n, "window")
		w.Opens = v.length("opens", w.Opens, 1)
		w.Gate = v.length("gate", min(w.Gate, w.Opens), 0)
		w.Planned = v.length("planned", w.Planned, 1)
		w.Abort = v.length("abort", max(w.Abort, w.Planned), 1)
	}
	return w
}

func (f fields) groups(key string, maxAge time.Duration) []Group {
	var out []Group
	for _, g := range f.list(key, "group") {
		group := Group{ID: g.text("id"), Title: g.line("title"), Smoke: g.flag("smoke", false), Items: g.items("items", maxAge)}
		if s := g.text("due"); s != "" {
			due, ok := parseDue(s, anyDuration)
			if !ok {
				g.pass(g.node.value("due").line, "due")
			}
			group.Due = due
		}
		out = append(out, group)
	}
	return out
}

func (f fields) items(key string, maxAge time.Duration) []Item {
	var out []Item
	for _, i := range f.list(key, "item") {
		item := Item{ID: i.text("id"), Text: i.line("text"), Help: i.block("help"), Fence: i.text("fence"), Message: i.text("message"), NeverWaive: i.flag("never_waive", false)}
		for _, v := range i.list("fields", "field") {
			field := Field{ID: v.text("id"), Label: v.line("label"), Type: FieldText, Required: v.flag("required", true), Example: v.line("example")}
			if s := v.text("type"); s != "" {
				field.Type = FieldType(s)
			}
			item.Fields = append(item.Fields, field)
		}
		if n := i.node.value("check"); n != nil {
			item.Check = i.object(n, "check").check(maxAge)
		}
		item.Sign = i.line("sign")
		if n := i.node.value("action"); n != nil {
			item.Action = i.object(n, "action").action()
		}
		out = append(out, item)
	}
	return out
}

// check gives a check of no kind where nothing is asked that can be: an item
// whose check cannot be read must not become one that a human ticks.
func (f fields) check(maxAge time.Duration) *Check {
	c := &Check{
		Timeout: f.length("timeout", 10*time.Second, 1),
		Every:   f.length("every", 10*time.Second, 1),
		Remedy:  f.line("remedy"),
		Through: f.word("through", "phases"),
	}
	switch {
	case f.node.value("database") != nil:
		c.Kind, c.Name = CheckDatabase, f.text("database")
		c.Max, c.Min = f.limit("max"), f.limit("min")
		c.Triggers, c.Tables, c.Items, c.Phase = f.triggers(), f.tables("tables"), f.lines("items"), f.text("phase")
		c.Observer, c.Standbys = f.line("observer"), 1
		if n := f.limit("standbys"); n != nil {
			c.Standbys = *n
		}
		if check.Of(c.Name).Rests&check.BackupTime == 0 {
			maxAge = 0
		}
		c.MaxAge = f.length("max_age", maxAge, 1)
	case f.node.value("outside") != nil:
		f.outside(c)
	case f.node.value("sql") != nil:
		c.Kind, c.SQL, c.Expect = CheckSQL, f.sql("sql"), f.line("expect")
	case len(f.entries("command")) > 0, f.node.value("shell") != nil:
		c.Kind, c.Command, c.Shell = CheckCommand, f.lines("command"), f.block("shell")
		if len(c.Command) == 0 && c.Shell == "" {
			c.Kind = ""
		}
		if exit, ok := f.count("exit", math.MaxInt32); ok {
			c.Exit = int(exit)
		}
		c.Output = f.text("output")
	case f.node.value("http") != nil:
		c.Kind, c.URL, c.Method, c.Status = CheckHTTP, f.text("http"), "GET", 200
		if s := f.text("method"); s != "" {
			c.Method = s
		}
		if status, ok := f.count("status", math.MaxInt32); ok {
			c.Status = int(status)
		}
		c.Body = f.text("body")
	default:
		f.pass(f.node.line, "check")
	}
	return c
}

func (f fields) outside(c *Check) {
	c.Kind, c.Name = CheckOutside, f.text("outside")
	c.Dir, c.Branch, c.Remote, c.Path = f.line("dir"), f.line("branch"), f.line("remote"), f.line("path")
	c.Min, c.MinAge = f.limit("min"), f.length("min_age", 0, 1)
	c.Host, c.Port, c.Fingerprint = f.line("host"), 22, f.line("fingerprint")
	if port, ok := f.count("port", math.MaxUint16); ok {
		c.Port = int(port)
	}
	if c.Remote == "" && c.Name == check.GitPush {
		c.Remote = "origin"
	}
	if c.Branch == "" {
		c.Branch = "HEAD"
	}
}

func (f fields) limit(key string) *int64 {
	if v, ok := f.count(key, math.MaxInt64); ok {
		return &v
	}
	return nil
}

// sql gives a statement without the semicolon at its end.
func (f fields) sql(key string) string {
	return strings.TrimRight(strings.TrimSpace(f.text(key)), "; \n")
}

func (f fields) phase(maxAge time.Duration) Phase {
	p := Phase{
		ID: f.text("id"), Title: f.line("title"), Risk: RiskNone,
		Planned:         f.length("planned", 0, 1),
		WarnAfter:       f.length("warn_after", 0, 1),
		Limit:           f.length("limit", 0, 1),
		LockWait:        f.length("lock_wait", 0, 1),
		PointOfNoReturn: f.flag("point_of_no_return", false),
		Notes:           f.lines("notes"),
		Confirm:         f.items("confirm", maxAge),
		Count:           f.tables("count"),
		Zero:            f.tables("zero"), Filled: f.tables("filled"),
		NoCapsule: f.word("capsule", "off"),
	}
	if f.node.has("after_commit") { // also where it is empty: that is to say that nothing follows
		p.NoVacuum = true
	}
	if s := f.text("risk"); s != "" {
		p.Risk = Risk(s)
	}
	for _, table := range f.tables("delete") {
		p.Steps = append(p.Steps, Step{Delete: table})
	}
	for _, s := range f.list("steps", "step") {
		p.Steps = append(p.Steps, s.step())
	}
	for _, m := range f.list("after_commit", "maintenance") {
		p.AfterCommit = append(p.AfterCommit, m.maintenance())
	}
	return p.by(f.defaults())
}

func (f fields) step() Step {
	s := Step{Delete: f.table(f.line("delete")), Where: f.block("where"), Way: f.way(), SQL: f.sql("sql"), Touch: f.tables("touch")}
	s.PutBack, s.SHA256, s.Keep, s.Replace = f.line("put_back"), f.line("sha256"), f.tables("keep"), f.tables("replace")
	if s.Where == "" && f.node.has("where") {
		f.pass(f.node.line, "where")
		s.Where = "false" // a condition that cannot be read is not one that every row meets
	}
	if n := f.node.value("rows"); n != nil {
		rows, ok := parseRows(f.text("rows"))
		if !ok {
			f.pass(n.line, "rows")
			rows = Rows{Min: 1, Max: 0} // holds no number: an unknown is never a pass
		}
		if s.Delete == "" || rows != (Rows{Min: 0, Max: -1}) {
			s.Rows = &rows
		}
	}
	return s
}

// maintenance is of the first kind that it has a key of.
func (f fields) maintenance() Maintenance {
	m := Maintenance{Limit: f.length("limit", maintenanceLimit, 1)}
	for _, kind := range step.Maintenances {
		switch {
		case m.Kind != "" || !f.node.has(kind.Name):
		case kind.Statement():
			m.Kind, m.SQL = kind.Name, f.sql(kind.Name)
		default:
			m.Kind, m.Tables = kind.Name, f.tables(kind.Name)
		}
	}
	return m
}
