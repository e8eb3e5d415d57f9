package runbook

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Undo is what an undo of phases is made of: a runbook like any other, whose
// phases put capsules back.
type Undo struct {
	Of      *Runbook    // the runbook whose phases are undone
	Phases  []UndoPhase // in the order in which they are undone, the newest first
	Keep    []string    // tables where a row that is in the way stays
	Replace []string    // tables where a row that is in the way goes
}

// UndoPhase is one phase that is undone.
type UndoPhase struct {
	Phase   *Phase
	Folder  string   // of its capsule, an absolute path
	SHA256  string   // of the capsule's manifest
	Tables  []string // that the capsule has rows of
	Planned time.Duration
	Words   string // what comes back
}

// undoSlack is how long an undo may start its last phase after all should be
// done: whoever undoes has no other plan.
const undoSlack = time.Hour

// Source is the runbook as a file.
func (u Undo) Source() []byte {
	w := &lines{}
	var planned time.Duration
	for _, p := range u.Phases {
		planned += p.Planned
	}
	w.add("# Made by tminus undo: the last phase first, each in one transaction.")
	w.add("tminus: %d", Version)
	w.add("title: %s", yamlText(cutLine("Undo: "+u.Of.Title)))
	w.add("schema: %s", yamlText(asWritten(u.Of.Schema)))
	w.add("window: {opens: 15m, gate: 1m, planned: %s, abort: %s}", FormatDuration(planned), FormatDuration(min(planned+undoSlack, MaxDuration)))
	w.contacts(u.Of.Contacts)
	if protected := u.protected(); len(protected) > 0 {
		w.add("protected: %s", yamlList(protected))
	}
	if !u.Of.Ledger {
		w.add("ledger: none")
	}
	w.add("rehearsal: none")
	w.add("capsule: off")
	w.checklist()
	w.add("gate: {text: Rows come back into a database that others use. Go?}")
	w.add("phases:")
	for _, p := range u.Phases {
		u.phase(w, p)
	}
	w.add("after:")
	w.add("  - id: after")
	w.add("    title: After the undo")
	w.add("    items:")
	w.add("      - {id: looked, text: The application works with the rows that came back}")
	w.add("      - {id: said, text: Whoever waited knows that it is done}")
	return []byte(w.String())
}

// protected are the tables that the runbook protected, which an undo leaves alone
// as well.
func (u Undo) protected() []string {
	touched := map[string]bool{}
	for _, p := range u.Phases {
		for _, t := range p.Tables {
			touched[t] = true
		}
	}
	var out []string
	for _, t := range u.Of.Protected {
		if !touched[t] {
			out = append(out, t)
		}
	}
	return out
}

// checklist has ids of its own: those of phases begin as UndoID says.
func (w *lines) checklist() {
	w.add("checklist:")
	w.add("  - id: before")
	w.add("    title: Before anything is put back")
	w.add("    items:")
	w.add("      - id: capsules_whole")
	w.add("        text: The capsules are those that the run kept, and can be read")
	w.add("        check: {database: capsule.whole, every: 30m, timeout: 10m, remedy: Find the capsules that belong to the journal; without them only a restore helps.}")
	w.add("      - id: capsules_clear")
	w.add("        text: Nothing that was written since is in the way")
	w.add("        check: {database: capsule.clear, every: 5m, timeout: 10m, remedy: \"See `tminus undo JOURNAL --plan`, and begin anew with --keep or --replace and the table.\"}")
	w.add("      - {id: decided, text: Whoever answers for the data wants it back by undo and not by a restore}")
	w.add("      - {id: told, text: Everybody who works with the database knows that rows come back}")
}

func (w *lines) contacts(all []Contact) {
	if len(all) == 0 {
		return
	}
	w.add("contacts:")
	for _, c := range all {
		line := "role: " + yamlText(c.Role)
		if c.Name != "" {
			line += ", name: " + yamlText(c.Name)
		}
		if c.Phone != "" {
			line += ", phone: " + yamlText(c.Phone)
		}
		w.add("  - {%s}", line)
	}
}

func (u Undo) phase(w *lines, p UndoPhase) {
	w.add("  - id: %s", yamlText(UndoID(p.Phase.ID)))
	w.add("    title: %s", yamlText(cutLine("Put back: "+p.Phase.Title)))
	w.add("    risk: high")
	w.add("    planned: %s", FormatDuration(p.Planned))
	w.add("    notes: [%s]", yamlText(cutLine(p.Words)))
	w.add("    steps:")
	w.add("      - put_back: %s", yamlText(p.Folder))
	w.add("        sha256: %s", yamlText(p.SHA256))
	w.add("        touch: %s", yamlList(p.Tables))
	for _, choice := range []struct {
		key    string
		tables []string
	}{{"keep", u.Keep}, {"replace", u.Replace}} {
		var of []string
		for _, t := range choice.tables {
			for _, has := range p.Tables {
				if has == t {
					of = append(of, t)
				}
			}
		}
		if len(of) > 0 {
			w.add("        %s: %s", choice.key, yamlList(of))
		}
	}
	w.add("    after_commit: [{vacuum: %s}]", yamlList(p.Tables))
}

// UndoID is the id of the phase that undoes another one. Of one that would be too
// long, a sum stands for the end.
func UndoID(phase string) string {
	id := "undo_" + phase
	if len(id) <= maxID {
		return id
	}
	sum := sha256.Sum256([]byte(phase))
	return fmt.Sprintf("%s_%x", id[:maxID-9], sum[:4])
}

func cutLine(s string) string {
	if r := []rune(s); len(r) > maxLine {
		return string(r[:maxLine-1]) + "…"
	}
	return s
}

// lines are a file's.
type lines struct{ strings.Builder }

func (w *lines) add(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// yamlText is a text in double quotes.
func yamlText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

func yamlList(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, yamlText(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
