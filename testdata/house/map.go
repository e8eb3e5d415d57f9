package house

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mapFile holds the map: a block of indented lines, a folder each, with what it
// is for.
const mapFile = "docs/architecture.md"

// offTheMap gives a sentence for each package that the map does not name, and
// for each folder of the map that is no package.
func offTheMap(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(mapFile)))
	if err != nil {
		return nil, fmt.Errorf("read the map of the packages: %w", err)
	}
	named := mapped(string(text))
	var out []string
	for _, room := range topLevel[2:5] {
		err := filepath.WalkDir(filepath.Join(root, room), func(file string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "testdata" {
				return fs.SkipDir
			}
			sources, err := filepath.Glob(filepath.Join(file, "*.go"))
			if err != nil || len(sources) == 0 {
				return err
			}
			rel, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			if i := slices.Index(named, filepath.ToSlash(rel)); i >= 0 {
				named = slices.Delete(named, i, i+1)
			} else {
				out = append(out, fmt.Sprintf("%s does not name the package %s", mapFile, filepath.ToSlash(rel)))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, folder := range named {
		out = append(out, fmt.Sprintf("%s names %s, which is no package", mapFile, folder))
	}
	return out, nil
}

// mapped are the folders that the first indented block names, as paths.
func mapped(text string) []string {
	var out, above []string
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "    ")
		if !ok {
			if len(out) > 0 {
				break
			}
			continue
		}
		name, _, _ := strings.Cut(strings.TrimLeft(rest, " "), "/")
		depth := (len(rest) - len(strings.TrimLeft(rest, " "))) / 2
		above = append(above[:min(depth, len(above))], name)
		out = append(out, path.Join(above...))
	}
	return out
}
