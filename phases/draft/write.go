package draft

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tminus/phases"
	"tminus/phases/lint"
	"tminus/phases/runbook"
	"tminus/phases/schema"
)

// tablesAPhase is how many tables a phase clears at most: a phase is one
// transaction, and a screen's worth is what somebody can follow.
const tablesAPhase = 100

// writer lines a runbook up.
type writer struct {
	*Draft
	strings.Builder
	prices map[string]phases.Price // by phase; nil until the phases are known
}

// Source is the runbook, as a file. title is one line. It is written twice: what
// the phases take is reckoned from the first, as of any runbook.
func (d *Draft) Source(title string) (string, error) {
	w := &writer{Draft: d}
	book, err := runbook.Parse("draft", []byte(w.write(title)))
	if err != nil {
		return "", fmt.Errorf("the draft is no runbook, which is a mistake of tminus's own: %w", err)
	}
	w = &writer{Draft: d, prices: map[string]phases.Price{}}
	for _, p := range lint.New(book, d.Schema).Prices() {
		w.prices[p.Phase] = p
	}
	return w.write(title), nil
}

func (w *writer) write(title string) string {
	groups := w.groups()
	planned := w.planned("count") + w.planned("verify")
	for i := range groups {
		planned += w.planned(clearID(i))
	}
	for i := range w.detached() {
		planned += w.planned(detachID(i))
	}
	w.line("# Drafted by tminus init from the database as it was. A line that begins with")
	w.line("# DECIDE is for a human; rehearse it on a restored backup before anything else.")
	w.line("tminus: 1")
	w.line("title: %s", text(title))
	if w.Book.Schema != "public" {
		w.line("schema: %s", text(written(w.Book.Schema)))
	}
	w.line("window: {opens: 60m, gate: 15m, planned: %s, abort: %s}", runbook.FormatDuration(planned), runbook.FormatDuration(planned+planned/2))
	w.line("")
	w.list("protected", w.Protect, nil)
	w.checklist()
	w.line("phases:")
	w.count()
	for i, keys := range w.detached() {
		w.nullify(i, keys)
	}
	for i, g := range groups {
		w.clear(i, len(groups), g)
	}
	w.verify()
	w.after()
	return w.String()
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}

// groups are the tables of each phase.
func (d *Draft) groups() [][]*schema.Relation {
	if d.Together {
		return [][]*schema.Relation{d.Clear}
	}
	return slices.Collect(slices.Chunk(d.Clear, tablesAPhase))
}

func clearID(i int) string  { return fmt.Sprintf("clear_%d", i+1) }
func detachID(i int) string { return fmt.Sprintf("detach_%d", i+1) }

// mostPlanned is what the phases of a draft take together at most: each is rounded
// up, and half as much again is the limit, which can be a week.
const mostPlanned = runbook.MaxDuration / 2

// planned is what a phase is reckoned to take, in whole minutes. Where all of them
// together are more than a runbook can say, each has its share of that; what it is
// reckoned to take stands beside it.
func (w *writer) planned(id string) time.Duration {
	var all float64
	for _, p := range w.prices {
		all += float64(p.Takes + time.Minute)
	}
	takes := float64(w.prices[id].Takes) * min(1, float64(mostPlanned)/max(all, 1))
	return max(time.Minute, (time.Duration(takes) + time.Minute - 1).Truncate(time.Minute))
}

// plan writes a phase's time, and what it was reckoned from.
func (w *writer) plan(id string) {
	w.line("    planned: %s   # reckoned: %s", runbook.FormatDuration(w.planned(id)), w.prices[id])
}

// detached are the keys that are set to NULL, by phase.
func (d *Draft) detached() [][]*schema.Key {
	return slices.Collect(slices.Chunk(d.Nullify, tablesAPhase))
}

// nullified are the tables whose keys are set to NULL, each once.
func (d *Draft) nullified() []*schema.Relation { return d.referring(d.Nullify) }

func (d *Draft) referring(keys []*schema.Key) []*schema.Relation {
	var out []*schema.Relation
	for _, k := range keys {
		if r := d.Schema.Relation(k.From); !slices.Contains(out, d.root(r)) {
			out = append(out, d.root(r))
		}
	}
	return out
}

