// Package house holds the source tree against its own rules: which package may
// import which, what stands at the top level, how long a file and a function
// may be, and that packages and exported names are described. It reads source
// files alone, so that a rule that is broken is told even where the build is.
//
// Tests may import what they like and be as long as they like.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What a file and a function may have, in lines.
const (
	maxFile     = 500
	maxFunction = 60
)

// topLevel is all that may stand at the top: the three rooms, the usual
// files beside it, and what make and git leave there.
var topLevel = []string{
	"main.go", "main_test.go", "ui", "phases", "db", "testdata", "docs", "go.mod", "go.sum",
	"README.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile", "CHANGELOG.md", "bin", "vendor",
}

// arrow forbids the packages below a folder to import those below others.
type arrow struct {
	from   string
	except []string // folders below it that may
	never  []string
	why    string
}

// effects are what acts on something outside of the program, or waits for it.
var effects = []string{"net/http", "net", "os/exec", "os/signal", "os/user", "sync", "syscall", "crypto/rand", "math/rand", "log", "tminus/phases/engine", "tminus/phases/engine/outside"}

var arrows = []arrow{
	{"phases", nil, []string{"tminus/ui", "tminus/db", "github.com/jackc"}, "phases is the ground: it knows neither screen nor driver"},
	{"phases", []string{"phases/engine", "phases/journal"}, effects, "facts are apart from effects: what acts is the engine's"},
	{"ui/mirror", nil, []string{"tminus/phases/engine"}, "a mirror has no engine: it has no way to act"},
	{"ui/monitor", nil, []string{"tminus/phases/engine", "tminus/ui", "charm.land"}, "what tells other programs reads the journal: it has no way to act, and needs no screen"},
	{"ui/replay", nil, []string{"tminus/phases/engine"}, "a replay has no engine: what it shows is over"},
	{"phases/check", nil, []string{"tminus"}, "what a check is stands alone: the runbook's rules, the run and the database read it"},
	{"phases/schema", nil, []string{"tminus/phases/lint", "tminus/phases/journal", "tminus/phases/report"}, "what a database holds is plain data, with the names that a runbook gives it"},
	{"phases/step", nil, []string{"tminus"}, "what a phase can do stands alone: the runbook's rules, the run and the database read it"},
	{"phases/lint", nil, []string{"tminus/phases/journal"}, "lint holds a runbook against a schema, and knows no run"},
	{"ui/look", nil, []string{"tminus/ui"}, "look is what the others are written with: it knows none of them"},
	{"ui/pane", nil, []string{"tminus/ui/", "tminus/phases/engine", "charm.land/bubbletea"}, "a pane draws, and does nothing else"},
	{"ui/dialog", nil, []string{"tminus/ui/", "tminus/phases/engine"}, "a dialog asks what it is told to ask"},
	{"ui/pick", nil, []string{"tminus/phases/engine", "tminus/phases/journal", "tminus/ui/pane", "tminus/ui/cli"}, "a choice is made of a schema, and knows no run"},
	{"ui/plain", nil, []string{"tminus/ui/", "charm.land/bubbletea"}, "lines are another way to see a run, and need no screen"},
	{"db", nil, []string{"tminus/ui"}, "db and ui do not know each other: main joins them"},
	{"ui", nil, []string{"tminus/db", "github.com/jackc"}, "db and ui do not know each other: main joins them"},
}

// Mistakes gives a sentence for each rule that the tree at root breaks.
func Mistakes(root string) ([]string, error) {
	out, err := strangers(root)
	if err != nil {
		return nil, err
	}
	described := map[string]bool{}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (name == "testdata" || strings.HasPrefix(name, ".") || name == "bin" || name == "vendor") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		found, hasDoc, err := inFile(file, filepath.ToSlash(rel))
		folder := path.Dir(filepath.ToSlash(rel))
		described[folder] = described[folder] || hasDoc
		out = append(out, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	lost, err := offTheMap(root)
	out = append(out, lost...)
	for folder, ok := range described {
		if !ok {
			out = append(out, fmt.Sprintf("package %s has no package comment: say in its doc.go what it is for, and who may call what", folder))
		}
	}
	slices.Sort(out)
	return out, err
}

// strangers are what stands at the top level and has no place there.
func strangers(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel, e.Name()) {
			out = append(out, fmt.Sprintf("%s stands at the top level: its place is below one of %s", e.Name(), strings.Join(topLevel[2:7], ", ")))
		}
	}
	return out, nil
}

// inFile checks one source file, and tells whether it has the package comment.
func inFile(file, rel string) (out []string, described bool, err error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
	if err != nil {
		return nil, false, err
	}
	if n := fset.File(tree.Pos()).LineCount(); n >= maxFile {
		out = append(out, fmt.Sprintf("%s has %d lines: a file has less than %d", rel, n, maxFile))
	}
	for _, spec := range tree.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, false, err
		}
		if why := forbidden(rel, to); why != "" {
			out = append(out, fmt.Sprintf("%s:%d imports %s: %s", rel, fset.Position(spec.Pos()).Line, to, why))
		}
	}
	for _, decl := range tree.Decls {
		out = append(out, inDecl(fset, rel, decl)...)
	}
	return out, tree.Doc != nil, nil
}

func forbidden(rel, to string) string {
	if to == "net/url" { // it reads text, and no network
		return ""
	}
	for _, a := range arrows {
		if !strings.HasPrefix(rel, a.from+"/") || slices.ContainsFunc(a.except, func(f string) bool { return strings.HasPrefix(rel, f+"/") }) {
			continue
		}
		for _, never := range a.never {
			// A never that ends in a slash lets the look of things pass: all
			// rooms of the screen are written with it.
			if room, but := strings.CutSuffix(never, "/"); but && to == room+"/look" {
				continue
			} else if to == room || strings.HasPrefix(to, room+"/") {
				return a.why
			}
		}
	}
	return ""
}

func inDecl(fset *token.FileSet, rel string, decl ast.Decl) (out []string) {
	at := fset.Position(decl.Pos())
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if n := fset.Position(d.End()).Line - at.Line + 1; n >= maxFunction {
			out = append(out, fmt.Sprintf("%s:%d: %s has %d lines: a function has less than %d", rel, at.Line, d.Name.Name, n, maxFunction))
		}
		if d.Recv == nil && d.Name.IsExported() && !begins(d.Doc, d.Name.Name) {
			out = append(out, undescribed(rel, at.Line, d.Name.Name))
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok && t.Name.IsExported() && !begins(t.Doc, t.Name.Name) && !begins(d.Doc, t.Name.Name) && !d.Lparen.IsValid() {
				out = append(out, undescribed(rel, fset.Position(t.Pos()).Line, t.Name.Name))
			}
		}
	}
	return out
}

func begins(doc *ast.CommentGroup, name string) bool {
	return doc != nil && slices.Contains(strings.Fields(doc.Text())[:min(2, len(strings.Fields(doc.Text())))], name)
}

func undescribed(rel string, line int, name string) string {
	return fmt.Sprintf("%s:%d: the exported %s has no sentence that starts with its name", rel, line, name)
}
