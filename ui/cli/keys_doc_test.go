package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tminus/ui"
	"tminus/ui/dialog"
	"tminus/ui/look"
	"tminus/ui/pick"
	"tminus/ui/plain"
	"tminus/ui/replay"
)

// docs/keys.md is made of the tables that dispatch, hints and help pages read.
// With -update it is written anew.
func TestKeysPage(t *testing.T) {
	const path = "../../docs/keys.md"
	var b strings.Builder
	b.WriteString(`# Keys

Made from the program's own tables, by ` + "`go test ./ui/cli -run Keys -update`" + `. On screen the last line names
the keys that make sense now, and ` + "`?`" + ` shows all of them: what can be pressed, and for the rest why not.
A key that does nothing says why on the line above the keys.
`)
	section(&b, "The operator's screen", "What `tminus run`, `resume`, `rehearse`, `demo` and `undo` show.", ui.OperatorKeys())
	section(&b, "A question over it", "It opens on its first field, or on No where it has none. A yes that ticks, or cannot be taken back, wants the keyboard quiet before it.", dialog.Keys())
	section(&b, "While letters are text", "After `/` and `:`. Any other key is typed.", ui.EnteringKeys())
	section(&b, "A reader's screen", "`tminus watch`. Nothing on it acts.", ui.WatchKeys())
	section(&b, "The mirror", "The same over SSH. It opens on the pane undo, and stays there until you go elsewhere or follow the run.", ui.NewMirrorViewer(ui.ViewerOptions{}).Keys())
	section(&b, "A replay", "`tminus replay`.", replay.Keys())
	section(&b, "Choosing tables", "`tminus init` without `--clear`.", pick.Keys())
	b.WriteString("\n## Words of the plain mode\n\n`--plain`, a pipe, or `TERM=dumb`. A question says what can be answered; these can be said at any time.\n\n| word | what it does |\n| --- | --- |\n")
	for _, w := range plain.Words() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", cell(strings.TrimSpace(w.Word+" "+w.Takes)), cell(w.Does))
	}
	got, err := os.ReadFile(path)
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	case string(got) != b.String():
		t.Errorf("%s is not what the tables say: run the test with -update", path)
	}
}

// section is a screen's keys, a table a heading.
func section(b *strings.Builder, title, text string, rows []look.KeyRow) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", title, text)
	for i, r := range rows {
		if i == 0 || rows[i-1].Group != r.Group {
			fmt.Fprintf(b, "\n| %s | |\n| --- | --- |\n", strings.ToLower(r.Group))
		}
		keys := slices.Clone(r.Keys)
		for j := range keys {
			keys[j] = "`" + look.KeyNames(keys[j:j+1]) + "`"
		}
		fmt.Fprintf(b, "| %s | %s |\n", cell(strings.Join(keys, " ")), cell(r.Help))
	}
}
