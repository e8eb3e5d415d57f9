package cli

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files anew")

// Licences ask that their texts go with the program: with all of its modules,
// those that go.mod has today, on every system that a release is made for.
func TestLicencesAreThoseOfWhatIsBuiltIn(t *testing.T) {
	want := licencesOf(t)
	if *update {
		if err := os.WriteFile("licences.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if licencesText != want {
		t.Error("licences.txt is not what the modules say: run the test with -update")
	}
	for _, known := range []string{"The Go standard library", "github.com/jackc/pgx/v5 v", "github.com/spf13/cobra v", "charm.land/bubbletea/v2 v"} {
		if !strings.Contains(licencesText, "\n"+known) {
			t.Errorf("%q is not in the list", known)
		}
	}
}

// licencesOf puts together the text: the program's own licence, Go's, and each
// module's. The same text is given once, under all that it is for.
func licencesOf(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"tminus": "../..", "The Go standard library": strings.TrimSpace(string(root))}
	for _, system := range []string{"linux", "darwin"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "tminus")
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("list the modules for %s: %v", system, err)
		}
		for line := range strings.Lines(string(out)) {
			if name, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				folders[name] = dir
			}
		}
	}
	names := map[string][]string{}
	for name, dir := range folders {
		text := licenceIn(t, dir)
		names[text] = append(names[text], name)
	}
	var parts []string
	for text, all := range names {
		slices.Sort(all)
		parts = append(parts, strings.Join(all, "\n")+"\n\n"+text)
	}
	slices.Sort(parts)
	rule := strings.Repeat("=", 80) + "\n"
	return rule + strings.Join(parts, "\n"+rule)
}

// licenceIn is the licence of the module in a folder, with its notice, where
// one has to be passed on, and its grant of patents.
func licenceIn(t *testing.T, dir string) string {
	t.Helper()
	var text []string
	// The texts of Creative Commons in a folder of licences are for pictures, which
	// are not built in.
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "PATENTS*", "LICENSES/[!C]*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))+"\n")
		}
	}
	if len(text) == 0 {
		t.Fatalf("no licence is found in %s", dir)
	}
	return strings.Join(text, "\n")
}