// kept are the tables whose rows stay and are changed.
func (d *Draft) kept() []*schema.Relation {
	out := slices.Clone(d.Changed)
	for _, r := range d.nullified() {
		if d.emptied[r.OID] == nil && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return slices.DeleteFunc(out, func(r *schema.Relation) bool { return d.emptied[r.OID] != nil })
}

// list is a key with tables, one a line.
func (w *writer) list(key string, tables []*schema.Relation, why map[uint32]string) {
	if len(tables) == 0 {
		return
	}
	indent := ""
	if key != "protected" {
		indent = "    "
	}
	w.line("%s%s:", indent, key)
	for _, r := range tables {
		because := why[r.OID]
		if because != "" {
			because = "   # DECIDE: it goes too: " + oneLine(because)
		}
		w.line("%s  - %s%s", indent, text(w.name(r)), because)
		if because != "" && w.spares(r) {
			w.line("%s  # DECIDE: so do rows of it that refer to nothing cleared; to keep them, delete it under steps, with a condition", indent)
		}
		if heirs := w.heirs(r); why != nil && heirs != "" {
			w.line("%s  # DECIDE: with it go the rows of what inherits from it: %s", indent, oneLine(heirs))
		}
	}
	if key == "protected" {
		w.line("")
	}
}

// spares reports whether the keys by which a table goes along would leave some of
// its rows: none of them refers always, and to a table all of which goes.
func (d *Draft) spares(r *schema.Relation) bool {
	return !slices.ContainsFunc(d.Schema.Keys, func(k schema.Key) bool {
		to := d.emptied[d.Schema.Whole(&k).To]
		return d.emptied[k.From] == r && to != nil && to != r && !k.Nullable()
	})
}

// heirs are the tables that inherit from one, which a statement on it takes along;
// a partitioned table's partitions are nothing that surprises.
func (d *Draft) heirs(r *schema.Relation) string {
	if r.Kind == schema.Partitioned {
		return ""
	}
	var out []string
	for _, heir := range d.Schema.Tree(r)[1:] {
		out = append(out, d.name(heir))
	}
	const most = 20
	if n := len(out) - most; n > 0 {
		out = append(out[:most], phases.Plural(int64(n), "table")+" more")
	}
	return strings.Join(out, ", ")
}

func (w *writer) checklist() {
	w.line("checklist:")
	w.line("  - id: before")
	w.line("    title: Before the window")
	w.line("    due: T-60m")
	w.line("    items:")
	w.line("      - {id: rehearsed, text: This runbook was rehearsed on a restored backup, help: \"tminus rehearse, on the restored copy.\"}")
	w.line("      - id: backup")
	w.line("        text: A backup has been taken and verified")
	w.line("        fields:")
	w.line("          - {id: backup_time, label: Snapshot taken at, type: time, example: now}")
	w.line("          - {id: backup_id, label: Backup ID, example: see the backup list}")
	w.line("      - {id: told, text: Everybody who has to know was told}")
	w.line("  - id: database")
	w.line("    title: The database")
	w.line("    due: T-15m")
	w.line("    items:")
	w.line("      - {id: connects, text: It answers, check: {database: database.connects, remedy: See whether the server runs.}}")
	w.line("      - {id: writable, text: It can be written, check: {database: database.writable, remedy: Connect to the primary.}}")
	w.line("      - {id: quiet, text: At most 5 clients are connected, check: {database: database.connections, max: 5, remedy: Ask those who are connected to leave.}}")
	if names := w.triggers(); len(names) > 0 {
		w.line("      # DECIDE: these fire on what is cleared or changed. Off for the run, they write nothing;")
		w.line("      # to let one fire, take it out, and name what it writes under touch of the step.")
		w.line("      - id: triggers_off")
		w.line("        text: The triggers that would fire are off")
		w.line("        action: {name: triggers.disable, triggers: [%s]}", strings.Join(names, ", "))
		w.line("        check: {database: triggers.disabled, triggers: [%s], through: phases, remedy: Disable them by this item's key.}", strings.Join(names, ", "))
	}
	w.line("")
}

// triggers are the names of those that would fire.
func (d *Draft) triggers() []string {
	changed := map[uint32]bool{}
	for _, r := range d.kept() {
		for _, part := range d.Schema.Tree(r) {
			changed[part.OID] = true
		}
	}
	for _, r := range d.nullified() {
		for _, part := range d.Schema.Tree(r) {
			changed[part.OID] = true
		}
	}
	for i := range d.Schema.Keys { // also those that are changed before they go
		if k := &d.Schema.Keys[i]; d.emptied[k.From] != nil && d.emptied[k.To] != nil && (k.Action == schema.SetNull || k.Action == schema.SetDefault) {
			changed[k.From] = true
		}
	}
	var out []string
	for _, t := range d.Schema.Triggers {
		fires := d.emptied[t.Relation] != nil && t.Fires(schema.OnDelete) || changed[t.Relation] && t.Fires(schema.OnUpdate)
		if name := text(t.Name); fires && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (w *writer) count() {
	w.line("  - id: count")
	w.line("    title: Count what is there")
	w.plan("count")
	w.list("count", append(slices.Clone(w.Clear), w.kept()...), nil)
}

func (w *writer) nullify(i int, keys []*schema.Key) {
	w.line("  - id: %s", detachID(i))
	w.line("    title: Take references away that would refuse the deletes")
	w.line("    risk: medium")
	w.plan(detachID(i))
	w.line("    steps:")
	for _, k := range keys {
		r := w.Schema.Relation(k.From)
		w.line("      # DECIDE: rows of %s lose their reference to %s (%s)", oneLine(w.name(r)), oneLine(w.name(w.Schema.Relation(k.To))), oneLine(k.Name))
		for _, check := range k.Checks(w.Schema.ToNull(k)) {
			w.line("      # DECIDE: that fails where it would break %s: see whether any row would", oneLine(check))
		}
		w.line("      - sql: %s", text(w.Schema.Nullify(k)))
		w.line("        touch: [%s]", text(w.name(r)))
		w.line("        rows: any")
	}
}

func (w *writer) clear(i, of int, tables []*schema.Relation) {
	last := i == of-1
	title := fmt.Sprintf("Clear %d tables", len(tables))
	if len(tables) == 1 {
		title = "Clear " + w.name(tables[0])
	}
	w.line("  - id: %s", clearID(i))
	w.line("    title: %s", text(title))
	if last {
		w.line("    risk: critical")
		w.line("    point_of_no_return: true")
	} else {
		w.line("    risk: high")
	}
	w.plan(clearID(i))
	if last {
		w.line("    confirm:")
		w.line("      - {id: sure, text: What was deleted so far is what was meant}")
	}
	w.list("delete", tables, w.Why)
}

func (w *writer) verify() {
	w.line("  - id: verify")
	w.line("    title: Look at what is left")
	w.plan("verify")
	w.list("count", w.kept(), nil)
	w.list("zero", w.Clear, nil)
	w.line("")
}

func (w *writer) after() {
	w.line("after:")
	w.line("  - id: back")
	w.line("    title: Back to normal")
	w.line("    items:")
	if len(w.triggers()) > 0 {
		w.line("      - id: triggers_back")
		w.line("        text: The triggers are as they were")
		w.line("        action: {name: triggers.restore}")
		w.line("        check: {database: triggers.restored, remedy: Restore them by this item's key.}")
	}
	w.line("      - {id: works, text: The application works}")
	w.line("      - {id: said, text: Everybody was told that it is done}")
}

var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_. ]*[A-Za-z0-9_]$`)

// text is a YAML scalar.
func text(s string) string {
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "nan", "inf":
	default:
		if plain.MatchString(s) {
			return s
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b) // what is in quotes in JSON is so in YAML
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string that is no UTF-8 is made so, and nothing else fails
		return "null"
	}
	return strings.TrimSpace(b.String())
}

func oneLine(s string) string { return strings.Join(strings.Fields(phases.Clean(s)), " ") }

var bare = regexp.MustCompile(`^[a-z_][a-z0-9_$]*$`)

// written is a name as a runbook writes it.
func written(name string) string {
	if bare.MatchString(name) {
		return name
	}
	return schema.Quoted(name)
}
