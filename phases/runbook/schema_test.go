package runbook

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tminus/phases/check"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("runbook.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("runbook.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaIsGenerated holds the file that editors read against the shape.
// With -update it writes it anew.
func TestSchemaIsGenerated(t *testing.T) {
	const path = "runbook.schema.json"
	want := Schema()
	if bytes.Equal(read(t, path), want) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the shape says: run the test with -update", path)
	}
	if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// instance turns YAML into what an editor holds against the schema.
func instance(t *testing.T, src []byte) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(src)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAcceptsWhatParseAccepts(t *testing.T) {
	s := compileSchema(t)
	sources := map[string][]byte{GuideName: Guide(Site{})}
	for _, path := range files(t, "good/*.yaml") {
		sources[filepath.Base(path)] = read(t, path)
	}
	for name, src := range sources {
		if _, err := Parse(name, src); err != nil {
			t.Errorf("Parse refuses %s: %v", name, err)
		}
		if err := s.Validate(instance(t, src)); err != nil {
			t.Errorf("the schema refuses %s: %v", name, err)
		}
	}
}

// jsonObject is what the schema says of one object of the file format.
type jsonObject struct {
	AdditionalProperties *bool    `json:"additionalProperties"`
	Required             []string `json:"required"`
	Properties           map[string]struct {
		Description string
		MaxItems    int
		Enum        []string
		OneOf       []struct{ Const, Description string }
	} `json:"properties"`
	Defs map[string]json.RawMessage `json:"$defs"`
}

func TestSchemaHasTheLoadersKeys(t *testing.T) {
	var root jsonObject
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects() {
		object := root
		if o.name != "runbook" {
			object = jsonObject{}
			if err := json.Unmarshal(root.Defs[o.name], &object); err != nil {
				t.Fatalf("%s: %v", o.name, err)
			}
		}
		if object.AdditionalProperties == nil || *object.AdditionalProperties {
			t.Errorf("%s accepts unknown keys", o.name)
		}
		if len(object.Properties) != len(o.keys) {
			t.Errorf("%s: the schema has %d keys, the loader %d", o.name, len(object.Properties), len(o.keys))
		}
		required := strings.Join(object.Required, " ") + " "
		for _, k := range o.keys {
			p, ok := object.Properties[k.name]
			if !ok {
				t.Errorf("%s: the schema lacks %s", o.name, k.name)
			}
			if p.Description != k.doc {
				t.Errorf("%s.%s: the schema says %q, the loader %q", o.name, k.name, p.Description, k.doc)
			}
			if k.required != strings.Contains(required, k.name+" ") {
				t.Errorf("%s.%s: required is %v in the loader alone", o.name, k.name, k.required)
			}
		}
	}
}

func TestSchemaHasTheLoadersChecksAndLimits(t *testing.T) {
	var root jsonObject
	var asked, phase, group, item jsonObject
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for name, into := range map[string]*jsonObject{"check": &asked, "phase": &phase, "group": &group, "item": &item} {
		if err := json.Unmarshal(root.Defs[name], into); err != nil {
			t.Fatal(err)
		}
	}
	names := asked.Properties["database"].OneOf
	if len(names) != len(check.Kinds()) {
		t.Errorf("the schema has %d database checks, the loader %d", len(names), len(check.Kinds()))
	}
	for _, n := range names {
		if check.Of(n.Const).Means != n.Description {
			t.Errorf("%s: the schema says %q, the loader %q", n.Const, n.Description, check.Of(n.Const).Means)
		}
	}
	for what, limit := range map[string][2]int{
		"phases":   {root.Properties["phases"].MaxItems, maxPhases},
		"groups":   {root.Properties["checklist"].MaxItems, maxGroups},
		"after":    {root.Properties["after"].MaxItems, maxGroups},
		"contacts": {root.Properties["contacts"].MaxItems, maxContacts},
		"tables":   {root.Properties["protected"].MaxItems, maxTables},
		"items":    {group.Properties["items"].MaxItems, maxItems},
		"confirm":  {phase.Properties["confirm"].MaxItems, maxItems},
		"fields":   {item.Properties["fields"].MaxItems, maxFields},
		"steps":    {phase.Properties["steps"].MaxItems, maxSteps},
		"notes":    {phase.Properties["notes"].MaxItems, maxNotes},
		"command":  {asked.Properties["command"].MaxItems, maxArgs},
		"line":     {maxLength(t, root, "line"), maxLine},
		"text":     {maxLength(t, root, "text"), maxText},
		"id":       {maxLength(t, root, "id"), maxID},
		"name":     {maxLength(t, root, "name"), maxName},
		"table":    {maxLength(t, root, "table"), 2*maxName + 1},
		"sql":      {maxLength(t, root, "statement"), maxSQL},
	} {
		if limit[0] != limit[1] {
			t.Errorf("%s: the schema has the limit %d, the loader %d", what, limit[0], limit[1])
		}
	}
}

func maxLength(t *testing.T, root jsonObject, def string) int {
	t.Helper()
	var d struct{ MaxLength int }
	if err := json.Unmarshal(root.Defs[def], &d); err != nil {
		t.Fatal(err)
	}
	return d.MaxLength
}

// TestShapesAreOtherwiseRight holds the frame around the bad shapes to be good,
// so that each of them is refused for what it is about.
func TestShapesAreOtherwiseRight(t *testing.T) {
	s := compileSchema(t)
	for _, src := range []string{
		"tminus: 1\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n",
		"tminus: 1\ntitle: T\nphases: [{id: p, title: P, risk: medium, planned: 1m, steps: [{delete: a}]}]\n",
		"tminus: 1\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n" +
			"checklist: [{id: g, title: G, items: [{id: i, text: I, check: {remedy: R, database: database.connects}}]}]\n",
	} {
		if _, err := Parse("good.yaml", []byte(src)); err != nil {
			t.Error(err)
		}
		if err := s.Validate(instance(t, []byte(src))); err != nil {
			t.Error(err)
		}
	}
}

// badShapes are runbooks that are wrong in one place each. Both the loader and
// the schema must see it.
func badShapes() map[string]string {
	all := badTops()
	maps.Copy(all, badItems())
	maps.Copy(all, badPhases())
	return all
}

func withTop(lines string) string {
	return "tminus: 1\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n" + lines + "\n"
}

func badTops() map[string]string {
	top := withTop
	return map[string]string{
		"no version":                  "title: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n",
		"wrong version":               "tminus: 2\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n",
		"version as text":             "tminus: \"1\"\ntitle: T\nphases: [{id: p, title: P, planned: 1m, count: [a]}]\n",
		"a list":                      "- tminus: 1\n",
		"no phases":                   "tminus: 1\ntitle: T\n",
		"empty phases":                "tminus: 1\ntitle: T\nphases: []\n",
		"phases as mapping":           "tminus: 1\ntitle: T\nphases: {id: p}\n",
		"unknown key":                 top("colour: red"),
		"number for text":             top("summary: 007"),
		"bool for text":               top("summary: true"),
		"null":                        top("summary:"),
		"empty text":                  top("summary: \"\""),
		"ledger":                      top("ledger: yes"),
		"duration without unit":       top("window: {opens: 60}"),
		"duration with a space":       top("window: {opens: 60 m}"),
		"duration with a fraction":    top("window: {opens: 1.5h}"),
		"duration in the wrong order": top("window: {opens: 1s1m}"),
		"negative duration":           top("window: {opens: -1m}"),
		"due without T":               top("after: [{id: g, title: G, due: 60m, items: [{id: i, text: I}]}]"),
		"due without a sign":          top("after: [{id: g, title: G, due: T60m, items: [{id: i, text: I}]}]"),
		"group without items":         top("after: [{id: g, title: G}]"),
		"group with empty items":      top("after: [{id: g, title: G, items: []}]"),
		"upper-case id":               top("after: [{id: G, title: G, items: [{id: i, text: I}]}]"),
		"contact without role":        top("contacts: [{name: N}]"),
		"table with a space":          top("protected: [a b]"),
		"table with half its quotes":  top("protected: ['\"a']"),
		"table of three parts":        top("protected: [a.b.c]"),
		"table twice":                 top("protected: [a, a]"),
		"tables as text":              top("protected: a"),
		"schema with a dot":           top("schema: a.b"),
		"id_field is no id":           top("backup: {id_field: A B}"),
	}
}

func badItems() map[string]string {
	item := func(keys string) string {
		return withTop("checklist: [{id: g, title: G, items: [{id: i, text: I, " + keys + "}]}]")
	}
	check := func(keys string) string { return item("check: {remedy: R, " + keys + "}") }
	return map[string]string{
		"field type":                 item("fields: [{id: f, label: F, type: date}]"),
		"field without label":        item("fields: [{id: f}]"),
		"required as text":           item("fields: [{id: f, label: F, required: \"yes\"}]"),
		"check without remedy":       item("check: {database: database.connects}"),
		"check of nothing":           item("check: {remedy: R}"),
		"check of two kinds":         check("database: database.connects, sql: SELECT 1, expect: \"1\""),
		"unknown check":              check("database: database.connect"),
		"sql check without expect":   check("sql: SELECT 1"),
		"expect without number":      check("sql: SELECT 1, expect: \">= x\""),
		"expect of no comparison":    check("sql: SELECT 1, expect: \"=> 1\""),
		"min of connections":         check("database: database.connections, min: 1"),
		"negative max":               check("database: database.connections, max: -1"),
		"max as text":                check("database: database.connections, max: \"5\""),
		"tables without min and max": check("database: database.tables"),
		"zero without tables":        check("database: tables.zero"),
		"max of connects":            check("database: database.connects, max: 1"),
		"max_age of connects":        check("database: database.connects, max_age: 1m"),
		"status of sql":              check("sql: SELECT 1, expect: \"1\", status: 200"),
		"command as text":            check("command: ls"),
		"exit of http":               check("http: http://a.example/, exit: 0"),
		"exit over 255":              check("shell: ls, exit: 256"),
		"bad pattern":                check("shell: ls, output: \"(\""),
		"ftp":                        check("http: ftp://a.example/"),
		"password in the address":    check("http: http://me:secret@a.example/"),
		"method":                     check("http: http://a.example/, method: DELETE"),
		"unknown check outside":      check("outside: git.loud, dir: /srv/shop"),
		"quiet without min_age":      check("outside: git.quiet, dir: /srv/shop"),
		"dir of a database check":    check("database: database.connects, dir: /srv/shop"),
		"max of quiet":               check("outside: git.quiet, dir: /srv/shop, min_age: 5m, max: 1"),
		"an option for a branch":     check("outside: git.quiet, dir: /srv/shop, min_age: 5m, branch: --all"),
		"an address for a remote":    check("outside: git.quiet, dir: /srv/shop, min_age: 5m, remote: \"https://me:secret@a.example/\""),
		"absent without path":        check("outside: git.file_absent, dir: /srv/shop"),
		"min_age of absent":          check("outside: git.file_absent, dir: /srv/shop, path: a, min_age: 5m"),
		"path above the folder":      check("outside: git.file_absent, dir: /srv/shop, path: ../a"),
		"path in no folder":          check("outside: git.file_absent, dir: /srv/shop, path: /etc/passwd"),
		"push from nowhere":          check("outside: git.push, remote: origin"),
		"path of push":               check("outside: git.push, dir: /srv/shop, path: a"),
		"ssh without host":           check("outside: ssh.reachable, port: 22"),
		"ssh with a user":            check("outside: ssh.reachable, host: me@db.example"),
		"ssh on port 0":              check("outside: ssh.reachable, host: db.example, port: 0"),
		"fingerprint by MD5":         check("outside: ssh.reachable, host: db.example, fingerprint: \"MD5:aa:bb\""),
		"space without min":          check("outside: space.free, dir: /srv"),
		"space with max":             check("outside: space.free, dir: /srv, min: 1, max: 2"),
		"min of a command":           check("shell: ls, min: 1"),
		"status of 99":               check("http: http://a.example/, status: 99"),
		"through":                    check("database: database.connects, through: gate"),
		"unknown action":             item("action: {name: triggers.drop}"),
		"disable without triggers":   item("action: {name: triggers.disable}"),
	}
}

func badPhases() map[string]string {
	phase := func(keys string) string {
		return "tminus: 1\ntitle: T\nphases: [{id: p, title: P, " + keys + "}]\n"
	}
	step := func(keys string) string { return phase("risk: medium, planned: 1m, steps: [{" + keys + "}]") }
	return map[string]string{
		"text of two lines":            phase("planned: 1m, count: [a], notes: [\"a\\nb\"]"),
		"phase without planned":        phase("count: [a]"),
		"phase that does nothing":      phase("planned: 1m"),
		"risk":                         phase("planned: 1m, count: [a], risk: low"),
		"steps without risk":           phase("planned: 1m, delete: [a]"),
		"steps with risk none":         phase("planned: 1m, delete: [a], risk: none"),
		"delete and steps":             phase("planned: 1m, risk: high, delete: [a], steps: [{delete: b}]"),
		"no return without steps":      phase("planned: 1m, count: [a], point_of_no_return: true"),
		"no return as text":            phase("planned: 1m, risk: high, delete: [a], point_of_no_return: \"yes\""),
		"step of nothing":              step("rows: 1"),
		"step of two kinds":            step("delete: a, sql: DELETE FROM a, rows: 1"),
		"sql without rows":             step("sql: SELECT 1"),
		"where of sql":                 step("sql: SELECT 1, rows: 1, where: \"true\""),
		"way of sql":                   step("sql: SELECT 1, rows: 1, way: delete"),
		"an unknown way":               step("delete: a, way: quickly"),
		"delete of a list":             step("delete: [a, b]"),
		"rows as a word":               step("delete: a, rows: some"),
		"rows that begin with nothing": step("delete: a, rows: ..5"),
		"negative rows":                step("delete: a, rows: -1"),
	}
}

func TestLoaderAndSchemaRefuseBadShapes(t *testing.T) {
	s := compileSchema(t)
	for name, src := range badShapes() {
		if _, err := Parse("bad.yaml", []byte(src)); err == nil {
			t.Errorf("%s: Parse accepts it:\n%s", name, src)
		}
		if err := s.Validate(instance(t, []byte(src))); err == nil {
			t.Errorf("%s: the schema accepts it:\n%s", name, src)
		}
	}
}
