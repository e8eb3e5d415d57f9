package phases

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// An event that nobody listed could be recorded, and never read again.
func TestEveryEventIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, e := range kinds {
		if listed[e.Kind()] {
			t.Errorf("%s is listed twice", e.Kind())
		}
		listed[e.Kind()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != "Kind" || f.Recv == nil {
				continue
			}
			found++
			name := strings.Trim(f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit).Value, `"`)
			if !listed[name] {
				t.Errorf("%s: the event %s is not among kinds", file, name)
			}
		}
	}
	if found != len(kinds) {
		t.Errorf("%d events stand in the files, %d are listed", found, len(kinds))
	}
}
