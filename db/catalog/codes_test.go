package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tminus/phases/lint"
	"tminus/phases/schema"
)

func TestFindingsOfTheServer(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	book := parse(t, "tminus: 1\ntitle: T\n"+deletes("parent"))
	for code, is := range map[string]func(*schema.Server){
		"server-recovery":  func(s *schema.Server) { s.InRecovery = true },
		"server-read-only": func(s *schema.Server) { s.ReadOnly = true },
		"server-uncounted": func(s *schema.Server) { s.TrackCounts = false },
		"server-blind":     func(s *schema.Server) { s.SeesOthers = false },
		"server-forgetful": func(s *schema.Server) { s.Fsync = false },
		"server-styles":    func(s *schema.Server) { s.Styles = []string{"TimeZone Europe/Berlin"} },
		"server-old":       func(s *schema.Server) { s.Version = 130000 },
		"server-pooler":    func(s *schema.Server) { s.Pooled = true },
	} {
		s := with(t, conn, base)
		s.Server = schema.Server{Version: 150000, Role: "me", Database: "d", SeesOthers: true, Fsync: true, TrackCounts: true, MakesSchemas: true}
		if f := lint.New(book, s).Findings(); len(f) != 0 {
			t.Errorf("an able server: %+v", f)
		}
		is(&s.Server)
		if f := lint.New(book, s).Findings(); len(f) != 1 || f[0].Code != code {
			t.Errorf("%s: %+v", code, f)
		}
	}
}

// What is named in no test, no test finds.
func TestEveryCodeIsTested(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../../phases/lint/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(source)
		}
	}
	for _, c := range lint.Codes() {
		if !strings.Contains(tests.String(), c.Name) {
			t.Errorf("%s is in no test", c.Name)
		}
		if c.Means == "" || c.Do == "" || strings.HasSuffix(c.Do, ".") {
			t.Errorf("%s is explained as %q, %q", c.Name, c.Means, c.Do)
		}
	}
}
